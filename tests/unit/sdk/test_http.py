from __future__ import annotations

from collections.abc import Iterator
from http.client import IncompleteRead
from typing import Any

import pytest

import lazur
from lazur.errors import (
    Conflict,
    Invalid,
    LazurError,
    NotFound,
    ServerUnreachable,
    TooLarge,
    Unavailable,
)
from lazur.sdk.http import Address, Http, checked
from tests.unit.sdk.conftest import Handler, Stage, hangs_up, says


class Clock:
    """Time that passes by sleeping only."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def http(stage: Stage, clock: Clock) -> Iterator[Http]:
    made = Http(stage.address, sleep=clock.sleep, clock=clock)
    yield made
    made.close()


def keeps(handler: Handler) -> None:
    says(200, {"n": 1})(handler)
    handler.close_connection = False


def breaks_off(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "100")
    handler.end_headers()
    handler.wfile.write(b"half")
    handler.close_connection = True


class TestRequest:
    def test_sends_json_and_the_token(self, http: Http, stage: Stage) -> None:
        stage.plays(says(200, {"fine": True}))
        answer = http.request(
            "POST", "/x", query={"a": "b c", "no": None, "on": True}, json={"ä": 1}
        )
        sent = stage.seen[0]
        assert answer.json() == {"fine": True}
        assert sent.path == "/x?a=b+c&on=true"
        assert sent.body == '{"ä": 1}'.encode()
        assert sent.headers["authorization"] == "Bearer secret"

    def test_keeps_the_connection(self, http: Http, stage: Stage) -> None:
        stage.plays(keeps)
        http.request("GET", "/")
        http.request("GET", "/")
        assert stage.seen[0].port == stage.seen[1].port

    def test_a_kept_connection_that_went_stale_is_replaced_without_waiting(
        self, http: Http, stage: Stage, clock: Clock
    ) -> None:
        def keeps_until_the_next(handler: Handler) -> None:
            keeps(handler)

        stage.plays(keeps_until_the_next, hangs_up, keeps)
        http.request("GET", "/1")
        http.request("GET", "/2")
        assert [s.path for s in stage.seen] == ["/1", "/2", "/2"]
        assert clock.slept == []

    def test_never_follows_a_redirect(self, http: Http, stage: Stage) -> None:
        stage.plays(says(307, b"", Location="http://127.0.0.1:9/stolen"))
        with pytest.raises(LazurError, match="307"):
            http.request("GET", "/")
        assert len(stage.seen) == 1


class TestRetries:
    def test_a_post_that_got_no_answer_is_sent_again_with_the_same_key(
        self, http: Http, stage: Stage
    ) -> None:
        stage.plays(hangs_up, hangs_up, says(201, {"made": 1}))
        assert http.request("POST", "/jobs", json={}).json() == {"made": 1}
        keys = {s.headers["idempotency-key"] for s in stage.seen}
        assert len(stage.seen) == 3
        assert len(keys) == 1

    def test_two_posts_have_two_keys(self, http: Http, stage: Stage) -> None:
        stage.plays(says(201, {}))
        http.request("POST", "/jobs", json={})
        http.request("POST", "/jobs", json={})
        assert stage.seen[0].headers["idempotency-key"] != stage.seen[1].headers["idempotency-key"]

    def test_waits_as_long_as_the_server_asks(
        self, http: Http, stage: Stage, clock: Clock
    ) -> None:
        stage.plays(says(503, {}, Retry_After="2"), says(200, "up"))
        assert http.request("GET", "/").json() == "up"
        assert clock.slept == [2.0]

    def test_gives_up_when_the_server_stays_busy(self, http: Http, stage: Stage) -> None:
        stage.plays(says(503, {"error": {"code": "Unavailable", "message": "busy"}}))
        with pytest.raises(Unavailable, match="busy"):
            http.request("GET", "/")

    def test_a_streamed_body_is_made_anew_for_each_try(self, http: Http, stage: Stage) -> None:
        stage.plays(hangs_up, says(200, {}))
        http.request("POST", "/blobs", body=lambda: iter([b"one", b"two"]))
        assert [s.body for s in stage.seen] == [b"onetwo", b"onetwo"]

    def test_a_post_whose_answer_breaks_off_is_sent_again_with_the_same_key(
        self, http: Http, stage: Stage
    ) -> None:
        stage.plays(breaks_off, breaks_off, says(201, {"made": 1}))
        assert http.request("POST", "/jobs", json={"a": 1}).json() == {"made": 1}
        assert [s.body for s in stage.seen] == [b'{"a": 1}'] * 3
        assert len({s.headers["idempotency-key"] for s in stage.seen}) == 1

    def test_answers_that_always_break_off_are_given_up(
        self, http: Http, stage: Stage, clock: Clock
    ) -> None:
        stage.plays(breaks_off)
        with pytest.raises(ServerUnreachable, match=stage.url):
            http.request("GET", "/")
        assert len(stage.seen) > 2
        assert clock.now <= 5.0

    def test_nobody_there_is_said_with_the_address(self, clock: Clock, free_port: int) -> None:
        url = f"http://127.0.0.1:{free_port}"
        http = Http(Address(url), sleep=clock.sleep, clock=clock)
        with pytest.raises(ServerUnreachable, match=url) as caught:
            http.request("GET", "/")
        assert "lazur server status" in (caught.value.hint or "")
        assert clock.now <= 5.0

    def test_asks_for_the_address_of_a_server_that_was_started_again(
        self, stage: Stage, clock: Clock, free_port: int
    ) -> None:
        gone = Address(f"http://127.0.0.1:{free_port}")
        http = Http(gone, recover=lambda: stage.address, sleep=clock.sleep, clock=clock)
        stage.plays(says(200, "again"))
        assert http.request("GET", "/").json() == "again"
        assert http.address == stage.address
        http.close()


class TestErrors:
    def test_raises_what_the_server_raised(self, http: Http, stage: Stage) -> None:
        error = NotFound("There is no job 'x'.", hint="See: lazur job list", name="x")
        stage.plays(says(404, error.to_dict()))
        with pytest.raises(NotFound) as caught:
            http.request("GET", "/")
        assert (caught.value.hint, caught.value.details) == ("See: lazur job list", {"name": "x"})

    @pytest.mark.parametrize("theirs, told", [("0.1.7", True), ("0.2.0", False), ("odd", False)])
    def test_an_older_server_is_named_where_something_is_missing(
        self, http: Http, stage: Stage, monkeypatch: pytest.MonkeyPatch, theirs: str, told: bool
    ) -> None:
        monkeypatch.setattr(lazur, "__version__", "0.2.0")
        stage.plays(says(404, NotFound("No.").to_dict(), Lazur_Version=theirs))
        with pytest.raises(NotFound) as caught:
            http.request("GET", "/new")
        assert ("The server is Lazur 0.1.7" in str(caught.value)) is told

    @pytest.mark.parametrize("body", [b"<html>", b"", b"[]", b'{"error": "x"}', b"\xff"])
    def test_an_answer_that_is_no_error_of_ours_keeps_its_status(
        self, http: Http, stage: Stage, body: bytes
    ) -> None:
        stage.plays(says(409, body))
        with pytest.raises(Conflict, match="409"):
            http.request("GET", "/")

    def test_a_refusal_that_comes_before_the_body_is_read_says_why(
        self, http: Http, stage: Stage
    ) -> None:
        def refuses(handler: Handler) -> None:
            says(413, {"error": {"code": "TooLarge", "message": "too much"}})(handler)
            handler.wfile.flush()

        setattr(refuses, "reads_body", False)  # noqa: B010 - functions declare no attributes
        stage.plays(refuses)
        with pytest.raises((TooLarge, ServerUnreachable)) as caught:
            http.request("POST", "/blobs", body=lambda: (b"x" * 65536 for _ in range(200)))
        assert isinstance(caught.value, TooLarge) or "Reset" in str(caught.value.__cause__)


class TestStream:
    def test_a_body_that_breaks_off_is_no_end(self, http: Http, stage: Stage) -> None:
        stage.plays(breaks_off)
        got = b""
        with pytest.raises(IncompleteRead), http.stream("GET", "/") as stream:  # noqa: PT012
            for chunk in stream.chunks():
                got += chunk
        assert got == b"half"

    def test_lines_are_whole_whatever_the_chunks(self, http: Http, stage: Stage) -> None:
        def trickles(handler: Handler) -> None:
            handler.send_response(200)
            handler.send_header("Transfer-Encoding", "chunked")
            handler.end_headers()
            for piece in (b"a", b"b\nc", b"\n\nd"):
                handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                handler.wfile.flush()
            handler.wfile.write(b"0\r\n\r\n")

        stage.plays(trickles)
        with http.stream("GET", "/") as stream:
            assert list(stream.lines()) == [b"ab", b"c", b""]


class TestChecked:
    @pytest.mark.parametrize(
        "url", ["ftp://h", "h:80", "http://", "http://me:pw@h", "", "file:///x"]
    )
    def test_refuses_what_is_no_address(self, url: str) -> None:
        with pytest.raises(Invalid):
            checked(Address(url))

    def test_refuses_to_send_a_token_in_clear_over_a_network(self) -> None:
        with pytest.raises(Invalid, match="without encryption"):
            checked(Address("http://ml.example.org", "secret"))

    @pytest.mark.parametrize(
        "url",
        ["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1", "https://example.org"],
    )
    def test_takes_loopback_and_tls(self, url: str) -> None:
        assert checked(Address(url + "/", "secret")).url == url

    def test_can_be_told_that_the_network_is_trusted(self, monkeypatch: Any) -> None:
        monkeypatch.setenv("LAZUR_INSECURE", "1")
        assert checked(Address("http://ml.example.org", "secret"))
