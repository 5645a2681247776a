from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from lazur.server import exchange as exchange_module
from lazur.server import identity
from lazur.server.asgi import Message, Receive, Scope, Send
from lazur.server.gate import OPEN
from lazur.services.base.access import Grant, Principal
from lazur.services.base.roles import BUILT_IN
from tests.server.edge import (
    HOST,
    SESSION,
    TOKEN,
    Answer,
    Secrets,
    answer,
    bearer,
    call,
    cookie,
    exchange,
    gate,
    scope,
)

OWN = ("origin", f"http://{HOST}")
CSRF = ("x-lazur-csrf", "1")
UNSAFE = ["POST", "PUT", "PATCH", "DELETE"]


class TestIdentity:
    @pytest.mark.parametrize("method", ["GET", "HEAD", *UNSAFE])
    @pytest.mark.parametrize(
        "path", ["/", "/api/v1/me", "/api/v1/workspaces/default/jobs", "/jobs/default/x", "/docs"]
    )
    def test_nobody_gets_401_everywhere(self, method: str, path: str) -> None:
        got = call(gate(), method, path)
        assert got.status == 401
        assert got.error["code"] == "Unauthenticated"
        assert got.headers["www-authenticate"] == "Bearer"

    @pytest.mark.parametrize("method, path", sorted(OPEN))
    def test_the_open_routes_need_nobody(self, method: str, path: str) -> None:
        assert call(gate(), method, path).status == 200

    @pytest.mark.parametrize(
        "method, path",
        [
            ("GET", "/api/v1/sessions"),
            ("DELETE", "/api/v1/sessions"),
            ("POST", "/healthz"),
            ("POST", "/sign-in"),
            ("GET", "/healthz/"),
            ("GET", "/api/evil/healthz"),
            ("GET", "/sign-in/x"),
            ("GET", "/Healthz"),
            ("GET", "/%68ealthz"),
            ("POST", "/api/v1/sessions/"),
            ("POST", "/static/base.css"),
            ("GET", "/staticx"),
            ("GET", "/static"),
        ],
    )
    def test_what_only_resembles_an_open_route_is_closed(self, method: str, path: str) -> None:
        expected = 200 if path == "/%68ealthz" else 401
        assert call(gate(), method, path).status == expected

    def test_static_files_are_open_to_read(self) -> None:
        assert call(gate(), "GET", "/static/base.css").status == 200

    def test_a_bearer_token_is_let_through(self) -> None:
        assert b'"ann"' in call(gate(), "POST", "/api/v1/x", bearer()).body

    def test_a_session_reads(self) -> None:
        assert b'"bob"' in call(gate(), "GET", "/api/v1/x", cookie()).body

    @pytest.mark.parametrize(
        "header",
        [
            ("authorization", "Bearer wrong"),
            ("authorization", "Bearer "),
            ("authorization", "Bearer"),
            ("authorization", f"Basic {TOKEN}"),
            ("authorization", TOKEN),
            ("authorization", f"Bearer {SESSION}"),
            ("cookie", f"lazur-session-8765={TOKEN}"),
            ("cookie", f"lazur-session-9999={SESSION}"),
            ("cookie", f"__Host-lazur-session-8765={SESSION}"),
            ("x-http-user", "ann"),
        ],
    )
    def test_other_secrets_are_nobody(self, header: tuple[str, str]) -> None:
        assert call(gate(), "GET", "/api/v1/x", header).status == 401

    def test_two_tokens_are_no_token(self) -> None:
        assert call(gate(), "GET", "/api/v1/x", bearer("wrong"), bearer()).status == 401

    @pytest.mark.parametrize("query", [f"token={TOKEN}", f"access_token={TOKEN}"])
    def test_a_token_in_the_address_is_not_read(self, query: str) -> None:
        assert call(gate(), "GET", f"/api/v1/x?{query}").status == 401

    def test_many_calls_ask_once(self) -> None:
        secrets = Secrets()
        made = gate(secrets=secrets)

        async def many() -> list[Answer]:
            calls = [exchange(made, "GET", "/api/v1/x", bearer()) for _ in range(50)]
            return [*await asyncio.gather(*calls), await exchange(made, "GET", "/y", bearer())]

        assert {got.status for got in asyncio.run(many())} == {200}
        assert secrets.asked == 1

    def test_a_revoked_token_is_dead_within_a_second(self) -> None:
        clock = [100.0]
        secrets = Secrets()
        made = gate(secrets=secrets)
        made.identities = identity.Identities(secrets, clock=lambda: clock[0])
        assert call(made, "GET", "/api/v1/x", bearer()).status == 200
        secrets.known.clear()
        clock[0] += 1.0
        assert call(made, "GET", "/api/v1/x", bearer()).status == 401

    def test_a_person_is_led_to_the_sign_in_page_and_back(self) -> None:
        got = call(gate(), "GET", "/jobs/default/a%20b?tab=1", ("accept", "text/html,*/*"))
        assert got.status == 303
        assert got.headers["location"] == "/sign-in?next=/jobs/default/a%2520b%3Ftab%3D1"

    def test_a_program_is_not_redirected(self) -> None:
        assert call(gate(), "GET", "/api/v1/me", ("accept", "text/html")).status == 401


