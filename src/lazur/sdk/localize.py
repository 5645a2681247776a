"""A spec that names files on this machine -> the same spec with content in their place.

What is replaced (contributing/backbone.md, From YAML to a row): `code`, the `path` of inputs, data
and models, `build.path`, `conda_file`. What is a reference already stays as it is.
"""

from __future__ import annotations

import difflib
import os
import weakref
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self, TypeVar

from lazur.errors import Invalid, LazurError, SpecError
from lazur.sdk import git, home
from lazur.sdk.checkout import check_out
from lazur.sdk.packing import packed
from lazur.sdk.snapshot import Blob, Snapshot, alone, take
from lazur.sdk.walk import Purpose, lies_in
from lazur.spec import references, yaml
from lazur.spec.diagnostics import Diagnostic, raise_if_errors
from lazur.spec.document import Document
from lazur.spec.folders import folder_of
from lazur.spec.overrides import split
from lazur.spec.properties import DIFF

T = TypeVar("T")

_DEEPEST = 20
_OUTSIDE = (
    "Nothing else of this machine is sent for a file that somebody else may have written. If it "
    "belongs there, copy it into the folder."
)


@dataclass
class Localized:
    """`close` it (or use it as a context, or forget it) when everything is sent: fetched
    repositories lie in temporary folders."""

    spec: dict[str, Any]
    blobs: dict[str, Blob] = field(default_factory=dict[str, Blob])
    """By digest, all that the spec's trees need: the path of a file, or the bytes."""
    trees: set[str] = field(default_factory=set[str])
    """Those of `blobs` that are manifests."""
    notes: list[str] = field(default_factory=list[str])
    documents: dict[str, Document] = field(default_factory=dict[str, Document])
    """By the place where its content stands now (`jobs.train.component`), each other file."""
    git: git.Git | None = None
    _stack: ExitStack = field(default_factory=ExitStack, repr=False)

    def __post_init__(self) -> None:
        weakref.finalize(self, self._stack.close)

    def close(self) -> None:
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def keep(self, context: AbstractContextManager[T]) -> T:
        """Enter a context that ends when this is closed."""
        return self._stack.enter_context(context)

    def add(self, snapshot: Snapshot) -> str:
        self.blobs.update(snapshot.blobs())
        self.trees.add(snapshot.manifest.digest)
        self.notes += [note for note in snapshot.notes if note not in self.notes]
        return snapshot.reference


def localize(
    kind: str,
    spec: Mapping[str, Any],
    base: str | os.PathLike[str],
    *,
    cache: Path | None = None,
    variables: Mapping[str, str] = os.environ,
    within: Path | None = None,
) -> Localized:
    """`kind` is `job`, `component`, `environment`, `data`, `model` or `code`; relative paths start
    at `base`. `cache` is where hashes are remembered, in the person's LAZUR_HOME unless given.
    `within`: the spec is somebody else's, so nothing that lies outside of this folder is read.

    Raises SpecError with every path that is missing or cannot be taken, each under its field.
    """
    hashes = cache or home.find() / "cache" / "hashes"
    work = _Work(dict(spec), Path(base), hashes, variables, within)
    try:
        work.run(kind)
        raise_if_errors(work.problems)
    except BaseException:
        work.made.close()
        raise
    return work.made


