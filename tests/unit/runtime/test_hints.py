from __future__ import annotations

import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lazur.runtime import hints
from lazur.runtime.plan import Plan


@pytest.fixture
def folder() -> Iterator[Path]:
    """Short: a socket's path may have about a hundred characters."""
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


def plan(folder: Path) -> Plan:
    known = {"job": "nifty", "workspace": "default", "attempt": 1, "command": "true"}
    return Plan({**known, "folder": "/f", "artifacts": "/a", "hints": str(folder)})


class TestSend:
    def test_every_listener_is_told(self, folder: Path) -> None:
        with (
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one,
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as two,
        ):
            one.bind(str(folder / "1"))
            two.bind(str(folder / "2"))
            hints.send(plan(folder))
            assert one.recv(100) == two.recv(100) == b"default/nifty"

    def test_they_are_told_what_the_plan_says(self, folder: Path) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
            one.bind(str(folder / "1"))
            given = plan(folder)
            given.word = "default/nifty/7"
            hints.send(given)
            assert one.recv(100) == b"default/nifty/7"

    def test_nobody_listening_is_no_error(self, folder: Path) -> None:
        (folder / "file").touch()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as gone:
            gone.bind(str(folder / "gone"))
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
            other.bind(str(folder / "other"))
            hints.send(plan(folder))
        hints.send(plan(folder / "no such folder"))

    def test_a_full_queue_does_not_block(self, folder: Path) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf:
            deaf.bind(str(folder / "deaf"))
            for _ in range(1000):
                hints.send(plan(folder))
