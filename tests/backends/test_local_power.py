"""What a power cut leaves of an attempt, in every mixture: nothing in its folder was synced, so
each file may be whole, empty or gone, while the database has or has not heard of the attempt."""

from __future__ import annotations

import itertools
import json
import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from lazur.backends.local import Local
from lazur.engine.contracts import Handle
from lazur.engine.plan import Plan
from lazur.runtime.claim import boot
from tests.backends.test_local import Case

_BEFORE = {"pid": os.getpid(), "started": 1, "boot": "another"}
_WRITTEN = {
    "plan.json": "{}",
    "claim": json.dumps(_BEFORE),
    "phases.jsonl": '{"name":"running","start":1.0}\n',
    "exit.json": '{"reason":"ok","code":0,"warnings":[]}',
}
_LEFT = ("whole", "torn", "empty", "zeros", "gone")
_WRONG = ('{"pid":1}', json.dumps({**_BEFORE, "pid": 1 << 99, "started": None, "boot": boot()}))
_LESS = ("whole", "empty", "gone")


class TestPowerCut(Case):
    """Of the local backend, whose clock is past the time in which a supervisor claims."""

    def leave(self, plan: Plan, left: Mapping[str, str]) -> Handle:
        folder = Path(plan.folder)
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in _WRITTEN.items():
            how = left[name]
            if how == "gone":
                (folder / name).unlink(missing_ok=True)
            else:
                kept = {"whole": text, "torn": text[: len(text) // 2], "zeros": "\0" * len(text)}
                (folder / name).write_text(kept.get(how, ""))
        return {"folder": plan.folder, "key": plan.key, "log": "none"}

    @pytest.fixture
    def late(self) -> Local:
        return Local({}, clock=lambda: time.time() + 1000)

    def test_an_attempt_that_the_database_knows_always_comes_to_an_end(
        self, late: Local, node: Path
    ) -> None:
        for number, how in enumerate(itertools.product(_LESS, _LEFT, _LESS, _LEFT)):
            left = dict(zip(_WRITTEN, how, strict=True))
            plan = self.make_plan(node, "true", job=f"job{number}")
            status = late.poll(self.leave(plan, left))
            if left["exit.json"] == "whole":
                expected = "ended"
            else:
                expected = "never" if left["claim"] == "gone" else "lost"
            assert status.state == expected, left

    @pytest.mark.parametrize("claim", ["torn", "empty", "zeros"])
    def test_a_claim_that_nobody_can_read_is_told_as_lost_and_never_begins(
        self, late: Local, node: Path, claim: str
    ) -> None:
        plan = self.make_plan(node, f"touch {node}/ran")
        left = dict.fromkeys(_WRITTEN, "gone") | {"plan.json": "whole", "claim": claim}
        self.leave(plan, left)
        handle = late.submit(plan)  # its slots were lost, and are given once more
        late.cancel(handle)
        assert late.poll(handle).state == "lost"
        assert not (node / "ran").exists()

    def test_one_that_was_not_claimed_begins_anew(self, backend: Local, node: Path) -> None:
        plan = self.make_plan(node, "true")
        self.leave(plan, dict.fromkeys(_WRITTEN, "gone") | {"plan.json": "empty"})
        assert self.wait(backend, backend.submit(plan)).state == "ended"

    def test_a_plan_from_a_clock_that_was_ahead_is_not_waited_for(self, node: Path) -> None:
        plan = self.make_plan(node, "true")
        handle = self.leave(plan, dict.fromkeys(_WRITTEN, "gone") | {"plan.json": "whole"})
        assert Local({}, clock=lambda: time.time() - 3600).poll(handle).state == "never"


class TestFilesOfAJob(Case):
    """A job runs as the same user, so it can write what it likes into its folder."""

    @pytest.mark.parametrize("text", [*_WRONG, "[1]", "7", '"x"', "[" * 100_000, '{"fenced":1}'])
    def test_no_document_of_it_makes_a_poll_fail(self, node: Path, text: str) -> None:
        plan = self.make_plan(node, "true")
        folder = Path(plan.folder)
        folder.mkdir(parents=True)
        for name in ("claim", "exit.json", "phases.jsonl"):
            (folder / name).write_text(text + "\n")
        handle = {"folder": plan.folder, "key": plan.key, "log": "none"}
        late = Local({}, clock=lambda: time.time() + 1000)
        assert late.poll(handle).state in ("lost", "never")

    @pytest.mark.parametrize("claim", _WRONG)
    def test_the_ends_of_others_are_told_all_the_same(
        self, backend: Local, node: Path, claim: str
    ) -> None:
        wrong = self.make_plan(node, "true")
        Path(wrong.folder).mkdir(parents=True)
        Path(wrong.folder, "claim").write_text(claim)
        told, others = threading.Event(), threading.Event()
        backend.watch({"folder": wrong.folder, "key": wrong.key, "log": "none"}, told.set)
        assert told.wait(self.patience)
        backend.watch(backend.submit(self.make_plan(node, "true")), others.set)
        assert others.wait(self.patience)

    def test_one_that_cannot_be_told_keeps_no_other_from_it(
        self, backend: Local, node: Path
    ) -> None:
        def fail() -> None:
            raise RuntimeError("cannot schedule new futures after shutdown")

        told = threading.Event()
        for listener in (fail, told.set):
            handle = backend.submit(self.make_plan(node, "true"))
            self.wait(backend, handle)
            backend.watch(handle, listener)
            told.wait(0.3)
        assert told.wait(self.patience)
