"""Tables: cut into mini-batches once, and read back by each worker a mini-batch at a time.

The rows of a mini-batch are one record batch of an Arrow file in the attempt's folder, which
workers map into memory: so one of them is found at once, and never read for another's sake.
"""

from __future__ import annotations

import importlib
import os
import sys

from lazur.runtime.parallel import planning, settings
from lazur.runtime.parallel.paths import Paths
from lazur.runtime.parallel.settings import Settings, Size, Wrong

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

_PATH = "Path"


def main(argv: list[str]) -> int:
    """Cut `argv[1]`, and be gone: what is wanted is on the disk, and with an interpreter that ends
    in good order, threads of libraries that are not done yet abort the process."""
    code = cut(argv)
    sys.stdout.flush()
    os._exit(code)


def cut(argv: list[str]) -> int:
    try:
        asked = settings.read(argv[2:])
        paths = Paths()
        _cut(asked, paths, argv[1])
    except Wrong as error:
        print(error, flush=True)
        return 1
    except Exception as error:  # noqa: BLE001  # mltable's own errors are written for people
        print("%s: %s" % (type(error).__name__, error), flush=True)
        return 1
    return 0


class Rows:
    """A worker's view of the table. Making a frame costs more than the rows of a small
    mini-batch: what a worker was given together becomes one, and is cut in parts at once, since
    between two runs of the user's code the processor has forgotten how that goes."""

    def __init__(self, path: str) -> None:
        need("pandas", "A mini-batch of a table is a pandas data frame")
        self._arrow = need("pyarrow", "A table is cut into mini-batches with pyarrow")
        self._file = importlib.import_module("pyarrow.ipc").open_file(self._arrow.memory_map(path))
        self._frames: dict[int, Any] = {}

    def frame(self, number: int, last: int) -> Any:
        """`last`: up to there, it will be asked for those that follow."""
        if number not in self._frames:
            self._frames.clear()
            self._load(number, last)
        return self._frames.pop(number)

    def _load(self, first: int, last: int) -> None:
        batches = [self._file.get_batch(number) for number in range(first, last + 1)]
        table = self._arrow.Table.from_batches(batches)
        frame = table.to_pandas(ignore_metadata=True, use_threads=False)
        if len(batches) == 1:
            self._frames[first] = frame
            return
        start = 0
        for number, batch in enumerate(batches, first):
            end = start + batch.num_rows
            self._frames[number] = frame.iloc[start:end].reset_index(drop=True)
            start = end


