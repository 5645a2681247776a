"""Secrets stay where they belong (S13, S33, S40, S47, S48)."""

from __future__ import annotations

import base64
import os
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from lazur.testing.server import Server
from tests.security.conftest import CANARIES, started
from tests.security.test_access import sign_in
from tests.security.wire import W, Wire, until

PUBLIC = ("outputs", "user_logs", "logs")


@pytest.fixture(scope="module")
def used(servers: Path) -> Iterator[tuple[Server, dict[str, str]]]:
    """A server on which secrets of each kind were used, and some were used wrongly."""
    with (
        started(servers / "used", log_level="debug") as server,
        Wire(server, server.token) as wire,
    ):
        secrets = {"token": server.token}
        secrets["issued"] = wire.ask(
            "POST", "/api/v1/tokens", {"name": "x", "role": "Reader"}
        ).json["token"]
        secrets["code"] = wire.ask("POST", "/api/v1/sign-in-codes").json["code"]
        secrets["session"] = sign_in(server).partition("=")[2]
        name = wire.submit("printf '%s' \"$LAZUR_TOKEN\" > outputs/token; exit 3")
        wire.wait(name)
        found = wire.get(f"{W}/jobs/{name}/files/outputs/token")
        secrets["job"] = found.body.decode()
        assert secrets["job"].startswith("lzj_")
        for secret in secrets.values():
            misuse(server, secret)
        secrets["name"] = name
        yield server, secrets


class TestSecrets:
    def test_no_file_of_the_home_holds_one(self, used: tuple[Server, dict[str, str]]) -> None:
        """S33, S47: database, journal, logs, notes; as they are and in disguise. The owner's own
        lies in `token`, a job's in the plan that it is started from and where it put it itself."""
        server, secrets = used
        for kind in ("token", "issued", "code", "session", "job"):
            forms = disguises(secrets[kind])
            for path in files(server.home):
                if (kind, path.name) in (("token", "token"), ("job", "plan.json")):
                    continue
                if kind == "job" and path.parent.name == "outputs":
                    continue
                data = path.read_bytes()
                assert [f for f in forms if f in data] == [], (kind, path)

    def test_nothing_that_is_shown_holds_one(self, used: tuple[Server, dict[str, str]]) -> None:
        server, secrets = used
        name = secrets["name"]
        targets = [f"{W}/jobs/{name}", f"{W}/jobs", f"{W}/jobs/{name}/history", "/api/v1/me"]
        targets += [f"{W}/jobs/{name}/events", f"{W}/jobs/{name}/files", f"{W}/builds"]
        targets += [f"{W}/jobs/{name}/files/user_logs/std_log.txt", "/", f"/jobs/default/{name}"]
        targets += ["/api/v1/openapi.json", "/healthz", f"{W}/computes"]
        with Wire(server, server.token) as wire:
            for target in targets:
                got = wire.get(target)
                assert got.status == 200, target
                for kind in ("token", "issued", "code", "session", "job"):
                    shown = got.body + str(got.headers).encode()
                    assert [f for f in disguises(secrets[kind]) if f in shown] == [], target

    def test_the_servers_variables_are_nowhere(self, used: tuple[Server, dict[str, str]]) -> None:
        server, _ = used
        for path in files(server.home):
            data = path.read_bytes()
            assert [c for c in CANARIES.values() if c.encode() in data] == [], path

    def test_only_digests_are_stored(self, used: tuple[Server, dict[str, str]]) -> None:
        server, _ = used
        with sqlite3.connect(server.home / "lazur.db") as db:
            (count,) = db.execute("SELECT count(*) FROM lazur_tokens").fetchone()
            kinds = {row[0] for row in db.execute("SELECT kind FROM lazur_tokens")}
        db.close()
        assert count >= 3
        assert "job" not in kinds, "a job's token ends with it"

    def test_no_process_shows_one_to_others(self, used: tuple[Server, dict[str, str]]) -> None:
        """Command lines are readable to every user of the machine."""
        server, secrets = used
        with Wire(server, server.token) as wire:
            name = wire.submit("sleep 30")
            assert until(lambda: wire.get(f"{W}/jobs/{name}").json["status"] == "Running")
            try:
                for line in Path("/proc").glob("[0-9]*/cmdline"):
                    try:
                        data = line.read_bytes()
                    except OSError:
                        continue
                    assert b"lzj_" not in data
                    assert secrets["token"].encode() not in data
            finally:
                wire.ask("POST", f"{W}/jobs/{name}/cancel")
                wire.wait(name)

    def test_none_is_in_the_environment_of_a_build(
        self, used: tuple[Server, dict[str, str]]
    ) -> None:
        """What runs for the server has an environment of its own (S24, S47)."""
        server, secrets = used
        environ = Path(f"/proc/{server.pid}/environ").read_bytes()
        assert secrets["token"].encode() not in environ
        for path in (server.home / "builds").rglob("log"):
            assert b"canary" not in path.read_bytes()