class TestHost:
    @pytest.mark.parametrize(
        "host", ["localhost", "localhost:9000", "127.0.0.1:8765", "[::1]:8765", "LOCALHOST:1"]
    )
    def test_loopback_names_are_ours(self, host: str) -> None:
        assert call(gate(), "GET", "/healthz", host=host).status == 200

    @pytest.mark.parametrize(
        "host",
        [
            "evil.example",
            "evil.example:8765",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "evil.localhost",
            "localhost:80:80",
            "localhost@evil.example",
            "localhost/",
            "localhost ",
            "0.0.0.0:8765",
            "2130706433",
            "",
            None,
        ],
    )
    @pytest.mark.parametrize("path", ["/healthz", "/sign-in", "/static/x.js", "/api/v1/me", "/"])
    def test_a_rebound_name_is_refused_on_every_route(self, host: str | None, path: str) -> None:
        got = call(gate(), "GET", path, bearer(), host=host)
        assert got.status == 421
        assert "allowed_hosts" in got.error["hint"]

    def test_two_host_headers_are_refused(self) -> None:
        assert call(gate(), "GET", "/healthz", ("host", "localhost")).status == 421

    def test_a_configured_name_is_ours(self) -> None:
        made = gate(allowed_hosts=("ML.Example.org",))
        assert call(made, "GET", "/healthz", host="ml.example.org").status == 200


