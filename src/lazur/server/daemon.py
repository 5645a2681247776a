"""The server's process: `python -m lazur.server.daemon --home DIR`. One per home, in the
foreground.

Exit codes: 0 asked to stop, 1 failed to start, 2 wrong settings, 3 another server runs on this
home.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import fcntl
import gc
import json
import logging
import os
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lazur
from lazur.errors import LazurError
from lazur.server import logs
from lazur.server.settings import DEFAULT_PORT, Settings, default_home, described, load

STARTED, FAILED, WRONG_SETTINGS, HOME_TAKEN = range(4)
BACKLOG = 2048

log = logging.getLogger("lazur.server")


class HomeTaken(Exception):
    """Says who runs there."""


def main(
    argv: Sequence[str] | None = None, create_app: Callable[[Settings], Any] | None = None
) -> int:
    """`create_app` is for tests; without it the real application is imported, once the home is
    known to be ours."""
    os.umask(0o077)
    flags = vars(_parser().parse_args(argv))
    home = (flags.pop("home") or default_home()).expanduser().absolute()
    try:
        settings = load(home, flags)
    except LazurError as error:
        return _fail(error, WRONG_SETTINGS)
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    home.chmod(0o700)
    try:
        with _lock(settings) as lock:
            return _run(settings, lock, create_app)
    except HomeTaken as taken:
        return _fail(taken, HOME_TAKEN)


@dataclass
class Lock:
    """The lock file also remembers the port, so that a restarted server is found where it was."""

    file: Any

    def remembered(self) -> int:
        self.file.seek(0)
        with contextlib.suppress(ValueError, TypeError, KeyError):
            return int(json.loads(self.file.read())["port"])
        return 0

    def remember(self, **facts: Any) -> None:
        self.file.seek(0)
        self.file.truncate()
        self.file.write(json.dumps(facts))
        self.file.flush()


def _run(settings: Settings, lock: Lock, create_app: Callable[[Settings], Any] | None) -> int:
    log_path = logs.set_up(settings.home / "logs", settings.log_level, _name(settings))
    try:
        sockets = [] if settings.role == "loops" else [_listen(settings, lock.remembered())]
        url = _url(settings, sockets)
        lock.remember(pid=os.getpid(), url=url, port=sockets[0].getsockname()[1] if sockets else 0)
        _serve(settings, sockets, url, create_app)
    except LazurError as error:
        log.error("not started: %s", error)  # noqa: TRY400 - it is for people, and says where to look
        return _fail(error, FAILED)
    except (Exception, SystemExit) as error:
        log.critical("not started, or ended by a fault", exc_info=error)
        return _fail(f"the server failed: {error}\nSee {log_path}", FAILED)
    log.info("stopped")
    return STARTED


def _serve(
    settings: Settings,
    sockets: list[socket.socket],
    url: str,
    create_app: Callable[[Settings], Any] | None,
) -> None:
    """Imports here, not above: a second start on a home, or a wrong setting, is answered without
    waiting a second for them, and by now clients' connections queue in the backlog instead of
    being refused."""
    from lazur.server import serving  # noqa: PLC0415

    edge = (create_app or _real_app())(settings)
    certificate = _certificate(settings) if settings.tls else None
    advert = settings.home / "server.json"

    def ready() -> None:
        gc.collect()
        gc.freeze()
        log.info("ready at %s, version %s, pid %d", url, lazur.__version__, os.getpid())
        if sockets:
            _announce(advert, url)
        print(f"Lazur {lazur.__version__} is ready at {url}", flush=True)  # noqa: T201

    server = serving.Server(serving.config(edge, settings, certificate), edge, ready, settings)
    try:
        server.run(sockets=sockets)
    finally:
        if sockets:
            advert.unlink(missing_ok=True)


def _real_app() -> Callable[[Settings], Any]:
    from lazur.server.app import create_app  # noqa: PLC0415 - see _serve

    return create_app


def _certificate(settings: Settings) -> tuple[str, str]:
    from lazur.server import tls  # noqa: PLC0415 - cryptography takes long, and few need it

    return tls.certificate(settings)


def _announce(path: Path, url: str) -> None:
    """Clients read it at any moment, so it appears whole."""
    now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
    facts = {"url": url, "pid": os.getpid(), "started": now, "version": lazur.__version__}
    partial = path.with_name(f".server.json.{os.getpid()}")
    partial.write_text(json.dumps(facts) + "\n")
    partial.replace(path)


@contextlib.contextmanager
def _lock(settings: Settings) -> Iterator[Lock]:
    path = settings.home / f"{_name(settings)}.lock"
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HomeTaken(_who_runs(path, settings.home)) from None
        yield Lock(file)


def _who_runs(path: Path, home: Path) -> str:
    try:
        facts = json.loads(path.read_text())
        who = f"pid {facts['pid']}, {facts['url']}"
    except (ValueError, KeyError, TypeError):
        who = "it is just starting"
    return (
        f"a server runs on {home} already ({who})\n"
        "Use it, stop it with `lazur server stop`, or choose another home with LAZUR_HOME."
    )


def _name(settings: Settings) -> str:
    return "loops" if settings.role == "loops" else "server"


def _listen(settings: Settings, remembered: int) -> socket.socket:
    """Listening begins before the application is imported; see `_serve`."""
    if settings.port:
        return _bind(settings.host, settings.port)
    for port in dict.fromkeys((remembered or DEFAULT_PORT, DEFAULT_PORT)):
        with contextlib.suppress(LazurError):
            return _bind(settings.host, port)
        if port == remembered:
            log.warning(
                "port %d, where this server was, is taken: jobs and scripts that still track "
                "there do not find it. `port` in config.toml gives it one of its own",
                port,
            )
    return _bind(settings.host, 0)


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise LazurError(
            f"cannot listen on {host}:{port}: {error.strerror}",
            hint="Stop what listens there, or give another --port (0 takes any free one).",
        ) from error
    return sock


def _url(settings: Settings, sockets: list[socket.socket]) -> str:
    if not sockets:
        return "(no address: loops only)"
    return f"{settings.scheme}://{settings.client_host()}:{sockets[0].getsockname()[1]}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "lazur server", description="Run Lazur's server in the foreground."
    )
    parser.add_argument(
        "--home",
        type=Path,
        help="folder that holds everything; default $LAZUR_HOME, else ~/.lazur",
    )
    for name, default, text in described():
        flag = "--" + name.replace("_", "-")
        if isinstance(default, bool):
            parser.add_argument(flag, action=argparse.BooleanOptionalAction, help=text)
        else:
            parser.add_argument(flag, dest=name, help=text, metavar=type(default).__name__.upper())
    return parser


def _fail(reason: object, code: int) -> int:
    print(f"error: {reason}", file=sys.stderr, flush=True)  # noqa: T201
    return code


if __name__ == "__main__":
    code = main()
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads may still be in a build or a query; nothing that matters is kept in them.
    os._exit(code)
