"""One build of one environment: Python, resolve, install, and the marker that makes it real."""

from __future__ import annotations

import json
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from packaging.requirements import InvalidRequirement, Requirement

from lazur.builders import (
    _accelerators,
    _causes,
    _disk,
    _fence,
    _pip_settings,
    _pythons,
    _turns,
    _uv,
)
from lazur.engine.contracts import Built
from lazur.engine.recipe import Recipe
from lazur.errors import BuildFailed

MARKER = "lazur-env.json"
LOCK = "lazur-lock.txt"
_OPTIONS = {
    "--index-url",
    "--extra-index-url",
    "--find-links",
    "--no-index",
    "--no-binary",
    "--only-binary",
    "--pre",
}


@dataclass(frozen=True)
class Places:
    root: Path

    @property
    def envs(self) -> Path:
        return self.root / "envs"

    @property
    def cache(self) -> Path:
        return self.root / "uv-cache"

    @property
    def pythons(self) -> Path:
        return self.root / "pythons"

    @property
    def working(self) -> Path:
        return self.envs / ".tmp"

    @property
    def compiling(self) -> Path:
        return self.envs / ".locks" / "bytecode"

    def prefix(self, key: str) -> Path:
        return self.envs / key

    def lock(self, key: str) -> Path:
        return self.envs / ".locks" / key

    def resolved(self, key: str) -> Path:
        return self.envs / ".resolved" / f"{key}.txt"

    def make(self) -> None:
        for folder in (self.root, self.envs, self.cache, self.pythons, self.working):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in (".locks", ".resolved"):
            (self.envs / name).mkdir(exist_ok=True, mode=0o700)

    def sweep(self) -> None:
        """What is without a marker and nobody's work belongs to a build that was killed."""
        for path in self.envs.iterdir():
            if path.name.startswith(_disk.TRASH):
                _disk.empty(path)
            elif not path.name.startswith(".") and not (path / MARKER).exists():
                self._sweep_one(path, path.name)
        for path in self.working.iterdir():
            self._sweep_one(path, path.name.partition("-")[0])

    def _sweep_one(self, path: Path, key: str) -> None:
        with _turns.tried(self.lock(key)) as mine:
            if mine and not (path / MARKER).exists():
                _disk.discard(path)