class _Work:
    def __init__(
        self,
        spec: dict[str, Any],
        base: Path,
        cache: Path,
        variables: Mapping[str, str],
        within: Path | None,
    ) -> None:
        self.made = Localized(spec)
        self.problems: list[Diagnostic] = []
        self._base = base
        self._cache = cache
        self._variables = variables
        self._within = within
        self._files: list[Path] = []
        """Of components that this one is a step of."""
        self._at: list[str] = []
        """The step that is looked at, as its path begins."""

    def run(self, kind: str) -> None:
        spec = self.made.spec
        if kind in {"job", "command-job"} or kind.endswith("component"):
            self._step(spec)
        elif kind == "environment":
            self.made.spec = self._environment(spec, "")
        elif kind in {"data", "model", "code"}:
            self._path(spec, "path", "path", "code" if kind == "code" else "data")
        if kind in {"job", "command-job"}:
            self._git()

    def _step(self, spec: dict[str, Any]) -> None:
        """A job, a component, or a step of one."""
        self._code(spec)
        self._inputs(spec)
        if isinstance(spec.get("environment"), Mapping):
            spec["environment"] = self._environment(spec["environment"], "environment.")
        if isinstance(spec.get("task"), Mapping):
            task = spec["task"] = dict(spec["task"])
            self._path(task, "code", "task.code", "code")
            if isinstance(task.get("environment"), Mapping):
                task["environment"] = self._environment(task["environment"], "task.environment.")
        for key in ("component", "trial"):
            spec[key] = self._component(spec[key], key) if key in spec else None
            if spec[key] is None:
                del spec[key]
        if isinstance(spec.get("jobs"), Mapping):
            spec["jobs"] = {name: self._job(step, name) for name, step in spec["jobs"].items()}

    def _job(self, step: Any, name: str) -> Any:
        if not isinstance(step, Mapping):
            return step
        made = dict(step)
        with self._within_of(f"jobs.{name}"), self._reported(""):
            self._step(made)
        return made

    def _component(self, value: Any, where: str) -> Any:
        """What is written in another file stands in its place; paths in it begin there."""
        if isinstance(value, Mapping):
            made = dict(value)
            with self._within_of(where), self._reported(""):
                self._step(made)
            return made
        if not isinstance(value, str) or not references.is_local(value):
            return value
        path = self._there(value, where)
        if path is None:
            return value
        if len(self._files) >= _DEEPEST or path.resolve() in self._files:
            raise Invalid(f"{value!r} leads back to a file that it is part of.")
        document = yaml.load(path.read_bytes(), str(path))
        found = document.value
        if not isinstance(found, dict):
            raise Invalid(f"{value!r} is not a component: a mapping is expected.")
        inner = _Work(found, path.parent, self._cache, self._variables, self._within)
        inner._files = [*self._files, path.resolve()]
        inner.run("component")
        self.problems += [_placed(d, document) for d in inner.problems]
        place = self._path_of(where)
        self.made.documents[place] = document
        self.made.documents |= {f"{place}.{k}": d for k, d in inner.made.documents.items()}
        self.made.blobs.update(inner.made.blobs)
        self.made.trees |= inner.made.trees
        self.made.keep(inner.made)
        return inner.made.spec

    def _code(self, spec: dict[str, Any]) -> None:
        if spec.get("additional_includes"):
            with self._reported("additional_includes"):
                self._code_with_includes(spec)
        else:
            self._path(spec, "code", "code", "code")

    def _code_with_includes(self, spec: dict[str, Any]) -> None:
        named = [str(item) for item in spec["additional_includes"]]
        includes = [
            self._include(text, f"additional_includes[{at}]") for at, text in enumerate(named)
        ]
        code = spec.get("code")
        if isinstance(code, str) and not references.is_local(code):
            raise Invalid("they can be added to a local folder of code only.")
        first = self._there(code, "code") if isinstance(code, str) else None
        found = [path for path in includes if path]
        if len(found) < len(includes) or (code is not None and first is None):
            return
        self._remember_git(first or found[0])
        taken = take(first, purpose="code", cache=self._cache, includes=found)
        spec["code"] = self.made.add(taken)
        del spec["additional_includes"]

    def _inputs(self, spec: dict[str, Any]) -> None:
        inputs = spec.get("inputs")
        if not isinstance(inputs, Mapping):
            return
        spec["inputs"] = {
            name: self._input(value, f"inputs.{name}") if isinstance(value, Mapping) else value
            for name, value in inputs.items()
        }

    def _input(self, value: Mapping[str, Any], where: str) -> dict[str, Any]:
        """A group of inputs is a mapping of inputs."""
        changed = dict(value)
        if isinstance(changed.get("path"), str):
            folder = folder_of(changed)
            if folder is not None and references.is_local(folder):
                changed["path"] = folder
                self.made.notes.append(f"{where}.path: `/**` is read as the whole folder.")
            self._path(changed, "path", f"{where}.path", "data")
        elif "type" not in changed and "value" not in changed:
            for name, inner in changed.items():
                if isinstance(inner, Mapping):
                    changed[name] = self._input(inner, f"{where}.{name}")
        return changed

    def _environment(self, value: Mapping[str, Any], where: str) -> dict[str, Any]:
        changed = dict(value)
        if isinstance(changed.get("conda_file"), str):
            with self._reported(f"{where}conda_file"):
                changed["conda_file"] = self._conda(changed["conda_file"], f"{where}conda_file")
        if isinstance(changed.get("build"), Mapping):
            build = changed["build"] = dict(changed["build"])
            self._path(build, "path", f"{where}build.path", "code")
        return changed

    def _conda(self, text: str, where: str) -> Any:
        if "\n" in text or not references.is_local(text):
            return text
        path = self._there(text, where)
        if path is None:
            return text
        found = yaml.load(path.read_bytes(), str(path)).value
        if not isinstance(found, dict):
            raise Invalid(
                f"{path} is not a conda file: a mapping with `dependencies` is expected."
            )
        return found

    def _path(self, holder: dict[str, Any], key: str, where: str, purpose: Purpose) -> None:
        """Replace `holder[key]` when it is a local path or, for code, a repository."""
        text = holder.get(key)
        if not isinstance(text, str):
            return
        with self._reported(where):
            found = references.parse(text)
            if isinstance(found, references.Git) and purpose == "code":
                holder[key] = self._repository(found, where)
            elif isinstance(found, references.Local) and (path := self._there(text, where)):
                if where == "code":
                    self._remember_git(path)
                holder[key] = self.made.add(take(path, purpose=purpose, cache=self._cache))

    def _repository(self, found: references.Git, where: str) -> str:
        if self._within is not None:
            raise Invalid(f"{found} is a repository.", hint=_OUTSIDE)
        checkout = self.made.keep(check_out(found))
        if where == "code":
            self.made.git = checkout.git
        return self.made.add(take(checkout.folder, purpose="code"))

    def _include(self, text: str, where: str) -> Path | None:
        """`x.zip` is a folder `x` in one file, where there is no such file."""
        folder = (self._base / text).with_suffix("")
        if self._is_outside(folder, text, where):
            return None
        if text.endswith(".zip") and not (self._base / text).exists() and folder.is_dir():
            return packed(folder, Path(self.made.keep(TemporaryDirectory(prefix="lazur-"))))
        return self._there(text, where)

    def _there(self, text: str, where: str) -> Path | None:
        """The path if something lies there; else a problem is noted."""
        found = references.parse(text)
        path = self._base / (found.path if isinstance(found, references.Local) else text)
        if self._is_outside(path, text, where):
            return None
        if path.exists():
            return path
        near = difflib.get_close_matches(path.name, _names(path.parent), 1)
        hint = f"Did you mean {near[0]!r}?" if near else f"Looked for {os.path.normpath(path)}"
        message = f"{text!r} does not exist"
        self.problems.append(Diagnostic("error", message, self._path_of(where), hint=hint))
        return None

    def _is_outside(self, path: Path, text: str, where: str) -> bool:
        """Said before anybody looks whether something is there."""
        if self._within is None or lies_in(path, self._within):
            return False
        message = f"{text!r} leads out of the folder {self._within}"
        self.problems.append(Diagnostic("error", message, self._path_of(where), hint=_OUTSIDE))
        return True

    def _remember_git(self, path: Path) -> None:
        if self._within is not None:  # git runs what a repository's settings name
            return
        self.made.git = git.look(path if path.is_dir() else path.parent, self._variables)

    def _git(self) -> None:
        """Into the job's properties, under Azure's names; what the person wrote there wins."""
        found = self.made.git or git.look(self._base, self._variables)
        self.made.git = found
        if found is None:
            return
        added = found.properties()
        if found.diff:
            added[DIFF] = self.made.add(alone("uncommitted.diff", found.diff))
        self.made.spec["properties"] = {**added, **(self.made.spec.get("properties") or {})}

    @contextmanager
    def _reported(self, where: str) -> Iterator[None]:
        """An error within becomes a problem of that field, so that all fields are looked at."""
        try:
            yield
        except SpecError:  # a faulty conda file, which says itself where
            raise
        except LazurError as error:
            place = self._path_of(where)
            self.problems.append(Diagnostic("error", error.message, place, hint=error.hint))
        except OSError as error:
            message = f"{error.filename}: {error.strerror}"
            self.problems.append(Diagnostic("error", message, self._path_of(where)))

    @contextmanager
    def _within_of(self, where: str) -> Iterator[None]:
        self._at.append(where)
        yield
        self._at.pop()

    def _path_of(self, where: str) -> str:
        return ".".join(part for part in (*self._at, where) if part)


def _placed(found: Diagnostic, document: Document) -> Diagnostic:
    if found.line is not None:
        return found
    return document.diagnostic(found.severity, found.message, split(found.path), hint=found.hint)


def _names(folder: Path) -> list[str]:
    try:
        return [entry.name for entry in folder.iterdir()]
    except OSError:
        return []
