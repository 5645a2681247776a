"""What v1's runs can log: numbers, texts, rows and pictures."""

from __future__ import annotations

import io
import json
import os
import posixpath
import re
from abc import ABC, abstractmethod

from .told import ignored

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

TEXT = "lazur.text."
TABLE = "lazur.table."
NAME = "lazur.name."
"""Tags that say what MLflow's metrics have no room for: texts, which columns make a table, and
names with characters of their own."""
_LONGEST = 4000


class Logging(ABC):
    """Over numbers, tags and files."""

    def __init__(self) -> None:
        self._steps: dict[str, int] = {}
        self._texts: dict[str, list[str]] = {}
        self._columns: dict[str, list[str]] = {}
        self._named: set[str] = set()
        self._pictures: set[str] = set()

    def log(self, name: str, value: Any, description: str = "", step: int | None = None) -> None:
        """A number is a point of the metric's curve; anything else is a text."""
        self._log({name: [value]}, step)

    def log_list(self, name: str, value: Any, description: str = "") -> None:
        self._log({name: _items(value)})

    def log_row(self, name: str, description: str | None = None, **kwargs: Any) -> None:
        """Each column is a metric, `name.column`."""
        self._log_columns(name, {column: [value] for column, value in kwargs.items()})

    def log_table(self, name: str, value: Mapping[str, Any], description: str = "") -> None:
        self._log_columns(name, {column: _items(items) for column, items in value.items()})

    def log_image(
        self, name: str, path: str | None = None, plot: Any = None, description: str = ""
    ) -> None:
        """A picture from a file or of matplotlib, into ./outputs/images."""
        if path is None and plot is None:
            raise ValueError("log_image wants a path or a plot.")
        ending = os.path.splitext(path)[1] if path is not None else ".png"
        target = "outputs/images/" + self._picture(_file_name(name), ending)
        if path is not None:
            self.upload_file(target, path)
            return
        drawn = io.BytesIO()
        plot.savefig(drawn, format="png")
        drawn.seek(0)
        self.upload_file(target, drawn)

    def log_confusion_matrix(self, name: str, value: Any, description: str = "") -> None:
        """A document as it is, into ./outputs."""
        text = value if isinstance(value, str) else json.dumps(value, default=_told)
        self.upload_file("outputs/%s.json" % _file_name(name), io.BytesIO(text.encode()))

    log_accuracy_table = log_residuals = log_predictions = log_confusion_matrix

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        for key, value in tags.items():
            self.tag(key, value)

    def add_properties(self, properties: Mapping[str, Any]) -> None:
        self.set_tags(properties)

    def flush(self, timeout_seconds: int = 300) -> None:
        """Nothing waits: what is logged was sent."""
        return

    def start(self) -> None:
        """It has started."""
        return

    def complete(self, _set_status: bool = True) -> None:
        """The job's end is the run's."""
        return

    def __enter__(self) -> Any:
        return self

    def __exit__(self, kind: object, error: object, *_: object) -> None:
        if kind is None:
            self.complete()
        else:
            self.fail(error)

    @abstractmethod
    def tag(self, key: str, value: Any = None) -> None: ...

    @abstractmethod
    def fail(self, error_details: Any = None, error_code: Any = None, **_: Any) -> None: ...

    @abstractmethod
    def upload_file(self, name: str, path_or_stream: Any, datastore_name: Any = None) -> Any: ...

    @abstractmethod
    def _send(self, points: list[tuple[str, float, int]]) -> None:
        """Names, values and steps."""

    def _log_columns(self, name: str, columns: Mapping[str, list[Any]]) -> None:
        known = self._columns.get(name, [])
        merged = known + [column for column in columns if column not in known]
        if merged != known:
            self._columns[name] = merged
            self.tag(TABLE + self._plain(name), json.dumps(merged))
        self._log({"%s.%s" % (name, column): items for column, items in columns.items()})

    def _log(self, columns: Mapping[str, list[Any]], step: int | None = None) -> None:
        points: list[tuple[str, float, int]] = []
        for name, values in columns.items():
            texts: list[str] = []
            made = self._plain(name)
            for value in values:
                number = _number(value)
                if number is None:
                    texts.append(str(value))
                else:
                    points.append((made, number, self._next(name) if step is None else step))
            if texts:
                self._tell(name, texts)
        if points:
            self._send(points)

    def _tell(self, name: str, texts: list[str]) -> None:
        """All texts of that name, as far as a tag has room."""
        told = self._texts.setdefault(name, [])
        told += [text[:_LONGEST] for text in texts]
        del told[: -_LONGEST // 4]  # as many as there is room for at the most
        while len(told) > 1 and len(json.dumps(told)) > _LONGEST:
            told.pop(0)
        self.tag(TEXT + self._plain(name), json.dumps(told))

    def _plain(self, name: str) -> str:
        made = plain(name)
        if made != name and name not in self._named:
            self._named.add(name)
            self.tag(NAME + made, name)
        return made

    def _next(self, name: str) -> int:
        step = self._steps.get(name, -1) + 1
        self._steps[name] = step
        return step

    def _picture(self, name: str, ending: str) -> str:
        """Another picture of the name has a number."""
        stem = name[: -len(ending)] if ending and name.endswith(ending) else name
        made, number = stem + ending, 1
        while made in self._pictures:
            number += 1
            made = "%s_%d%s" % (stem, number, ending)
        self._pictures.add(made)
        return made


def metrics(found: Mapping[str, Any], tags: Mapping[str, str]) -> dict[str, Any]:
    """What was logged, as v1 gives it back: numbers and texts, lists of them, tables."""
    made = dict(found)
    for key, value in tags.items():
        if key.startswith(TEXT):
            made[key[len(TEXT) :]] = single(_listed(value))
    for key, value in tags.items():
        if key.startswith(TABLE):
            name = key[len(TABLE) :]
            whole = {c: plain("%s.%s" % (name, c)) for c in map(str, _listed(value))}
            made[name] = {c: made.pop(k) for c, k in whole.items() if k in made}
    return {tags.get(NAME + key, key): value for key, value in made.items()}


def single(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else values


def plain(name: str) -> str:
    """MLflow's names have no other characters, and are no paths with detours."""
    made = re.sub(r"[^\w.\- /]+", "_", name)
    is_fine = posixpath.normpath(made) == made and not made.startswith("/")
    return made if is_fine else made.replace("/", "_")


def elsewhere(what: str, datastore_name: Any) -> None:
    ignored(what, {"datastore_name": datastore_name}, "files are kept with the run")


def _listed(text: str) -> list[Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return [text]
    return found if isinstance(found, list) else [found]


def _file_name(name: str) -> str:
    return re.sub(r"[/\\\0]", "_", name)


def _items(value: Any) -> list[Any]:
    """Of anything that has some, such as NumPy's and pandas'; else the value alone."""
    if isinstance(value, (str, bytes)):
        return [value]
    found = value.tolist() if hasattr(value, "tolist") else value
    try:
        return list(found)
    except TypeError:
        return [found]


def _told(value: Any) -> Any:
    """In JSON, of what is none of its own, such as NumPy's."""
    return value.tolist() if hasattr(value, "tolist") else str(value)


def _number(value: Any) -> float | None:
    """Of anything that is one, such as NumPy's and a framework's."""
    if isinstance(value, (str, bytes)):
        return None
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError, RuntimeError):
        return None
