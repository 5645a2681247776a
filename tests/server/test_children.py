"""Children: real processes, a real proxy, and every way in which either side can go away."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from lazur.errors import BackendError, Unavailable, Unsupported
from lazur.server.asgi import Message
from lazur.server.children import Child, Diary, Recipe, Running
from lazur.server.proxy import Outgoing, Proxy
from lazur.server.topics import Closed

ROOT = Path(__file__).parents[2]
Play = Callable[[Child, Proxy], Awaitable[None]]
PATIENCE = 20.0
MARGIN = 48 << 20
"""Bytes by which this process may grow while much more passes through it."""


@contextlib.asynccontextmanager
async def child(home: Path, **more: Any) -> AsyncGenerator[Child]:
    told = {"births": str(home / "births"), "secret": "s3cret", **more.pop("told", {})}
    recipe = Recipe("toy", "tests.server.toy", lambda: told, {"PYTHONPATH": str(ROOT)})
    made = Child(recipe, home, more.pop("idle_seconds", 60.0), **more)
    try:
        yield made
    finally:
        await made.stop()


class Answer:
    """What a client sees; `leave` is closing its connection."""

    def __init__(self, parts: list[bytes] | None = None) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.size = 0
        self.body = b""
        self.whole = False
        self.arrived = asyncio.Event()
        self._parts = list(parts or [])
        self._left = asyncio.Event()
        self._begun = False

    def leave(self) -> None:
        self._left.set()

    async def receive(self) -> Message:
        if not self._begun or self._parts:
            self._begun = True
            part = self._parts.pop(0) if self._parts else b""
            return {"type": "http.request", "body": part, "more_body": bool(self._parts)}
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {k.decode(): v.decode() for k, v in message["headers"]}
        else:
            self.size += len(message["body"])
            self.body = (self.body + message["body"])[-4096:]
            self.whole = not message["more_body"]
            self.arrived.set()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


async def ask(
    proxy: Proxy, method: str, target: str, body: bytes | None = b"", **more: Any
) -> Answer:
    got = more.pop("client", None) or Answer()
    headers = more.pop("headers", [])
    request = Outgoing(method, target, headers, body, more.pop("repeatable", method == "GET"))
    await proxy.forward(request, got.receive, got.send)
    return got


def scenario(home: Path, play: Play, **settings: Any) -> None:
    async def run() -> None:
        async with child(home, **settings) as made:
            proxy = Proxy(made)
            try:
                async with asyncio.timeout(PATIENCE * 2):
                    await play(made, proxy)
            finally:
                await proxy.close()

    asyncio.run(run())


def births(home: Path) -> list[int]:
    return [int(line) for line in (home / "births").read_text().split()]


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        return not Path("/proc/self").exists()
    return state != "Z"


async def until(true: Callable[[], bool]) -> None:
    limit = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < limit
        await asyncio.sleep(0.02)


class TestLife:
    def test_many_wait_for_one_start(self, home: Path) -> None:
        async def play(_made: Child, proxy: Proxy) -> None:
            got = await asyncio.gather(*[ask(proxy, "GET", "/seen") for _ in range(20)])
            assert {answer.json["pid"] for answer in got} == set(births(home))

        scenario(home, play)
        assert len(births(home)) == 1

    def test_it_is_not_there_before_it_is_needed_and_gone_after(self, home: Path) -> None:
        async def play(made: Child, proxy: Proxy) -> None:
            assert made.running is None
            sleeper = (await ask(proxy, "GET", "/seen")).json["sleeper"]
            assert alive(sleeper)
            await made.stop()
            assert not alive(births(home)[0])
            assert not alive(sleeper)
            assert list((home / "run").iterdir()) == []

        scenario(home, play)

    def test_the_next_request_gets_a_new_one_when_it_died(self, home: Path) -> None:
        async def play(made: Child, proxy: Proxy) -> None:
            first = (await ask(proxy, "GET", "/seen")).json["pid"]
            os.kill(first, signal.SIGKILL)
            await until(lambda: made.running is None)
            assert (await ask(proxy, "POST", "/seen", b"{}")).json["pid"] != first

        scenario(home, play)

    def test_one_that_lived_long_is_started_again_unasked(
        self, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("lazur.server.children.STEADY_SECONDS", 0.0)

        async def play(made: Child, proxy: Proxy) -> None:
            os.kill((await ask(proxy, "GET", "/seen")).json["pid"], signal.SIGKILL)
            await until(lambda: len(births(home)) == 2 and made.running is not None)

        scenario(home, play)

    def test_one_that_is_not_revived_waits_for_the_next_request(
        self, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("lazur.server.children.STEADY_SECONDS", 0.0)

        async def play(made: Child, proxy: Proxy) -> None:
            os.kill((await ask(proxy, "GET", "/seen")).json["pid"], signal.SIGKILL)
            await until(lambda: made.is_off)
            await asyncio.sleep(0.3)
            assert len(births(home)) == 1
            await ask(proxy, "GET", "/seen")

        scenario(home, play, revive=False)
        assert len(births(home)) == 2

    def test_several_of_a_kind_share_a_diary(self, home: Path) -> None:
        """What one of them says stands there once, and when it goes the others are still heard."""
        diary = Diary(home, "toy")

        async def fail() -> None:
            async with child(home, told={"fails": True}, diary=diary) as made:
                with pytest.raises(Unavailable):
                    async with made.use():
                        """It ends while it starts."""

        async def play() -> None:
            async with child(home, diary=diary) as living, living.use():
                await fail()
                await fail()

        asyncio.run(play())
        diary.close()
        lines = (home / "logs" / "toy.log").read_text().splitlines()
        assert len([line for line in lines if "is wrong" in line]) == 2

    def test_one_that_cannot_start_is_tried_ever_more_rarely(self, home: Path) -> None:
        async def play(_made: Child, proxy: Proxy) -> None:
            for _ in range(2):
                with pytest.raises(Unavailable, match="exit code 3"):
                    await ask(proxy, "GET", "/seen")
            with pytest.raises(Unavailable) as refused:
                await ask(proxy, "GET", "/seen")
            assert refused.value.retry_after > 50
            assert "logs/toy.log" in str(refused.value)

        scenario(home, play, told={"fails": True}, pauses=(0.0, 0.0, 60.0))
        assert len(births(home)) == 2
        assert "hunter2" not in (home / "logs" / "toy.log").read_text()

    def test_one_that_never_starts_is_no_reason_to_ask_again(self, home: Path) -> None:
        """MLflow's client asks for minutes after a 503, and then does not show what it said."""

        async def play(_made: Child, proxy: Proxy) -> None:
            for _ in range(2):
                with pytest.raises(Unavailable):
                    await ask(proxy, "GET", "/seen")
            for words in ("exit code 3", "several times", "several times"):
                with pytest.raises(Unsupported, match=words) as refused:
                    await ask(proxy, "GET", "/seen")
                assert "logs/toy.log" in str(refused.value)

        scenario(home, play, told={"fails": True}, pauses=(0.0, 0.0, 0.0, 60.0))
        assert len(births(home)) == 3

    def test_it_is_stopped_when_idle_and_started_when_needed(self, home: Path) -> None:
        async def play(made: Child, proxy: Proxy) -> None:
            await ask(proxy, "GET", "/seen")
            await until(lambda: made.running is None)
            await until(lambda: not alive(births(home)[0]))
            await ask(proxy, "GET", "/seen")

        scenario(home, play, idle_seconds=0.2)
        assert len(births(home)) == 2

    def test_it_is_not_idle_while_it_answers_or_is_busy(self, home: Path) -> None:
        asked = 0

        async def busy(_running: Running) -> bool:
            nonlocal asked
            asked += 1
            return asked < 3

        async def play(made: Child, proxy: Proxy) -> None:
            client = Answer()
            long = asyncio.create_task(ask(proxy, "GET", "/forever", client=client))
            await client.arrived.wait()
            await asyncio.sleep(0.5)
            assert made.running is not None
            assert asked == 0
            client.leave()
            await long
            await until(lambda: made.running is None)
            assert asked == 3

        scenario(home, play, idle_seconds=0.1, busy=busy)

    @pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")
    def test_its_secrets_stand_in_no_argument_and_no_variable(self, home: Path) -> None:
        async def play(made: Child, proxy: Proxy) -> None:
            assert (await ask(proxy, "GET", "/seen")).json["secret"] == "s3cret"
            assert made.running is not None
            for place in ("cmdline", "environ"):
                shown = _shown(made.running.process.pid, place)
                assert b"s3cret" not in shown
                assert b"CANARY" not in shown

        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("CANARY_PASSWORD", "CANARY")
            scenario(home, play)

    def test_a_long_home_is_no_hindrance(self, home: Path) -> None:
        """A Unix socket's path has about a hundred bytes."""
        deep = home / ("d" * 90)
        deep.mkdir()

        async def play(_made: Child, proxy: Proxy) -> None:
            assert (await ask(proxy, "GET", "/seen")).status == 200

        scenario(deep, play)

    def test_it_goes_with_a_killed_server(self, home: Path) -> None:
        script = (
            "import asyncio, os, signal, sys; from pathlib import Path\n"
            "from tests.server.test_children import child\n"
            "async def run():\n"
            "    async with child(Path(sys.argv[1])) as made, made.use():\n"
            "        os.kill(os.getpid(), signal.SIGKILL)\n"
            "asyncio.run(run())"
        )
        done = subprocess.run([sys.executable, "-c", script, home], cwd=ROOT, check=False)
        assert done.returncode == -signal.SIGKILL
        (pid,) = births(home)
        asyncio.run(until(lambda: not any(map(alive, [pid, *_group(pid)]))))


