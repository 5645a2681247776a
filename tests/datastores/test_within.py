"""A folder of a datastore is a datastore."""

from __future__ import annotations

from pathlib import Path

import pytest

from lazur.datastores._within import Within
from lazur.datastores.local import Local
from lazur.engine.contracts import Datastore
from lazur.testing.datastores import DatastoreContract


@pytest.fixture
def whole(tmp_path: Path) -> Local:
    (tmp_path / "store").mkdir()
    return Local({"path": str(tmp_path / "store")})


class TestContract(DatastoreContract):
    @pytest.fixture
    def store(self, whole: Local) -> Datastore:
        return Within(whole, "team/outputs")


class TestBounds:
    def test_what_lies_beside_is_not_seen(self, whole: Local) -> None:
        whole.put("team/other", iter([b"x"]), 1)
        whole.put("team/outputs-too/a", iter([b"x"]), 1)
        inside = Within(whole, "team/outputs")
        inside.put("a/b", iter([b"x"]), 1)
        assert [found.path for found in inside.list()] == ["a/b"]
        assert "team/outputs/a/b" in [found.path for found in whole.list()]