class TestOrigin:
    FOREIGN = (
        "http://evil.example",
        f"http://{HOST}.evil.example",
        "http://localhost.evil.example:8765",
        f"https://{HOST}",
        "http://localhost:9999",
        "http://localhost",
        "http://127.0.0.1:8765",
        "null",
        "",
        f"http://{HOST}/",
    )

    @pytest.mark.parametrize("origin", FOREIGN)
    @pytest.mark.parametrize("method", ["GET", *UNSAFE])
    @pytest.mark.parametrize("proof", [bearer(), cookie()])
    def test_foreign_pages_are_refused(
        self, origin: str, method: str, proof: tuple[str, str]
    ) -> None:
        got = call(gate(), method, "/api/v1/x", proof, CSRF, ("origin", origin))
        assert got.status == 403
        assert "access-control-allow-origin" not in got.headers

    @pytest.mark.parametrize("origin", FOREIGN)
    def test_foreign_pages_cannot_sign_somebody_in(self, origin: str) -> None:
        assert call(gate(), "POST", "/api/v1/sessions", ("origin", origin)).status == 403

    @pytest.mark.parametrize(
        "method", ["OPTIONS", "TRACE", "CONNECT", "PURGE", "get", "__class__"]
    )
    def test_unknown_verbs_and_preflights_are_refused(self, method: str) -> None:
        got = call(gate(), method, "/api/v1/x", bearer(), ("origin", "http://evil.example"))
        assert got.status == 405

    def test_two_origins_are_foreign(self) -> None:
        assert call(gate(), "GET", "/api/v1/x", bearer(), OWN, OWN).status == 403

    @pytest.mark.parametrize("site", ["cross-site", "same-site"])
    def test_a_foreign_page_cannot_include_ours(self, site: str) -> None:
        headers = (cookie(), ("sec-fetch-site", site), ("sec-fetch-mode", "no-cors"))
        assert call(gate(), "GET", "/api/v1/x", *headers).status == 403

    def test_a_link_on_a_foreign_page_may_lead_here(self) -> None:
        headers = (cookie(), ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"))
        assert call(gate(), "GET", "/jobs/default/x", *headers).status == 200
        assert call(gate(), "POST", "/jobs/default/x", *headers).status == 403

    @pytest.mark.parametrize("method", UNSAFE)
    def test_our_page_changes_with_origin_and_header(self, method: str) -> None:
        assert call(gate(), method, "/api/v1/x", cookie(), OWN, CSRF).status == 200

    @pytest.mark.parametrize("method", UNSAFE)
    @pytest.mark.parametrize("sent", [(), (OWN,), (CSRF,)])
    def test_a_cookie_alone_changes_nothing(
        self, method: str, sent: tuple[tuple[str, str], ...]
    ) -> None:
        assert call(gate(), method, "/api/v1/x", cookie(), *sent).status == 403

    def test_a_proxys_origin_is_ours_when_configured(self) -> None:
        made = gate(allowed_hosts=("ml.example.org",), allowed_origins=("https://ml.example.org",))
        headers = (cookie(name="__Host-lazur-session"), CSRF, ("origin", "https://ml.example.org"))
        assert call(made, "POST", "/api/v1/x", *headers, host="ml.example.org").status == 200

    def test_over_tls_only_the_host_cookie_counts(self) -> None:
        good = cookie(name="__Host-lazur-session-8765")
        assert call(gate(), "GET", "/api/v1/x", good, scheme="https").status == 200
        assert call(gate(), "GET", "/api/v1/x", cookie(), scheme="https").status == 401


class TestWebSocket:
    def accepted(self, *headers: tuple[str, str], host: str = HOST) -> bool:
        sent: list[Message] = []

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await send({"type": "websocket.accept"})

        async def receive() -> Message:
            return {"type": "websocket.connect"}

        async def send(message: Message) -> None:
            sent.append(message)

        made = scope("GET", "/api/v1/x", headers, host)
        made.update({"type": "websocket", "scheme": "ws"})
        del made["method"]
        asyncio.run(gate(app)(made, receive, send))
        return sent[0]["type"] == "websocket.accept"

    def test_it_passes_the_same_checks(self) -> None:
        assert self.accepted(bearer())
        assert self.accepted(cookie(), OWN)
        assert not self.accepted()
        assert not self.accepted(bearer("wrong"))
        assert not self.accepted(cookie())
        assert not self.accepted(cookie(), ("origin", "http://evil.example"))
        assert not self.accepted(bearer(), ("origin", "http://evil.example"))
        assert not self.accepted(bearer(), host="evil.example")


class TestTarget:
    @pytest.mark.parametrize(
        "path",
        [
            "//healthz",
            "/static//x",
            "/static/../api/v1/me",
            "/static/..",
            "/./healthz",
            "/static/%2e%2e/api/v1/me",
            "/static/.%2E/x",
            "/%2e/healthz",
            "/static/..%2fapi",
            "/static%2Fx",
            "/mlflow/api/3.0/mlflow/runs/a%2Fb",
            "/mlflow/api/3.0/mlflow/mcp-servers%2Fa",
            "/mlflow/a%2Fb/api/3.0/mlflow/mcp-servers/a",
            "/mlflow/api/3.0/mlflow/mcp-servers/a%2F..%2Fb",
            "/mlflow/api/3.0/mlflow/mcp-servers/..%2Fb",
            "/mlflow/api/3.0/mlflow/mcp-servers/a%2F%2e%2e",
            "/mlflow/api/3.0/mlflow/mcp-servers/a%2F%2Fb",
            "/mlflow/api/3.0/mlflow/mcp-servers/a%252f..%2F..%2F%00",
            "/static/..%5cx",
            "/static/..\\x",
            "/x%00",
            "/x%0d%0aset-cookie:a",
            "/x%1b",
            "/x%7f",
            "/x y",
            "/x%zz",
            "/x%",
            "/x#y",
            "/\xe9",
            "healthz",
            "http://localhost/healthz",
            "",
            "*",
        ],
    )
    @pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
    def test_a_path_has_one_spelling(self, path: str, method: str) -> None:
        assert call(gate(), method, path, bearer()).status == 400

    @pytest.mark.parametrize(
        "path",
        [
            "/a/.b/..c/d..",
            "/a/100%25.txt",
            "/a/%C3%A9",
            "/a;b",
            "/a/b/",
            "/a/...",
            "/~x",
            "/mlflow/api/3.0/mlflow/mcp-servers/com.example%2Fname/versions",
            "/mlflow/workspaces/w/ajax-api/3.0/mlflow/mcp-servers/com.example%2Fname",
        ],
    )
    def test_plain_paths_pass(self, path: str) -> None:
        assert call(gate(), "GET", path, bearer()).status == 200

    @pytest.mark.parametrize(
        "header", ["x-http-method-override", "x-original-url", "x-rewrite-url"]
    )
    def test_headers_do_not_change_what_is_asked(self, header: str) -> None:
        assert call(gate(), "GET", "/api/v1/x", (header, "/healthz")).status == 401


class TestLimits:
    def test_a_long_address_is_refused(self) -> None:
        assert call(gate(max_url=100), "GET", "/healthz?" + "a" * 100).status == 414
        assert call(gate(max_url=100), "GET", "/healthz?" + "a" * 50).status == 200

    def test_large_headers_are_refused(self) -> None:
        assert call(gate(max_headers=1000), "GET", "/healthz", ("x", "y" * 1000)).status == 431

    def test_many_headers_are_refused(self) -> None:
        assert call(gate(), "GET", "/healthz", *[("x", "y")] * 101).status == 431

    @pytest.mark.parametrize("length", ["101", "9" * 30, "-1", "1e3", " 5", "0x5"])
    def test_an_announced_large_body_is_refused_unread(self, length: str) -> None:
        made = gate(max_body=100)
        got = call(made, "POST", "/x", bearer(), ("content-length", length), body=[b"a"])
        assert got.status == 413
        assert got.headers["connection"] == "close"

    def test_a_streamed_large_body_is_cut_off(self) -> None:
        got = call(gate(max_body=100), "POST", "/x", bearer(), body=[b"a" * 60] * 1000)
        assert got.status == 413
        assert got.error["code"] == "TooLarge"

    def test_a_body_of_the_limit_passes(self) -> None:
        got = call(gate(max_body=100), "POST", "/x", bearer(), body=[b"a" * 50] * 2)
        assert b'"size": 100' in got.body

    def test_blobs_may_be_of_any_size(self) -> None:
        path = "/api/v1/workspaces/default/blobs"
        assert call(gate(max_body=1), "POST", path, bearer(), body=[b"a" * 60] * 9).status == 200

    @pytest.mark.parametrize(
        "method, path",
        [
            ("PUT", "/api/v1/workspaces/default/blobs"),
            ("POST", "/api/v1/workspaces/default/blobs/missing"),
            ("POST", "/api/v1/workspaces/a/b/blobs"),
            ("POST", "/api/v1/workspaces/default/jobs/blobs"),
            ("POST", "/blobs"),
        ],
    )
    def test_only_blobs_may(self, method: str, path: str) -> None:
        assert call(gate(max_body=1), method, path, bearer(), body=[b"aa"]).status == 413

    def test_a_framework_cannot_hide_that_the_body_was_too_large(self) -> None:
        async def swallowing(scope: Scope, receive: Receive, send: Send) -> None:
            try:
                while (await receive()).get("more_body"):
                    pass
            except Exception:  # noqa: BLE001 - as frameworks do
                await answer(send, b"cannot parse", b"text/plain", 400)

        got = call(gate(swallowing, max_body=10), "POST", "/x", bearer(), body=[b"a" * 6] * 9)
        assert got.status == 413

    def test_a_slow_body_is_given_up(self) -> None:
        made = gate(body_seconds=0.05)
        got = call(made, "POST", "/x", bearer(), body=[b"a"] * 100, pause=0.02)
        assert got.status == 408

    def test_sign_in_attempts_are_few(self) -> None:
        made = gate()
        seen = [call(made, "POST", "/api/v1/sessions").status for _ in range(40)]
        assert seen[:30] == [200] * 30
        assert set(seen[30:]) == {429}


class TestHeaders:
    def headers(self, path: str, kind: bytes = b"application/json") -> dict[str, str]:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await answer(send, b"x", kind)

        return call(gate(app), "GET", path, bearer()).headers

    @pytest.mark.parametrize("path", ["/", "/sign-in", "/jobs/a/b", "/static/x.js", "/api/v1/x"])
    def test_every_answer_is_guarded(self, path: str) -> None:
        got = self.headers(path)
        assert got["x-content-type-options"] == "nosniff"
        assert got["cross-origin-resource-policy"] == "same-origin"
        assert got["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in got["content-security-policy"]

    def test_refusals_are_guarded_too(self) -> None:
        got = call(gate(), "GET", "/api/v1/x").headers
        assert got["x-content-type-options"] == "nosniff"
        assert got["cache-control"] == "no-store"

    @pytest.mark.parametrize("path", ["/", "/sign-in", "/jobs/a/b"])
    def test_pages_run_their_own_scripts_only(self, path: str) -> None:
        policy = self.headers(path, b"text/html")["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy

    @pytest.mark.parametrize(
        "kind", [b"text/html", b"image/svg+xml", b"application/pdf", b"text/xml", b"application/x"]
    )
    def test_artifacts_run_nothing_and_are_saved(self, kind: bytes) -> None:
        got = self.headers("/api/v1/workspaces/default/jobs/x/files/outputs/a", kind)
        assert got["content-security-policy"].startswith("sandbox; default-src 'none'")
        assert got["content-disposition"] == "attachment"

    def test_the_api_is_not_cached(self) -> None:
        assert self.headers("/api/v1/me")["cache-control"] == "no-store"

    def test_an_application_cannot_weaken_them(self) -> None:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            headers = [
                (b"content-security-policy", b"default-src *"),
                (b"x-frame-options", b"ALLOW"),
            ]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body"})

        got = call(gate(app), "GET", "/api/v1/x", bearer()).headers
        assert "sandbox" in got["content-security-policy"]
        assert got["x-frame-options"] == "DENY"


class TestFaults:
    @staticmethod
    async def fault(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("canary-of-the-inside")

    @staticmethod
    async def late(scope: Scope, receive: Receive, send: Send) -> None:
        """As Starlette does it: answers first, raises then."""
        await answer(send, b"canary-of-the-inside", b"text/plain", 500)
        raise RuntimeError("canary-of-the-inside")

    @pytest.mark.parametrize("app", ["fault", "late"])
    def test_a_fault_is_an_incident_and_tells_nothing(
        self, app: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        got = call(gate(getattr(self, app)), "GET", "/x", bearer())
        assert got.status == 500
        assert b"canary" not in got.body
        incident = got.error["message"].partition("incident ")[2].strip(")")
        assert len(incident) == 12
        record = next(r for r in caplog.records if incident in r.getMessage())
        assert "canary-of-the-inside" in str(record.exc_info)

    def test_an_answered_500_passes(self) -> None:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await answer(send, b'{"error": {"code": "BuildFailed"}}', status=500)

        assert call(gate(app), "GET", "/x", bearer()).error == {"code": "BuildFailed"}

    def test_who_hangs_up_is_no_incident(self, caplog: pytest.LogCaptureFixture) -> None:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await receive()
            await receive()
            raise RuntimeError("client disconnected")

        async def gone() -> Message:
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            raise AssertionError("nobody is there to read it")

        made = scope("POST", "/x", [bearer(), ("content-length", "5")])
        asyncio.run(gate(app)(made, gone, send))
        assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def holding(*roles: str) -> Principal:
    return Principal("ann", "user", tuple(Grant(BUILT_IN[name]) for name in roles))


class TestStreams:
    @staticmethod
    async def endless(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while True:
            await send({"type": "http.response.body", "body": b"x", "more_body": True})
            await asyncio.sleep(0.01)

    def test_a_stream_ends_when_its_token_is_revoked(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert exchange_module.RECHECK + identity.FRESH < 5.0
        monkeypatch.setattr(exchange_module, "RECHECK", 0.05)
        monkeypatch.setattr(identity, "FRESH", 0.01)
        secrets = Secrets()
        made = gate(self.endless, secrets)

        async def run() -> Answer:
            open_stream = asyncio.ensure_future(exchange(made, "GET", "/x", bearer()))
            await asyncio.sleep(0.2)
            assert not open_stream.done()
            secrets.known.clear()
            return await asyncio.wait_for(open_stream, 5)

        got = asyncio.run(run())
        assert got.body
        assert not got.complete

    @pytest.mark.parametrize(
        "roles, ends",
        [(("Reader",), True), ((), True), (("Contributor", "Reader", "Owner"), False)],
    )
    def test_a_stream_ends_when_a_role_is_taken_away(
        self, monkeypatch: pytest.MonkeyPatch, roles: tuple[str, ...], ends: bool
    ) -> None:
        monkeypatch.setattr(exchange_module, "RECHECK", 0.02)
        monkeypatch.setattr(identity, "FRESH", 0.01)
        known: dict[str, tuple[str, ...]] = {"roles": ("Contributor", "Reader")}
        made = gate(self.endless)
        made.identities = identity.Identities(lambda *_: holding(*known["roles"]))

        async def run() -> bool:
            open_stream = asyncio.ensure_future(exchange(made, "GET", "/x", bearer()))
            await asyncio.sleep(0.1)
            assert not open_stream.done()
            known["roles"] = roles
            done, _ = await asyncio.wait([open_stream], timeout=60 if ends else 0.3)
            made.stop()
            await open_stream
            return bool(done)

        assert asyncio.run(run()) is ends

    def test_an_upload_ends_when_a_role_is_taken_away(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(exchange_module, "RECHECK", 0.02)
        monkeypatch.setattr(identity, "FRESH", 0.01)
        asked: list[str] = []

        def shrinking(*_: str) -> Principal:
            asked.append("")
            return holding("Reader") if len(asked) > 3 else holding("Reader", "Contributor")

        made = gate()
        made.identities = identity.Identities(shrinking)
        pieces = [b"x"] * 200
        got = asyncio.run(exchange(made, "POST", "/x", bearer(), body=pieces, pause=0.01))
        assert got.status == 401
        assert b"taken away while this was being sent" in got.body

    def test_a_stream_that_is_silent_ends_too(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(exchange_module, "RECHECK", 0.05)
        monkeypatch.setattr(identity, "FRESH", 0.01)
        secrets = Secrets()

        async def silent(scope: Scope, receive: Receive, send: Send) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await asyncio.Event().wait()

        made = gate(silent, secrets)

        async def run() -> Answer:
            open_stream = asyncio.ensure_future(exchange(made, "GET", "/x", bearer()))
            await asyncio.sleep(0.1)
            assert not open_stream.done()
            secrets.known.clear()
            return await asyncio.wait_for(open_stream, 5)

        assert not asyncio.run(run()).complete

    def test_streams_end_when_the_server_stops(self) -> None:
        made = gate(self.endless)

        async def run() -> list[Answer]:
            streams = [asyncio.ensure_future(exchange(made, "GET", "/x", bearer())) for _ in "abc"]
            await asyncio.sleep(0.05)
            made.stop()
            return await asyncio.wait_for(asyncio.gather(*streams), 5)

        assert [got.complete for got in asyncio.run(run())] == [False] * 3

    def test_a_cancelled_request_stays_cancelled(self) -> None:
        """The gate must not swallow what the server itself cancels."""

        async def run() -> None:
            task = asyncio.ensure_future(exchange(gate(self.endless), "GET", "/x", bearer()))
            await asyncio.sleep(0.05)
            task.cancel()
            await task

        with pytest.raises(asyncio.CancelledError):
            asyncio.run(run())


class TestAccessLog:
    def lines(self, caplog: pytest.LogCaptureFixture, *args: Any, **how: Any) -> list[str]:
        with caplog.at_level(logging.INFO):
            call(gate(), *args, **how)
        return [r.getMessage() for r in caplog.records if r.name == "lazur.access"]

    def test_it_says_who_what_and_how_it_went(self, caplog: pytest.LogCaptureFixture) -> None:
        (line,) = self.lines(caplog, "POST", "/api/v1/x", bearer())
        assert line.startswith("ann POST /api/v1/x 200 ")
        assert line.endswith("ms")

    def test_no_secret_reaches_it(self, caplog: pytest.LogCaptureFixture) -> None:
        canary = "canary-4711"
        headers = [
            ("authorization", f"Bearer {canary}"),
            ("cookie", f"lazur-session-8765={canary}"),
        ]
        lines = self.lines(caplog, "GET", f"/api/v1/x?token={canary}", *headers)
        assert lines == [line for line in lines if canary not in line]
        assert len(lines) == 1

    def test_a_redirect_repeats_no_secret_header(self) -> None:
        got = call(gate(), "GET", "/jobs/a/b", ("accept", "text/html"), bearer("canary-4711"))
        assert "canary" not in str(got.headers)


class TestCost:
    def test_no_pattern_runs_away(self) -> None:
        """Each pattern against its evil string; a backtracking one would not come back."""
        for evil in ("/" + "%2" * 8000, "/." * 8000, "/" + "%2e" * 5000 + "%00"):
            assert call(gate(), "GET", evil, bearer()).status in {400, 414}
        for host in ("a" * 60000, "[" + ":" * 60000, "localhost:" + "1" * 60000):
            assert call(gate(), "GET", "/x", host=host).status == 421
