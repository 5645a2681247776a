"""Tables: cut into mini-batches once, and read back by each worker a mini-batch at a time.

The rows of a mini-batch are one record batch of an Arrow file in the attempt's folder, which
workers map into memory: so one of them is found at once, and never read for another's sake.
"""

from __future__ import annotations

import importlib
import os

from lazur.runtime.parallel import planning, settings
from lazur.runtime.parallel.paths import Paths
from lazur.runtime.parallel.settings import Settings, Size, Wrong

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

_PATH = "Path"


def main(argv: list[str]) -> int:
    """Cut `argv[1]`."""
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
    mini-batch: what a worker was given together becomes one, and is handed out in parts."""

    def __init__(self, path: str) -> None:
        need("pandas", "A mini-batch of a table is a pandas data frame")
        self._arrow = need("pyarrow", "A table is cut into mini-batches with pyarrow")
        self._file = importlib.import_module("pyarrow.ipc").open_file(self._arrow.memory_map(path))

        self._frame: Any = None
        self._parts: dict[int, tuple[int, int]] = {}

    def frame(self, number: int, last: int) -> Any:
        """`last`: up to there, it will be asked for those that follow."""
        if number not in self._parts:
            self._load(number, last)
        start, end = self._parts.pop(number)
        if len(self._frame) == end - start:
            return self._frame
        return self._frame.iloc[start:end].reset_index(drop=True)

    def _load(self, first: int, last: int) -> None:
        batches = [self._file.get_batch(number) for number in range(first, last + 1)]
        table = self._arrow.Table.from_batches(batches)
        self._frame = table.to_pandas(ignore_metadata=True, use_threads=False)
        self._parts, start = {}, 0
        for number, batch in enumerate(batches, first):
            self._parts[number] = (start, start + batch.num_rows)
            start += batch.num_rows


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
    groups: dict[tuple[Any, ...], list[int]] = {}
    for number, key in enumerate(_keys_of(rows, keys)):
        groups.setdefault(key, []).append(number)
    arrow = need("pyarrow", "A table is cut into mini-batches with pyarrow")
    order = arrow.array([number for group in groups.values() for number in group], arrow.int64())
    lengths = [len(group) for group in groups.values()]
    found = [
        {"items": len(group), "key": dict(zip(keys, map(_plain, key)))}
        for key, group in groups.items()
    ]
    return rows.take(order), lengths, found


def _keys_of(rows: Any, keys: list[str]) -> Iterable[tuple[Any, ...]]:
    for key in keys:
        if key not in rows.schema.names:
            raise Wrong(
                "partition_keys: the table has no column %r; it has %s"
                % (key, ", ".join(rows.schema.names))
            )
    return zip(*(rows.column(key).to_pylist() for key in keys))


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)


def _save(rows: Any, lengths: list[int], path: str) -> None:
    ipc = importlib.import_module("pyarrow.ipc")
    draft = path + ".draft"
    start = 0
    with ipc.new_file(draft, rows.schema) as file:
        for length in lengths:
            part = rows.slice(start, length).combine_chunks()
            batches = part.to_batches()
            file.write_batch(batches[0])
            start += length
    os.replace(draft, path)
