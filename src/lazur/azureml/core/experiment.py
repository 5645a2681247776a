"""`azureml.core.experiment`."""

from __future__ import annotations

from .._lazur import runs
from .._lazur.absent import refused
from .._lazur.told import ignored
from .workspace import Workspace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator


class Experiment:
    """Its runs, and runs that a script begins in it."""

    def __init__(self, workspace: Any = None, name: str = "", **_: Any) -> None:
        self._workspace = workspace
        self.name = name

    @property
    def workspace(self) -> Any:
        return self._workspace or Workspace()

    @property
    def id(self) -> str:
        return runs.experiment_id(runs.own_tracking(), self.name)

    def start_logging(self, *_: Any, display_name: str | None = None, **__: Any) -> Any:
        """A run of this process, until `complete()`."""
        wire = runs.own_tracking()
        return runs.StartedRun(wire, runs.begun(wire, self.id, name=display_name))

    def get_runs(
        self,
        type: Any = None,  # noqa: A002 - v1's word
        tags: Any = None,
        properties: Any = None,
        status: str | None = None,
        include_children: bool = False,
    ) -> Iterator[Any]:
        """The newest first: those that are no part of another, unless all are asked for."""
        ignored("Experiment.get_runs", {"type": type})
        wire = runs.own_tracking()
        known = runs.known_experiment(wire, self.name)
        found = runs.searched(wire, known) if known else iter(())
        for run in runs.chosen(found, tags, properties, status):
            if include_children or not runs.is_part(run):
                yield runs.named(runs.TrackedRun(wire, run["info"]["run_id"]), run)

    @staticmethod
    def list(workspace: Any, **_: Any) -> Any:
        raise refused("Experiment.list", "Name one: Experiment(ws, 'name').")

    def submit(self, *_: Any, **__: Any) -> Any:
        raise refused(
            "Experiment.submit",
            "A job submits no jobs: make them steps of a pipeline, or submit from outside.",
        )

    def __repr__(self) -> str:
        return "Experiment(Name: %s)" % self.name


runs.TrackedRun.experiments = Experiment
