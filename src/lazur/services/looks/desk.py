"""Answers questions about data, few at a time; whoever asks the same meanwhile gets the same
answer, and what never changes is computed once.

Answers are files of a cache: when a server is killed, what it was computing is computed again for
the next who asks, and nothing has to be mended.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import secrets
import shutil
import threading
import time
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lazur.engine.tree import is_digest
from lazur.errors import LazurError, Unavailable
from lazur.services.base.site import Site
from lazur.services.base.times import iso
from lazur.services.looks import material, process
from lazur.services.looks.questions import Question
from lazur.store import workspaces

_SEATS = 2
"""Processes at once, of each verb."""
_WAITING = 32
_REMEMBERED = 300.0
"""Seconds for which a question that cannot be answered is not tried again."""
_KEPT = 30 * 86400.0
_FREE_SHARE = 0.5

log = logging.getLogger("lazur.looks")


@dataclass
class Task:
    """A question that is being answered."""

    future: Future[dict[str, Any]]
    progress: dict[str, Any] = field(default_factory=dict[str, Any])
    ended: float | None = None


class Desk:
    def __init__(self, site: Site) -> None:
        self._site = site
        self._lock = threading.Lock()
        self._tasks: dict[tuple[str, str], Task] = {}
        self._stop = threading.Event()
        self._pools: dict[str, ThreadPoolExecutor] = {}
        self._ready = False

    def ask(self, question: Question) -> Task:
        """Begins to answer, unless somebody does already. Raises Unavailable when too many
        wait."""
        key = (question.place, question.key)
        with self._lock:
            self._forget()
            if (task := self._tasks.get(key)) is not None:
                return task
            if sum(not task.future.done() for task in self._tasks.values()) >= _WAITING:
                raise Unavailable(
                    "Too many looks at data wait already.", hint="Ask again in a minute."
                )
            task = self._tasks[key] = Task(Future())
            self._pool(question.verb).submit(self._work, key, question, task)
        return task

    async def stop(self) -> None:
        """Ends what runs."""
        self._stop.set()
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)

    def _work(self, key: tuple[str, str], question: Question, task: Task) -> None:
        answer: dict[str, Any] = {}
        failure: Exception | None = None
        try:
            answer = self._answer(question, task.progress.update)
        except LazurError as error:
            failure = error
        except Exception as error:
            log.exception("a look at %s failed", question.called)
            failure = error
        with (
            self._lock
        ):  # before anybody is told: who asks again then means the data as it is then
            task.ended = time.monotonic()
            if failure is None or isinstance(failure, Unavailable):
                self._tasks.pop(key, None)
        if failure is None:
            task.future.set_result(answer)
        else:
            task.future.set_exception(failure)

    def _answer(self, question: Question, told: process.Told) -> dict[str, Any]:
        found = material.state(question)
        kept = self._folder / question.place / f"{question.key}-{found.digest[:32]}.json"
        with contextlib.suppress(OSError, ValueError):
            answer: dict[str, Any] = json.loads(kept.read_text())
            os.utime(kept)
            return answer
        began = self._site.now()
        with self._workplace() as work:
            answer = self._looked(question, found, work, told)
        answer["computed_at"] = iso(began)
        answer["seconds"] = round(self._site.now() - began, 3)
        self._keep(kept, answer)
        return answer

    def _looked(
        self, question: Question, found: material.State, work: Path, told: process.Told
    ) -> dict[str, Any]:
        path = material.lay(question, found, self._site.home, self._site.blobs, work)
        scratch = work / "scratch"
        scratch.mkdir()
        limits = process.PREVIEW if question.verb == "preview" else process.PROFILE
        free = int(shutil.disk_usage(work).free * _FREE_SHARE)
        asked = {
            "verb": question.verb,
            "rows": question.rows,
            "type": question.type,
            "path": str(path),
            "called": question.called,
            "datastores": dict(question.datastores),
        }
        limits = replace(limits, disk=min(limits.disk, free))
        answer = process.look(asked, limits, scratch, told, self._stop.is_set)
        if not answer.pop("held", []):
            log.warning("this kernel confines a look at data by limits alone")
        return answer

    def _keep(self, path: Path, answer: dict[str, Any]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        for old in path.parent.glob(f"{path.name.partition('-')[0]}-*"):
            old.unlink(missing_ok=True)  # of a state that the data is not in any more
        draft = path.with_suffix(f".{secrets.token_hex(4)}")
        draft.write_text(json.dumps(answer))
        draft.replace(path)

    @contextmanager
    def _workplace(self) -> Generator[Path]:
        work = self._folder / "work" / secrets.token_hex(8)
        work.mkdir(parents=True, mode=0o700)
        try:
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def _pool(self, verb: str) -> ThreadPoolExecutor:
        if not self._ready:
            shutil.rmtree(self._folder / "work", ignore_errors=True)  # of a server that was killed
            self._ready = True
        if verb not in self._pools:
            self._pools[verb] = ThreadPoolExecutor(_SEATS, f"lazur-{verb}")
        return self._pools[verb]

    def _forget(self) -> None:
        now = time.monotonic()
        for key, task in list(self._tasks.items()):
            if task.ended is not None and now - task.ended > _REMEMBERED:
                del self._tasks[key]

    @property
    def _folder(self) -> Path:
        return folder(self._site)


def folder(site: Site) -> Path:
    return site.home.cache / "looks"


def prune(site: Site) -> None:
    """What was found in a content that is freed, or in a workspace that is gone, and what nobody
    has asked for in a long time."""
    for shelf in folder(site).glob("[0-9]*"):
        with site.db.read() as db:
            there = workspaces.by_id(db, int(shelf.name)) is not None
        for place in shelf.iterdir():
            freed = is_digest(place.name) and not site.blobs.has(place.name)
            if freed or not there:
                shutil.rmtree(place, ignore_errors=True)
                continue
            for path in place.iterdir():
                with contextlib.suppress(OSError):
                    if path.stat().st_mtime < time.time() - _KEPT:
                        path.unlink()
        for empty in (*shelf.iterdir(), shelf):
            with contextlib.suppress(OSError):  # it is not
                empty.rmdir()
