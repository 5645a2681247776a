"""A database belongs to one home."""

from __future__ import annotations

from pathlib import Path

import pytest

from lazur.errors import Conflict
from lazur.services.base import workspaces
from lazur.services.base.home import Home
from tests.site import TestSite


class TestHome:
    def test_keeps_its_identity_whatever_the_machine_is_called(self, tmp_path: Path) -> None:
        home = Home(tmp_path)
        first = home.identity()
        assert Home(tmp_path).identity() == first
        assert (tmp_path / "id").stat().st_mode & 0o777 == 0o600

    def test_two_homes_differ(self, tmp_path: Path) -> None:
        (tmp_path / "other").mkdir()
        assert Home(tmp_path).identity() != Home(tmp_path / "other").identity()


class TestDatabase:
    def test_of_another_home_is_refused(self, site: TestSite) -> None:
        site.runner = "elsewhere"
        with pytest.raises(Conflict, match="belongs to another home"), site.context() as context:
            workspaces.ensure_default(context)

    def test_of_this_home_is_opened_again(self, site: TestSite) -> None:
        with site.context() as context:
            workspaces.ensure_default(context)
