"""A spec on its way to the server, and where it came from."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from lazur.errors import Invalid, LazurError, SpecError
from lazur.spec import yaml
from lazur.spec.diagnostics import Diagnostic, raise_if_errors
from lazur.spec.document import Document
from lazur.spec.overrides import apply_all, split, value_at


@dataclass(frozen=True)
class Source:
    spec: dict[str, Any]
    folder: Path
    """Where relative paths start."""
    document: Document | None = None
    """The file's text with its positions, when there was a file."""
    within: Path | None = None
    """What somebody else may have written: what it names must lie in this folder."""

    def notes(self) -> list[str]:
        """What is odd in the file itself."""
        return [d.render() for d in self.document.warnings] if self.document else []

    def placed(
        self, error: SpecError, kind: str, others: Mapping[str, Document] | None = None
    ) -> SpecError:
        """The error with file, line and column; `others` are files whose content stands in this
        one now, by its path. Whoever found it saw values only, so the same
        models look again, at the file; what they do not find is placed by its path."""
        found = [Diagnostic.from_dict(d) for d in error.details.get("diagnostics", [])]
        if self.document is None or not found:
            return error
        # The models take long to import, and are needed here only when something is wrong.
        from lazur.kinds import catalog  # noqa: PLC0415

        try:
            _, again = catalog.validate(catalog.kind_of(self.spec, kind), self.spec, self.document)
            raise_if_errors(again)
            raise_if_errors(self._placed(d, self.document, others or {}) for d in found)
        except SpecError as placed:
            return placed
        return error

    def located(self, error: LazurError) -> LazurError:
        """What only the server can know, such as a label that is not there, said about the line
        that asks for it. A value that `--set` or code gave stands in no line."""
        field = error.details.get("field")
        if self.document is None or not isinstance(field, str):
            return error
        path = split(field)
        if value_at(self.spec, path) == value_at(self.document.value, path):
            error.message = self.document.diagnostic("error", error.message, path).render()
        return error

    def _placed(
        self, found: Diagnostic, document: Document, others: Mapping[str, Document]
    ) -> Diagnostic:
        if found.line is not None:
            return found
        path = split(found.path)
        if path[:1] == ["jobs"] and "jobs" not in self.spec and "component" in others:
            path = ["component", *path]  # the steps are those of its component
        for place in sorted(others, key=len, reverse=True):
            inner = _path_within(path, split(place), self.spec, others[place])
            if inner is not None:
                path, document = inner, others[place]
                break
        return document.diagnostic(found.severity, found.message, path, hint=found.hint)


def _path_within(
    path: list[str | int], place: list[str | int], spec: Mapping[str, Any], other: Document
) -> list[str | int] | None:
    """The same place in the file of a component: what is said of a step is said of its component,
    unless the step has it itself."""
    if path[: len(place)] == place and len(path) > len(place):
        return path[len(place) :]
    step = place[:-1]
    rest = path[len(step) :]
    is_its_own = value_at(spec, path[: len(step) + 1]) is not None
    if path[: len(step)] == step and rest and not is_its_own and value_at(other.value, rest[:1]):
        return rest
    return None


def read(
    source: str | os.PathLike[str] | IO[str],
    overrides: Iterable[Mapping[str, Any]] = (),
    origin: str | os.PathLike[str] | None = None,
) -> Source:
    """Of a YAML file or stream. `origin` is the folder or file that paths are relative to, for a
    stream."""
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        text: str | bytes = _bytes(path)
        folder = path.parent
    else:
        path = Path(getattr(source, "name", None) or "<stream>")
        text = source.read()
        folder = path.parent
    if origin is not None:
        folder = Path(origin) if Path(origin).is_dir() else Path(origin).parent
    document = yaml.load(text, str(path))
    if not isinstance(document.value, dict):
        raise_if_errors(
            [document.diagnostic("error", "a mapping is expected, such as `command: echo hello`")]
        )
    spec = dict(document.value)
    apply_all(spec, overrides)
    return Source(spec, folder.absolute(), document)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise Invalid(
            f"There is no file {path}.", hint=f"Looked in {path.parent.absolute()}."
        ) from None
    except IsADirectoryError:
        raise Invalid(f"{path} is a folder; its YAML file is needed.") from None
    except OSError as error:
        raise Invalid(f"{path} cannot be read: {error.strerror}.") from error
