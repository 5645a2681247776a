"""`azureml.core.run`."""

from __future__ import annotations

from .._lazur import job_run, runs
from .._lazur.absent import refused
from .._lazur.offline import OfflineRun
from .experiment import Experiment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator


class _Kind(type):
    """Whatever a script gets as its run is one of these."""

    def __instancecheck__(cls, one: object) -> bool:
        return isinstance(one, (runs.TrackedRun, OfflineRun))


class Run(metaclass=_Kind):
    """`Run.get_context()`; also a run by its id."""

    get_context = staticmethod(job_run.get_context)
    get_submitted_run = staticmethod(job_run.get_context)

    def __new__(cls, experiment: Any = None, run_id: str = "", **_: Any) -> Any:
        return runs.by_id(run_id)

    @staticmethod
    def get(workspace: Any, run_id: str) -> Any:
        return runs.by_id(run_id)

    @staticmethod
    def list(experiment: Experiment, *given: Any, **named: Any) -> Iterator[Any]:
        return experiment.get_runs(*given, **named)

    @staticmethod
    def add_type_provider(*_: Any) -> None:
        raise refused("Run.add_type_provider")


_OfflineRun = OfflineRun
_SubmittedRun = job_run.JobRun
ScriptRun = Run


def get_run(experiment: Any, run_id: str, **_: Any) -> Any:
    return runs.TrackedRun(runs.own_tracking(), run_id)
