"""The experiment that a job's script chose. `mlflow.set_experiment` asks for it by name, and then
MLflow's client refuses to go on with a run that lies in another: so a job's run goes there, right
before its script begins it."""

from __future__ import annotations

from urllib.parse import parse_qsl

from anyio.to_thread import run_sync

from lazur.services.base.access import Principal
from lazur.services.base.site import Site
from lazur.services.jobs import run_hooks as hooks

_ASKS = "2.0/mlflow/experiments/get-by-name"
_LOOKS = "2.0/mlflow/runs/search"
_BEGINS = "2.0/mlflow/runs/get"
_JOBS = 10_000


class Choices:
    """What each job asked for last, unless it went on to look for runs there. Kept in memory:
    after a restart in between, the script gets MLflow's own refusal."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._asked: dict[tuple[int, str], str] = {}

    async def heed(self, who: Principal, workspace: int, path: str, query: bytes) -> None:
        if who.job is None:
            return
        job = (workspace, who.job)
        if path == _ASKS:
            if len(self._asked) > _JOBS:
                self._asked.clear()
            self._asked[job] = _value(query, "experiment_name")
        elif path == _LOOKS:
            self._asked.pop(job, None)
        elif path == _BEGINS and job in self._asked:
            await run_sync(self._go, who, _value(query, "run_id"), self._asked.pop(job))

    def _go(self, who: Principal, run_id: str, experiment: str) -> None:
        with self._site.context(who) as context:
            hooks.chosen(context, run_id, experiment)


def _value(query: bytes, name: str) -> str:
    return dict(parse_qsl(query.decode("latin-1"))).get(name, "")
