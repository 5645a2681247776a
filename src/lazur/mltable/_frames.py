"""Batches to Arrow tables, and those to pandas and Polars."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List

from ._chunks import Batch
from ._optional import arrow, need


def to_arrow(batches: Iterable[Batch]) -> Any:
    """One table. Files may have different columns: what one lacks is null. A column that is of
    different types becomes the wider one, or text."""
    pa = arrow()
    found = list(batches)
    schema = _common([batch.schema for batch in found])
    if all(batch.schema.equals(schema) for batch in found):
        return pa.Table.from_batches(found, schema=schema)
    return pa.Table.from_batches([_fitted(batch, schema) for batch in found], schema=schema)


def to_pandas(table: Any) -> Any:
    need("pandas", "A pandas data frame")
    return table.to_pandas(split_blocks=True, self_destruct=True, ignore_metadata=True)


def to_polars(table: Any) -> Any:
    return need("polars", "A Polars data frame").from_arrow(table)


def _common(schemas: List[Any]) -> Any:
    """Every column that is anywhere, in the order of first appearance."""
    pa = arrow()
    kinds: Dict[str, Any] = {}
    for schema in {str(schema): schema for schema in schemas}.values():
        for field in schema:
            before = kinds.get(field.name)
            kinds[field.name] = field.type if before is None else _wider(before, field.type)
    return pa.schema(list(kinds.items()))


def _wider(one: Any, other: Any) -> Any:
    pa = arrow()
    types = pa.types
    if one.equals(other) or types.is_null(other):
        return one
    if types.is_null(one):
        return other
    kinds = (one, other)
    if all(types.is_integer(k) or types.is_floating(k) or types.is_boolean(k) for k in kinds):
        return pa.float64() if any(map(types.is_floating, kinds)) else pa.int64()
    if all(types.is_timestamp(kind) or types.is_date(kind) for kind in kinds):
        return pa.timestamp("ns")
    return pa.string()


def _fitted(batch: Batch, schema: Any) -> Batch:
    pa = arrow()
    names = batch.schema.names
    arrays = []
    for field in schema:
        if field.name not in names:
            arrays.append(pa.nulls(batch.num_rows, field.type))
            continue
        column = batch.column(names.index(field.name))
        if pa.types.is_string(field.type) and not pa.types.is_string(column.type):
            arrays.append(_text(column))
        else:
            arrays.append(column.cast(field.type))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _text(column: Any) -> Any:
    pa = arrow()
    try:
        return column.cast(pa.string())
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        values = column.to_pylist()
        return pa.array([None if value is None else str(value) for value in values], pa.string())
