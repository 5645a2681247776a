"""`code: git+https://…`: fetched by the client, with the person's own keys, into a temporary
folder (check S23).

Everything is decided before git starts: which protocols, which addresses, which refs. Nothing in
the repository is run: no hooks, no submodules; it is files, of which a snapshot is taken.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from lazur.engine import paths
from lazur.errors import Invalid, NotFound
from lazur.sdk.git import Git, environment, without_credentials
from lazur.spec import references

_TIMEOUT = 600
_SCP = re.compile(r"[A-Za-z0-9_][\w.-]*@[A-Za-z0-9][\w.-]*:(?!-)[^\s\x00-\x1f]+\Z")
_HOST = re.compile(r"[A-Za-z0-9][\w.-]*\Z|[0-9a-f:.]+\Z")
_REF = re.compile(r"(?![-+./])(?!.*(?:\.\.|@\{|//))[^\x00-\x20\x7f~^:?*\[\\]{1,255}\Z")
_REV_PARSE = ("rev-parse", "--verify", "--quiet", "--end-of-options")
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_GUARDS = (
    "-c", "core.hooksPath=/dev/null",
    "-c", "core.fsmonitor=false",
    "-c", "submodule.recurse=false",
    "-c", "advice.detachedHead=false",
)  # fmt: skip


@dataclass(frozen=True)
class Checkout:
    folder: Path
    git: Git


@contextmanager
def check_out(reference: references.Git) -> Iterator[Checkout]:
    """The repository's files (of its subdirectory, if one is named) for as long as the context
    lasts. Raises Invalid for an address or ref that is not accepted, NotFound when git cannot get
    it."""
    check_url(reference.url)
    check_ref(reference.ref)
    with tempfile.TemporaryDirectory(prefix="lazur-git-") as folder:
        _run(folder, "init", "--quiet", "--template=")
        commit = _fetch(folder, reference)
        _run(folder, "checkout", "--quiet", "--no-recurse-submodules", "--detach", commit)
        branch = reference.ref if reference.ref != commit else None
        shown = without_credentials(reference.url)
        yield Checkout(
            _inside(Path(folder), reference), Git(commit, branch, shown, dirty=str(False))
        )


def check_url(url: str) -> None:
    """Only what travels encrypted: https and ssh (and http on this machine). Not `file:`, `ext::`
    or a path: those act here, with the person's rights."""
    if _SCP.match(url):
        return
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        user = parts.username or ""
        _ = parts.port
    except ValueError:
        raise _refused(url) from None
    allowed = parts.scheme in {"https", "ssh"} or (parts.scheme == "http" and host in _LOOPBACK)
    clean = url.isprintable() and " " not in url and not user.startswith("-")
    if not (allowed and clean and _HOST.match(host) and parts.path.strip("/")):
        raise _refused(url)


def check_ref(ref: str | None) -> None:
    if ref is not None and not _REF.match(ref):
        raise Invalid(
            f"{paths.shown(ref)} cannot be the name of a branch, tag or commit.",
            hint="Write it as git+https://host/repository.git@branch",
        )


def _refused(url: str) -> Invalid:
    return Invalid(
        f"{paths.shown(without_credentials(url))} is not an address that code is fetched from.",
        hint="Use git+https://host/repository.git, git+ssh://git@host/repository.git or"
        " git@host:repository.git; for a repository on this machine, give its folder.",
    )


def _fetch(folder: str, reference: references.Git) -> str:
    """The commit. The tip alone where the server can do that; else all of the history."""
    ref = reference.ref or "HEAD"
    protocols = "http" if reference.url.startswith("http:") else "https:ssh"
    fetch = ("fetch", "--quiet", "--no-tags", "--no-recurse-submodules")
    try:
        _run(folder, *fetch, "--depth=1", "--", reference.url, ref, protocols=protocols)
    except NotFound as first:
        try:
            everything = "HEAD" if ref == "HEAD" else "refs/*"
            place = f"refs/fetched/{everything.removeprefix('refs/')}"
            spec = f"+{everything}:{place}"
            _run(folder, *fetch, "--", reference.url, spec, protocols=protocols)
            return _commit(folder, ref)
        except NotFound:
            raise first from None
    return _run(folder, *_REV_PARSE, "FETCH_HEAD^{commit}").strip()


def _commit(folder: str, ref: str) -> str:
    fetched = "refs/fetched"
    for name in (f"{fetched}/heads/{ref}", f"{fetched}/tags/{ref}", f"{fetched}/{ref}", ref):
        try:
            found = _run(
                folder,
                "rev-parse",
                "--verify",
                "--quiet",
                "--end-of-options",
                f"{name}^{{commit}}",
            )
        except NotFound:
            continue
        return found.strip()
    raise NotFound(f"There is no {ref} in that repository.")


def _inside(root: Path, reference: references.Git) -> Path:
    """The named folder within the checkout; no link in the repository leads out of it."""
    _, _, fragment = reference.written.partition("#")
    path = reference.subdirectory or fragment.removeprefix("subdirectory=")
    if not path:
        return root
    parts = paths.components(path.rstrip("/"))
    real = root.joinpath(*parts).resolve()
    if ".git" in parts or not real.is_dir() or not real.is_relative_to(root.resolve()):
        shown = without_credentials(reference.url)
        raise NotFound(f"There is no folder {paths.shown(path)} in {shown}.")
    return real


def _run(folder: str, *arguments: str, protocols: str = "") -> str:
    """Git speaks the given protocols and no other, wherever a server redirects it to."""
    try:
        done = subprocess.run(
            ["git", *_GUARDS, *arguments],
            cwd=folder,
            env={
                **environment(),
                "GIT_ALLOW_PROTOCOL": protocols,
                "GIT_SSH_COMMAND": _ssh(),
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT,
            check=False,
        )
    except FileNotFoundError as error:
        raise Invalid(
            "git is needed to fetch code, and is not on this machine.", hint="Install it."
        ) from error
    except subprocess.TimeoutExpired as error:
        raise NotFound(f"git did not finish within {_TIMEOUT} seconds.") from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip()[-1000:]
        raise NotFound(
            f"git could not get the code: {_URL_USER.sub('//', said) or 'no reason given'}",
            hint="Does `git ls-remote` with this address work in this terminal? Nothing is asked"
            " for here: keys and tokens must come from an agent or a credential helper.",
        )
    return done.stdout.decode("utf-8", "replace")


_URL_USER = re.compile(r"//[^/\s@]+@")


def _ssh() -> str:
    return os.environ.get("GIT_SSH_COMMAND", "ssh -o BatchMode=yes")
