from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lazur.azureml._lazur.models import fits
from lazur.azureml.core import Model

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