class Making:
    def __init__(
        self,
        places: Places,
        key: str,
        recipe: Recipe,
        gpu: bool,
        log: BinaryIO,
        cancelled: Callable[[], bool],
        turn: int,
    ) -> None:
        self._places = places
        self._key = key
        self._recipe = recipe
        self._gpu = gpu
        self._log = log
        self._cancelled = cancelled
        self._turn = turn
        self._prefix = places.prefix(key)
        self._env = {**_uv.environment(places.cache), "UV_PYTHON_INSTALL_DIR": str(places.pythons)}
        self._warnings: list[str] = []
        self._seconds: dict[str, float] = {}
        self._began = time.monotonic()
        self._fence = _fence.around(places.root, [places.envs, places.cache, places.pythons])
        lines = recipe.requirements if gpu else _accelerators.without_cuda(recipe.requirements)
        self._packages = [line for line in lines if not line.startswith("-")]
        self._options = [line for line in lines if line.startswith("-")]
        self._options += _pip_settings.as_lines(os.environ)
        if "--pre" in self._options:  # uv knows it, but not in a file
            self._options.remove("--pre")
            self._env["UV_PRERELEASE"] = "allow"

    def make(self) -> Built:
        self._check()
        _disk.discard(self._prefix)
        with tempfile.TemporaryDirectory(prefix=f"{self._key}-", dir=self._places.working) as name:
            self._cwd = Path(name)
            self._env["TMPDIR"] = name
            try:
                return self._steps()
            except BaseException:
                _disk.discard(self._prefix)
                raise

    def _check(self) -> None:
        """Recipes are checked where they are made; this is the last place before uv reads them as
        its own."""
        for line in self._packages:
            try:
                Requirement(line)
            except InvalidRequirement as error:
                raise BuildFailed(
                    f"{line!r} is not a requirement: {str(error).splitlines()[0]}.",
                    hint="Correct the environment's list of packages.",
                ) from None
        for line in self._options:
            if line.split(" ", 1)[0] not in _OPTIONS or "\n" in line:
                raise BuildFailed(f"{line!r} is not an option of a list of packages.")

    def _steps(self) -> Built:
        with self._phase("python"):
            self._python = self._choose()
            self._say(f"Python {self._python.version} ({self._python.path})")
            self._create()
        lock = ""
        if self._packages:
            lock = self._locked()
        return self._finish(lock)

    @contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self._seconds[name] = round(self._seconds.get(name, 0.0) + time.monotonic() - began, 3)

    def _say(self, text: str) -> None:
        self._log.write(f"[{time.monotonic() - self._began:7.2f} s] {text}\n".encode())
        self._log.flush()

    def _warn(self, text: str) -> None:
        self._warnings.append(text)
        self._say(f"warning: {text}")

    # Python

    def _choose(self) -> _pythons.Python:
        wanted, pythons = self._recipe.python, self._present()
        choice = _pythons.choose(wanted, pythons)
        if choice.exact and choice.python:
            return choice.python
        fetched = self._fetched(wanted) if self._recipe.exact_python or self._packages else None
        if fetched:
            return fetched
        stand_in = choice.python
        if stand_in and wanted and _pythons.serves(wanted, stand_in):
            self._warn(f"Python {wanted} is not here; {stand_in.version} serves for it.")
            return stand_in
        if stand_in and not self._recipe.exact_python:
            self._warn(f"Python {wanted} is not here; the closest one serves: {stand_in.version}.")
            return stand_in
        raise self._no_python(pythons)

    def _present(self) -> list[_pythons.Python]:
        return _pythons.present(self._env, self._cwd, self._places.pythons)

    def _fetched(self, wanted: str | None) -> _pythons.Python | None:
        if self._env.get("UV_PYTHON_DOWNLOADS") == "never" or self._env.get("UV_OFFLINE"):
            return None
        self._say(f"Python {wanted or ''} is not here; fetching it.")
        ended = _uv.run(
            ["python", "install", "--no-bin", *([_pythons.request(wanted)] if wanted else [])],
            env={
                **self._env,
                "UV_HTTP_RETRIES": "0",
                "UV_HTTP_CONNECT_TIMEOUT": _pythons.FETCH_TIMEOUT,
            },
            cwd=self._cwd,
            log=self._log,
            cancelled=self._cancelled,
        )
        if ended.code:
            return None
        choice = _pythons.choose(wanted, self._present())
        return choice.python if choice.exact else None

    def _no_python(self, pythons: list[_pythons.Python]) -> BuildFailed:
        versions = ", ".join(python.version for python in pythons)
        return BuildFailed(
            f"Python {self._recipe.python or ''} is not on this machine and could not be fetched.",
            hint=(
                f"Here are {versions}: ask for one of them, or install the other "
                f"(uv python install {self._recipe.python})."
                if pythons
                else "There is no Python at all: install one (uv python install)."
            ),
            phase="python",
            present=[python.version for python in pythons],
        )

    def _create(self) -> None:
        self._uv(
            "python",
            ["venv", "--no-project", "--python", self._python.path, str(self._prefix)],
        )

    # Packages

    def _locked(self) -> str:
        """Install from the lock that is kept from an earlier build, else from a fresh one."""
        kept = self._kept()
        if kept:
            try:
                self._install(kept)
                return kept
            except BuildFailed:
                self._say("The lock of the last build can no longer be installed; resolving anew.")
                _disk.discard(self._prefix)
                self._create()
        with self._phase("resolve"):
            lock = self._resolve()
        self._install(lock)
        self._keep(lock)
        return lock

    def _kept(self) -> str | None:
        try:
            text = self._places.resolved(self._key).read_text("utf-8")
        except OSError:
            return None
        head, _, lock = text.partition("\n")
        return lock if head == self._head() else None

    def _keep(self, lock: str) -> None:
        target = self._places.resolved(self._key)
        _write(target, f"{self._head()}\n{lock}")

    def _head(self) -> str:
        return f"# Python {'.'.join(self._python.version.split('.')[:2])}"

    def _resolve(self) -> str:
        self._say(f"Resolving {len(self._packages)} requirements.")
        source = self._cwd / "requirements.in"
        source.write_text("\n".join([*self._packages, *self._options]) + "\n", "utf-8")
        lock, tail = self._attempts(source)
        if lock is None:
            raise self._unresolved(tail)
        if not self._gpu and re.search(r"^nvidia-", lock, re.MULTILINE):
            self._warn(
                "This environment holds CUDA libraries of several gigabytes, though no NVIDIA GPU"
                " is here: no CPU build of its framework was found. Give a folder with one in"
                " pip's `find-links`."
            )
        return lock

    def _attempts(self, source: Path) -> tuple[str | None, list[str]]:
        """CPU builds first where there is no GPU; what is usual when that leads nowhere."""
        for arguments, network in self._cpu_only():
            lock, tail = self._compile(source, arguments)
            if lock is not None:
                return lock, tail
            if not (_causes.is_network(tail) if network else "torch" in " ".join(tail)):
                return None, tail
            self._say("No CPU build there; trying the usual way.")
        return self._compile(source, [])

    def _cpu_only(self) -> Iterator[tuple[list[str], bool]]:
        if self._gpu:
            return
        pin, named = _accelerators.local_torch(self._packages, self._python.version, self._env)
        if pin:
            constraints = self._cwd / "constraints.txt"
            constraints.write_text(pin + "\n", "utf-8")
            yield ["--constraints", constraints.name], False
        elif named and not self._recipe_has_index():
            yield ["--torch-backend", "cpu"], True

    def _recipe_has_index(self) -> bool:
        """The author chose where frameworks come from."""
        return any("index" in line or line.startswith("--find-links") for line in self._options)

    def _compile(self, source: Path, arguments: list[str]) -> tuple[str | None, list[str]]:
        out = self._cwd / "lock.txt"
        extra = {"UV_HTTP_RETRIES": "0"} if "--torch-backend" in arguments else {}
        ended = _uv.run(
            [
                *("pip", "compile", "--quiet", "--generate-hashes", "--no-header"),
                *("--python", self._python.path, source.name, *arguments),
            ],
            env={**self._env, **extra},
            cwd=self._cwd,
            log=self._log,
            cancelled=self._cancelled,
            out=out,
            keep=[self._turn],
            before=self._fence,
        )
        return (out.read_text("utf-8") if ended.code == 0 else None), ended.tail

    def _unresolved(self, tail: list[str]) -> BuildFailed:
        error = _causes.failed("resolve", tail, self._python.version)
        name = _causes.missing_version(tail)
        newest = self._newest(name) if name else None
        if newest and error.hint:
            error.hint = (
                f"The newest that Python {self._python.version} can use is {newest}. {error.hint}"
            )
        return error

    def _newest(self, name: str) -> str | None:
        source = self._cwd / "newest.in"
        source.write_text("\n".join([name, *self._options]) + "\n", "utf-8")
        found = _uv.capture(
            [
                "pip",
                "compile",
                "-q",
                "--no-deps",
                "--no-header",
                "--no-annotate",
                "--python",
                self._python.path,
                str(source),
            ],
            env=self._env,
            cwd=self._cwd,
        )
        return found.strip().replace("==", " ") or None

    def _install(self, lock: str) -> None:
        path = self._cwd / "lock.txt"
        path.write_text(lock, "utf-8")
        hashed = all_hashed(lock)
        if not hashed:
            self._warn(
                "Packages from git or from a folder have no hash in the lock; the others are"
                " verified."
            )
        self._say(f"Installing {len(_names(lock))} packages.")
        with self._phase("install"):
            self._uv(
                "install",
                [
                    *("pip", "sync", "--python", str(self._prefix / "bin" / "python")),
                    *(["--require-hashes"] if hashed else ["--verify-hashes"]),
                    path.name,
                    *self._option_files(),
                ],
            )

    def _option_files(self) -> list[str]:
        """Indexes of the recipe, as a file: they may carry credentials, which an argument would
        show to everyone."""
        if not self._options:
            return []
        (self._cwd / "options.txt").write_text("\n".join(self._options) + "\n", "utf-8")
        return ["options.txt"]

    def _uv(self, phase: str, arguments: list[str]) -> None:
        ended = _uv.run(
            arguments,
            env=self._env,
            cwd=self._cwd,
            log=self._log,
            cancelled=self._cancelled,
            keep=[self._turn],
            before=self._fence,
        )
        if ended.code:
            raise _causes.failed(phase, ended.tail, self._python.version)

    def _finish(self, lock: str) -> Built:
        _write(self._prefix / LOCK, lock)
        built = Built(
            prefix=str(self._prefix),
            python=self._python.version,
            size=_disk.own_bytes(self._prefix),
            lock=lock,
            warnings=self._warnings,
            seconds=self._seconds,
        )
        data = asdict(built)
        del data["lock"]
        _write(self._prefix / MARKER, json.dumps(data))
        self._say("Ready.")
        return built


def all_hashed(lock: str) -> bool:
    entries = re.split(r"\n(?=\S)", lock.replace("\\\n", " "))
    return all("--hash=" in entry for entry in entries if _is_requirement(entry))


def _names(lock: str) -> list[str]:
    return [line for line in lock.split("\n") if _is_requirement(line)]


def _is_requirement(text: str) -> bool:
    return bool(text) and not text.startswith(("#", " ", "-"))


def _write(path: Path, text: str) -> None:
    """Whole or not at all, also after a power cut."""
    temporary = path.with_name(path.name + ".new")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
