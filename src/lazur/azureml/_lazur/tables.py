"""Tables in files, with the ways to read them that v1's datasets have."""

from __future__ import annotations

import importlib
import os

from .files import OWN, below

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable


class Table:
    """Read when its rows are asked for, by the job's own pandas."""

    def __init__(self, read: Callable[[], Any]) -> None:
        self._read = read

    def to_pandas_dataframe(self, **_: Any) -> Any:
        return self._read()

    def keep_columns(self, columns: Any, validate: bool = False) -> Table:
        return self._then(lambda frame: frame[_names(columns)])

    def drop_columns(self, columns: Any) -> Table:
        return self._then(lambda frame: frame.drop(columns=_names(columns)))

    def take(self, count: int) -> Table:
        return self._then(lambda frame: frame.head(count))

    def skip(self, count: int) -> Table:
        return self._then(lambda frame: frame.iloc[count:].reset_index(drop=True))

    def take_sample(self, probability: float, seed: int | None = None) -> Table:
        return self._then(lambda frame: frame.sample(frac=probability, random_state=seed))

    def random_split(self, percentage: float, seed: int | None = None) -> tuple[Table, Table]:
        def part(frame: Any, first: bool) -> Any:
            chosen = frame.sample(frac=percentage, random_state=0 if seed is None else seed)
            return chosen if first else frame.drop(chosen.index)

        return self._then(lambda f: part(f, True)), self._then(lambda f: part(f, False))

    def with_timestamp_columns(self, *_: Any, **__: Any) -> Table:
        return self

    def _then(self, change: Callable[[Any], Any]) -> Table:
        return Table(lambda: change(self.to_pandas_dataframe()))


class InputPath(str):  # noqa: SLOT000 - a path with a few more words
    """The path of an input; of a table, with the ways to read it that v1's datasets have."""

    def to_pandas_dataframe(self, **_: Any) -> Any:
        return read(str(self))

    def to_path(self) -> list[str]:
        return below(str(self))

    def download(self, target_path: str | None = None, overwrite: bool = False) -> list[str]:
        """It is here."""
        return below(str(self))

    def as_table(self) -> Table:
        return Table(self.to_pandas_dataframe)

    def __getattr__(self, name: str) -> Any:
        if name in _WORDS:
            return getattr(self.as_table(), name)
        raise AttributeError("%r has no attribute %r" % (type(self).__name__, name))


_WORDS = frozenset(
    "keep_columns drop_columns take skip take_sample random_split with_timestamp_columns".split()
)


def given(prefix: str) -> dict[str, Any]:
    """The job's inputs or outputs, by their names."""
    return {
        name[len(prefix) :]: InputPath(value)
        for name, value in os.environ.items()
        if name.startswith(prefix) and name != prefix + OWN
    }


def read(path: str, **options: Any) -> Any:
    """One frame of all the files; a folder with an MLTable file as that says."""
    if os.path.isfile(os.path.join(path, "MLTable")):
        mltable: Any = importlib.import_module("mltable")  # there wherever this package is
        return mltable.load(path).to_pandas_dataframe()
    if "://" in path:  # pandas knows the web
        return _frame(path, options)
    frames = [_frame(file, options) for file in below(path) if not is_hidden(file)]
    if not frames:
        raise ValueError("There are no files in %s." % path)
    return together(frames)


def together(frames: list[Any]) -> Any:
    return frames[0] if len(frames) == 1 else _pandas().concat(frames, ignore_index=True)


def _frame(file: str, options: dict[str, Any]) -> Any:
    pandas, name = _pandas(), file.lower()
    if name.endswith((".parquet", ".pq")):
        return pandas.read_parquet(file)
    if name.endswith((".jsonl", ".ndjson")):
        return pandas.read_json(file, lines=True)
    if name.endswith(".json"):
        return pandas.read_json(file)
    separator = "\t" if name.endswith(".tsv") else ","
    return pandas.read_csv(file, **{"sep": separator, **options})


def _pandas() -> Any:
    return importlib.import_module("pandas")  # the job's own, if it has it


def is_hidden(file: str) -> bool:
    return os.path.basename(file).startswith((".", "_"))


def _names(columns: Any) -> list[Any]:
    return [columns] if isinstance(columns, str) else list(columns)
