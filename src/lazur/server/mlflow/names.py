"""What clients call things here and upstream does not: a job's name where a run id is wanted, and
experiment 0, which is the workspace's own."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import parse_qsl, urlencode

RUNS = frozenset(
    "run_id run_uuid run_ids run_uuids source_run_id parent_run_id "
    "runId runIds runUuid runUuids sourceRunId".split()
)
EXPERIMENTS = frozenset("experiment_id experiment_ids experimentId experimentIds".split())
DEFAULT_EXPERIMENT = "0"
_WRAPPERS = frozenset(
    "variables data input trace trace_info trace_location mlflow_experiment locations".split()
)
"""What may stand around such a key. Elsewhere it is somebody's data."""
_MENTIONED = re.compile(
    rb'"(' + "|".join(sorted(RUNS | EXPERIMENTS)).encode() + rb')"\s*:\s*(\[[^\[\]]*\]|"[^"]*")'
)
"""No list is looked through twice: it ends where another one begins."""
_STRINGS = re.compile(rb'"([^"]*)"')
_OWN_ID = re.compile(r"[0-9a-f]{32}")
"""Ids as upstream makes them stand for themselves."""


@dataclass
class Names:
    """Names that were found in a request, or upstream's ids for them. What has none stays."""

    runs: dict[str, str] = field(default_factory=dict[str, str])
    experiments: dict[str, str] = field(default_factory=dict[str, str])

    def see(self, key: str, value: str) -> None:
        if key in EXPERIMENTS:
            if value == DEFAULT_EXPERIMENT:
                self.experiments[value] = value
        elif key in RUNS and value and not _OWN_ID.fullmatch(value):
            self.runs[value] = value

    def change(self) -> bool:
        return any(a != b for found in (self.runs, self.experiments) for a, b in found.items())

    def ids(self, key: str) -> Mapping[str, str]:
        return self.runs if key in RUNS else self.experiments if key in EXPERIMENTS else {}


def mentioned(body: bytes, query: bytes) -> Names:
    """Names in a JSON body and a query that may be ours. The body is searched, not parsed: bodies
    of a thousand metrics come a hundred times a second."""
    names = Names()
    for mention in _MENTIONED.finditer(body):
        for value in _STRINGS.findall(mention[2]):
            names.see(mention[1].decode(), value.decode("utf-8", "replace"))
    if query:
        for key, value in _pairs(query):
            names.see(key, value)
    return names


def in_body(body: bytes, names: Names) -> bytes:
    try:
        found = json.loads(body)
    except ValueError:
        return body
    return json.dumps(_replaced(found, names), ensure_ascii=False).encode()


def in_query(query: bytes, names: Names) -> bytes:
    pairs = [(key, names.ids(key).get(value, value)) for key, value in _pairs(query)]
    return urlencode(pairs).encode()


def _pairs(query: bytes) -> list[tuple[str, str]]:
    return parse_qsl(query.decode("latin-1"), keep_blank_values=True)


def _replaced(found: Any, names: Names) -> Any:
    if isinstance(found, list):
        return [_replaced(item, names) for item in cast("list[Any]", found)]
    if not isinstance(found, dict):
        return found
    made: dict[str, Any] = {}
    for key, value in cast("dict[str, Any]", found).items():
        inner = key in _WRAPPERS and isinstance(value, dict | list)
        made[key] = _replaced(value, names) if inner else _renamed(value, names.ids(key))
    return made


def _renamed(value: Any, ids: Mapping[str, str]) -> Any:
    if isinstance(value, list) and ids:
        return [_renamed(item, ids) for item in cast("list[Any]", value)]
    return ids.get(value, value) if isinstance(value, str) else value