def need(name: str, why: str) -> Any:
    """A package of the job's environment. Raises Wrong, which says what to add."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise Wrong(
            "%s, and the job's environment has no %s (%s). Add it to the environment's "
            "dependencies." % (why, name, error)
        ) from None


def _cut(asked: Settings, paths: Paths, root: str) -> None:
    mltable = need("mltable", "The input is an MLTable")
    table = mltable.load(root)
    if hasattr(table, "to_batches"):
        rows = table.to_arrow()
    else:
        arrow = need("pyarrow", "A table is cut into mini-batches with pyarrow")
        rows = arrow.Table.from_pandas(table.to_pandas_dataframe(), preserve_index=False)
    if _is_of_files(mltable, root, rows):
        planning.write(paths.plan, _cut_paths(rows, root, asked))
        with open(paths.files_only, "w"):
            return
    rows = rows.unify_dictionaries()  # an Arrow file holds one of each
    grouped, lengths, found = (
        _by_keys(rows, asked.keys) if asked.keys else _by_size(rows, asked.size)
    )
    _save(grouped, lengths, paths.table)
    planning.write(paths.plan, found)


def _is_of_files(mltable: Any, root: str, rows: Any) -> bool:
    """Whether the MLTable lists files and reads none."""
    if _PATH not in rows.schema.names:
        return False
    text = str(mltable.load(root))
    return not any("read_" + kind in text for kind in ("delim", "parq", "json", "delta"))


def _cut_paths(rows: Any, root: str, asked: Settings) -> list[dict[str, Any]]:
    names = [str(path) for path in rows.column(_PATH).to_pylist()]
    relative = [_beneath(root, name) for name in names]
    if asked.keys:
        keys = _keys_of(rows, asked.keys)
        return planning.group_files(
            [(p, dict(zip(asked.keys, k))) for p, k in zip(relative, keys)]
        )
    sizes = [os.stat(name).st_size if os.path.exists(name) else 0 for name in names]
    return planning.cut_files(list(zip(relative, sizes)), asked)


def _beneath(root: str, path: str) -> str:
    """Files elsewhere keep their whole path."""
    base = os.path.abspath(root)
    return os.path.relpath(path, base) if path.startswith(base + "/") else path


def _by_size(rows: Any, text: str) -> tuple[Any, list[int], list[dict[str, Any]]]:
    size = Size(text, tabular=True)
    each = size.count
    if each is None:
        each = max(1, int((size.bytes or 1) * rows.num_rows / max(1, rows.nbytes)))
    lengths = [min(each, rows.num_rows - start) for start in range(0, rows.num_rows, each)]
    return rows, lengths, [{"items": length} for length in lengths]


def _by_keys(rows: Any, keys: list[str]) -> tuple[Any, list[int], list[dict[str, Any]]]:
    """The rows of each key together, in the order in which the keys first appear."""
    arrow = need("pyarrow", "A table is cut into mini-batches with pyarrow")
    numpy = need("numpy", "A table is cut into mini-batches with numpy")
    groups = numpy.zeros(rows.num_rows, dtype=numpy.int64)
    for key in keys:
        values = _numbered(numpy, _column(rows, key))
        pairs = groups * (values.max(initial=0) + 1) + values
        groups = _numbered(numpy, arrow.chunked_array([pairs]))
    order = numpy.argsort(groups, kind="stable")
    lengths = numpy.bincount(groups)[1:]
    firsts = order[numpy.cumsum(lengths) - lengths]
    named = _keys_of(rows.select(keys).take(arrow.array(firsts)), keys)
    found = [
        {"items": length, "key": dict(zip(keys, map(_plain, key)))}
        for length, key in zip(lengths.tolist(), named)
    ]
    return rows.take(arrow.array(order)), lengths.tolist(), found


def _numbered(numpy: Any, column: Any) -> Any:
    """A number for each value, in the order in which they first appear; 0 for what is missing. A
    loop over the rows would take longer than many a model's training."""
    if column.null_count == len(column):
        return numpy.ones(len(column), dtype=numpy.int64)  # of which there is no dictionary
    if hasattr(column.type, "value_type"):
        column = column.cast(column.type.value_type)  # a dictionary may hold a value twice
    encoded = column.dictionary_encode().unify_dictionaries()
    parts = [chunk.indices.fill_null(-1).to_numpy() for chunk in encoded.chunks]
    return numpy.concatenate(parts).astype(numpy.int64) + 1


def _keys_of(rows: Any, keys: list[str]) -> Iterable[tuple[Any, ...]]:
    return zip(*(_column(rows, key).to_pylist() for key in keys))


def _column(rows: Any, key: str) -> Any:
    if key not in rows.schema.names:
        raise Wrong(
            "partition_keys: the table has no column %r; it has %s"
            % (key, ", ".join(rows.schema.names))
        )
    return rows.column(key)


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)


def _save(rows: Any, lengths: list[int], path: str) -> None:
    ipc = importlib.import_module("pyarrow.ipc")
    draft = path + ".draft"
    start, rows = 0, rows.combine_chunks()
    with ipc.new_file(draft, rows.schema) as file:
        for length in lengths:
            part = rows.slice(start, length)
            batches = part.to_batches()
            if len(batches) != 1:  # columns that are too long for one piece stay in several
                batches = part.combine_chunks().to_batches()
            file.write_batch(batches[0])
            start += length
    os.replace(draft, path)
