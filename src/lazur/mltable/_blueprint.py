"""A table as it is written down: where the files are, and what is done with them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import Any, Dict, List, Optional, Tuple

from . import _document
from ._delimited import ReadDelimited
from ._delta import ReadDeltaLake
from ._errors import MLTableError, Where
from ._json_lines import ReadJsonLines
from ._parquet import ReadParquet
from ._readers import Paths, Reader
from ._steps import STEPS, ExtractColumns, Step
from ._storage import is_remote
from ._traits import Metadata, Traits

PATH_KINDS = ("file", "folder", "pattern")
READERS = {
    reader.name: reader for reader in (ReadDelimited, ReadParquet, ReadJsonLines, ReadDeltaLake)
}
_KNOWN = ("type", "paths", "transformations", "traits", "metadata")


@dataclass(frozen=True)
class Blueprint:
    """`base` is the folder that relative paths start from; `rest` is what else the file has."""

    paths: Tuple[Dict[str, str], ...]
    base: str
    reader: Reader
    steps: Tuple[Step, ...] = ()
    traits: Traits = field(default_factory=Traits)
    metadata: Metadata = field(default_factory=Metadata)
    rest: Dict[str, Any] = field(default_factory=dict)

    def then(self, name: str, value: Any) -> Blueprint:
        """With one more transformation."""
        return replace(self, steps=(*self.steps, STEPS[name](value, Where(name))))

    def same_as(self, other: Blueprint) -> bool:
        """Whether both mean the same, wherever they are written down."""
        one, two = self.to_yaml(), other.to_yaml()
        del one["paths"], two["paths"]
        return one == two and self.absolute() == other.absolute()

    @property
    def partition_keys(self) -> List[str]:
        steps = [step for step in self.steps if isinstance(step, ExtractColumns)]
        return [name for step in steps for name in step.format.names]

    def absolute(self) -> List[Tuple[str, str]]:
        """Each path's kind, and where it is."""
        return [
            (kind, locate(self.base, path)) for entry in self.paths for kind, path in entry.items()
        ]

    def to_yaml(self) -> Dict[str, Any]:
        said: Dict[str, Any] = {"type": "mltable", **self.rest}
        said["paths"] = [dict(entry) for entry in self.paths]
        steps = [] if isinstance(self.reader, Paths) else [self.reader.to_yaml()]
        steps += [step.to_yaml() for step in self.steps]
        if steps:
            said["transformations"] = steps
        if self.traits.to_yaml():
            said["traits"] = self.traits.to_yaml()
        if self.metadata:
            said["metadata"] = dict(self.metadata)
        return said


def locate(base: str, path: str) -> str:
    """A path from a file, as one that does not depend on where we are."""
    if path.startswith("file://"):
        return path[len("file://") :]
    if is_remote(path) or path.startswith(("/", "azureml:")):
        return path
    if not is_remote(base) and not base.startswith("azureml:"):
        return os.path.normpath(f"{base}/{path}")
    clean = path[2:] if path.startswith("./") else path
    return base if clean in ("", ".") else f"{base.rstrip('/')}/{clean}"


def read(text: str, base: str, file: str) -> Blueprint:
    """What the text of an `MLTable` file says. Errors name the file, the line and the field."""
    values, lines = _document.parse(text, file)
    return _Reading(values, lines, file).blueprint(base)


def make(paths: Any, reader: str, options: Optional[Dict[str, Any]], base: str) -> Blueprint:
    """A table that is not in a file yet."""
    made = READERS[reader](options or {}, Where(reader)) if reader else Paths({}, Where("paths"))
    listed = list(paths) if isinstance(paths, (list, tuple)) else [paths]
    return Blueprint(tuple(_entries(listed, Where("paths"))), base, made)


class _Reading:
    def __init__(self, values: Any, lines: Dict[Tuple[Any, ...], int], file: str) -> None:
        self._values, self._lines, self._file = values, lines, file
        if not isinstance(values, dict):
            raise MLTableError(
                "An MLTable file is a mapping with `paths` and `transformations`.", Where("", file)
            )
        if values.get("type", "mltable") != "mltable":
            raise MLTableError(
                f"The type is {values['type']!r}, not 'mltable'.", self._where("type")
            )

    def blueprint(self, base: str) -> Blueprint:
        reader, steps = self._steps()
        values = self._values
        return Blueprint(
            tuple(self._paths()),
            base,
            reader,
            tuple(steps),
            Traits(self._mapping("traits"), Where("", self._file, self._lines.get(("traits",)))),
            Metadata(self._mapping("metadata")),
            {key: value for key, value in values.items() if key not in _KNOWN},
        )

    def _where(self, *key: Any) -> Where:
        line = next(
            (self._lines[key[:end]] for end in range(len(key), 0, -1) if key[:end] in self._lines),
            None,
        )
        name = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in key)
        return Where(name.lstrip("."), self._file, line)

    def _mapping(self, name: str) -> Dict[str, Any]:
        found = self._values.get(name)
        if found is None:
            return {}
        if not isinstance(found, dict):
            raise MLTableError(f"It is a mapping, not {found!r}.", self._where(name))
        return found

    def _paths(self) -> List[Dict[str, str]]:
        found = self._values.get("paths")
        if not isinstance(found, list) or not found:
            raise MLTableError(
                "The file needs `paths`: a list of entries such as `- file: ./data.csv`.",
                self._where("paths"),
            )
        return [
            entry
            for place, given in enumerate(found)
            for entry in _entries([given], self._where("paths", place))
        ]

    def _steps(self) -> Tuple[Reader, List[Step]]:
        given = self._values.get("transformations") or []
        if not isinstance(given, list):
            raise MLTableError("It is a list of transformations.", self._where("transformations"))
        reader: Reader = Paths({}, self._where("paths"))
        steps: List[Step] = []
        for place, entry in enumerate(given):
            name, value = self._named(entry, place)
            where = self._where("transformations", place, name)
            if name in READERS:
                if not isinstance(reader, Paths):
                    raise MLTableError("A table is read by one transformation only.", where)
                reader = READERS[name](value, where)
            elif name in STEPS:
                steps.append(STEPS[name](value, where))
            else:
                known = ", ".join([*READERS, *STEPS])
                raise MLTableError(
                    f"There is no transformation '{name}'; there are {known}.", where
                )
        return reader, steps

    def _named(self, entry: Any, place: int) -> Tuple[str, Any]:
        if isinstance(entry, str):
            return entry, None
        if isinstance(entry, dict) and len(entry) == 1:
            return next(iter(entry.items()))
        raise MLTableError(
            f"A transformation is a name with its options, not {entry!r}.",
            self._where("transformations", place),
        )


def _entries(given: List[Any], where: Where) -> List[Dict[str, str]]:
    found: List[Dict[str, str]] = []
    for entry in given:
        pairs = list(entry.items()) if isinstance(entry, dict) else []
        known = [(kind, path) for kind, path in pairs if kind in PATH_KINDS]
        if len(known) != 1 or not isinstance(known[0][1], str) or not known[0][1]:
            raise MLTableError(
                f"A path is one of file, folder and pattern, such as {{'file': './data.csv'}}, not"
                f" {entry!r}.",
                where,
            )
        found.append({known[0][0]: known[0][1]})
    if not found:
        raise MLTableError("At least one path is needed.", where)
    return found
