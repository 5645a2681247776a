"""Tables that are described in an `MLTable` file: loading, making, changing, saving them.

The names and arguments are those of Azure ML's package `mltable`; `to_arrow`, `to_polars` and
`to_batches` are ours.
"""

from __future__ import annotations

import os
from typing import Any, Dict, Iterator, List, Optional, Tuple, Union

from . import _blueprint, _document, _frames, _reading, _saving
from ._blueprint import Blueprint
from ._errors import MLTableError
from ._readers import PATH, Paths
from ._resolving import Resolver
from ._sampling import fresh
from ._steps import ConvertColumnTypes
from ._storage import Storage, is_remote
from ._streams import StreamInfo
from ._traits import Metadata, Traits
from ._types import DataType, MLTableFileEncoding, MLTableHeaders

PathsArgument = List[Dict[str, str]]
Names = Union[str, List[str], Tuple[str, ...], "set[str]"]


class MLTable:
    """Files and what is done with them, step by step. Nothing is read until data is asked for, and
    a table never changes: every method that adds a step gives a new one."""

    def __init__(self, blueprint: Blueprint, storage: Storage) -> None:
        self._blueprint, self._storage = blueprint, storage

    @property
    def paths(self) -> PathsArgument:
        """As they were given."""
        return [dict(entry) for entry in self._blueprint.paths]

    @property
    def traits(self) -> Traits:
        return self._blueprint.traits

    @property
    def metadata(self) -> Metadata:
        return self._blueprint.metadata

    @property
    def partition_keys(self) -> List[str]:
        """The columns that come from paths."""
        return self._blueprint.partition_keys

    def to_pandas_dataframe(self) -> Any:
        """All rows as a pandas data frame."""
        table = self.to_arrow()
        frame = _frames.to_pandas(table)
        del table
        for name in self._streams():
            if name in frame.columns:
                frame[name] = _opened(frame[name], self._storage)
        return frame

    def to_arrow(self) -> Any:
        """All rows as a `pyarrow.Table`."""
        return _frames.to_arrow(self.to_batches())

    def to_polars(self) -> Any:
        """All rows as a Polars data frame."""
        return _frames.to_polars(self.to_arrow())

    def to_batches(self) -> Iterator[Any]:
        """The rows as `pyarrow.RecordBatch`es, of which a few are in memory at a time. Files that
        have different columns give batches that do."""
        return _reading.batches(self._blueprint, self._storage)

    def show(self, count: int = 20) -> Any:
        """The first rows as a pandas data frame."""
        return self.take(count).to_pandas_dataframe()

    def validate(self) -> None:
        """Raise unless the first row can be read, and the columns of `traits` are there."""
        first = next(self.to_batches())
        missing = [name for name in self.traits.columns if name not in first.schema.names]
        if missing:
            raise MLTableError(
                f"The traits name {', '.join(missing)}; the columns are"
                f" {', '.join(first.schema.names)}."
            )

    def get_partition_count(self) -> int:
        """How many files there are."""
        return len(_reading.sources(self._blueprint, self._storage))

    def select_partitions(self, partition_index_list: Union[int, List[int]]) -> MLTable:
        """Only these files; the first is 0."""
        given = partition_index_list
        return self._then("select_partitions", [given] if isinstance(given, int) else list(given))

    def take(self, count: int = 20) -> MLTable:
        return self._then("take", count)

    def skip(self, count: int) -> MLTable:
        return self._then("skip", count)

    def take_random_sample(self, probability: float, seed: Optional[int] = None) -> MLTable:
        """Each row with this probability; the same rows for the same seed."""
        return self._then("take_random_sample", {"probability": probability, "seed": fresh(seed)})

    def random_split(
        self, percent: float = 0.5, seed: Optional[int] = None
    ) -> Tuple[MLTable, MLTable]:
        """Two tables, of which the first has about this share of the rows and the second the
        others."""
        if not isinstance(percent, (int, float)) or not 0 < percent < 1:
            raise MLTableError(f"`percent` is a number between 0 and 1, not {percent!r}.")
        seed = fresh(seed)
        low = {"probability": percent, "probability_lower_bound": 0.0, "seed": seed}
        high = {"probability": 1.0, "probability_lower_bound": percent, "seed": seed}
        return self._sampled(low), self._sampled(high)

    def filter(self, expression: str) -> MLTable:
        """Only the rows for which the expression is true: `col("a") > 3 and b == "x"`."""
        return self._then("filter", expression)

    def keep_columns(self, columns: Names) -> MLTable:
        names = _listed(columns)
        self._check_traits(
            [name for name in self.traits.columns if name not in names], bool(names)
        )
        return self._then("keep_columns", names) if names else self

    def drop_columns(self, columns: Names) -> MLTable:
        names = _listed(columns)
        self._check_traits([name for name in self.traits.columns if name in names], bool(names))
        return self._then("drop_columns", names) if names else self

    def convert_column_types(self, column_types: Dict[Any, DataType]) -> MLTable:
        """The keys are names, or tuples of names."""
        if not isinstance(column_types, dict) or not column_types:
            raise MLTableError("`column_types` maps names of columns to `mltable.DataType`s.")
        seen: List[str] = []
        entries = []
        for key, to in column_types.items():
            if not isinstance(to, DataType):
                raise MLTableError(f"{to!r}, for the column {key!r}, is no `mltable.DataType`.")
            names = list(key) if isinstance(key, tuple) else [key]
            twice = [name for name in names if name in seen]
            if twice:
                raise MLTableError(f"The column {twice[0]!r} is converted twice.")
            seen += names
            entries.append(
                {"columns": names if isinstance(key, tuple) else key, "column_type": to.to_yaml()}
            )
        return self._then("convert_column_types", entries)

    def extract_columns_from_partition_format(self, partition_format: str) -> MLTable:
        """Columns out of the files' paths: `/{department}/{day:yyyy/MM/dd}/data.csv`."""
        return self._then("extract_columns_from_partition_format", partition_format)

    def save(
        self,
        path: Optional[str] = None,
        overwrite: Union[bool, str] = True,
        colocated: bool = False,
        show_progress: bool = False,
        if_err_remove_files: bool = True,
    ) -> MLTable:
        """Write the `MLTable` file into a folder, this one by default. With `colocated` the data
        is copied along; without, local paths are written relative to the folder. `overwrite` is
        True, False (or 'fail'), or 'skip' for keeping data that is there."""
        made = _saving.save(
            self._blueprint,
            self._storage,
            os.fspath(path or "."),
            overwrite=overwrite,
            colocated=colocated,
            show=print if show_progress else lambda line: None,
            clean=if_err_remove_files,
        )
        return MLTable(made, self._storage)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MLTable) and self._blueprint.same_as(other._blueprint)

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        return _document.render(self._blueprint.to_yaml())

    __repr__ = __str__

    def _then(self, name: str, value: Any) -> MLTable:
        return MLTable(self._blueprint.then(name, value), self._storage)

    def _sampled(self, arguments: Dict[str, Any]) -> MLTable:
        return self._then("sample", {"sampler": "random_percent", "sampler_arguments": arguments})

    def _check_traits(self, lost: List[str], really: bool) -> None:
        if lost and really:
            raise MLTableError(
                f"The column {lost[0]!r} is in the traits of the table, so it must stay. Change"
                " `traits` first."
            )

    def _streams(self) -> List[str]:
        steps = [step for step in self._blueprint.steps if isinstance(step, ConvertColumnTypes)]
        found = [name for step in steps for name, to in step.types if to.name == "stream_info"]
        return [*found, *([PATH] if isinstance(self._blueprint.reader, Paths) else [])]


