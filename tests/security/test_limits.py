"""Too much, too odd, too often, too slow (S20, S42, S46, S56, S58-S62)."""

from __future__ import annotations

import concurrent.futures
import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pytest

from lazur.testing.fakes import Engine, FakeBuilder
from lazur.testing.server import Server
from tests.security.conftest import started
from tests.security.wire import ENVIRONMENT, W, Wire, encoded, operations
from tests.site import Clock, open_site, submit
from tests.site import Server as Loops

JOB = {"type": "command", "command": "true", "environment": ENVIRONMENT}


class TestBodies:
    BODIES: ClassVar = {
        "depth": b"[" * 100_000,
        "depth of objects": b'{"a":' * 50_000,
        "integer": b'{"a": ' + b"9" * 5_000 + b"}",
        "nan": b'{"type": "command", "timeout": NaN}',
        "infinity": b'{"a": -Infinity}',
        "twice": b'{"name": "a", "name": "b"}',
        "surrogate": b'{"name": "\\ud800"}',
        "bytes": b'{"name": "\xff\xfe"}',
        "float": b'{"a": 1e999}',
        "list": b"[]",
        "null": b"null",
        "text": b'"x"',
        "nothing": b"",
        "yaml": b"a: !!python/object/apply:os.system [id]",
        "bom": b"\xef\xbb\xbf{}{}",
        "nul": b'{"name": "a\\u0000b"}',
    }

    @pytest.mark.parametrize("name", BODIES)
    def test_every_route_refuses_it(self, caller: Wire, name: str) -> None:
        """S20: 4xx, never 500, whatever content type is claimed."""
        for operation in operations(caller):
            if operation.method in ("POST", "PATCH") and operation.path != f"{W}/blobs":
                kinds = ("application/json", "text/plain", "multipart/form-data; boundary=x")
                for kind in kinds if operation.path.endswith("/jobs") else kinds[:1]:
                    target = operation.at(workspace="default")
                    got = caller.ask(
                        operation.method, target, self.BODIES[name], Content_Type=kind
                    )
                    accepted = operation.path.endswith(BODYLESS)
                    assert 400 <= got.status < 500 or accepted, (operation, got.status, got.body)

    def test_wide_ones_too(self, caller: Wire) -> None:
        """S58, S60: tags, their length, texts, fields, inputs."""
        for more in (
            {"tags": {f"t{n}": "x" for n in range(100_000)}},
            {"tags": {"t" * 300: "x"}},
            {"properties": {"p": "x" * (1 << 20)}},
        ):
            for method, target in (
                ("POST", f"{W}/jobs"),
                ("PATCH", f"{W}/jobs/{caller.submit()}"),
            ):
                body = {**JOB, **more} if method == "POST" else more
                got = caller.ask(method, target, body)
                assert 400 <= got.status < 500, (list(more), method, got.status)