class TestModes:
    def test_everything_is_the_owners(self, used: tuple[Server, dict[str, str]]) -> None:
        """S13: whatever the umask of whoever starts the server."""
        server, _ = used
        assert stat.S_IMODE(server.home.stat().st_mode) == 0o700
        open_ = [
            (path, oct(mode))
            for path in [*server.home.iterdir(), *server.home.rglob("*")]
            if not path.is_symlink()
            and (mode := stat.S_IMODE(path.stat().st_mode)) & 0o077
            and not beneath_a_closed_folder(path, server.home)
        ]
        assert open_ == []

    def test_secrets_are_closed_themselves(self, used: tuple[Server, dict[str, str]]) -> None:
        server, _ = used
        plans = list((server.home / "jobs").rglob("plan.json"))
        assert plans
        for path in [server.home / "token", server.home / "lazur.db", *plans]:
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


class TestInstalls:
    def test_two_never_share_a_key(self, running: Server, answering: Server) -> None:
        """S40."""
        assert running.token != answering.token
        assert len(running.token) >= 40
        with Wire(running, answering.token) as wire:
            assert wire.get("/api/v1/me").status == 401


def misuse(server: Server, secret: str) -> None:
    """In the address, in headers, in bodies, in a wrong method, cut in half."""
    odd = quote(secret, safe="")
    for headers in (
        {"Authorization": f"Bearer {secret}"},
        {"Authorization": f"Basic {secret}"},
        {"Cookie": f"lazur-session={secret}"},
        {"Referer": f"http://x/?token={odd}"},
        {"Host": secret[:40]},
        {"Origin": f"https://{secret}"},
    ):
        with Wire(server, headers=headers) as wire:
            wire.get("/api/v1/me")
            wire.get(f"{W}/jobs?token={odd}")
            wire.get(f"/sign-in?next=/&code={odd}")
            wire.ask("POST", "/api/v1/sessions", {"code": secret + "x"})
            wire.ask("POST", f"{W}/jobs", b'{"broken": "' + secret.encode())
            wire.ask("FOO", f"/x?access_token={odd}")


def disguises(secret: str) -> list[bytes]:
    raw = secret.encode()
    forms = [raw, raw[::-1], raw.hex().encode(), quote(secret, safe="").encode(), raw[:24]]
    return [*forms, *(base64.b64encode(b"x" * n + raw)[4:-4] for n in range(3))]


def files(home: Path) -> Iterator[Path]:
    """Those of the server; the installed packages of environments are not its own."""
    for top in sorted(home.iterdir()):
        if top.name in ("envs", "uv-cache", "cache", "blobs"):
            continue
        for path in [top] if top.is_file() else top.rglob("*"):
            if path.is_file() and not path.is_symlink() and os.access(path, os.R_OK):
                yield path


def beneath_a_closed_folder(path: Path, home: Path) -> bool:
    """Blobs and packages keep the modes that they need; a folder above lets nobody through."""
    above = [p for p in path.parents if home in p.parents]
    return any(stat.S_IMODE(p.stat().st_mode) & 0o077 == 0 for p in above)
