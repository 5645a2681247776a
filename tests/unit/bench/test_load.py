"""The load generator tells the truth: every request is another one, and what failed is no
success."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from bench._load import Load, run


class _Recording(ThreadingHTTPServer):
    bodies: list[bytes]
    answers: int = 0
    """Those after so many are refused."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        recording = self.server
        assert isinstance(recording, _Recording)
        recording.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        answer = b"x" * 300_000
        refused = len(recording.bodies) > recording.answers
        self.send_response(503 if refused else 200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Tests are quiet."""


@pytest.fixture
def server() -> Iterator[_Recording]:
    made = _Recording(("127.0.0.1", 0), _Handler)
    made.bodies = []
    made.answers = 100
    thread = Thread(target=made.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


def load(server: _Recording, body: str, **more: Any) -> Load:
    head = "POST / HTTP/1.1\r\nHost: here\r\n"
    return Load("127.0.0.1", server.server_address[1], head, body, **more)


class TestRun:
    def test_as_many_as_asked_for_are_sent_and_none_is_like_another(
        self, server: _Recording
    ) -> None:
        report = run(load(server, '{"n": @N}', count=20, connections=4, first=100))
        assert (report.count, report.failures) == (20, 0)
        assert len(report.latencies) == 20
        numbers = sorted(json.loads(body)["n"] for body in server.bodies)
        assert numbers == list(range(100, 120))

    def test_points_go_on_from_batch_to_batch(self, server: _Recording) -> None:
        run(load(server, '{"metrics": [@POINTS]}', count=2, points=3, first=1))
        steps = [[m["step"] for m in json.loads(body)["metrics"]] for body in server.bodies]
        assert steps == [[3, 4, 5], [6, 7, 8]]

    def test_an_answer_is_read_to_its_end(self, server: _Recording) -> None:
        assert run(load(server, "{}", count=3)).bytes == 3 * 300_000

    def test_what_was_refused_is_no_success(self, server: _Recording) -> None:
        server.answers = 2
        report = run(load(server, "{}", count=5))
        assert (report.count, report.failures) == (2, 3)
        assert report.failure.startswith("http/1.1 503")
