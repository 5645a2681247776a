"""The same calls to upstream's server and to our lane, on two databases that began alike.

A test makes a `Pair`, seeds both sides, and plays steps. Ids differ on the two sides, so steps
name them: `{run}` in a query, path or body stands for what each side answered to the step that
kept it as `run`. Times, generated names and ids are normalised before replies and tables are
compared.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

from sqlalchemy import Connection, inspect

from lazur.server.mlflow import lane
from lazur.server.mlflow.call import Call, Space
from lazur.services.base import workspaces
from lazur.services.base.access import Principal
from lazur.store.db import Database
from lazur.store.queue import WriteQueue
from lazur.testing.fakes import Engine, FakeBuilder
from tests.server.mlflow.upstream import Upstream
from tests.site import OWNER, Clock, TestSite, open_site

API = "2.0/mlflow/"
SPACES = {"ws-1": Space(1, "default", "ws-1"), "ws-2": Space(2, "second", "ws-2")}

Ids = dict[str, str]


@dataclass(frozen=True)
class Step:
    """One request. `body` may be bytes, for what is not JSON; `keep` names the id in the reply."""

    method: str
    path: str
    body: Any = None
    query: tuple[tuple[str, str], ...] = ()
    keep: str | None = None
    space: str = "ws-1"


@dataclass(frozen=True)
class Answer:
    status: int
    body: str
    """Normalised."""


def post(path: str, body: Any, keep: str | None = None, space: str = "ws-1") -> Step:
    return Step("POST", API + path, body, (), keep, space)


def get(path: str, space: str = "ws-1", **query: str) -> Step:
    return Step("GET", API + path, None, tuple(query.items()), None, space)


@dataclass
class Pair:
    """Both sides. A step that our lane leaves to upstream is played on neither, and counted."""

    site: TestSite
    queue: WriteQueue
    theirs: Database
    upstream: Upstream
    ids: tuple[Ids, Ids] = field(default_factory=lambda: ({}, {}))
    punted: list[Step] = field(default_factory=list[Step])

    def play(self, step: Step, who: Principal = OWNER) -> Answer | None:
        """Both answers were alike; None: it is not for the lane."""
        answer = self.ours(step, who)
        if answer is None:
            self.punted.append(step)
            return None
        expected = self.reference(step)
        assert answer == expected, f"{step}\n--- upstream\n{expected}\n--- ours\n{answer}"
        return answer

    def settled(self, step: Step) -> Answer:
        """As `play`, where the lane has to answer."""
        answer = self.play(step)
        assert answer is not None, f"the lane left it to upstream: {step}"
        return answer

    def ours(self, step: Step, who: Principal = OWNER) -> Answer | None:
        answer = asyncio.run(lane.answer(self.call(step, who)))
        return None if answer is None else self._told(0, step, answer.status, answer.body)

    def reference(self, step: Step) -> Answer:
        path, query, body = _filled(step, self.ids[1])
        prefix = "ajax-api" if path in _OF_PAGES_ONLY else "api"
        target = f"/{prefix}/{path}" + (f"?{query}" if query else "")
        status, reply = self.upstream.ask(step.space, step.method, target, body)
        return self._told(1, step, status, reply)

    def call(self, step: Step, who: Principal = OWNER) -> Call:
        path, query, body = _filled(step, self.ids[0])
        return Call(
            site=self.site,
            queue=self.queue,
            who=who,
            space=SPACES[step.space],
            method=step.method,
            path=path,
            query=query.encode(),
            body=body or b"",
        )

    def both(self, seed: Callable[[Connection], None]) -> None:
        """Rows that no request makes, or not as fast."""
        for database in (self.site.db, self.theirs):
            with database.write() as db:
                seed(db)

    def compare_tables(self) -> None:
        ours, theirs = tables(self.site.db, self.ids[0]), tables(self.theirs, self.ids[1])
        for name in sorted(ours | theirs):
            differ = sorted(set(ours[name]) ^ set(theirs[name]))
            told = [("ours: " if row in ours[name] else "upstream's: ") + row for row in differ]
            assert not told, "\n".join([f"table {name}", *told])
            assert sorted(ours[name]) == sorted(theirs[name]), f"how often, in table {name}"

    def _told(self, side: int, step: Step, status: int, body: bytes) -> Answer:
        if step.keep is not None and status == 200:
            self.ids[side][step.keep] = _id_in(json.loads(body))
        text = body.decode()
        if not self.site.db.sqlite:
            text = _without_order(_SIGNED_ZERO.sub("0.0", text), self.ids[side])
        return Answer(status, normal(text, self.ids[side]))


@contextmanager
def open_pair(folder: Path, ours: str, theirs: str) -> Iterator[Pair]:
    """Two databases with workspaces 1 and 2, `default` and `second`."""
    (folder / "ours").mkdir()
    (folder / "theirs").mkdir()
    other = _site(folder / "theirs", theirs)
    upstream = Upstream(theirs, folder)
    site = _site(folder / "ours", ours)
    queue = WriteQueue(site.db)
    try:
        upstream.wait()
        yield Pair(site, queue, other.db, upstream)
    finally:
        queue.stop()
        upstream.stop()
        site.db.close()
        other.db.close()


def tables(database: Database, ids: Ids) -> dict[str, list[str]]:
    """Every row of upstream's tables, as a line of text that is the same on both sides."""
    with database.read() as db:
        names = [n for n in inspect(db).get_table_names() if not n.startswith("lazur_")]
        return {name: _lines(db, name, ids) for name in names if name not in _NOT_COMPARED}


