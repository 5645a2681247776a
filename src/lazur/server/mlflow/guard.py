"""What surrounds a change that upstream makes and our lane does not know: whether a job's token
may write to these runs, and what follows for the jobs whose runs they are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, cast
from urllib.parse import parse_qsl

from anyio.to_thread import run_sync

from lazur.errors import Invalid
from lazur.server.mlflow.access import Rule
from lazur.server.mlflow.names import RUNS
from lazur.services.assets import registered_models
from lazur.services.base.access import Principal
from lazur.services.base.site import Site
from lazur.services.jobs import run_hooks as hooks
from lazur.services.tracking import rights

_RUNS = "workspaces/experiments/runs/"
_MODELS = "2.0/mlflow/logged-models/"
_REGISTRY = ("2.0/mlflow/registered-models/", "2.0/mlflow/model-versions/")
_NAMES = frozenset({"name", "new_name"})
_OF_MANY = frozenset(f"2.0/mlflow/experiments/{what}" for what in ("delete", "restore", "update"))
"""What upstream does to all runs of an experiment."""


class Guard:
    def __init__(
        self, site: Site, who: Principal, workspace: int, rule: Rule, query: bytes, body: bytes
    ) -> None:
        self._site = site
        self._who = who
        self._workspace = workspace
        self._rule = rule
        changes = not rule.reads and (who.job is not None or rule.action.startswith(_RUNS))
        self._touched = frozenset(_below(_told(query, body))) if changes else frozenset[str]()
        self._model = _model(rule.path) if changes else None
        self._registered = _registered(rule, query, body)
        self._token: str | None = None

    async def before(self) -> None:
        """Raises Forbidden."""
        if (self._touched or self._model) and self._who.job is not None:
            await run_sync(self._check)
        if self._registered is not None:
            self._token = await run_sync(registered_models.begin, self._site, self._workspace)

    async def after(self) -> None:
        """Before the client hears of it."""
        if self._token is not None:
            await run_sync(self._end, self._token)
        elif self._rule.path in _OF_MANY:
            await run_sync(self._settle)
        elif self._touched and self._rule.action.startswith(_RUNS):
            await run_sync(self._agree)

    def _check(self) -> None:
        with self._site.context(self._who, write=False) as context:
            for run in self._touched:
                rights.require_writable(context, run)
            if self._model is not None:
                rights.require_writable_model(context, self._workspace, self._model)

    def _end(self, token: str) -> None:
        with self._site.context(self._who) as context:
            registered_models.end(context, self._workspace, token, self._registered or ())

    def _agree(self) -> None:
        with self._site.context(self._who) as context:
            for run in self._touched:
                hooks.agree(context, run)

    def _settle(self) -> None:
        with self._site.context(self._who) as context:
            hooks.settle(context, self._workspace)


def _told(query: bytes, body: bytes) -> list[Any]:
    """All that a request says, as upstream reads it: old clients send JSON as a text of JSON."""
    told: list[Any] = [
        {key: value} for key, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    ]
    try:
        found: Any = json.loads(body) if body else None
        while isinstance(found, str):
            found = json.loads(found)
    except ValueError:
        return told  # upstream reads no JSON either
    except RecursionError:
        raise Invalid("The request's body is nested too deeply.") from None
    return [*told, found]


def _registered(rule: Rule, query: bytes, body: bytes) -> frozenset[str] | None:
    """Names of registered models that are about to be changed."""
    if rule.reads or not rule.path.startswith(_REGISTRY):
        return None
    named = [told for told in _told(query, body) if isinstance(told, dict)]
    values = [value for told in named for key, value in told.items() if key in _NAMES]
    return frozenset(value for value in values if isinstance(value, str))


def _model(path: str) -> str | None:
    """Upstream goes by the one in the path, whatever the body says."""
    return path.removeprefix(_MODELS).partition("/")[0] if path.startswith(_MODELS) else None


def _below(told: Any) -> Iterator[str]:
    """Every run that is named, wherever in it."""
    waiting = [told]
    while waiting:
        found = waiting.pop()
        if isinstance(found, list):
            waiting += cast("list[Any]", found)
        elif isinstance(found, dict):
            for key, value in cast("dict[str, Any]", found).items():
                if key in RUNS:
                    yield from _texts(value)
                waiting.append(value)


def _texts(value: Any) -> Iterator[str]:
    for item in cast("list[Any]", value) if isinstance(value, list) else [value]:
        if isinstance(item, str):
            yield item
