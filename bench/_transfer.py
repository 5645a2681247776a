"""A client of its own process that only moves bytes: `python bench/_transfer.py` reads from its
input where to and how, as JSON, and prints the seconds it took. It imports nothing of ours."""

from __future__ import annotations

import json
import socket
import sys
import time
from pathlib import Path
from typing import BinaryIO

_PATIENCE = 300.0


def upload(host: str, port: int, head: str, file: BinaryIO, size: int) -> float:
    began = time.perf_counter()
    with socket.create_connection((host, port), timeout=_PATIENCE) as line:
        line.sendall(f"PUT {head}Content-Length: {size}\r\n\r\n".encode())
        line.sendfile(file)
        answer = line.recv(1 << 16)
    if b" 200 " not in answer[:20]:
        raise OSError(f"it was not taken: {answer[:500]!r}")
    return time.perf_counter() - began


def download(host: str, port: int, head: str, size: int) -> float:
    """What comes is counted and forgotten."""
    began = time.perf_counter()
    with socket.create_connection((host, port), timeout=_PATIENCE) as line:
        line.sendall(f"GET {head}\r\n".encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += line.recv(1 << 16)
        if b" 200 " not in answer[:20]:
            raise OSError(f"it was not sent: {answer[:500]!r}")
        left = size - len(answer.partition(b"\r\n\r\n")[2])
        room = memoryview(bytearray(1 << 20))
        while left > 0:
            if not (count := line.recv_into(room)):
                raise ConnectionError(f"{left} bytes did not come")
            left -= count
    return time.perf_counter() - began


def main() -> None:
    asked = json.load(sys.stdin)
    where = asked["host"], asked["port"], asked["head"]
    path = Path(asked["file"])
    size = path.stat().st_size
    if asked["up"]:
        with path.open("rb") as file:
            seconds = upload(*where, file, size)
    else:
        seconds = download(*where, size)
    print(seconds)


if __name__ == "__main__":
    main()
