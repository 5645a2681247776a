"""Azurite, Microsoft's own emulator of Azure's blobs, from npm: `make emulators`."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lazur.testing.ports import unused_port

ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Published: every Azurite has these."""
MISSING = "Azurite is not here: `make emulators`, or azurite-blob on PATH or in AZURITE"
_INSTALLED = Path(__file__).parent / "emulators" / "node_modules" / ".bin" / "azurite-blob"


def program() -> str | None:
    installed = str(_INSTALLED) if _INSTALLED.exists() and shutil.which("node") else None
    return os.environ.get("AZURITE") or installed or shutil.which("azurite-blob")


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """URL of the account. Without `--disableTelemetry` it would call its makers."""
    port = unused_port()
    argv = [program() or "", "--silent", "--disableTelemetry", "--skipApiVersionCheck"]
    argv += ["--inMemoryPersistence", "--blobHost", "127.0.0.1", "--blobPort", str(port)]
    process = subprocess.Popen(argv, cwd=folder, stdout=subprocess.DEVNULL)
    try:
        _wait(port, process)
        yield f"http://127.0.0.1:{port}/{ACCOUNT}"
    finally:
        process.terminate()
        process.wait(20)


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert process.poll() is None, "Azurite ended"
            assert time.monotonic() < end, "Azurite never listened"
            time.sleep(0.05)
        else:
            return
