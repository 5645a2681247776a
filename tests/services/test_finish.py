"""The end of a log, read through a backend that only reads by offset."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from lazur.engine.contracts import Backend
from lazur.services.results import finish
from lazur.store.jobs import JobRow


class Log:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.reads = 0

    def logs(self, _handle: dict[str, Any], offset: int, limit: int = 1 << 20) -> bytes:
        self.reads += 1
        return self.data[offset : offset + limit]


def tail(log: Log) -> str:
    row = cast("JobRow", SimpleNamespace(handle={"key": "x"}))
    return finish._log_tail(cast("Backend", log), row)


class TestLogTail:
    @pytest.mark.parametrize("size", [0, 1, 16383, 16384, 16385, 40000, 1 << 20, (1 << 20) + 7])
    def test_is_the_last_part_of_any_log(self, size: int) -> None:
        data = bytes(ord("a") + n % 26 for n in range(size))
        assert tail(Log(data)) == data[-(16 << 10) :].decode()

    def test_a_long_log_is_not_read_whole(self) -> None:
        log = Log(b"x" * (64 << 20))
        tail(log)
        assert log.reads < 60
