"""Whatever cases ask in one workspace, a stranger with a workspace of his own asks too, word for
word, and finds and touches nothing of theirs.

Each request goes through a relay. What writes is asked by the stranger before it happened, while
everything that it names is still there, and once more after it; what reads, after it. He is the
owner of his workspace, so that only whose a thing is can be why he does not get it, and he claims
the other workspace by the header that upstream would heed.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from lazur.server.mlflow.access import rule
from tests.conformance import sides, suite
from tests.conformance.belongings import Files, Rows, ids, leaves
from tests.conformance.differences import excepted
from tests.conformance.relay import Answered, Asked, relay, send
from tests.conformance.surface import matching, routes

OWNER, STRANGER = "owner", "stranger"
_SPACES = {"ws-1": OWNER, "ws-2": STRANGER}
BASE, _STRANGERS = "/mlflow", f"/mlflow/workspaces/{STRANGER}"
_REPLACED = frozenset({"authorization", "x-mlflow-workspace"})

_DRAWN = re.compile(r"/3\.0/mlflow/traces(?:\?|$)|/v1/traces")
"""Ids that clients draw: whoever asks first with one has it, and nobody knows it before."""
_PUBLIC = re.compile(
    r"^/mlflow/(?:static-files/|health|version|$|\?)"
    r"|/mlflow/(?:server-info|ui-telemetry)"
    r"|/gateway/(?:provider-config|secrets/config|supported-)"
)
"""What is the same for everybody."""
_WORDS = re.compile(
    r"[A-Z_]+|list|eyJvZmZzZXQi\S*|Run with id=\w+ not found|Cannot query field .*"
)
"""Constants, where the next page begins, and what GraphQL refuses with status 200."""

_ABSENT = "Nothing is removed; what is not there is removed with the same reply."
FREE = {
    "POST 3.0/mlflow/datasets/create": "Takes any experiments' ids, and looks for none.",
    "POST 2.0/mlflow/model-versions/create": "Takes any text as a run's id, and looks for none.",
    "PUT 2.0/mlflow-artifacts/artifacts/*": "Any path below his own store is his.",
    "DELETE 2.0/mlflow-artifacts/artifacts/*": "Any path below his own store is his.",
    "DELETE 3.0/mlflow/datasets/*": _ABSENT,
    "DELETE 3.0/mlflow/datasets/*/tags/*": _ABSENT,
    "DELETE 3.0/mlflow/label-schemas/delete": _ABSENT,
    "POST 3.0/mlflow/review-queues/delete": _ABSENT,
    "POST 2.0/mlflow/traces/delete-traces": _ABSENT,
    "POST 3.0/mlflow/traces/delete-traces": _ABSENT,
}
"""Writing routes that succeed though the owner's ids are named, and why. That no row and no file
of the owner's changes by it is looked at all the same."""
_MODEL = "A job of upstream's that asks a language model, or of which there is none without one."
_BRICKS = "Databricks' own; upstream serves it to nobody."
_STORE = "Only with artifacts in an object store."
NEVER = {
    "* 3.0/jobs/": _MODEL,
    "GET 3.0/jobs/[*]": _MODEL,
    "PATCH 3.0/jobs/cancel/*": _MODEL,
    "* 3.0/mlflow/jobs/*": _MODEL,
    "POST 3.0/mlflow/*/invoke": _MODEL,
    "PUT 3.0/mlflow/scorers/online-config": _MODEL,
    "POST 3.0/mlflow/prompt-optimization/jobs": _MODEL,
    "* 3.0/mlflow/prompt-optimization/jobs/[*]*": _MODEL,
    "POST /gateway/gemini/*": "Its provider is on the internet.",
    "POST /gateway/typesafe/*": "Its provider is on the internet.",
    "GET /graphql": "Upstream fails with 500 here.",
    "GET 2.0/mlflow/get-online-trace-details": _BRICKS,
    "GET 2.0/mlflow/unified-traces": _BRICKS,
    "GET 2.0/mlflow-artifacts/presigned/*": _STORE,
    "POST 2.0/mlflow-artifacts/mpu/*": _STORE,
    "POST 2.0/mlflow/artifacts/presigned-*": _STORE,
    "POST 2.0mlflow/experiments/search-datasets": "Misspelled by upstream, and served by nobody.",
}
"""Routes that nobody's request succeeds on in this suite. They are asked all the same."""


