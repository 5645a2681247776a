from __future__ import annotations

from pathlib import Path

import pytest

from lazur.errors import Invalid, NotFound
from lazur.v1.core import Workspace


class TestConfig:
    def test_a_file_of_another_sort_is_told(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Models have a config.json, too."""
        monkeypatch.chdir(tmp_path)
        (tmp_path / "config.json").write_text('{"model_type": "bert"}')
        with pytest.raises(Invalid, match="names no workspace_name"):
            Workspace.from_config()

    def test_it_may_have_another_name(self, tmp_path: Path) -> None:
        (tmp_path / ".azureml").mkdir()
        (tmp_path / ".azureml" / "mine.json").write_text("[]")
        with pytest.raises(Invalid, match=r"mine\.json names no"):
            Workspace.from_config(str(tmp_path), _file_name="mine.json")
        with pytest.raises(NotFound, match=r"no other\.json in"):
            Workspace.from_config(str(tmp_path), _file_name="other.json")