def load(
    uri: str,
    storage_options: Optional[Dict[str, Any]] = None,
    ml_client: Any = None,
    *,
    resolver: Optional[Resolver] = None,
) -> MLTable:
    """The table of a folder that has an `MLTable` file, or of that file. `storage_options` go to
    fsspec; `resolver` is asked for every path before it is opened, and may refuse it."""
    storage = Storage(storage_options, resolver)
    folder = os.fspath(uri)
    if folder.startswith("file://"):
        folder = folder[len("file://") :]
    folder = folder.rstrip("/") or "/"
    if folder.rpartition("/")[2] == _saving.FILE and not storage.is_folder(folder):
        folder = folder.rpartition("/")[0] or "."
    if not is_remote(folder) and not folder.startswith("azureml:"):
        folder = os.path.abspath(folder)
    file = f"{folder}/{_saving.FILE}"
    if not storage.exists(file):
        raise MLTableError(
            f"There is no file {file}. Give the folder that the file {_saving.FILE} is in, or"
            " make a table with from_delimited_files, from_parquet_files and their like."
        )
    with storage.open(file) as stream:
        data = stream.read()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MLTableError(f"{file} is no text in UTF-8: {error}.") from None
    return MLTable(_blueprint.read(text, folder, file), storage)


def from_paths(paths: PathsArgument) -> MLTable:
    """A table of paths: one row for each file."""
    return _made(paths, "", {})


