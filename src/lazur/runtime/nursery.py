"""Supervisors without an interpreter's start for each: one process that has imported what they
need forks them. A start costs 12 ms of a core, a fork one.

It is asked through the socket that is its standard input: the length of the request in four
bytes, which carry two descriptors, and JSON. The answer is the supervisor's pid in eight bytes, 0
where there can be none. When the other end closes it leaves; those whom it has started go on.

It has one thread, imports the standard library alone and keeps nothing of a request, so a fork of
it is as good as a fresh start, on macOS, too.
"""

from __future__ import annotations

import gc
import os
import sys

from lazur.runtime import (
    documents,
    folders,
    gauges,
    hints,
    inputs,
    limits,
    outputs,
    pipes,
    supervisor,
    trees,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    import signal
    from typing import Any
else:
    import _signal as signal
    import _socket

_READY = (folders, gauges, hints, inputs, limits, outputs, pipes, trees)
"""What a supervisor imports when a job wants it, imported for all of them. Heavy modules are not
here: each page of them makes each fork dearer."""
_DESCRIPTORS = 2
_ROOM = 4096
"""Bytes of this process's command line that are there to be written over."""


def main() -> int:
    # Nobody waits for supervisors: what they have to say lies in their folders.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    server = _socket.socket(fileno=0)
    room = _command_line()
    gc.collect()
    if hasattr(gc, "freeze"):
        gc.freeze()  # else a collection in a supervisor would copy all of this
    while True:
        head, descriptors = _head(server)
        if not head:
            return 0
        request = documents.parse(_read(server, int.from_bytes(head, "little")).decode("ascii"))
        pid = _fork(request, descriptors, room)
        for descriptor in descriptors:
            os.close(descriptor)
        server.send(pid.to_bytes(8, "little"))


def _fork(request: dict[str, Any], descriptors: list[int], room: tuple[int, int] | None) -> int:
    if len(descriptors) != _DESCRIPTORS:
        return 0
    try:
        pid = os.fork()
    except OSError:
        return 0
    if pid:
        return pid
    code = 1
    try:
        code = _supervise(request, descriptors, room)
    except BaseException as error:  # noqa: BLE001  # this process must never return
        sys.excepthook(type(error), error, error.__traceback__)
    finally:
        os._exit(code)


def _supervise(
    request: dict[str, Any], descriptors: list[int], room: tuple[int, int] | None
) -> int:
    """As a fresh process would begin: its own session, descriptors, variables and signals."""
    os.setsid()
    given, notes = descriptors
    for descriptor, wanted in ((given, 0), (notes, 1), (notes, 2)):
        os.dup2(descriptor, wanted)
    for descriptor in descriptors:
        os.close(descriptor)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(request["variables"])
    words = [sys.argv[0], *request["words"]]
    if room:
        _show(words, room)
    return supervisor.main(words)


def _head(server: _socket.socket) -> tuple[bytes, list[int]]:
    """The length and the descriptors; nothing when the other end is closed."""
    size = 4
    space = _socket.CMSG_SPACE(_DESCRIPTORS * size)
    data, told, _, _ = server.recvmsg(4, space)
    found: list[int] = []
    for level, kind, numbers in told:
        if (level, kind) == (_socket.SOL_SOCKET, _socket.SCM_RIGHTS):
            found += [
                int.from_bytes(numbers[at : at + size], sys.byteorder)
                for at in range(0, len(numbers) - size + 1, size)
            ]
    return (data + _read(server, size - len(data)) if data else b""), found


def _read(server: _socket.socket, size: int) -> bytes:
    parts: list[bytes] = []
    while size:
        data = server.recv(size)
        if not data:  # the server was killed while it asked
            os._exit(0)
        parts.append(data)
        size -= len(data)
    return b"".join(parts)


def _command_line() -> tuple[int, int] | None:
    """Where the kernel keeps it in this process's memory."""
    try:
        with open("/proc/self/stat", "rb", buffering=0) as file:
            fields = file.read().rpartition(b")")[2].split()
        begin, end = int(fields[45]), int(fields[46])
    except (OSError, IndexError, ValueError):
        return None
    return (begin, end - begin) if end - begin > _ROOM else None


def _show(words: list[str], room: tuple[int, int]) -> None:
    """So that `ps` says what each supervisor is for. Where the kernel does not let it be written
    over, the nursery's own line stays."""
    begin, size = room
    line = b"\0".join(map(os.fsencode, [sys.executable, "-I", "-S", *words]))[: size - 1]
    try:
        fd = os.open("/proc/self/mem", os.O_WRONLY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        os.pwrite(fd, line.ljust(size, b"\0"), begin)
    except OSError:
        return
    finally:
        os.close(fd)
