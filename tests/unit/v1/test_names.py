from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from lazur import v1

_FOLDER = Path(v1.__file__).parent


class TestModules:
    @pytest.mark.parametrize(
        "name",
        [
            "contrib.pipeline.steps",
            "core.authentication",
            "core.compute",
            "data.data_reference",
            "data.datapath",
            "data.dataset_consumption_config",
            "data.dataset_factory",
            "exceptions",
            "pipeline.core.graph",
            "pipeline.core.run",
            "pipeline.core.schedule",
            "pipeline.steps.python_script_step",
            "telemetry",
            "train.hyperdrive",
            "widgets",
        ],
    )
    def test_are_where_azures_are(self, name: str) -> None:
        importlib.import_module(f"lazur.v1.{name}")

    def test_each_is_imported_by_itself(self) -> None:
        for file in sorted(_FOLDER.rglob("*.py")):
            name = file.relative_to(_FOLDER.parent.parent).with_suffix("").as_posix()
            importlib.import_module(name.removesuffix("/__init__").replace("/", "."))