def normal(text: str, ids: Ids) -> str:
    """What differs by nature is named instead."""
    for name, value in sorted(ids.items(), key=lambda item: -len(item[1])):
        if not value.isdigit():
            text = text.replace(value, f"<{name}>")
    text = _MODEL.sub("<model>", text)
    text = _HEX.sub("<id>", text)
    text = _TIME.sub(_time, text)
    return _NAME.sub("<name>", text)


def _without_order(text: str, ids: Ids) -> str:
    """Upstream asks for parameters, tags and inputs in no order, and PostgreSQL gives them as they
    happen to lie, on either side."""

    def in_order(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: in_order(v) for k, v in cast("dict[str, Any]", value).items()}
        if isinstance(value, list):
            items = [in_order(item) for item in cast("list[Any]", value)]
            return sorted(items, key=lambda item: normal(json.dumps(item), ids))
        return value

    try:
        return json.dumps(in_order(json.loads(text)), indent=2)
    except ValueError:
        return text


_OF_PAGES_ONLY = {API + "metrics/get-history-bulk", API + "experiments/search-datasets"}
_NOT_COMPARED = {"alembic_version", "workspaces"}
_MODEL = re.compile(r"m-[0-9a-f]{32}")
_HEX = re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")
_TIME = re.compile(r"(?<!\d)\d{13}(?!\d)")
_SIGNED_ZERO = re.compile(r"(?<![\d.])-0\.0(?!\d)")
"""Upstream's driver for PostgreSQL loses the sign."""
_NAME = re.compile(r"\b[a-z]+-[a-z]+-\d{1,4}\b")


def _time(found: re.Match[str]) -> str:
    return "<now>" if abs(int(found[0]) / 1000 - time.time()) < 3600 else found[0]


def _lines(db: Connection, name: str, ids: Ids) -> list[str]:
    columns = [column["name"] for column in inspect(db).get_columns(name)]
    listed = ", ".join(f'"{column}"' for column in sorted(columns))
    rows = db.exec_driver_sql(f'SELECT {listed} FROM "{name}"').fetchall()
    if name == "experiments":  # upstream's server makes one of its own when it starts
        rows = [row for row in rows if row._mapping["workspace"] != "default"]
    lines = [normal(repr(tuple(row)), ids) for row in rows]
    if db.dialect.name == "postgresql":
        return [_SIGNED_ZERO.sub("0.0", line) for line in lines]
    return lines


def _site(folder: Path, url: str) -> TestSite:
    engine = Engine(Clock())
    site = open_site(folder, url, engine, FakeBuilder(str(folder)))
    site.now = time.time
    with site.context(OWNER) as context:
        workspaces.create(context, {"name": "second"})
    return site


def _filled(step: Step, ids: Ids) -> tuple[str, str, bytes | None]:
    query = urlencode([(key, _text(value, ids)) for key, value in step.query])
    return _text(step.path, ids), query, _body(step.body, ids)


def _body(body: Any, ids: Ids) -> bytes | None:
    if body is None or isinstance(body, bytes):
        return body
    return json.dumps(_replaced(body, ids)).encode()


def _replaced(value: Any, ids: Ids) -> Any:
    if isinstance(value, dict):
        return {k: _replaced(v, ids) for k, v in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_replaced(v, ids) for v in cast("list[Any]", value)]
    return _text(value, ids) if isinstance(value, str) else value


def _text(text: str, ids: Ids) -> str:
    """`{run}` becomes that id; other braces stay."""
    return re.sub(r"\{(\w+)\}", lambda found: ids.get(found[1], found[0]), text)


def _id_in(reply: dict[str, Any]) -> str:
    if "run" in reply:
        return str(reply["run"]["info"]["run_id"])
    if "model" in reply:
        return str(reply["model"]["info"]["model_id"])
    return str(reply["experiment_id"])
