"""Hears the runtimes of this machine: a datagram `<workspace>/<job>/<number>` says that the job
may have changed. The number is the job's in our table; older runtimes leave it out.

Lost words are harmless. The socket lies in the home's `run` folder, which only its owner may
enter.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
from pathlib import Path

from lazur.services.base.site import Site
from lazur.store import jobs

log = logging.getLogger(__name__)

_LONGEST = 1024
_UNIX_PATH_MAX = 100


class Hints:
    def __init__(self, site: Site) -> None:
        self._site = site
        self._path = site.home.run / f"{os.getpid()}.sock"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="hints", daemon=True)
        self._socket: socket.socket | None = None

    def start(self) -> None:
        if len(os.fsencode(self._path)) > _UNIX_PATH_MAX:
            log.warning(
                "%s is too long for a socket: changes of jobs are seen a little later", self._path
            )
            return
        self._sweep(self._path.parent)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self._path))
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._socket is None:
            return
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RD)
        self._thread.join(1.0)
        self._socket.close()
        self._path.unlink(missing_ok=True)

    def _listen(self) -> None:
        assert self._socket is not None
        while not self._stop.is_set():
            try:
                word = self._socket.recv(_LONGEST)
            except OSError:
                return
            if word:
                self._hear(word.decode("utf-8", "replace"))

    def _hear(self, word: str) -> None:
        workspace, _, rest = word.partition("/")
        name, _, number = rest.partition("/")
        job_id = int(number) if number.isdecimal() else self._find(workspace, name)
        if job_id is not None:
            self._site.bus.publish("due", f"jobs/{job_id}")

    def _find(self, workspace: str, name: str) -> int | None:
        with self._site.db.read() as db:
            return jobs.id_of(db, workspace, name)

    def _sweep(self, folder: Path) -> None:
        """Sockets of servers that were killed."""
        for path in folder.glob("*.sock"):
            probe = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            try:
                probe.connect(str(path))
            except OSError:
                path.unlink(missing_ok=True)
            finally:
                probe.close()
