"""`azureml.pipeline.steps`."""

from typing import Any, NoReturn

from lazur.v1.pipeline.steps.hyper_drive_step import HyperDriveStep as HyperDriveStep
from lazur.v1.pipeline.steps.hyper_drive_step import HyperDriveStepRun as HyperDriveStepRun
from lazur.v1.pipeline.steps.parallel_run_config import ParallelRunConfig as ParallelRunConfig
from lazur.v1.pipeline.steps.parallel_run_step import ParallelRunStep as ParallelRunStep
from lazur.v1.pipeline.steps.scripts import CommandStep as CommandStep
from lazur.v1.pipeline.steps.scripts import EstimatorStep as EstimatorStep
from lazur.v1.pipeline.steps.scripts import MpiStep as MpiStep
from lazur.v1.pipeline.steps.scripts import PythonScriptStep as PythonScriptStep
from lazur.v1.told import refused

_INSTEAD = {
    "DataTransferStep": "Copy in a PythonScriptStep, or name the datastore in an input.",
    "DatabricksStep": "Run the script in a PythonScriptStep, with PySpark in its environment.",
    "SynapseSparkStep": "Run the script in a PythonScriptStep, with PySpark in its environment.",
    "AutoMLStep": "Try models in a HyperDriveStep.",
    "ModuleStep": "Use a component: docs/pipelines.md.",
}
_OTHERS = ("AdlaStep", "AzureBatchStep", "KustoStep", "RScriptStep", "AutoMLStepRun")


class _Refused:
    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, *_: Any, **__: Any) -> NoReturn:
        raise refused(self.name, _INSTEAD.get(self.name, "Run a script in a PythonScriptStep."))


def __getattr__(name: str) -> _Refused:
    """Imported by many scripts that do not use them: so only a use is refused."""
    if name in _INSTEAD or name in _OTHERS:
        return _Refused(name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
