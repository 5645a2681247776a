from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from lazur.errors import JobFailed
from lazur.sdk import queue_follow
from lazur.sdk.client import Client
from lazur.sdk.http import Http
from tests.unit.sdk.conftest import Handler, Stage, says

LOG = b"".join(b"line %d\n" % n for n in range(1000))


class Story:
    """A job as a server that fails now and then tells it: each answer to the log says how many
    bytes it gives, and whether it ends as it should."""

    def __init__(
        self, parts: list[tuple[int, bool]], status: str = "Completed", log: bytes = LOG
    ) -> None:
        self.parts = parts
        self.status = status
        self.log = log
        self.asked: list[int] = []

    def __call__(self, handler: Handler) -> None:
        url = urlsplit(handler.path)
        if url.path.endswith("std_log.txt"):
            self._log(handler, int(parse_qs(url.query)["offset"][0]))
        elif url.path.endswith("/events"):
            text = "".join(
                f"event: job\ndata: {json.dumps(self._view(s))}\n\n"
                for s in ("Running", self.status)
            )
            says(200, text.encode())(handler)
        else:
            says(200, self._view("Running" if self.parts else self.status))(handler)

    def _view(self, status: str) -> dict[str, Any]:
        error = (
            {"code": "ExitCode", "message": "exit code 3", "hint": "look"}
            if status == "Failed"
            else None
        )
        return {"name": "j", "status": status, "etag": status, "error": error}

    def _log(self, handler: Handler, offset: int) -> None:
        self.asked.append(offset)
        count, whole = self.parts.pop(0) if self.parts else (len(self.log), True)
        chunk = self.log[offset : offset + count]
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        if chunk:
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        if whole:
            handler.wfile.write(b"0\r\n\r\n")
        handler.close_connection = True


@pytest.fixture
def client(stage: Stage, home: Path) -> Client:
    return Client(Http(stage.address), home=home)


class TestStream:
    def test_prints_the_whole_log(self, client: Client, stage: Stage) -> None:
        stage.plays(Story([]))
        out = io.BytesIO()
        assert client.jobs.stream("j", out=out).status == "Completed"
        assert out.getvalue() == LOG

    def test_goes_on_where_a_broken_connection_left_off(
        self, client: Client, stage: Stage
    ) -> None:
        story = Story([(100, False), (0, False), (2345, False)])
        stage.plays(story)
        out = io.BytesIO()
        client.jobs.stream("j", out=out)
        assert out.getvalue() == LOG
        assert story.asked[:4] == [0, 100, 100, 2445]

    def test_an_answer_that_ends_early_but_well_is_not_the_end(
        self, client: Client, stage: Stage
    ) -> None:
        """So it looks when a server is stopped: it ends its open answers."""
        stage.plays(Story([(500, True), (500, True)]))
        out = io.BytesIO()
        client.jobs.stream("j", out=out)
        assert out.getvalue() == LOG

    def test_a_job_without_a_log_has_an_empty_one(self, client: Client, stage: Stage) -> None:
        def nothing(handler: Handler) -> None:
            missing = "files" in handler.path
            answer = says(404, {"error": {"code": "NotFound", "message": "no file"}})
            (answer if missing else says(200, {"name": "j", "status": "Canceled"}))(handler)

        stage.plays(nothing)
        out = io.BytesIO()
        assert client.jobs.stream("j", out=out).status == "Canceled"
        assert out.getvalue() == b""

    def test_a_failed_job_is_an_error_with_its_cause(self, client: Client, stage: Stage) -> None:
        stage.plays(Story([], "Failed"))
        with pytest.raises(JobFailed, match="exit code 3") as caught:
            client.jobs.stream("j", out=io.BytesIO())
        assert caught.value.hint == "look"

    def test_characters_that_chunks_split_stay_whole_in_text(
        self, client: Client, stage: Stage
    ) -> None:
        stage.plays(Story([(1, False), (1, False)], log="äöü\n".encode()))
        out = io.StringIO()
        client.jobs.stream("j", out=out)
        assert out.getvalue() == "äöü\n"

    def test_tells_each_change_once(self, client: Client, stage: Stage) -> None:
        stage.plays(Story([]))
        told: list[str] = []
        client.jobs.stream("j", out=io.BytesIO(), on_change=lambda job: told.append(job.status))
        assert told == ["Running", "Completed"]


class TestTrials:
    def test_one_that_is_over_before_it_was_seen_has_its_log_told(
        self, client: Client, stage: Stage
    ) -> None:
        stage.plays(_short_sweep)
        out = io.StringIO()
        client.jobs.stream("j", out=out, logs=True)
        lines = out.getvalue().splitlines()
        assert [line for line in lines if line.startswith("trial 0 |")] == ["trial 0 | training"]


def _short_sweep(handler: Handler) -> None:
    """Its only trial is over when the sweep is first seen."""
    path = urlsplit(handler.path).path
    sweep: dict[str, Any] = {"name": "j", "type": "sweep", "status": "Completed", "etag": "1"}
    sweep["steps"] = [{"name": "t", "job": "j-0", "status": "Completed"}]
    if path.endswith("/trials"):
        says(200, {"value": [_TRIAL]})(handler)
    elif path.endswith("/events"):
        says(200, f"event: job\ndata: {json.dumps(sweep)}\n\n".encode())(handler)
    elif path.endswith("std_log.txt"):
        says(200, b"training\n" if "offset=0" in handler.path else b"")(handler)
    else:
        says(200, sweep)(handler)


