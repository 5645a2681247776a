"""Pipelines of no-op steps as people start them, beside other tools' on the same cores, in one
run. Each tool is installed once, into a virtual environment of its own in `.peers/`; one that
cannot be is left out, and the table says so."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench import pipelines
from bench._peers import CHAIN, FAN, PEERS, Peer
from bench.commands import LAZUR
from bench.harness import Contender, Result, compare
from bench.jobs import running
from lazur.testing.ports import unused_port

QUICK = bool(os.environ.get("BENCH_QUICK"))
_ROUNDS = 1 if QUICK else 5
_PATIENCE = 180
"""Seconds for one pipeline, and for a server to start."""
_VENVS = Path(__file__).parents[1] / ".peers"
_UV = str(Path(sys.executable).with_name("uv"))
_FLOOR = "bare: a process each"


def measure() -> list[Result]:
    absent = {peer.package: why for peer in PEERS if (why := install(peer))}
    for package, why in absent.items():
        print(f"peers: {package} could not be installed, and is left out: {why}", file=sys.stderr)
    without = f" (without {', '.join(absent)}: not installed)" if absent else ""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="peers-")))
        home = stack.enter_context(running()).home
        present = [peer for peer in PEERS if peer.package not in absent]
        rooms = [stack.enter_context(_up(peer, folder)) for peer in present]

        def contenders(pipeline: str) -> dict[str, Contender]:
            started = {room.row: partial(room.run, pipeline) for room in rooms}
            return {"lazur: a process each, its server up": _ours(home, pipeline), **started}

        return [
            compare(
                f"{what} of {count} no-op steps, whole commands{without}",
                {_FLOOR: partial(pipelines.bare, count, at_once), **contenders(pipeline)},
                rounds=_ROUNDS,
                floor=_FLOOR,
            )
            for pipeline, what, count, at_once in (
                ("chain", "A chain", CHAIN, 1),
                ("fan", "A fan-out", FAN, 2),
            )
        ]


def install(peer: Peer) -> str | None:
    """Why it cannot be; None when it is there."""
    venv = _venv(peer)
    done = venv / ".installed"
    if done.exists():
        return None
    python = str(venv / "bin" / "python")
    for arguments in (
        ["venv", "--clear", "--python", sys.executable, str(venv)],
        ["pip", "install", "--python", python, peer.package, *peer.also],
    ):
        ran = subprocess.run(
            [_UV, "--quiet", *arguments], capture_output=True, text=True, check=False
        )
        if ran.returncode:
            return " ".join(ran.stderr.split())
    done.touch()
    return None


def _venv(peer: Peer) -> Path:
    return _VENVS / peer.package.replace("==", "-")


@dataclass(frozen=True)
class Room:
    """A folder and an environment of a peer's own."""

    row: str
    command: str
    folder: Path
    environ: dict[str, str]

    def run(self, pipeline: str) -> None:
        _run(self.command.format(pipeline=pipeline).split(), self.folder, self.environ)


@contextlib.contextmanager
def _up(peer: Peer, around: Path) -> Generator[Room]:
    folder = around / str(PEERS.index(peer))  # short, since sockets lie below it
    folder.mkdir()
    for name, text in peer.files.items():
        (folder / name).write_text(text)
    port = unused_port()
    environ = {
        "PATH": f"{_venv(peer) / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder),
        **{name: value.format(folder=folder, port=port) for name, value in peer.environ.items()},
    }
    row = f"{peer.package.replace('==', ' ')}: {peer.step}"
    room = Room(row, peer.command, folder, environ)
    if peer.server is None:
        yield room
        return
    argv = peer.server.format(port=port).split()
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            argv, cwd=folder, env=environ, stdout=log, stderr=log, start_new_session=True
        )
    try:
        _listening(server, port, folder / "server.log")
        yield room
    finally:
        server.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(30)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def _listening(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    ends = time.monotonic() + _PATIENCE
    while server.poll() is None and time.monotonic() < ends:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    sys.exit(f"a peer's server did not start:\n{log.read_text()[-2000:]}")


def _ours(home: Path, pipeline: str) -> Contender:
    steps = {"chain": pipelines.chained(CHAIN), "fan": pipelines.parallel(FAN)}[pipeline]
    file = home.parent / f"{pipeline}.yml"
    file.write_text(json.dumps(pipelines.pipeline(steps)))
    environ = {**os.environ, "LAZUR_HOME": str(home)}
    argv = [LAZUR, "job", "create", "-f", str(file), "--stream"]
    return lambda: _run(argv, home.parent, environ)


def _run(argv: list[str], folder: Path, environ: dict[str, str]) -> None:
    ran = subprocess.run(
        argv,
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
    if ran.returncode:
        sys.exit(f"{' '.join(argv)} failed:\n{ran.stdout[-1000:]}{ran.stderr[-2000:]}")
