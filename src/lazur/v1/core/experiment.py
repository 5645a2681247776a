"""`Experiment(workspace, name).submit(config)`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lazur.azureml._lazur import runs
from lazur.v1.core.logged import LoggedRun, tracked
from lazur.v1.core.run import Run
from lazur.v1.core.script_run_config import ScriptRunConfig
from lazur.v1.core.submission import prepared
from lazur.v1.told import ignored, refused

if TYPE_CHECKING:
    from lazur.v1.core.workspace import Workspace


class Experiment:
    def __init__(self, workspace: Workspace, name: str, **_: Any) -> None:
        self.workspace = workspace
        self.name = name

    def submit(self, config: Any, tags: Mapping[str, str] | None = None, **kwargs: Any) -> Run:
        """A script, an estimator or a sweep becomes a job."""
        display_name = kwargs.pop("display_name", None)
        more: dict[str, Any] = {"experiment_name": self.name}
        more |= {"tags": dict(tags)} if tags else {}
        more |= {"display_name": display_name} if display_name else {}
        if hasattr(config, "submit_to"):  # a sweep, a pipeline
            return config.submit_to(self, more, **kwargs)
        ignored("Experiment.submit", kwargs)
        script = (
            config.to_script_run_config() if hasattr(config, "to_script_run_config") else config
        )
        if not isinstance(script, ScriptRunConfig):
            raise refused(
                f"Submitting a {type(config).__name__}",
                "It is a ScriptRunConfig, an estimator, a HyperDriveConfig or a Pipeline.",
            )
        with prepared(script, **more) as source:
            return Run(self, self.workspace.client.jobs.submit(source).name)

    def start_logging(self, *_: Any, display_name: str | None = None, **more: Any) -> LoggedRun:
        """A run of this process, until `complete()`."""
        ignored("Experiment.start_logging", more)
        wire = tracked(self.workspace)
        made = runs.begun(wire, runs.experiment_id(wire, self.name), name=display_name)
        return LoggedRun(self, wire, made)

    def get_runs(self, *given: Any, **named: Any) -> Iterator[Any]:
        return Run.list(self, *given, **named)

    @staticmethod
    def list(workspace: Workspace, **_: Any) -> Any:
        return list(workspace.experiments.values())

    def get_portal_url(self) -> str:
        return self.workspace.client.url

    def __repr__(self) -> str:
        return f"Experiment(Name: {self.name}, Workspace: {self.workspace.name})"
