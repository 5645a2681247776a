"""A real PostgreSQL server for tests: on a Unix socket in a temporary folder."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

_PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/local/pgsql/bin",
    "/usr/local/bin",
)
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=32MB")
_DURABLE = ("shared_buffers=128MB",)


def missing() -> str | None:
    """Why no server can be started here, or None."""
    if not find_spec("psycopg"):
        return "psycopg is not installed"
    if not installed():
        return "PostgreSQL's initdb is neither on PATH nor where its packages put it"
    if os.geteuid() == 0 and not _unprivileged():
        return "PostgreSQL refuses to run as root, and there is no other user to run it as"
    return None


@dataclass(frozen=True)
class Server:
    folder: Path
    """Data, log and Unix socket; searchable by the user that the server runs as."""

    @classmethod
    @contextmanager
    def start(cls, *, durable: bool = False) -> Iterator[Server]:
        """Run a new, empty server. Unless it is `durable`, `fsync` is off: not for tests that
        pull the plug, nor for measuring how fast it commits."""
        programs = installed()
        assert programs is not None
        server = cls(Path(tempfile.mkdtemp(prefix="lazur-pg-")))
        if user := _user():
            shutil.chown(server.folder, user)
        try:
            _run(programs / "initdb", "--no-sync", "-A", "trust", "-U", "lazur", "-D", server.data)
            process = server._serve(programs, _DURABLE if durable else _FAST)
            try:
                server._wait(process)
                yield server
            finally:
                process.terminate()
                process.wait(30)
        finally:
            shutil.rmtree(server.folder, ignore_errors=True)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://lazur@/{database}?host={self.folder}"

    @contextmanager
    def database(self, template: str = "template0") -> Iterator[str]:
        """The URL of a fresh database, dropped afterwards whoever is still connected."""
        name = f"test_{uuid.uuid4().hex}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE {template} {self._copying}")
        try:
            yield self.url(name)
        finally:
            self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    @cached_property
    def _copying(self) -> str:
        """As files, which takes half as long as through the log. Before 15 it is the only way."""
        version = self._execute("SHOW server_version_num").fetchone()
        return "STRATEGY FILE_COPY" if version and int(version[0]) >= 150000 else ""

    def add_template(self, name: str, fill: Callable[[str], None]) -> None:
        """`fill` gets its URL, and leaves no connection behind."""
        self._execute(f"CREATE DATABASE {name}")
        fill(self.url(name))

    def _serve(self, programs: Path, chosen: tuple[str, ...]) -> subprocess.Popen[bytes]:
        settings = [part for setting in chosen for part in ("-c", setting)]
        where = ["-D", str(self.data), "-k", str(self.folder), "-h", ""]
        with (self.folder / "log").open("wb") as log:
            return subprocess.Popen(
                [str(programs / "postgres"), *where, *settings],
                stdout=log,
                stderr=subprocess.STDOUT,
                user=_user(),
                cwd=self.folder,
            )

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        import psycopg  # noqa: PLC0415 - the tests must load where it is not installed

        give_up = time.monotonic() + 60
        while True:
            try:
                self._execute("SELECT 1")
            except psycopg.OperationalError:
                if process.poll() is not None or time.monotonic() > give_up:
                    raise RuntimeError((self.folder / "log").read_text()) from None
                time.sleep(0.02)
            else:
                return

    def _execute(self, statement: str) -> psycopg.Cursor[tuple[Any, ...]]:
        import psycopg  # noqa: PLC0415 - as above

        where = f"host={self.folder} user=lazur dbname=postgres"
        with psycopg.connect(where, autocommit=True) as connection:
            return connection.execute(statement.encode())


def for_mlflow(url: str) -> str:
    """The same database, of whichever kind, by the driver that MLflow is made for."""
    return url.replace("+psycopg:", "+psycopg2:")


def installed() -> Path | None:
    """The folder with the newest `initdb`."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    root = Path("/")
    present = [
        p for place in _PLACES for p in root.glob(place.lstrip("/")) if (p / "initdb").exists()
    ]
    return max(present, key=_version, default=None)


def _version(programs: Path) -> tuple[int, ...]:
    return tuple(
        int(part) for part in str(programs).replace("-", "/").split("/") if part.isdigit()
    )


def _user() -> str | None:
    return _unprivileged() if os.geteuid() == 0 else None


def _unprivileged() -> str | None:
    present = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in ("postgres", "nobody") if name in present), None)


def _run(*argv: str | Path) -> None:
    done = subprocess.run(
        [str(part) for part in argv],
        capture_output=True,
        text=True,
        user=_user(),
        cwd="/",
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
