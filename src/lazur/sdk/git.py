"""What git knows of the folder that a job's code lies in: commit, branch, remote, and what is not
committed.

Read with as little as possible of what a repository's own configuration could start: no hooks,
pager, file system monitor, external diff or text conversion, no locks taken. A folder outside of
git costs a few stat calls.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from lazur.spec.properties import GIT

MAX_DIFF = 1 << 20

_OVERRIDES = {
    "remote": "AZUREML_GIT_REPOSITORY_URI",
    "branch": "AZUREML_GIT_BRANCH",
    "commit": "AZUREML_GIT_COMMIT",
    "dirty": "AZUREML_GIT_DIRTY",
    "build_id": "AZUREML_GIT_BUILD_ID",
    "build_uri": "AZUREML_GIT_BUILD_URI",
}
_TIMEOUT = 10
_QUIET = (
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.untrackedCache=keep",
)
_NO_PROGRAMS = ("--no-ext-diff", "--no-textconv", "--no-color", "--ignore-submodules=dirty")


@dataclass(frozen=True)
class Git:
    commit: str | None = None
    branch: str | None = None
    remote: str | None = None
    """Without the password or token that may be in it."""
    dirty: str | None = None
    """`True` or `False`, as Azure writes it."""
    build_id: str | None = None
    build_uri: str | None = None
    diff: bytes | None = None
    """What differs from the commit, within the folder, as `git apply` takes it; without files that
    git does not track (they are in the snapshot). Cut at MAX_DIFF; of binary files only the fact.
    """

    def properties(self) -> dict[str, str]:
        values = {key: getattr(self, name) for name, key in GIT.items()}
        return {name: value for name, value in values.items() if value}


def look(folder: str | os.PathLike[str], variables: Mapping[str, str] = os.environ) -> Git | None:
    """None outside of a repository, without git, and when git does not answer; AZUREML_GIT_* come
    first."""
    said: dict[str, Any] = {
        name: variables[key] for name, key in _OVERRIDES.items() if variables.get(key)
    }
    if not _in_repository(Path(folder).absolute()):
        return Git(**said) if said else None
    try:
        found = _ask(os.fspath(folder))
    except (OSError, subprocess.SubprocessError):
        return Git(**said) if said else None
    return Git(**{**found, **said}) if found or said else None


def without_credentials(url: str) -> str:
    """A remote's address as it may be shown: no password, and for http no user and no query
    either, for these carry tokens."""
    if "://" not in url:
        return url
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    if parts.scheme in {"http", "https"}:
        return urlunsplit((parts.scheme, host, parts.path, "", ""))
    user = parts.username
    return urlunsplit((parts.scheme, f"{user}@{host}" if user else host, parts.path, "", ""))


def environment() -> dict[str, str]:
    """For every git that is started: nothing asked, nothing paged, no repository but the one it is
    given."""
    kept = {
        k: v for k, v in os.environ.items() if not k.startswith("GIT_") or k.startswith("GIT_SSH")
    }
    quiet = {
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_PAGER": "cat",
        "LC_ALL": "C",
    }
    return {**kept, **quiet}


def _in_repository(folder: Path) -> bool:
    return any((at / ".git").exists() for at in (folder, *folder.parents))


def _ask(folder: str) -> dict[str, Any]:
    with _git(folder, "config", "-z", "--get-regexp", r"^remote\..*\.url$") as remotes:
        status = ("status", "--porcelain=v2", "--branch", "-z", "--ignore-submodules=dirty")
        with _git(folder, *status, "--", ".") as state:
            lines = _output(state).decode("utf-8", "replace").split("\0")
        known = _remotes(_output(remotes).decode("utf-8", "replace"))
    if state.returncode:
        return {}
    heads = dict(line[2:].split(" ", 1) for line in lines if line.startswith("# branch."))
    changes = [line for line in lines if line and not line.startswith("# ")]
    found: dict[str, Any] = {"dirty": str(bool(changes))}
    if (commit := heads.get("branch.oid", "(initial)")) != "(initial)":
        found["commit"] = commit
    if (branch := heads.get("branch.head", "(detached)")) != "(detached)":
        found["branch"] = branch
    if remote := _remote(known, heads.get("branch.upstream", "")):
        found["remote"] = without_credentials(remote)
    if "commit" in found and any(not line.startswith("?") for line in changes):
        found["diff"] = _diff(folder)
    return found


def _remotes(text: str) -> dict[str, str]:
    pairs = (entry.partition("\n") for entry in text.split("\0") if entry)
    return {key.removeprefix("remote.").removesuffix(".url"): url for key, _, url in pairs}


def _remote(known: Mapping[str, str], upstream: str) -> str | None:
    """The one that the branch follows, else origin, else the first."""
    followed = [name for name in known if upstream.startswith(f"{name}/")]
    for name in (*followed, "origin", *known):
        if name in known:
            return known[name]
    return None


def _diff(folder: str) -> bytes:
    with _git(folder, "diff", *_NO_PROGRAMS, "HEAD", "--", ".") as process:
        assert process.stdout is not None
        text = process.stdout.read(MAX_DIFF + 1)
        process.kill()
    if len(text) > MAX_DIFF:
        return text[:MAX_DIFF] + b"\n... cut here: the difference is larger than this\n"
    return text


def _git(folder: str, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["git", "--no-pager", *_QUIET, *arguments],
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


def _output(process: subprocess.Popen[bytes]) -> bytes:
    try:
        return process.communicate(timeout=_TIMEOUT)[0]
    except subprocess.TimeoutExpired:
        process.kill()
        raise
