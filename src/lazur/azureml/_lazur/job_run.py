"""The run of this job, as `Run.get_context()` gives it."""

from __future__ import annotations

import atexit
import os
import sys
from functools import cached_property

from ..exceptions import RunEnvironmentException
from .models import register
from .offline import OfflineRun
from .run_files import KeptFiles
from .runs import TrackedRun, by_id, own_tracking
from .tables import given

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


_runs: dict[str, JobRun] = {}
"""One for the whole process: it counts the steps of what is logged."""


def get_context(allow_offline: bool = True, **_: Any) -> Any:
    """The run of this job; outside of a job one that prints what it is told."""
    # MLflow takes its variable away when a run begins. That of the job stays, in all processes.
    told = os.environ
    run_id = told.get("MLFLOW_RUN_ID")
    name = told.get("AZUREML_RUN_ID") or run_id
    if name and told.get("MLFLOW_TRACKING_URI"):
        if name not in _runs:
            _runs[name] = JobRun(name, run_id or by_id(name)._run_id)
        return _runs[name]
    if not allow_offline:
        raise RunEnvironmentException(
            "This script does not run in a job, and Run.get_context(allow_offline=False) asks for"
            " one. Submit it, or leave allow_offline out."
        )
    return OfflineRun()


class JobRun(KeptFiles, TrackedRun):
    """The run of this job."""

    def __init__(self, name: str, run_id: str) -> None:
        TrackedRun.__init__(self, own_tracking(), run_id)
        self.id = self.run_id = self.name = name  # Azure's id of a run is the job's name
        self._failed = 0
        atexit.register(self._last)

    def fail(self, error_details: Any = None, error_code: Any = None, **_: Any) -> None:
        """The job fails as soon as the script ends, however it does."""
        sys.stderr.write("The script says that its run has failed: %s\n" % (error_details or ""))
        self._failed = os.getpid()
        self.end("FAILED")

    def _last(self) -> None:
        """Begun early, so all others have had their turn."""
        if self._failed == os.getpid():
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(1)

    @cached_property
    def input_datasets(self) -> dict[str, Any]:
        """The paths of the job's inputs, and what the script adds to them."""
        return given("AZURE_ML_INPUT_")

    @cached_property
    def output_datasets(self) -> dict[str, Any]:
        return given("AZURE_ML_OUTPUT_")

    def get_portal_url(self) -> str:
        told = os.environ
        parts = (told.get("LAZUR_SERVER", ""), told.get("LAZUR_WORKSPACE", ""), self.id)
        return "%s/jobs/%s/%s" % parts

    def register_model(
        self, model_name: str, model_path: str | None = None, tags: Any = None, **more: Any
    ) -> Any:
        """`model_path` is as `get_file_names()` tells it, or of a file that is here."""
        return register(model_name, model_path or model_name, tags, is_kept=True, **more)

    def get_environment_variables(self) -> dict[str, str]:
        return dict(os.environ)
