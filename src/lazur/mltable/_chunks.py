"""What flows through a table: record batches, each with the file that it came from."""

from __future__ import annotations

from typing import Any, Iterator, List, Sequence, Tuple

from ._optional import arrow

Batch = Any
"""A `pyarrow.RecordBatch`; pyarrow is imported when a table is read."""
Chunk = Tuple[str, Batch]
Chunks = Iterator[Chunk]


def pick(batch: Batch, names: Sequence[str]) -> Batch:
    """The columns of these names, in this order."""
    where = {name: index for index, name in reversed(list(enumerate(batch.schema.names)))}
    fields = [batch.schema.field(where[name]) for name in names]
    arrays = [batch.column(where[name]) for name in names]
    pa = arrow()
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))


def replace(batch: Batch, index: int, array: Any) -> Batch:
    names, arrays = list(batch.schema.names), list(batch.columns)
    arrays[index] = array
    return arrow().RecordBatch.from_arrays(arrays, names=names)


def prepend(batch: Batch, names: List[str], arrays: List[Any]) -> Batch:
    """New columns in front; one that is there already is replaced."""
    kept = [index for index, name in enumerate(batch.schema.names) if name not in names]
    return arrow().RecordBatch.from_arrays(
        [*arrays, *(batch.column(index) for index in kept)],
        names=[*names, *(batch.schema.names[index] for index in kept)],
    )


def constant(value: Any, kind: Any, rows: int) -> Any:
    """A column with the same value in every row."""
    pa = arrow()
    return pa.nulls(rows, kind) if value is None else pa.repeat(pa.scalar(value, kind), rows)
