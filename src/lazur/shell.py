"""Run a program here. Always argv lists, never a line for a shell to read."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lazur.errors import BackendError


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


def run(
    argv: Sequence[str],
    *,
    timeout: float,
    env: Mapping[str, str] | None = None,
    cwd: str | Path | None = None,
    check: bool = True,
) -> Ran:
    """Wait for it and return what it said. Raises BackendError when it is not there, takes longer
    than `timeout` seconds (it is killed then), or, with `check`, ends with another code than 0."""
    try:
        done = subprocess.run(
            list(argv),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout,
            env=None if env is None else dict(env),
            cwd=cwd,
            check=False,
        )
    except FileNotFoundError as error:
        raise BackendError(
            f"{error.filename} is not on this machine.",
            hint=f"Install {argv[0]}, or fix its path.",
        ) from error
    except OSError as error:
        raise BackendError(f"{argv[0]} cannot be run: {error.strerror}.") from error
    except subprocess.TimeoutExpired as error:
        raise BackendError(f"{argv[0]} did not end within {timeout:g} seconds.") from error
    ran = Ran(done.returncode, _text(done.stdout), _text(done.stderr))
    if check and ran.code != 0:
        last = (ran.err or ran.out).strip()[-2000:]
        raise BackendError(f"{argv[0]} ended with code {ran.code}: {last}", code=ran.code)
    return ran


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