@dataclass
class Isolation:
    """What was found out."""

    breaches: list[str] = field(default_factory=list[str])
    broke: dict[str, str] = field(default_factory=dict[str, str])
    replays: int = 0
    succeeded: set[str] = field(default_factory=set[str])
    """Routes on which a request of the owner's succeeded, and was replayed."""
    accepted: dict[str, int] = field(default_factory=dict[str, int])
    """Routes on which the stranger succeeded, how often."""

    def never(self) -> set[str]:
        """Served routes without a success that is not excused."""
        missing = served() - self.succeeded
        return missing - {name for pattern in NEVER for name in excepted(missing, pattern)}

    def stale(self) -> set[str]:
        """Excuses that are none any more."""
        return {pattern for pattern in NEVER if excepted(self.succeeded, pattern)}

    def failed(self, *, whole: bool) -> bool:
        return bool(self.breaches or self.broke or (whole and (self.never() or self.stale())))

    def told(self, *, whole: bool) -> Iterator[str]:
        yield from (f"BREACH {breach}\n" for breach in self.breaches)
        yield from (f"BROKE {name}: {why}\n" for name, why in self.broke.items())
        if whole:
            yield from (f"NEVER REPLAYED AFTER A SUCCESS {name}" for name in sorted(self.never()))
            yield from (f"NO LONGER TRUE in NEVER: {name}" for name in sorted(self.stale()))
        yield f"{self.replays} replays; {len(self.succeeded)} of {len(served())} routes succeeded."


def served() -> set[str]:
    return {route.short for route in routes() if rule(route.method, route.at())}


def isolated(folder: Path, cases: Sequence[str]) -> Isolation:
    """Runs the cases; the stranger's replays come between."""
    found = Isolation()
    with sides.ours(folder / "ours") as side, _watched(side, found) as address:
        told = suite.run(replace(side, uri=f"{address}{BASE}"), cases)
    found.broke = {name: case["broke"] for name, case in told.items() if case["broke"]}
    return found


@contextmanager
def _watched(side: sides.Side, found: Isolation) -> Iterator[str]:
    home = side.folder / "home"
    url = side.uri.removesuffix(BASE)
    token = strangers_token(url, side.token)
    rows = Rows(home / "lazur.db", _SPACES)
    try:
        watch = Watch(url, token, rows, Files(home), found)
        with relay(watch) as address:
            yield address
    finally:
        rows.close()


