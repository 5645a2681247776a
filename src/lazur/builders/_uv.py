"""Running uv: its environment, its output line by line into the build log, and its end when a
build is canceled."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

from uv import find_uv_bin

from lazur.builders import _pip_settings
from lazur.errors import BuildFailed

_PASSED = {
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LANGUAGE",
    "TZ",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "SSL_CLIENT_CERT",
    "NETRC",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "XDG_CONFIG_HOME",
    "XDG_CONFIG_DIRS",
    "GIT_SSL_CAINFO",
    "CC",
    "CXX",
    "CUDA_HOME",
    "UV_ASTRAL_MIRROR_URL",
    "UV_BUILD_CONSTRAINT",
    "UV_CONFIG_FILE",
    "UV_CONSTRAINT",
    "UV_DEFAULT_INDEX",
    "UV_EXCLUDE_NEWER",
    "UV_EXTRA_INDEX_URL",
    "UV_FIND_LINKS",
    "UV_INDEX",
    "UV_INDEX_STRATEGY",
    "UV_INDEX_URL",
    "UV_INSECURE_HOST",
    "UV_KEYRING_PROVIDER",
    "UV_NATIVE_TLS",
    "UV_NO_BINARY_PACKAGE",
    "UV_NO_BUILD",
    "UV_NO_BUILD_PACKAGE",
    "UV_NO_CONFIG",
    "UV_OFFLINE",
    "UV_OVERRIDE",
    "UV_PRERELEASE",
    "UV_PYTHON_DOWNLOADS",
    "UV_PYTHON_DOWNLOADS_JSON_URL",
    "UV_PYTHON_INSTALL_MIRROR",
    "UV_RESOLUTION",
    "UV_SYSTEM_CERTS",
}
_PASSED_STARTS = ("LC_", "UV_HTTP_", "UV_CONCURRENT_", "UV_INDEX_")
_TICK = 0.1
_PATIENCE = 0.5
"""Seconds between TERM and KILL."""
_KEPT = 200


@dataclass(frozen=True)
class Ended:
    code: int
    tail: list[str]
    """The last lines it said."""


class CanceledError(Exception):
    """The person does not want the build any more."""


def environment(cache: Path, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """What uv, and the scripts of source distributions under it, may know: no variable of the
    server travels that is not named here."""
    environ = os.environ if environ is None else environ
    passed = {
        name: value
        for name, value in environ.items()
        if name.upper() in _PASSED or name.startswith(_PASSED_STARTS)
    }
    return {
        **passed,
        **_pip_settings.as_uv(environ),
        "PATH": passed.get("PATH") or os.defpath,
        "UV_CACHE_DIR": str(cache),
        "UV_LINK_MODE": environ.get("UV_LINK_MODE", "hardlink"),
        "UV_NO_PROGRESS": "1",
        "UV_NO_COLOR": "1",
        "NO_COLOR": "1",
    }


def run(
    arguments: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    log: BinaryIO,
    cancelled: Callable[[], bool],
    out: Path | None = None,
    keep: Sequence[int] = (),
    before: Sequence[str] = (),
) -> Ended:
    """Run uv to its end. What it says goes to `log` as it comes; its standard output goes to the
    file `out` where given. Raises CanceledError, with nothing of it running any more. `keep`:
    descriptors it inherits.
    """
    with _opened(out) as target:
        process = _started([*before, find_uv_bin(), *arguments], env, cwd, target, keep)
        tail: deque[str] = deque(maxlen=_KEPT)
        assert process.stderr
        reader = threading.Thread(target=_copy, args=(process.stderr, log, tail), daemon=True)
        reader.start()
        try:
            _wait(process, reader, cancelled)
        finally:
            _end(process)
            reader.join(timeout=_PATIENCE)
    return Ended(process.returncode, list(tail))


def capture(arguments: Sequence[str], *, env: Mapping[str, str], cwd: Path) -> str:
    """Standard output of a quick question; empty when uv has no answer."""
    done = subprocess.run(
        [find_uv_bin(), *arguments],
        env=dict(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else ""


def _opened(out: Path | None) -> IO[bytes]:
    return Path(out or os.devnull).open("wb")


def _started(
    command: Sequence[str],
    env: Mapping[str, str],
    cwd: Path,
    out: IO[bytes],
    keep: Sequence[int],
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            list(command),
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.PIPE,
            start_new_session=True,
            pass_fds=tuple(keep),
        )
    except OSError as error:
        raise BuildFailed(
            f"uv could not be started: {error}.",
            hint="Install it again: pip install --force-reinstall uv",
        ) from error


def _copy(source: IO[bytes], log: BinaryIO, tail: deque[str]) -> None:
    with source:
        for line in source:
            log.write(line)
            log.flush()
            tail.append(line.decode("utf-8", "replace").rstrip())


def _wait(
    process: subprocess.Popen[bytes], reader: threading.Thread, cancelled: Callable[[], bool]
) -> None:
    """The reader ends the moment uv closes its output, sooner than polling would notice."""
    while process.poll() is None:
        reader.join(timeout=_TICK)
        if not reader.is_alive():
            process.wait()
        elif cancelled():
            raise CanceledError


def _end(process: subprocess.Popen[bytes]) -> None:
    """Its whole process group: builds of source distributions run below it."""
    if process.poll() is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        _until_gone(process, _PATIENCE)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _until_gone(process: subprocess.Popen[bytes], patience: float) -> None:
    until = time.monotonic() + patience
    while process.poll() is None and time.monotonic() < until:
        time.sleep(0.02)
