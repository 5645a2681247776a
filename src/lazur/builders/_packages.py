"""The steps that resolve packages to a hashed lock and install exactly that."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Iterator

from packaging.requirements import InvalidRequirement, Requirement

from lazur.builders import _accelerators, _causes, _mltable, _pip_settings
from lazur.builders._places import write
from lazur.builders._pythons import Python
from lazur.builders._work import Work
from lazur.errors import BuildFailed

_OPTIONS = {
    "--index-url",
    "--extra-index-url",
    "--find-links",
    "--no-index",
    "--no-binary",
    "--only-binary",
    "--pre",
}
_ARE_INDEXES = ("--index-url", "--extra-index-url", "--find-links")


class Packages:
    def __init__(self, work: Work, python: Python, recreate: Callable[[], None]) -> None:
        self._work = work
        self._python = python
        self._recreate = recreate
        lines = work.recipe.requirements
        lines = lines if work.gpu else _accelerators.without_cuda(lines)
        self._packages = [line for line in lines if not line.startswith("-")]
        self._options = [line for line in lines if line.startswith("-")]
        self._options += _pip_settings.as_lines(os.environ)
        if "--pre" in self._options:  # uv knows it, but not in a file
            self._options.remove("--pre")
            work.env["UV_PRERELEASE"] = "allow"

    def make(self) -> str:
        """Resolve and install; returns the lock. The lock of an earlier build is taken while it
        can be, so that an environment that was pruned comes back the same."""
        if not self._packages:
            return ""
        kept = self._kept()
        if kept:
            try:
                self._install(kept)
                return kept
            except BuildFailed:
                self._work.say("The last lock can no longer be installed; resolving anew.")
                self._recreate()
        with self._work.phase("resolve"):
            lock = self._resolve()
        self._install(lock)
        write(self._work.places.resolved(self._work.key), f"{self._head()}\n{lock}")
        return lock

    def _kept(self) -> str | None:
        try:
            text = self._work.places.resolved(self._work.key).read_text("utf-8")
        except OSError:
            return None
        head, _, lock = text.partition("\n")
        return lock if head == self._head() else None

    def _head(self) -> str:
        return f"# Python {'.'.join(self._python.version.split('.')[:2])}"

    def _file(self, name: str, lines: list[str]) -> str:
        """Lists go to uv in files: as arguments, everybody on the machine could read the
        credentials of an index."""
        (self._work.cwd / name).write_text("\n".join(lines) + "\n", "utf-8")
        return name

    # Resolve

    def _resolve(self) -> str:
        self._work.say(f"Resolving {len(self._packages)} requirements.")
        source = self._file("requirements.in", [*self._packages, *self._options])
        lock, tail = self._attempts(source)
        if lock is None:
            lock = self._with_our_mltable(tail)
        if lock is None:
            raise self._unresolved(tail)
        if not self._work.gpu and re.search(r"^nvidia-", lock, re.MULTILINE):
            self._work.warn(
                "This environment holds CUDA libraries of several gigabytes, though no NVIDIA GPU"
                " is here: no CPU build of its framework was found. Give a folder with one in"
                " pip's `find-links`."
            )
        return lock

    def _with_our_mltable(self, tail: list[str]) -> str | None:
        packages, left_out = _mltable.instead(self._packages, tail)
        if not left_out:
            return None
        self._work.say("Azure's mltable cannot be had here; trying without.")
        lock, _ = self._attempts(self._file("requirements.in", [*packages, *self._options]))
        if lock is not None:
            self._work.warn(
                f"{', '.join(left_out)} cannot be installed for Python {self._python.version} on"
                " this machine: `import mltable` gives Lazur's own, which reads the same files."
            )
        return lock

    def _attempts(self, source: str) -> tuple[str | None, list[str]]:
        """CPU builds first where there is no GPU; what is usual when that leads nowhere."""
        for arguments, is_final in self._cpu_only():
            lock, tail = self._compile(source, arguments)
            if lock is not None or is_final(tail):
                return lock, tail
            self._work.say("No CPU build there; trying the usual way.")
        return self._compile(source, [])

    def _cpu_only(self) -> Iterator[tuple[list[str], Callable[[list[str]], bool]]]:
        """Arguments, and whether a failure with them would be the same without."""
        if self._work.gpu:
            return
        pin, named = _accelerators.local_torch(
            self._packages, self._python.version, self._work.env
        )
        if pin:
            name = self._file("constraints.txt", [pin])
            yield ["--constraints", name], lambda tail: "torch" not in " ".join(tail)
        elif named and not any(line.startswith(_ARE_INDEXES) for line in self._options):
            yield ["--torch-backend", "cpu"], lambda tail: not _causes.is_network(tail)

    def _compile(self, source: str, arguments: list[str]) -> tuple[str | None, list[str]]:
        out = self._work.cwd / "resolved.txt"
        ended = self._work.uv(
            [
                *("pip", "compile", "--quiet", "--generate-hashes", "--no-header"),
                *("--python", self._python.path, source, *arguments),
            ],
            out=out,
            more={"UV_HTTP_RETRIES": "0"} if "--torch-backend" in arguments else None,
        )
        return (out.read_text("utf-8") if ended.code == 0 else None), ended.tail

    def _unresolved(self, tail: list[str]) -> BuildFailed:
        error = _causes.failed("resolve", tail, self._python.version)
        name = _causes.missing_version(tail)
        newest = self._newest(name) if name else None
        if newest:
            error.hint = (
                f"The newest that Python {self._python.version} can use is {newest}. {error.hint}"
            )
        return error

    def _newest(self, name: str) -> str | None:
        source, out = (
            self._file("newest.in", [name, *self._options]),
            self._work.cwd / "newest.txt",
        )
        options = ["--quiet", "--no-deps", "--no-header", "--no-annotate"]
        ended = self._work.uv(
            ["pip", "compile", *options, "--python", self._python.path, source],
            out=out,
            log=io.BytesIO(),
        )
        return out.read_text("utf-8").strip().replace("==", " ") if ended.code == 0 else None

    # Install

    def _install(self, lock: str) -> None:
        hashed = _is_hashed(lock)
        if not hashed:
            self._work.warn("Packages from git have no hash in the lock; the others are verified.")
        self._work.say(f"Installing {sum(map(_is_requirement, lock.splitlines()))} packages.")
        arguments = [
            *("pip", "sync", "--python", str(self._work.prefix / "bin" / "python")),
            *(["--require-hashes"] if hashed else ["--verify-hashes"]),
            self._file("lock.txt", [lock]),
            *([self._file("options.txt", self._options)] if self._options else []),
        ]
        with self._work.phase("install"):
            if not (hashed and self._offline(arguments)):
                self._work.must("install", self._python.version, arguments)

    def _offline(self, arguments: list[str]) -> bool:
        """With all in the cache, asking every index again whether it changed is half of the
        time of a build, and changes nothing: the hashes say what will be installed."""
        if not any(self._work.places.cache.glob("archive-*")):
            return False
        said = io.BytesIO()
        ended = self._work.uv([*arguments, "--offline"], log=said)
        if ended.code == 0:
            self._work.log.write(said.getvalue())
        return ended.code == 0


def check(recipe_lines: list[str]) -> None:
    """Recipes are checked where they are made; this is the last place before uv reads them as
    its own. Raises BuildFailed."""
    for line in recipe_lines:
        problem = _problem(line)
        if problem:
            raise BuildFailed(
                f"{line!r} cannot be installed: {problem}.",
                hint="Correct the environment's list of packages.",
            )


def _problem(line: str) -> str | None:
    if line.startswith("-"):
        known = line.partition(" ")[0] in _OPTIONS and line.isprintable()
        return None if known else "this is not an option of a list of packages"
    try:
        Requirement(line)
    except InvalidRequirement as error:
        return str(error).splitlines()[0]
    return None


def _is_hashed(lock: str) -> bool:
    entries = re.split(r"\n(?=\S)", lock.replace("\\\n", " "))
    return all("--hash=" in entry for entry in entries if _is_requirement(entry))


def _is_requirement(text: str) -> bool:
    return bool(text) and not text.startswith(("#", " ", "-"))
