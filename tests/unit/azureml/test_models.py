from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lazur.azureml._lazur import models
from lazur.azureml._lazur.models import fits
from lazur.azureml.core import Model
from lazur.azureml.exceptions import WebserviceException

_OWN = {"area": "wine", "mse": "3"}


class TestFilters:
    @pytest.mark.parametrize(
        "wanted, expected",
        [
            (None, True),
            ([], True),
            (["area"], True),
            ([["area", "wine"]], True),
            ([["area", "glass"]], False),
            ([["area", "wine"], "kind"], False),
            ({"mse": "3"}, True),
        ],
    )
    def test_are_as_v1_writes_them(self, wanted: Any, expected: bool) -> None:
        assert fits(_OWN, wanted) is expected


class TestPaths:
    def test_of_a_service_are_below_its_folder(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "model.pkl").write_text("weights")
        monkeypatch.setenv("AZUREML_MODEL_DIR", str(tmp_path))

        assert Model.get_model_path("wine") == str(tmp_path / "model.pkl")
        assert Model.get_model_path("model.pkl") == str(tmp_path / "model.pkl")

    def test_that_nobody_knows_are_told(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """In the words that v1's scripts look for."""
        monkeypatch.chdir(tmp_path)
        for name in ("AZUREML_MODEL_DIR", "LAZUR_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        with pytest.raises(WebserviceException, match="ModelNotFound"):
            Model.get_model_path("wine")


class _Room:
    """A workspace that takes what it is given."""

    def __init__(self) -> None:
        self.wire = self
        self.made: list[dict[str, Any]] = []

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self.made.append(body)
        return {**body, "version": str(len(self.made))}


class TestRegister:
    @pytest.fixture
    def room(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> _Room:
        made = _Room()
        monkeypatch.setattr(models, "Room", lambda: made)
        monkeypatch.setattr(models, "_taken", set())
        monkeypatch.setenv("LAZUR_JOB", "job-1")
        monkeypatch.chdir(tmp_path)
        return made

    def _places(self, room: _Room) -> list[str]:
        return [body["path"].partition("/paths/")[2] for body in room.made]

    def test_each_version_has_files_of_its_own(self, room: _Room) -> None:
        for text in ("one", "two"):
            Path("m.txt").write_text(text)
            Model.register(None, "m.txt", "wine")

        places = self._places(room)
        assert [Path(place).read_text() for place in places] == ["one", "two"]
        assert {Path(place).name for place in places} == {"m.txt"}

    def test_a_run_has_its_own_before_others(self, room: _Room) -> None:
        """A folder of the code may have the name of what was uploaded."""
        Path("models").mkdir()
        Path("outputs/models").mkdir(parents=True)
        Path("outputs/models/w.bin").write_text("weights")
        models.register("wine", "models", is_kept=True)
        models.register("wine", "./outputs/models/", is_kept=True)

        first, second = self._places(room)
        assert first == "outputs/models"
        assert (Path(second) / "w.bin").read_text() == "weights"
        assert second != first

    def test_all_that_was_written_is_one(self, room: _Room) -> None:
        Path("outputs").mkdir()
        Path("outputs/w.bin").write_text("weights")
        Model.register(None, "outputs", "wine")
        Model.register(None, "outputs", "wine")

        [_, place] = self._places(room)
        assert [path.name for path in Path(place).rglob("*")] == ["w.bin"]

    def test_what_is_not_there_is_told(self, room: _Room) -> None:
        with pytest.raises(WebserviceException, match=r"no gone\.pkl"):
            Model.register(None, "gone.pkl", "wine")
