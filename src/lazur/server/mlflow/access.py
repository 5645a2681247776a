"""Which right a request to MLflow's routes takes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from lazur.server.mlflow.routes import AZURE, NOT_SERVED, TABLE

_API = ("/api/", "/ajax-api/")


@dataclass(frozen=True)
class Rule:
    """`path` is how the route is known here: without `/api/` or `/ajax-api/`."""

    action: str
    path: str

    @property
    def reads(self) -> bool:
        return self.action.endswith("read")


def rule(method: str, path: str) -> Rule | None:
    """None: nobody decided about this route, so nobody gets an answer."""
    name = short(path)
    method = "GET" if method == "HEAD" else method
    if (action := _plain().get((method, name))) is None:
        action = next((a for m, p, a in _patterns() if m == method and p.fullmatch(name)), None)
    return Rule(f"workspaces/{action}", name) if action else None


def not_served(path: str) -> str | None:
    """Why a route of upstream's is left out on purpose."""
    name = short(path)
    for beginning, reason in NOT_SERVED.items():
        if name == beginning or name.startswith(beginning + "/"):
            return reason
    return None


def short(path: str) -> str:
    """As the table spells it: `2.0/mlflow/runs/get`, `/graphql`."""
    for prefix in _API:
        if path.startswith(prefix):
            return path.removeprefix(prefix)
    return path


@cache
def _plain() -> dict[tuple[str, str], str]:
    return {(method, path): action for method, path, action in _entries() if "*" not in path}


@cache
def _patterns() -> list[tuple[str, re.Pattern[str], str]]:
    """The most exact first: a route of its own before one that takes anything."""
    found = [entry for entry in _entries() if "*" in entry[1]]
    found.sort(key=lambda entry: (entry[1].count("**"), -len(entry[1])))
    return [(method, _compiled(path), action) for method, path, action in found]


def _entries() -> list[tuple[str, str, str]]:
    rows = [line.split() for line in (TABLE + AZURE).strip().splitlines() if line]
    return [(method, path, action) for action, all_, path in rows for method in all_.split(",")]


def _compiled(path: str) -> re.Pattern[str]:
    text = re.escape(path).replace(r"\*\*", ".+").replace(r"\*", "[^/]+")
    return re.compile(text, re.DOTALL)