class Watch:
    """Asks for the owner, and as the stranger, and looks at what came of it."""

    def __init__(self, url: str, token: str, rows: Rows, files: Files, found: Isolation) -> None:
        self._url = url
        self._token = token
        self._rows = rows
        self._files = files
        self._found = found
        self._uploaded = set[bytes]()

    def __call__(self, asked: Asked) -> Answered:
        if _writes(asked) and not _DRAWN.search(asked.target):
            self._replay(asked, None)
        answered = send(self._url, asked)
        said = [*self._rows.look(OWNER), *self._named(OWNER, asked, answered)]
        self._add(asked, answered, said)
        self._replay(asked, answered)
        if answered.succeeded and (name := _route(asked)):
            self._found.succeeded.add(name)
        return answered

    def _replay(self, asked: Asked, answered: Answered | None) -> None:
        theirs = _as_stranger(asked, self._token)
        files = self._files.look() if _writes(asked) else {}
        got = send(self._url, theirs)
        said = [*self._rows.look(STRANGER), *self._named(STRANGER, theirs, got)]
        if got.succeeded:
            said += self._succeeded(asked, got, answered)
        if _writes(asked):
            said += _touched(files, self._files.look())
        self._add(theirs, got, said)
        self._found.replays += 1

    def _add(self, asked: Asked, got: Answered, said: list[str]) -> None:
        where = f"{asked.method} {asked.target} → {got.status}"
        self._found.breaches += [f"{where}: {what}" for what in said]

    def _succeeded(self, asked: Asked, got: Answered, theirs: Answered | None) -> Iterator[str]:
        name = _route(asked) or ""
        self._found.accepted[name] = self._found.accepted.get(name, 0) + 1
        if _writes(asked):
            self._uploaded.add(hashlib.sha256(asked.body).digest())
            if "/artifacts/" in asked.target:
                self._rows.held[STRANGER] |= ids(asked.text)
            if name not in FREE and (named := ids(asked.text) & self._rows.made[OWNER]):
                yield f"stranger may write, naming {named}: {asked.body[:300]!r}"
        if theirs is not None and not _PUBLIC.search(asked.target):
            yield from self._same(asked, got, theirs)

    def _named(self, who: str, asked: Asked, got: Answered) -> Iterator[str]:
        """Ids of the other's that he neither sent nor has."""
        known = self._rows.held[who] | ids(asked.text) | ids(unquote(asked.target).encode())
        shown = ids(got.text) - known
        for other in _SPACES.values():
            if found := shown & self._rows.made[other]:
                yield f"{who} is shown {other}'s {found}: {got.body[:300]!r}"

    def _same(self, asked: Asked, got: Answered, theirs: Answered) -> Iterator[str]:
        """What both were answered, and he neither sent nor has."""
        if "json" not in got.kind:
            known = hashlib.sha256(got.body).digest() in self._uploaded
            if got.body and got.body == theirs.body and not known:
                yield f"stranger is answered what owner is: {got.body[:200]!r}"
            return
        sent = unquote(asked.text.decode("utf-8", "replace"))
        common = _leaves(got.body) & _leaves(theirs.body) - self._rows.values[STRANGER]
        more = {one for one in common if one not in sent and not _WORDS.fullmatch(one)}
        if more := more and more - self._files.words(STRANGER):
            yield f"stranger is answered what owner is: {sorted(more)[:9]}"


def _leaves(body: bytes) -> set[str]:
    try:
        return set(leaves(json.loads(body)))
    except ValueError:
        return set()


def _touched(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    for path in before.keys() | after.keys():
        if before.get(path) != after.get(path) and not path.startswith(f"{STRANGER}/"):
            yield f"touched the file {path}"


def _as_stranger(asked: Asked, token: str) -> Asked:
    headers = [pair for pair in asked.headers if pair[0].lower() not in _REPLACED]
    headers += [("Authorization", f"Bearer {token}"), ("X-MLFLOW-WORKSPACE", "ws-1")]
    target = _STRANGERS + asked.target.removeprefix(BASE)
    return replace(asked, target=target, headers=tuple(headers))


def _writes(asked: Asked) -> bool:
    found = rule(asked.method, _path(asked))
    return found is not None and not found.reads


def _route(asked: Asked) -> str | None:
    found = matching(asked.method, _path(asked))
    return found.short if found else None


def _path(asked: Asked) -> str:
    return unquote(urlsplit(asked.target.removeprefix(BASE)).path)


def strangers_token(url: str, owners: str) -> str:
    """Of the owner of a workspace of his own."""
    told: dict[str, Any] = {}
    for kind, wanted in (
        ("workspaces", {"name": STRANGER}),
        ("tokens", {"name": STRANGER, "role": "Owner", "workspace": STRANGER}),
    ):
        headers = (("Authorization", f"Bearer {owners}"), ("Content-Type", "application/json"))
        asked = Asked("POST", f"/api/v1/{kind}", headers, json.dumps(wanted).encode())
        got = send(url, asked)
        assert got.status == 201, got.body
        told = json.loads(got.body)
    return str(told["token"])
