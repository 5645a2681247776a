from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from lazur import v1
from lazur.errors import Unsupported

_FOLDER = Path(v1.__file__).parent


class TestModules:
    @pytest.mark.parametrize(
        "name",
        [
            "contrib.pipeline.steps",
            "core.authentication",
            "core.compute",
            "core.image",
            "core.keyvault",
            "core.resource_configuration",
            "core.webservice",
            "data.azure_storage_datastore",
            "data.data_reference",
            "data.datapath",
            "data.dataset_consumption_config",
            "data.dataset_factory",
            "exceptions",
            "mlflow",
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

    @pytest.mark.parametrize(
        "module, name",
        [
            ("core", "LinkedService"),
            ("core.authentication", "ArcTokenAuthentication"),
            ("core.compute", "AksCompute"),
            ("core.model", "InferenceConfig"),
            ("core.webservice", "AciWebservice"),
            ("pipeline.core", "Module"),
        ],
    )
    def test_more_names_can_be_imported_than_used(self, module: str, name: str) -> None:
        found = getattr(importlib.import_module(f"lazur.v1.{module}"), name)
        with pytest.raises(Unsupported, match=name):
            found()
        with pytest.raises(Unsupported, match=f"{name}.deploy_configuration"):
            found.deploy_configuration()

    def test_a_try_for_what_is_not_there_stays_one(self) -> None:
        with pytest.raises(AttributeError):
            importlib.import_module("lazur.v1.core").nothing  # noqa: B018 - is it there?