class TestSizes:
    def test_each_limit_holds_and_memory_stays_flat(self, servers: Path) -> None:
        """S58, on a server of its own, whose memory is looked at."""
        with started(servers / "sized", role="api") as server, Wire(server, server.token) as wire:
            for _ in range(50):
                wire.ask("POST", f"{W}/jobs/validate", JOB)
            before = memory(server.pid)
            for _ in range(5):
                assert announced(wire, 17 << 20).startswith(b"HTTP/1.1 413")
                assert wire.get("/x" * 20_000).status == 414
                assert wire.get(f"{W}/jobs?{'a=b&' * 10_000}").status == 414
                headers = {f"x-{n}": "y" * 1000 for n in range(90)}
                assert wire.get(f"{W}/jobs", **headers).status == 431
                assert wire.get(f"{W}/jobs", **{f"x-{n}": "y" for n in range(150)}).status == 431
                ranges = "bytes=" + ",".join(f"{n}-" for n in range(5_000))
                assert wire.get(f"{W}/blobs/{'0' * 64}", Range=ranges).status in (400, 404)
                asked = {"sha256": ["0" * 64] * 20_001}
                assert wire.ask("POST", f"{W}/blobs/missing", asked).status == 400
                assert (
                    wire.ask("POST", f"{W}/blobs", b"0" * 64 + b" 99999999999999999999\nx").status
                    < 500
                )
                assert wire.ask("POST", f"{W}/blobs", b"0" * (2 << 20)).status == 400
                bomb = {"Content-Encoding": "gzip"}
                assert (
                    wire.ask("POST", f"{W}/jobs", b"\x1f\x8b" + b"0" * 1000, **bomb).status == 400
                )
            assert memory(server.pid) - before < 50 << 20

    @pytest.mark.slow
    def test_slow_and_idle_clients_hold_nobody_up(self, servers: Path) -> None:
        """S59: none of them takes a thread, and each is let go of."""
        with started(servers / "slow", header_seconds="1", body_seconds="1") as server:
            address = (urlsplit(server.url).hostname or "", urlsplit(server.url).port or 0)
            with contextlib.ExitStack() as stack, Wire(server, server.token) as wire:
                slow = [stack.enter_context(socket.create_connection(address)) for _ in range(200)]
                name = wire.submit("true")
                for n, client in enumerate(slow):
                    client.settimeout(20)
                    client.sendall(slow_request(n, server, name))
                assert [wire.get(f"{W}/jobs").status for _ in range(20)] == [200] * 20
                assert all(last_word(client) for client in slow[: 2 * len(slow) // 3])


class TestRanges:
    QUERIES: ClassVar = {
        "limit": ("-1", "0", "1001", "1000000000", "9" * 400, "1.5", "NaN", "٣", "", " 5 ", "0x5"),
        "cursor": (
            "x",
            "e30",
            "W10",
            "bnVsbA",
            "WyItY3JlYXRlZF9hdCIsMWU5OTksMV0",
            "%00",
            "=" * 50,
        ),
        "order_by": (
            "id",
            "-",
            "created_at;drop",
            "spec",
            "token",
            "created_at desc",
            "--x",
            "(1)",
        ),
    }

    @pytest.mark.parametrize("kind", ["jobs", "data", "builds", "../workspaces"])
    def test_paging(self, caller: Wire, kind: str) -> None:
        """S60."""
        target = "/api/v1/workspaces" if kind.startswith("..") else f"{W}/{kind}"
        for name, values in self.QUERIES.items():
            for value in values:
                got = caller.get(f"{target}?{name}={encoded(value)}")
                fine = value.strip() == "5" or (name == "cursor" and value == "")
                assert got.status in (400, 422) or fine, (name, value, got.status, got.body)

    @pytest.mark.parametrize("offset", ["-1", str(1 << 63), "9" * 50, "x", "1e3", "NaN"])
    def test_offsets(self, caller: Wire, offset: str) -> None:
        got = caller.get(f"{W}/jobs/{caller.submit()}/files/user_logs/std_log.txt?offset={offset}")
        assert got.status in (400, 422)

    def test_blob_ranges(self, caller: Wire) -> None:
        data = b"0123456789"
        caller.upload(data)
        from_hash = f"{W}/blobs/84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882"
        assert caller.get(from_hash, Range="bytes=2-4").body == b"234"
        for odd in (
            "bytes=5-2",
            "bytes=-1",
            "bytes=99-",
            "bytes=0-1,3-4",
            "lines=1-2",
            "bytes=" + "9" * 30 + "-",
        ):
            assert caller.get(from_hash, Range=odd).status in (400, 416), odd

    def test_times_and_numbers_of_a_job(self, caller: Wire) -> None:
        for limits in (
            {"timeout": -1},
            {"timeout": 1 << 62},
            {"timeout": "x"},
            {"timeout": 1e308},
        ):
            got = caller.ask("POST", f"{W}/jobs", {**JOB, "limits": limits})
            assert got.status in (201, 400, 422), got.body
        for resources in (
            {"instance_count": 0},
            {"instance_count": 1 << 62},
            {"shm_size": "9" * 99},
        ):
            got = caller.ask("POST", f"{W}/jobs", {**JOB, "resources": resources})
            assert 400 <= got.status < 500 or got.status in (201, 501), got.body


class TestQueries:
    """S56: over the wire; the compiled statements are looked at in tests/store/test_pages.py."""

    WORDS = (
        "' OR 1=1 --",
        '" OR ""="',
        "%",
        "_",
        "\\",
        "'; DROP TABLE lazur_jobs; --",
        "1) UNION SELECT digest FROM lazur_tokens --",
        "(" * 10_000,
        "a.b.c",
        "`spec`",
        "$.x",
        "\0",
        "a=' OR '1'='1",
        '$."a"="b',
    )

    def test_text_is_compared_and_no_more(self, caller: Wire) -> None:
        name = caller.submit(tags={"a": "b"}, experiment_name="found")
        for word in self.WORDS:
            for field in (
                "experiment_name",
                "created_by",
                "parent",
                "tag",
                "name_contains",
                "type",
            ):
                got = caller.get(f"{W}/jobs?{field}={encoded(word)}")
                assert got.status in (200, 400, 414), (field, word, got.body)
                assert got.status != 200 or not got.json["value"] or word == "_", (field, word)
            got = caller.get(f"{W}/jobs?{encoded(word)}=x")
            assert got.status in (400, 414)
        assert [
            j["name"] for j in caller.get(f"{W}/jobs?experiment_name=found").json["value"]
        ] == [name]


class TestTogether:
    def test_one_name_is_made_once(self, caller: Wire, answering: Server) -> None:
        """S61."""
        made = together(answering, lambda w: w.ask("POST", f"{W}/jobs", {**JOB, "name": "one"}))
        assert sorted(made) == [201] + [409] * 49

    def test_versions_have_no_gaps_and_no_twins(self, caller: Wire, answering: Server) -> None:
        count = iter(range(1000))

        def create(wire: Wire) -> Any:
            body = {"name": "many", "type": "uri_file", "path": f"https://h/{next(count)}"}
            return wire.ask("POST", f"{W}/data", body)

        assert together(answering, create) == [201] * 50
        listed = caller.get(f"{W}/data/many/versions?limit=1000").json["value"]
        assert sorted(int(v["version"]) for v in listed) == list(range(1, 51))

    def test_one_key_is_one_deed(self, caller: Wire, answering: Server) -> None:
        def create(wire: Wire) -> Any:
            return wire.ask(
                "POST", f"{W}/jobs", {**JOB, "experiment_name": "once"}, Idempotency_Key="k"
            )

        assert set(together(answering, create)) <= {201}
        assert len(caller.get(f"{W}/jobs?experiment_name=once").json["value"]) == 1

    def test_case_is_as_it_is_written_down(self, caller: Wire) -> None:
        """S6: workspaces are one whatever the case; jobs and assets are two, and neither takes
        the other's place."""
        assert caller.ask("POST", "/api/v1/workspaces", {"name": "Cased"}).status == 201
        assert caller.ask("POST", "/api/v1/workspaces", {"name": "cased"}).status == 409
        for name in ("Model", "model"):
            body = {"name": name, "type": "custom_model", "path": f"https://h/{name}"}
            assert caller.ask("POST", f"{W}/models", body).status == 201
        for name in ("Model", "model"):
            assert caller.get(f"{W}/models/{name}").json["path"] == f"https://h/{name}"
            assert len(caller.get(f"{W}/models/{name}/versions").json["value"]) == 1


class TestPorts:
    def test_one_port_on_loopback_is_all(self, running: Server) -> None:
        """S46: the written list. Everything else that the server's processes listen on is a
        socket in a folder of the owner's."""
        listening = tcp_listeners(running.pid)
        port = urlsplit(running.url).port
        assert listening == {("127.0.0.1", port)}


class TestClock:
    @pytest.mark.parametrize("jump", [-3600.0, 30 * 86400.0, -86400.0 * 365])
    def test_a_jump_ends_no_job_and_starts_none_twice(
        self, home: Path, tmp_path: Path, jump: float
    ) -> None:
        """S62."""
        clock = Clock()
        engine = Engine(clock)
        site = open_site(home, f"sqlite:///{tmp_path / 'db'}", engine, FakeBuilder(str(tmp_path)))
        loops = Loops(site)
        name = submit(site)["name"]
        loops.settle()
        (key,) = engine.attempts
        engine.run(key)
        loops.settle()
        clock.time += jump
        for _ in range(3):
            loops.settle()
            clock.time += 60
        assert loops.show(name)["status"] == "Running"
        assert engine.begun[key] == 1
        engine.end(key)
        for _ in range(200):
            loops.settle()
            if loops.show(name)["status"] == "Completed":
                break
            clock.time += 60
        assert loops.show(name)["status"] == "Completed"
        assert list(engine.begun.values()) == [1]
        site.db.close()


BODYLESS = ("/cancel", "/build", "/sign-in-codes", "/blobs")


def announced(wire: Wire, size: int) -> bytes:
    """The first bytes of the answer to a body that is so long, of which nothing is sent."""
    place = urlsplit(wire.server.url)
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=20) as client:
        head = f"POST {W}/jobs HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Length: {size}\r\n"
        client.sendall(f"{head}Authorization: Bearer {wire.token}\r\n\r\n".encode())
        return client.recv(100)


def together(server: Server, call: Any, count: int = 50) -> list[int]:
    """Statuses of so many calls at the same moment, each on a connection of its own."""
    start = threading.Barrier(count)

    def one(_: int) -> int:
        with Wire(server, server.token) as wire:
            wire.get("/healthz")
            start.wait(30)
            got = call(wire)
            while got.status == 503:
                time.sleep(0.05)
                got = call(wire)
            return got.status

    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def slow_request(number: int, server: Server, job: str) -> bytes:
    """Half a head, half a body, or a stream that nobody reads."""
    head = f"Host: {urlsplit(server.url).netloc}\r\nAuthorization: Bearer {server.token}\r\n"
    if number < 67:
        return b"GET / HTTP/1.1\r\nHost: local"
    if number < 134:
        return f"POST {W}/jobs HTTP/1.1\r\n{head}Content-Length: 9\r\n\r\n{{".encode()
    return f"GET {W}/jobs/{job}/events HTTP/1.1\r\n{head}\r\n".encode()


def last_word(client: socket.socket) -> bool:
    """The server ended the connection."""
    try:
        while client.recv(65536):
            pass
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False
    return True


def memory(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) << 10
    raise AssertionError("no VmRSS")


def tcp_listeners(pid: int) -> set[tuple[str, int]]:
    """As `ss -ltnp` shows them, of a process and all below it."""
    inodes: set[str] = set()
    for process in [pid, *below(pid)]:
        with contextlib.suppress(OSError):
            for entry in Path(f"/proc/{process}/fd").iterdir():
                with contextlib.suppress(OSError):
                    inodes.add(str(entry.readlink()))
    found: set[tuple[str, int]] = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == "0A" and f"socket:[{words[9]}]" in inodes:
                host, _, port = words[1].partition(":")
                shown = (
                    ".".join(str(b) for b in bytes.fromhex(host)[::-1]) if table == "tcp" else host
                )
                found.add((shown, int(port, 16)))
    return found


def below(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield int(child)
            yield from below(int(child))
