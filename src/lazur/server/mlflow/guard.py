"""What surrounds a change that upstream makes and our lane does not know: whether a job's token
may write to these runs, and what follows for the jobs whose runs they are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, cast
from urllib.parse import parse_qsl

from anyio.to_thread import run_sync

from lazur.server.mlflow.access import Rule
from lazur.server.mlflow.names import RUNS
from lazur.services.access import Principal
from lazur.services.site import Site
from lazur.services.tracking import hooks, rights

_RUNS = "workspaces/experiments/runs/"
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
        self._touched = _named(query, body) if changes else frozenset[str]()

    async def before(self) -> None:
        """Raises Forbidden."""
        if self._touched and self._who.job is not None:
            await run_sync(self._check)

    async def after(self) -> None:
        if self._rule.path in _OF_MANY:
            await run_sync(self._settle)
        elif self._touched and self._rule.action.startswith(_RUNS):
            await run_sync(self._agree)

    def _check(self) -> None:
        with self._site.context(self._who, write=False) as context:
            for run in self._touched:
                rights.require_writable(context, run)

    def _agree(self) -> None:
        with self._site.context(self._who) as context:
            for run in self._touched:
                hooks.agree(context, run)

    def _settle(self) -> None:
        with self._site.context(self._who) as context:
            hooks.settle(context, self._workspace)


def _named(query: bytes, body: bytes) -> frozenset[str]:
    """Every run that a request names, wherever in it and however it is escaped."""
    found = [
        value
        for key, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True)
        if key in RUNS
    ]
    try:
        told: Any = json.loads(body) if body else None
    except ValueError:
        told = None
    return frozenset([*found, *_below(told)])


def _below(told: Any) -> Iterator[str]:
    if isinstance(told, list):
        for item in cast("list[Any]", told):
            yield from _below(item)
    elif isinstance(told, dict):
        for key, value in cast("dict[str, Any]", told).items():
            if key in RUNS:
                yield from _texts(value)
            yield from _below(value)


def _texts(value: Any) -> Iterator[str]:
    for item in cast("list[Any]", value) if isinstance(value, list) else [value]:
        if isinstance(item, str):
            yield item