_TRIAL = {
    "number": 0,
    "name": "j-0",
    "status": "Completed",
    "values": {"rate": 0.5},
    "metric": "loss",
    "score": 0.1,
    "best": True,
    "stopped_at": None,
    "started_at": "2026-01-01T00:00:00Z",
    "duration": 0.1,
    "error": None,
}


class TestSteps:
    def test_what_went_on_inside_is_told_before_its_end(
        self, client: Client, stage: Stage
    ) -> None:
        stage.plays(_nested)
        out = io.StringIO()
        client.jobs.stream("j", out=out)
        assert out.getvalue().splitlines() == [
            "outer.leaf  Completed  after 40 ms",
            "outer  Completed  after 1.50 s",
            "last   Completed  after 1 min 01 s",
            "2 steps: 2 completed",
        ]

    def test_what_waits_in_line_is_said_once_when_nothing_goes_on(
        self, client: Client, stage: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(queue_follow, "PATIENCE", 0.01)
        out = _Heard("Queued")
        stage.plays(partial(_in_line, out.heard))
        client.jobs.stream("j", out=out)
        assert out.getvalue().splitlines() == [
            (
                "a  Queued     waits for free slots on compute 'local' (1 slot); next in line,"
                " and so do 2 more"
            ),
            "a  Completed",
            "b  Completed",
            "c  Completed",
            "3 steps: 3 completed",
        ]

    def test_what_waits_beside_a_step_that_runs_is_not(
        self, client: Client, stage: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(queue_follow, "PATIENCE", 0.01)
        out = _Heard("never")
        stage.plays(partial(_in_line, out.heard, beside="Running", moment=0.2))
        client.jobs.stream("j", out=out)
        assert "Queued" not in out.getvalue()

    def test_where_nobody_reads_on_threads_end_in_silence(
        self, client: Client, stage: Stage
    ) -> None:
        stage.plays(_nested)
        with pytest.raises(BrokenPipeError):
            client.jobs.stream("j", out=_Closed(), logs=True)


class _Closed(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


class _Heard(io.StringIO):
    """Tells when a word was written."""

    def __init__(self, word: str) -> None:
        super().__init__()
        self._word = word
        self.heard = threading.Event()

    def write(self, text: str) -> int:
        if self._word in text:
            self.heard.set()
        return super().write(text)


def _in_line(
    go_on: threading.Event, handler: Handler, beside: str | None = None, moment: float = 10
) -> None:
    """Three steps that wait for slots until `go_on`, and a fourth where `beside` is its state."""

    def job(status: str) -> dict[str, Any]:
        step = {"type": "command", "started_at": None, "duration": None}
        steps = [{"name": n, "job": f"j_{n}", "status": status, **step} for n in "abc"]
        if beside is not None:
            steps.append({"name": "d", "job": "j_d", "status": beside, **step})
        state = "Running" if status == "Queued" else status
        return {"name": "j", "type": "pipeline", "status": state, "etag": status, "steps": steps}

    path = urlsplit(handler.path).path
    if path.endswith("/events"):
        handler.send_response(200)
        handler.end_headers()
        for status in ("Queued", "Completed"):
            handler.wfile.write(f"event: job\ndata: {json.dumps(job(status))}\n\n".encode())
            if status == "Queued":
                go_on.wait(moment)
        handler.close_connection = True
    elif path.endswith("j_a"):
        waits = "free slots on compute 'local' (1 slot); next in line"
        says(200, {"name": "j_a", "status": "Queued", "waiting_for": waits})(handler)
    else:
        says(200, job("Completed" if go_on.is_set() else "Queued"))(handler)


def _nested(handler: Handler) -> None:
    """All is over when it is first seen."""

    def step(name: str, kind: str, seconds: float) -> dict[str, Any]:
        times = {"started_at": "2026-01-01T00:00:00Z", "duration": seconds}
        return {"name": name, "type": kind, "job": f"j_{name}", "status": "Completed", **times}

    path = urlsplit(handler.path).path
    steps = [step("outer", "pipeline", 1.5), step("last", "command", 61)]
    if "j_outer" in path:
        steps = [step("leaf", "command", 0.04)]
    job = {"name": "j", "type": "pipeline", "status": "Completed", "etag": "1", "steps": steps}
    text = f"event: job\ndata: {json.dumps(job)}\n\n"
    says(200, text.encode() if path.endswith("/events") else job)(handler)


class TestEvents:
    def test_end_with_the_final_state(self, client: Client, stage: Stage) -> None:
        stage.plays(Story([]))
        assert [job.status for job in client.jobs.events("j")] == ["Running", "Completed"]

    def test_are_asked_for_again_when_they_break_off(self, client: Client, stage: Stage) -> None:
        def half(handler: Handler) -> None:
            says(
                200,
                b'event: job\ndata: {"status": "Running", "etag": "Running"}\n\nevent: job\nda',
            )(handler)

        answers: list[Callable[[Handler], None]] = [half, Story([])]
        stage.plays(*answers)
        assert [job.status for job in client.jobs.events("j")] == ["Running", "Completed"]