class TestProxy:
    def test_what_only_read_is_asked_again_when_it_died_under_it(self, home: Path) -> None:
        async def play(_made: Child, proxy: Proxy) -> None:
            assert (await ask(proxy, "GET", "/once")).status == 200

        scenario(home, play)
        assert len(births(home)) == 2

    def test_what_may_have_written_is_not(self, home: Path) -> None:
        async def play(_made: Child, proxy: Proxy) -> None:
            with pytest.raises(BackendError, match="not known"):
                await ask(proxy, "POST", "/once", b"{}")
            assert (await ask(proxy, "GET", "/seen")).status == 200

        scenario(home, play)

    def test_one_that_kills_it_each_time_is_not_asked_forever(self, home: Path) -> None:
        async def play(_made: Child, proxy: Proxy) -> None:
            with pytest.raises(BackendError):
                await ask(proxy, "GET", "/die")

        scenario(home, play)
        assert len(births(home)) == 2

    def test_an_answer_that_broke_off_does_not_look_whole(self, home: Path) -> None:
        async def play(made: Child, proxy: Proxy) -> None:
            client = Answer()
            asked = asyncio.create_task(ask(proxy, "GET", "/forever", client=client))
            await client.arrived.wait()
            assert made.running is not None
            made.running.process.kill()
            with pytest.raises(Closed):
                await asked
            assert not client.whole

        scenario(home, play)

    def test_the_child_hears_that_a_client_left(self, home: Path) -> None:
        async def play(_made: Child, proxy: Proxy) -> None:
            client = Answer()
            asked = asyncio.create_task(ask(proxy, "GET", "/forever", client=client))
            await client.arrived.wait()
            client.leave()
            await asked
            while (await ask(proxy, "GET", "/seen")).json["left"] == 0:  # noqa: ASYNC110 - asks
                await asyncio.sleep(0.02)

        scenario(home, play)

    def test_headers_about_one_connection_stay_there(self, home: Path) -> None:
        headers = [
            (b"connection", b"x-mine, keep-alive"),
            (b"x-mine", b"1"),
            (b"te", b"trailers"),
            (b"x-kept", b"2"),
        ]

        async def play(_made: Child, proxy: Proxy) -> None:
            got = (await ask(proxy, "GET", "/seen", headers=headers)).json["headers"]
            assert got["x-kept"] == "2"
            assert not {"x-mine", "te", "user-agent", "accept-encoding"} & set(got)
            back = (await ask(proxy, "POST", "/echo", b"x")).headers
            assert back["x-kept"] == "1"
            gone = {"keep-alive", "connection", "x-hop", "set-cookie", "server", "date"}
            assert not gone & set(back)

        scenario(home, play)

    def test_uploads_and_downloads_stream(self, home: Path) -> None:
        part = bytes(1 << 20)
        size = 256 << 20

        async def play(_made: Child, proxy: Proxy) -> None:
            await ask(proxy, "GET", "/seen")
            before = _memory()
            sent = Answer([part] * (size // len(part)))
            length = [(b"content-length", b"%d" % size)]
            got = await ask(proxy, "PUT", "/echo", None, client=sent, headers=length)
            assert got.json["size"] == size
            back = await ask(proxy, "GET", f"/large?size={size}")
            assert back.size == size
            assert back.whole
            assert _memory() - before < MARGIN

        scenario(home, play)

    def test_an_upload_that_broke_off_is_not_whole_to_the_child(self, home: Path) -> None:
        class Leaving(Answer):
            async def receive(self) -> Message:
                if self._parts:
                    body = self._parts.pop(0)
                    return {"type": "http.request", "body": body, "more_body": True}
                return {"type": "http.disconnect"}

        async def play(_made: Child, proxy: Proxy) -> None:
            client = Leaving([b"x" * 100])
            with pytest.raises(Closed):
                await ask(proxy, "PUT", "/echo", None, client=client)
            assert client.status == 0

        scenario(home, play)

    def test_what_the_gate_refuses_of_a_body_comes_out_as_it_was(self, home: Path) -> None:
        class Refusing(Answer):
            async def receive(self) -> Message:
                raise PermissionError("too large")

        async def play(_made: Child, proxy: Proxy) -> None:
            with pytest.raises(PermissionError, match="too large"):
                await ask(proxy, "PUT", "/echo", None, client=Refusing())

        scenario(home, play)


def _group(leader: int) -> list[int]:
    found = subprocess.run(["pgrep", "-g", str(leader)], capture_output=True, check=False)
    return [int(pid) for pid in found.stdout.split()]


def _shown(pid: int, place: str) -> bytes:
    return Path(f"/proc/{pid}/{place}").read_bytes()


def _memory() -> int:

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
