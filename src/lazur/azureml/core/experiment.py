"""`azureml.core.experiment`."""

from __future__ import annotations

from .._lazur import runs
from .._lazur.absent import refused
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
        return runs.begun(runs.own_tracking(), self.id, name=display_name)

    def get_runs(self, tags: Any = None, **_: Any) -> Iterator[Any]:
        wire = runs.own_tracking()
        asked: dict[str, Any] = {"experiment_ids": [self.id], "max_results": 1000}
        told = {tags: None} if isinstance(tags, str) else dict(tags or {})
        while True:
            found = wire.post("runs/search", asked)
            for run in found.get("runs", ()):
                known = {t["key"]: t["value"] for t in run["data"].get("tags", ())}
                if all(k in known and v in (None, known[k]) for k, v in told.items()):
                    yield runs.TrackedRun(wire, run["info"]["run_id"])
            if not found.get("next_page_token"):
                return
            asked["page_token"] = found["next_page_token"]

    def submit(self, *_: Any, **__: Any) -> Any:
        raise refused(
            "Experiment.submit",
            "A job submits no jobs: make them steps of a pipeline, or submit from outside.",
        )

    def __repr__(self) -> str:
        return "Experiment(Name: %s)" % self.name


runs.TrackedRun.experiments = Experiment
