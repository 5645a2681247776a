"""Large artifacts, both ways: beside upstream's own server, and beside what moves bytes with
nothing in between."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from bench import _processes
from bench._mlflow import OURS, Side, new_run, sides
from bench._turns import QUICK, once
from bench.harness import Contender, Result, compare

MEGABYTES = 64 if QUICK else 1024
LARGE = 256 if QUICK else 5 * 1024
ROUNDS = 2 if QUICK else 5
MOST_GROWN = 64
_TRANSFER = Path(__file__).with_name("_transfer.py")
_COPY = "a plain copy, synced"
_SOCKET = "a bare socket, from the same file"


def measure() -> list[Result]:
    with (
        tempfile.TemporaryDirectory(prefix="lazur-bench-") as name,
        sides(Path(name)) as present,
    ):
        file = _made(Path(name) / "artifact", MEGABYTES)
        results = [_uploads(present, file), _downloads(present, file)]
        return [*results, _memory(present[0], _made(file, LARGE))]


def _uploads(present: Sequence[Side], file: Path) -> Result:
    runs = {side.name: new_run(side) for side in present}
    return compare(
        f"Upload of an artifact of {MEGABYTES} MB",
        {_COPY: lambda: _copy(file)}
        | {side.name: _transfer(side, runs[side.name], file, up=True) for side in present},
        rounds=ROUNDS,
        floor=_COPY,
    )


def _downloads(present: Sequence[Side], file: Path) -> Result:
    runs = {side.name: new_run(side) for side in present}
    for side in present:
        _transfer(side, runs[side.name], file, up=True)()
    return compare(
        f"Download of an artifact of {MEGABYTES} MB",
        {_SOCKET: lambda: _bare(file)}
        | {side.name: _transfer(side, runs[side.name], file, up=False) for side in present},
        rounds=ROUNDS,
        floor=_SOCKET,
    )


def _memory(side: Side, file: Path) -> Result:
    """What our server holds at most, beyond what it held before."""
    run = new_run(side)
    grown: dict[str, float] = {}
    for told, up in (("up", True), ("down", False)):
        before = _processes.forget_peak(side.pid)
        _transfer(side, run, file, up=up)()
        grown[told] = _processes.peak(side.pid) - before
    return Result(
        f"Memory that an artifact of {LARGE} MB needs in the server",
        "MB",
        [once(f"{OURS}, {told}", value) for told, value in grown.items()],
        f"at most {MOST_GROWN} MB",
        max(grown.values()) <= MOST_GROWN,
    )


def _transfer(side: Side, run: str, file: Path, *, up: bool) -> Contender:
    where = urlsplit(side.url)
    path = f"{where.path}/api/2.0/mlflow-artifacts/artifacts/{side.experiment}/{run}/artifacts/a"
    head = f"{path} HTTP/1.1\r\nHost: {where.netloc}\r\nAuthorization: Bearer {side.token}\r\n"
    return lambda: _moved(where.hostname or "", where.port or 0, head, file, up=up)


def _moved(host: str, port: int, head: str, file: Path, *, up: bool) -> float:
    os.sync()  # or else one pays for what the one before left unsynced
    told = {"host": host, "port": port, "head": head, "file": str(file), "up": up}
    done = subprocess.run(
        [sys.executable, str(_TRANSFER)],
        input=json.dumps(told),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return float(done.stdout)


def _bare(file: Path) -> float:
    """A thread that sends the file to whoever comes, and the same client."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        sender = threading.Thread(target=_send, args=(listening, file))
        sender.start()
        seconds = _moved("127.0.0.1", listening.getsockname()[1], "/ HTTP/1.1\r\n", file, up=False)
        sender.join()
        return seconds


def _send(listening: socket.socket, file: Path) -> None:
    line, _ = listening.accept()
    with line, file.open("rb") as content:
        line.recv(1 << 16)
        line.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        line.sendfile(content)


def _copy(file: Path) -> float:
    os.sync()
    began = time.perf_counter()
    copied = file.with_name("copy")
    with file.open("rb") as source, copied.open("wb") as target:
        shutil.copyfileobj(source, target, 1 << 20)
        os.fsync(target.fileno())
    return time.perf_counter() - began


def _made(path: Path, megabytes: int) -> Path:
    block = os.urandom(1 << 20)
    with path.open("wb") as file:
        for _ in range(megabytes):
            file.write(block)
    return path
