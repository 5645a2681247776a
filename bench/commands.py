"""The command line and the server's start, as a person meets them: whole commands, beside the bare
interpreter."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from pathlib import Path

from bench.harness import Contender, Result, Row, compare
from lazur.testing.server import Server

QUICK = bool(os.environ.get("BENCH_QUICK"))
ROUNDS = 5 if QUICK else 15
LAZUR = str(Path(sys.executable).with_name("lazur"))

_JOB = """
command: echo hello
environment: {image: python}
"""


def measure() -> list[Result]:
    with tempfile.TemporaryDirectory(prefix="lazur-bench-") as folder:
        home = Path(folder) / "home"
        return [*server(home), commands(home)]


def commands(home: Path) -> Result:
    yaml = home.parent / "job.yml"
    yaml.write_text(_JOB)
    environ = {**os.environ, "LAZUR_HOME": str(home), "PYTHONWARNINGS": "ignore"}
    with running(home):
        name = _output(["job", "create", "-f", str(yaml), "--query", "name", "-o", "tsv"], environ)
        _output(["job", "stream", "-n", name], environ)
        result = compare(
            "Whole commands, server up",
            {
                "python -c pass": lambda: _run([sys.executable, "-c", "pass"], environ),
                "lazur --help": _command(["--help"], environ),
                "lazur job show": _command(["job", "show", "-n", name], environ),
                "lazur job list": _command(["job", "list"], environ),
                "lazur job create": _command(["job", "create", "-f", str(yaml)], environ),
                "lazur job create --stream": _command(
                    ["job", "create", "-f", str(yaml), "--stream"], environ
                ),
                "import lazur; lazur.connect": lambda: _run(
                    [sys.executable, "-c", "import lazur; lazur.connect"], environ
                ),
            },
            rounds=ROUNDS,
            floor="python -c pass",
            goal="--help 200 ms, show 300 ms, create --stream 450 ms, import 300 ms",
        )
    by_name = {row.name: row.median for row in result.rows}
    met = (
        by_name["lazur --help"] < 0.2
        and by_name["lazur job show"] < 0.3
        and by_name["lazur job create --stream"] < 0.45
        and by_name["import lazur; lazur.connect"] < 0.3
    )
    return Result(result.title, result.unit, result.rows, result.goal, met)


def server(home: Path) -> list[Result]:
    """Start to ready on a home that was used before, beside a bare Starlette application; then
    left alone."""
    with running(home):
        pass

    def ours() -> float:
        started = Server(home)
        seconds = started.start()
        started.stop()
        return seconds

    ready = compare(
        "Server: start to the first answer",
        {"bare Starlette and uvicorn": _bare_server, "lazur server": ours},
        rounds=3 if QUICK else 9,
        floor="bare Starlette and uvicorn",
        goal="under 1.5 s",
    )
    with running(home) as idle:
        time.sleep(2)
        ticks = _cpu_ticks(idle.pid)
        time.sleep(10)
        busy = (_cpu_ticks(idle.pid) - ticks) / os.sysconf("SC_CLK_TCK") / 10 * 100
        memory = _proportional_mb(idle.pid)
    rows = [
        Row("memory, MB", memory, memory, memory, None, None, [memory]),
        Row("CPU, % of a core", busy, busy, busy, None, None, [busy]),
    ]
    return [
        Result(ready.title, ready.unit, ready.rows, ready.goal, ready.rows[1].median < 1.5),
        Result("Server, idle", "as named", rows, "under 120 MB", memory < 120),
    ]


@contextlib.contextmanager
def running(home: Path) -> Generator[Server]:
    server = Server(home)
    server.start()
    try:
        yield server
    finally:
        server.stop()


_BARE = """
import socket, sys, uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
listening = socket.socket(); listening.bind(("127.0.0.1", 0)); listening.listen()
print(listening.getsockname()[1], flush=True)
app = Starlette(routes=[Route("/", lambda r: PlainTextResponse("ok"))])
uvicorn.Server(uvicorn.Config(app, log_level="error")).run(sockets=[listening])
"""


def _bare_server() -> float:
    began = time.perf_counter()
    with subprocess.Popen([sys.executable, "-c", _BARE], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        probe = ["curl", "-s", "-o", "/dev/null", "--retry", "50", f"http://127.0.0.1:{port}/"]
        subprocess.run(probe, check=True)
        seconds = time.perf_counter() - began
        process.kill()
    return seconds


def _command(arguments: list[str], environ: dict[str, str]) -> Contender:
    return lambda: _run([LAZUR, *arguments], environ)


def _run(argv: list[str], environ: dict[str, str]) -> None:
    subprocess.run(argv, check=True, env=environ, capture_output=True)


def _output(arguments: list[str], environ: dict[str, str]) -> str:
    ran = subprocess.run(
        [LAZUR, *arguments], check=True, env=environ, capture_output=True, text=True
    )
    return ran.stdout.strip()


def _cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def _proportional_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0
