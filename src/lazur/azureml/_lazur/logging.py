"""What v1's runs can log: numbers, texts, rows, pictures and files."""

from __future__ import annotations

import json
import os
import re
import shutil

from . import files

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


class Logging:
    """Over numbers, texts and files."""

    def __init__(self) -> None:
        self._steps: dict[str, int] = {}
        self._texts: dict[str, list[str]] = {}
        self._columns: dict[str, list[str]] = {}
        self._named: set[str] = set()

    def log(self, name: str, value: Any, description: str = "", step: int | None = None) -> None:
        """A number is a point of the metric's curve; anything else is a text."""
        number = _number(value)
        if number is None:
            self._text(name, str(value))
        else:
            self._metric(self._plain(name), number, self._next(name) if step is None else step)

    def log_list(self, name: str, value: Any, description: str = "") -> None:
        for item in value:
            self.log(name, item)

    def log_row(self, name: str, description: str | None = None, **kwargs: Any) -> None:
        """Each column is a metric, `name.column`."""
        self._table(name, list(kwargs))
        for column, value in kwargs.items():
            self.log("%s.%s" % (name, column), value)

    def log_table(self, name: str, value: Mapping[str, Any], description: str = "") -> None:
        self._table(name, list(value))
        for column, items in value.items():
            for item in items if isinstance(items, (list, tuple)) else [items]:
                self.log("%s.%s" % (name, column), item)

    def log_image(
        self, name: str, path: str | None = None, plot: Any = None, description: str = ""
    ) -> None:
        """A picture from a file or of matplotlib, into ./outputs/images."""
        ending = os.path.splitext(path)[1] if path else ".png"
        target = files.place("outputs/images/%s%s" % (_file_name(name), ending))
        if path:
            shutil.copyfile(path, target)
        elif plot is not None:
            plot.savefig(target)
        else:
            raise ValueError("log_image wants a path or a plot.")

    def log_confusion_matrix(self, name: str, value: Any, description: str = "") -> None:
        self._document(name, value)

    log_accuracy_table = log_residuals = log_predictions = log_confusion_matrix

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        for key, value in tags.items():
            self.tag(key, value)

    def add_properties(self, properties: Mapping[str, Any]) -> None:
        self.set_tags(properties)

    def upload_file(
        self, name: str, path_or_stream: Any, datastore_name: Any = None, **_: Any
    ) -> None:
        """Into ./outputs, where it is kept as soon as it is there."""
        target = files.kept_as(name)
        if hasattr(path_or_stream, "read"):
            with open(target, "wb") as file:
                shutil.copyfileobj(path_or_stream, file)
        elif os.path.abspath(path_or_stream) != os.path.abspath(target):
            shutil.copyfile(path_or_stream, target)

    def upload_files(self, names: list[str], paths: list[str], **_: Any) -> None:
        for name, path in zip(names, paths):
            self.upload_file(name, path)

    def upload_folder(self, name: str, path: str, datastore_name: Any = None, **_: Any) -> None:
        for file in files.below(path):
            inside = os.path.relpath(file, path) if os.path.isdir(path) else os.path.basename(path)
            self.upload_file(os.path.join(name, inside), file)

    def get_file_names(self) -> list[str]:
        return sorted(os.path.relpath(path) for kept in files.KEPT for path in files.below(kept))

    def download_file(self, name: str, output_file_path: str | None = None, **_: Any) -> None:
        """Of what the run has written so far."""
        source = files.kept_as(name)
        target = output_file_path or os.path.basename(name)
        if os.path.isdir(target):
            target = os.path.join(target, os.path.basename(name))
        if os.path.abspath(source) != os.path.abspath(target):
            os.makedirs(os.path.dirname(target) or ".", exist_ok=True)
            shutil.copyfile(source, target)

    def flush(self, timeout_seconds: int = 300) -> None:
        """Nothing waits: what is logged was sent."""

    def start(self) -> None:
        """It has started."""

    def complete(self, _set_status: bool = True) -> None:
        """The job's end is the run's."""

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self.complete()

    def tag(self, key: str, value: Any = None) -> None:
        raise NotImplementedError

    def _metric(self, name: str, value: float, step: int) -> None:
        raise NotImplementedError

    def _text(self, name: str, value: str) -> None:
        """All texts of that name, as far as a tag has room."""
        told = self._texts.setdefault(name, [])
        told.append(value[:_LONGEST])
        while len(told) > 1 and len(json.dumps(told)) > _LONGEST:
            told.pop(0)
        self.tag(TEXT + self._plain(name), json.dumps(told))

    def _table(self, name: str, columns: list[str]) -> None:
        known = self._columns.get(name, [])
        merged = known + [column for column in columns if column not in known]
        if merged != known:
            self._columns[name] = merged
            self.tag(TABLE + self._plain(name), json.dumps(merged))

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

    def _document(self, name: str, value: Any) -> None:
        with open(files.place("outputs/%s.json" % _file_name(name)), "w") as file:
            file.write(value if isinstance(value, str) else json.dumps(value))


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
    """MLflow's names have no other characters."""
    return re.sub(r"[^\w.\- /]+", "_", name)


def _listed(text: str) -> list[Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return [text]
    return found if isinstance(found, list) else [found]


def _file_name(name: str) -> str:
    return re.sub(r"[/\\\0]", "_", name)


def _number(value: Any) -> float | None:
    """Of anything that is one, such as NumPy's."""
    if isinstance(value, (str, bytes)):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
