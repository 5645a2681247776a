from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from lazur.server import logs


@pytest.fixture
def written(tmp_path: Path) -> Iterator[Path]:
    root = logging.getLogger()
    before = (list(root.handlers), root.level)
    root.handlers.clear()
    yield logs.set_up(tmp_path / "logs", "info")
    logging.captureWarnings(False)
    for handler in list(root.handlers):
        root.removeHandler(handler)
        handler.close()
    root.handlers, root.level = before


class TestMasked:
    @pytest.mark.parametrize(
        "text",
        [
            "Authorization: Bearer CANARY",
            "authorization: basic CANARY==",
            "{'authorization': 'Bearer CANARY'}",
            "Cookie: a=b; lazur-session=CANARY; x=y",
            "set-cookie: __Host-lazur=CANARY; HttpOnly",
            "token=CANARY&x=1",
            'password="CANARY"',
            "{'api_key': 'CANARY', 'x': 1}",
            "apikey: CANARY",
            "client_secret = CANARY",
            "git clone https://me:CANARY@host/x.git",
            "postgresql+psycopg://lazur:CANARY@db/lazur",
            "x" * 5000 + " token=CANARY",
        ],
    )
    def test_no_secret_stays(self, text: str) -> None:
        assert "CANARY" not in logs.masked(text)

    @pytest.mark.parametrize(
        "text", ["a plain line", "tokens of appreciation", "https://host/x@y"]
    )
    def test_the_rest_stays(self, text: str) -> None:
        assert logs.masked(text) == text

    def test_no_pattern_runs_away(self) -> None:
        for evil in (
            "token" + " " * 20000,
            "bearer" + " " * 20000,
            "://" + "a" * 20000,
            "://a:" * 4000,
            "cookie" * 4000,
            "token=" * 4000,
            "password\"'" * 2000,
        ):
            logs.masked(evil)


class TestLog:
    def test_a_record_is_one_readable_line(self, written: Path) -> None:
        logging.getLogger("lazur.access").info("%s %s", "ann", "GET /x")
        line = written.read_text()
        assert line.endswith("Z INFO    ann GET /x\n")
        assert line[4] == line[7] == "-"

    def test_a_name_cannot_forge_a_record(self, written: Path) -> None:
        logging.getLogger("lazur").info(
            "job %s", "x\n2026-01-01T00:00:00.000Z INFO root DELETE\r\x1b[2J"
        )
        _, second = written.read_text().splitlines()
        assert second.startswith("    2026")
        assert "\x1b" not in second
        assert "\r" not in second

    def test_a_traceback_is_indented_and_masked(self, written: Path) -> None:
        try:
            raise ValueError("token=CANARY")
        except ValueError:
            logging.getLogger("lazur").exception("it broke")
        first, *rest = written.read_text().splitlines()
        assert first.endswith("it broke")
        assert all(line.startswith("    ") for line in rest)
        assert "CANARY" not in written.read_text()

    def test_others_are_named_and_calmed(self, written: Path) -> None:
        logging.getLogger("uvicorn.error").info("Started server process")
        logging.getLogger("uvicorn.error").warning("odd")
        logging.getLogger("asyncio").warning("slow")
        assert written.read_text().count("\n") == 2
        assert "uvicorn.error: odd" in written.read_text()

    def test_only_the_owner_reads_it(self, written: Path) -> None:
        assert written.stat().st_mode & 0o777 == 0o600


class TestRotatedFile:
    def test_it_keeps_so_many_of_such_a_size(self, tmp_path: Path) -> None:
        handler = logs.RotatedFile(tmp_path / "x.log", size=100, kept=3)
        for number in range(50):
            handler.emit(logging.makeLogRecord({"msg": f"line {number:02d} of the log"}))
        handler.close()
        names = sorted(path.name for path in tmp_path.iterdir())
        assert names == ["x.log", "x.log.1", "x.log.2", "x.log.3"]
        text = "".join((tmp_path / name).read_text() for name in reversed(names))
        numbers = [int(line.split()[1]) for line in text.splitlines()]
        assert numbers == list(range(numbers[0], 50))
        assert all(path.stat().st_size <= 100 for path in tmp_path.iterdir())

    def test_it_goes_on_where_it_stopped(self, tmp_path: Path) -> None:
        for text in ("one", "two"):
            handler = logs.RotatedFile(tmp_path / "x.log")
            handler.emit(logging.makeLogRecord({"msg": text}))
            handler.close()
        assert (tmp_path / "x.log").read_text() == "one\ntwo\n"

    def test_a_record_larger_than_the_file_is_written(self, tmp_path: Path) -> None:
        handler = logs.RotatedFile(tmp_path / "x.log", size=10)
        handler.emit(logging.makeLogRecord({"msg": "y" * 50}))
        handler.close()
        assert (tmp_path / "x.log").stat().st_size == 51
