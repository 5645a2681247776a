"""Tables in files, with the ways to read them that v1's datasets have."""

from __future__ import annotations

import importlib
import os
import shutil

from . import delimited
from .absent import lacking
from .files import OWN, below

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable


_PANDAS = "Do it with pandas: to_pandas_dataframe()."


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

    def random_split(self, percentage: float, seed: int | None = None) -> tuple[Any, Any]:
        def part(frame: Any, first: bool) -> Any:
            chosen = frame.sample(frac=percentage, random_state=0 if seed is None else seed)
            return chosen if first else frame.drop(chosen.index)

        return self._then(lambda f: part(f, True)), self._then(lambda f: part(f, False))

    def with_timestamp_columns(self, *_: Any, **__: Any) -> Table:
        return self

    time_before = lacking("time_before", _PANDAS)
    time_after = lacking("time_after", _PANDAS)
    time_between = lacking("time_between", _PANDAS)
    time_recent = lacking("time_recent", _PANDAS)
    partition_by = lacking("partition_by", _PANDAS)
    to_csv_files = lacking("to_csv_files", _PANDAS)
    to_parquet_files = lacking("to_parquet_files", _PANDAS)
    to_dask_dataframe = lacking("to_dask_dataframe", _PANDAS)
    to_spark_dataframe = lacking("to_spark_dataframe", _PANDAS)

    def _then(self, change: Callable[[Any], Any]) -> Table:
        return Table(lambda: change(self.to_pandas_dataframe()))


class InputPath(str):  # noqa: SLOT000 - a path with a few more words
    """The path of an input; of a table, with the ways to read it that v1's datasets have."""

    told: dict[str, Any]
    """How its files are read."""

    def __new__(cls, path: str, told: dict[str, Any] | None = None) -> InputPath:  # noqa: PYI034
        made = super().__new__(cls, path)
        made.told = told or {}
        return made

    @property
    def mount_point(self) -> str:
        return str(self)

    def to_pandas_dataframe(self, **_: Any) -> Any:
        return read(str(self), self.told)

    def to_path(self) -> list[str]:
        """Relative to the whole, as v1 has it."""
        top = str(self) if os.path.isdir(self) else os.path.dirname(self)
        return ["/" + os.path.relpath(path, top) for path in below(str(self))]

    def download(self, target_path: str | None = None, overwrite: bool = False) -> list[str]:
        """It is here, and goes elsewhere if somebody says so."""
        if target_path is None:
            return below(str(self))
        made = [os.path.join(target_path, path[1:]) for path in self.to_path()]
        for source, target in zip(below(str(self)), made):
            os.makedirs(os.path.dirname(target) or ".", exist_ok=True)
            shutil.copyfile(source, target)
        return made

    def mount(self, *_: Any, **__: Any) -> InputPath:
        return self

    def start(self) -> InputPath:
        return self

    def stop(self) -> None:
        """It stays until the job ends."""

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def as_table(self) -> Table:
        return Table(self.to_pandas_dataframe)

    def __getattr__(self, name: str) -> Any:
        if name in _WORDS:
            return getattr(self.as_table(), name)
        raise AttributeError("%r has no attribute %r" % (type(self).__name__, name))


_WORDS = frozenset(name for name in vars(Table) if name[0] != "_")


def given(prefix: str) -> dict[str, Any]:
    """The job's inputs or outputs, by their names."""
    found = {n[len(prefix) :]: v for n, v in os.environ.items() if n.startswith(prefix)}
    return {
        name: InputPath(value, delimited.loaded(os.environ.get(delimited.VARIABLE + name)))
        for name, value in found.items()
        if name != OWN
    }


def read(path: str, told: dict[str, Any] | None = None) -> Any:
    """One frame of all the files; a folder with an MLTable file as that says."""
    if os.path.isfile(os.path.join(path, "MLTable")):
        mltable: Any = importlib.import_module(_MLTABLE)
        return mltable.load(path).to_pandas_dataframe()
    if "://" in path:  # pandas knows the web
        return _frame(path, told or {})
    frames = [_frame(file, told or {}) for file in below(path) if not is_hidden(file)]
    if not frames:
        raise ValueError("There are no files in %s." % path)
    return together(frames)


def together(frames: list[Any]) -> Any:
    if not frames:
        raise ValueError("There are no files to read.")
    return frames[0] if len(frames) == 1 else _pandas().concat(frames, ignore_index=True)


def _frame(file: str, told: dict[str, Any]) -> Any:
    pandas, name = _pandas(), file.lower().split("?")[0]
    form = told.get("format")
    if form == "parquet" or name.endswith((".parquet", ".pq")):
        return pandas.read_parquet(file)
    if form == "json_lines" or name.endswith((".jsonl", ".ndjson")):
        return pandas.read_json(file, lines=True)
    if name.endswith(".json"):
        return pandas.read_json(file)
    separator = "\t" if name.endswith((".tsv", ".tsv.gz")) else ","
    frame = pandas.read_csv(file, **{"sep": separator, **delimited.options(told)})
    return delimited.shaped(frame, told)


def _pandas() -> Any:
    """The job's own, if it has it."""
    try:
        return importlib.import_module("pandas")
    except ImportError as error:
        if error.name != "pandas":
            raise
        raise ImportError(
            "Reading a table needs the package 'pandas', which is not installed here. Add it to"
            " the environment: pip install pandas",
            name="pandas",
        ) from None


def is_hidden(file: str) -> bool:
    return os.path.basename(file).startswith((".", "_"))


def _names(columns: Any) -> list[Any]:
    return [columns] if isinstance(columns, str) else list(columns)


_MLTABLE = "lazur.mltable" if __name__.startswith("lazur.azureml.") else "mltable"
"""Beside this package, in environments of jobs and here."""