def from_delimited_files(
    paths: PathsArgument,
    header: Union[str, MLTableHeaders] = "all_files_same_headers",
    delimiter: str = ",",
    support_multi_line: bool = False,
    empty_as_string: bool = False,
    encoding: Union[str, MLTableFileEncoding] = "utf8",
    include_path_column: bool = False,
    infer_column_types: Any = True,
) -> MLTable:
    """CSV, TSV and their like. `infer_column_types` is True, False, or a mapping with
    `sample_size` and `column_type_overrides`."""
    options = {
        "delimiter": delimiter,
        "empty_as_string": empty_as_string,
        "encoding": _word(encoding),
        "header": _word(header),
        "include_path_column": include_path_column,
        "infer_column_types": _overridden(infer_column_types),
        "support_multi_line": support_multi_line,
    }
    return _made(paths, "read_delimited", options)


def from_parquet_files(paths: PathsArgument, include_path_column: bool = False) -> MLTable:
    return _made(paths, "read_parquet", {"include_path_column": include_path_column})


def from_json_lines_files(
    paths: PathsArgument,
    invalid_lines: str = "error",
    encoding: Union[str, MLTableFileEncoding] = "utf8",
    include_path_column: bool = False,
) -> MLTable:
    """Files with a JSON object in each line; `invalid_lines` is 'error' or 'drop'."""
    options = {
        "encoding": _word(encoding),
        "include_path_column": include_path_column,
        "invalid_lines": invalid_lines,
    }
    return _made(paths, "read_json_lines", options)


def from_delta_lake(
    delta_table_uri: str,
    timestamp_as_of: Optional[str] = None,
    version_as_of: Optional[int] = None,
    include_path_column: bool = False,
) -> MLTable:
    """A Delta Lake table, as it is now or was at a time or version."""
    options: Dict[str, Any] = {"include_path_column": include_path_column}
    if timestamp_as_of is not None:
        options["timestamp_as_of"] = timestamp_as_of
    if version_as_of is not None:
        options["version_as_of"] = version_as_of
    return _made([{"folder": delta_table_uri}], "read_delta_lake", options)


def _made(paths: PathsArgument, reader: str, options: Dict[str, Any]) -> MLTable:
    return MLTable(_blueprint.make(paths, reader, options, os.getcwd()), Storage())


def _word(value: Any) -> Any:
    return value.name if isinstance(value, (MLTableHeaders, MLTableFileEncoding)) else value


def _listed(names: Names) -> List[str]:
    return [names] if isinstance(names, str) else list(names)


def _overridden(given: Any) -> Any:
    """As the file has it: a list, in place of a mapping whose keys may be tuples."""
    overrides = given.get("column_type_overrides") if isinstance(given, dict) else None
    if not isinstance(overrides, dict):
        return given
    listed = [
        {
            "columns": list(key) if isinstance(key, tuple) else key,
            "column_type": to.to_yaml() if isinstance(to, DataType) else to,
        }
        for key, to in overrides.items()
    ]
    return {**given, "column_type_overrides": listed}


def _opened(column: Any, storage: Storage) -> Any:
    values = [StreamInfo.of(path, storage) if isinstance(path, str) else None for path in column]
    return type(column)(values, index=column.index, dtype=object)
