"""One large file on its way to a server and back, over connections that are cut, with a client and
a server that are killed."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from lazur.testing.server import Server
from tests.chaos.cutter import Cutter

PART = 8 << 20
_BLOCK = 1 << 20
_PATIENCE = 1200.0
_DAY = 86400.0


@dataclass
class Report:
    size: int
    cuts: int = 0
    client_kills: int = 0
    server_kills: int = 0
    up: int = 0
    """Bytes that passed while it was sent, in both directions, with all that HTTP adds."""
    down: int = 0
    grown: int = 0
    """Memory that the server took beyond what it had before, at most."""
    halves: int = 0
    """Times that something was seen under its name which was not whole."""
    equal: bool = False
    brought_back: bool = False
    left: list[str] = field(default_factory=list[str])
    """What is left of a file whose sending was given up, a day later."""
    up_seconds: float = 0.0
    down_seconds: float = 0.0

    @property
    def lost(self) -> float:
        """Parts that were sent again, for each time that something was cut or killed."""
        return (self.up - self.size) / PART / (self.cuts + self.client_kills + self.server_kills)


class Transport:
    def __init__(self, folder: Path, size: int, cuts: int, seed: int) -> None:
        self.folder = folder
        self.report = Report(size, cuts)
        self._random = random.Random(seed)
        self._server = Server(folder / "home")
        self._file, self._digest = _made(folder / "large.bin", size, seed)
        self._watch = _Watch(self._server, self._place(self._digest), size)

    def run(self) -> Report:
        self._server.start()
        try:
            self._warm_up()
            self._send()
            self._bring_back()
            self._give_up()
        finally:
            self._server.stop()
        return self.report

    def _warm_up(self) -> None:
        """What a first request loads is no memory of an upload."""
        small = self.folder / "small.bin"
        small.write_bytes(b"small")
        self._ran(self._create("small", small, self._server.url))

    def _send(self) -> None:
        report, began = self.report, time.monotonic()
        with self._watch, Cutter(lambda: self._server.url, self._places(report.cuts)) as cutter:
            client = self._create("large", self._file, cutter.url)
            _until(lambda: cutter.passed > report.size * 0.4 or client.poll() is not None)
            client.kill()
            report.client_kills += 1
            client.wait()
            client = self._create("large", self._file, cutter.url)
            _until(lambda: cutter.passed > report.size * 0.7 or client.poll() is not None)
            self._server.kill()
            report.server_kills += 1
            self._server.start()
            while client.wait(_PATIENCE):
                """It waited for the server for seconds only: begun again, as a person would."""
                client = self._create("large", self._file, cutter.url)
            report.up, report.cuts = cutter.passed, cutter.cuts
        report.up_seconds = time.monotonic() - began
        report.grown, report.halves = self._watch.grown, self._watch.halves
        report.equal = _hash(self._place(self._digest)) == self._digest

    def _bring_back(self) -> None:
        report, began, here = self.report, time.monotonic(), self.folder / "back"
        words = ("data", "download", "-n", "large", "-v", "1", "-p", str(here))
        with Cutter(lambda: self._server.url, self._places(self.report.cuts)) as cutter:
            client = self._lazur(cutter.url, *words)
            _until(lambda: cutter.passed > report.size * 0.5 or client.poll() is not None)
            client.kill()
            client.wait()
            self._ran(self._lazur(cutter.url, *words))
            report.down = cutter.passed
        report.down_seconds = time.monotonic() - began
        (found,) = (path for path in here.rglob("*") if path.is_file())
        report.brought_back = _hash(found) == self._digest
        found.unlink()

    def _give_up(self) -> None:
        """The sending of another file is not gone on with."""
        file, digest = _made(self.folder / "other.bin", 9 * PART, 1)
        with Cutter(lambda: self._server.url, most=5 * PART) as cutter:
            client = self._create("other", file, cutter.url)
            _until(lambda: cutter.passed > 5 * PART)
            client.kill()
            client.wait()
        drafts = list((self._server.home / "blobs" / "drafts").glob("*/*"))
        assert [draft.name for draft in drafts] == [digest]
        long_ago = time.time() - 2 * _DAY
        os.utime(drafts[0], (long_ago, long_ago))
        self._server.kill()
        self._server.start()
        _until(lambda: not drafts[0].exists(), 90)
        blobs = self._server.home / "blobs"
        left = [*blobs.glob("drafts/*/*"), *blobs.glob("tmp/*"), *blobs.glob(f"??/{digest}")]
        self.report.left = [path.name for path in left]

    def _places(self, count: int) -> list[int]:
        """One in each stretch of the file, anywhere in it."""
        stretch = self.report.size // (count + 1)
        return [int(stretch * (n + self._random.random())) for n in range(count)]

    def _place(self, digest: str) -> Path:
        return self._server.home / "blobs" / digest[:2] / digest

    def _create(self, name: str, file: Path, url: str) -> subprocess.Popen[bytes]:
        words = ("-n", name, "-v", "1", "--type", "uri_file", "--path", str(file))
        return self._lazur(url, "data", "create", *words)

    def _lazur(self, url: str, *words: str) -> subprocess.Popen[bytes]:
        variables = {
            "LAZUR_SERVER": url,
            "LAZUR_TOKEN": self._server.token,
            "LAZUR_HOME": str(self.folder / "own"),
        }
        with (self.folder / "client.out").open("ab") as out:
            return subprocess.Popen(
                [sys.executable, "-m", "lazur.cli", *words],
                env={**os.environ, **variables},
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
            )

    def _ran(self, client: subprocess.Popen[bytes]) -> None:
        code = client.wait(_PATIENCE)
        assert code == 0, (self.folder / "client.out").read_text()[-2000:]


class _Watch:
    """Looks on, from outside."""

    def __init__(self, server: Server, place: Path, size: int) -> None:
        self._server = server
        self._place = place
        self._size = size
        self._over = threading.Event()
        self.grown = self.halves = 0

    def __enter__(self) -> None:
        self._before = _rss(self._server.pid)
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.05):
            self.grown = max(self.grown, _rss(self._server.pid) - self._before)
            if self._place.exists() and self._place.stat().st_size != self._size:
                self.halves += 1


def _made(path: Path, size: int, seed: int) -> tuple[Path, str]:
    """No two megabytes of it are alike."""
    block, hasher = random.Random(seed).randbytes(_BLOCK), hashlib.sha256()
    with path.open("wb") as file:
        for number in range(size // _BLOCK):
            piece = number.to_bytes(8, "big") + block[8:]
            hasher.update(piece)
            file.write(piece)
    return path, hasher.hexdigest()


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _rss(pid: int) -> int:
    """Nothing where the system does not tell, or while it starts."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (FileNotFoundError, ProcessLookupError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _until(true: Callable[[], bool], patience: float = _PATIENCE) -> None:
    until = time.monotonic() + patience
    while not true():
        assert time.monotonic() < until, "it did not come so far"
        time.sleep(0.02)
