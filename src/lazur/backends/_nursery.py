"""A process beside this one that forks supervisors; see `lazur.runtime.nursery`, which is its
other end.

It is there to be fast, and for nothing else: whoever gets no supervisor from it starts one as
ever. So it may be killed at any time. Should it have forked one just before, two begin, and the
claim decides.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import socket
import struct
import threading
from collections.abc import Mapping, Sequence

from lazur.backends import _processes

log = logging.getLogger(__name__)

_PATIENCE = 5.0
"""Seconds that a fork may take. After them it is given up, and killed."""
_ROOM = " " * 4096
"""Its command line, which supervisors write their own over."""


class Nursery:
    """Started when it is first needed, and again when it is gone."""

    def __init__(self, argv: Sequence[str]) -> None:
        self._argv = [*argv, "--nursery", _ROOM]
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self.pid = 0
        self._owner = 0

    def start(
        self, words: Sequence[str], stdin: int, notes: int, variables: Mapping[str, str]
    ) -> int | None:
        """The pid of a supervisor with these words, or None: there is none to be had from here."""
        request = json.dumps({"words": list(words), "variables": dict(variables)}).encode("ascii")
        with self._lock:
            try:
                return self._ask(self._open(variables), request, [stdin, notes])
            except OSError as error:
                log.warning("the nursery of supervisors is given up: %s", error)
                self.close()
                return None

    def _ask(self, wire: socket.socket, request: bytes, descriptors: list[int]) -> int | None:
        packed = struct.pack(f"{len(descriptors)}i", *descriptors)
        head = len(request).to_bytes(4, "little")
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, packed)]
        sent = wire.sendmsg([head, request], rights)
        wire.sendall((head + request)[sent:])
        answer = b""
        while len(answer) < 8:
            more = wire.recv(8 - len(answer))
            if not more:
                raise ConnectionResetError("it has ended")
            answer += more
        return int.from_bytes(answer, "little") or None

    def _open(self, variables: Mapping[str, str]) -> socket.socket:
        """One for each process: a fork of this one may not speak on its wire."""
        if self._socket is None or self._owner != os.getpid():
            ours, theirs = socket.socketpair()
            with theirs:
                ours.settimeout(_PATIENCE)
                self.pid = _spawn(self._argv, theirs.fileno(), variables)
            self._socket, self._owner = ours, os.getpid()
        return self._socket

    def close(self) -> None:
        """It ends; those whom it has forked go on."""
        if self._socket is None:
            return
        self._socket.close()
        self._socket = None
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        _processes.remember(self.pid)


def _spawn(argv: Sequence[str], stdin: int, variables: Mapping[str, str]) -> int:
    """A session of its own: what is sent to this process's terminal is not for it."""
    return os.posix_spawn(
        argv[0],
        list(argv),
        dict(variables),
        file_actions=[(os.POSIX_SPAWN_DUP2, stdin, 0)],
        setsid=True,
        setsigmask=[],
        setsigdef=[signal.SIGTERM, signal.SIGCHLD, signal.SIGPIPE],
    )
