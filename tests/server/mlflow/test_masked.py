"""Errors of upstream's, without what its database said."""

from __future__ import annotations

import json
from collections.abc import MutableMapping
from typing import Any

import pytest
from anyio import run

from lazur.server.mlflow.masked import Masked, mask

_INSERT = "[SQL: INSERT INTO experiments VALUES (?)]\n[parameters: ('a',)]"
_BEFORE = "Experiment(name=a) already exists."
_SAID = [
    f"{_BEFORE} Error: (sqlite3.IntegrityError) UNIQUE constraint failed: a.b\n{_INSERT}",
    f"{_BEFORE} Error: (raised as a result of Query-invoked autoflush; x)\n(sqlite3.Error) y",
    f'{_BEFORE} Error: (psycopg.errors.UniqueViolation) duplicate key "a"\n{_INSERT}',
    f"{_BEFORE}\n{_INSERT}",
    f"{_BEFORE}\n(Background on this error at: https://sqlalche.me/e/20/gkpj)",
]


def masked(message: str) -> Any:
    code = "RESOURCE_ALREADY_EXISTS"
    found = json.loads(mask(json.dumps({"error_code": code, "message": message}).encode()))
    assert found["error_code"] == code
    return found["message"]


class TestMask:
    @pytest.mark.parametrize("said", _SAID)
    def test_the_statement_is_left_out(self, said: str) -> None:
        assert masked(said) == _BEFORE

    def test_a_long_text_is_looked_through_once(self) -> None:
        """Half a million blanks took minutes when a pattern began with any number of them."""
        said = " " * 500_000 + "x" + "Error: " * 50_000
        assert masked(said) == said

    def test_something_is_said_where_nothing_is_left(self) -> None:
        said = "(sqlite3.OperationalError) database is locked\n[SQL: SELECT 1]"
        assert masked(said) == "The database refused this."

    @pytest.mark.parametrize(
        "body",
        [b"", b"no JSON", b"[1]", b'{"message": 1}', b'{"message":"a (b.Error)  [sql] Error: c"}'],
    )
    def test_all_else_stays_as_it_is(self, body: bytes) -> None:
        assert mask(body) == body


class TestMasked:
    def _sent(self, status: int, *pieces: bytes, kind: bytes = b"application/json") -> Any:
        sent: list[MutableMapping[str, Any]] = []

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        async def act() -> None:
            to = Masked(send)
            size = b"%d" % sum(map(len, pieces))
            headers = [(b"content-type", kind), (b"content-length", size), (b"x-a", b"b")]
            await to({"type": "http.response.start", "status": status, "headers": headers})
            for number, piece in enumerate(pieces, 1):
                more = number < len(pieces)
                await to({"type": "http.response.body", "body": piece, "more_body": more})

        run(act)
        return sent

    def test_an_error_is_sent_when_it_is_whole(self) -> None:
        body = json.dumps({"message": _SAID[0]}).encode()
        start, end = self._sent(400, body[:70], body[70:])
        assert json.loads(end["body"]) == {"message": _BEFORE}
        headers = dict(start["headers"])
        assert headers[b"content-length"] == b"%d" % len(end["body"])
        assert headers[b"x-a"] == b"b"

    def test_what_is_no_error_goes_through_piece_by_piece(self) -> None:
        assert len(self._sent(200, b"[SQL: a", b"b")) == 3
        assert len(self._sent(404, b"[SQL: a", b"b", kind=b"text/plain")) == 3
