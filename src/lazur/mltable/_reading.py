"""From a blueprint to chunks: finds the files, reads them, and lets the steps follow."""

from __future__ import annotations

from typing import Iterator, List, Optional, Sequence

from . import _filter
from ._blueprint import Blueprint
from ._chunks import Batch, Chunks
from ._delimited import ReadDelimited
from ._errors import MLTableError
from ._optional import arrow
from ._readers import Paths
from ._steps import (
    ConvertColumnTypes,
    ExtractColumns,
    Filter,
    KeepColumns,
    Sample,
    SelectPartitions,
    Skip,
    Step,
    Take,
    TakeRandomSample,
)
from ._storage import Storage

_BY_ROW = (Take, Skip, TakeRandomSample, Sample, SelectPartitions)


def sources(blueprint: Blueprint, storage: Storage) -> List[str]:
    """The files, in the order of `paths`, each folder's and pattern's sorted: the partitions."""
    found: List[str] = []
    for kind, path in blueprint.absolute():
        if kind == "file" or blueprint.reader.folders:
            found.append(path)
        elif kind == "folder":
            data = storage.walk(path)
            hidden = not isinstance(blueprint.reader, Paths)
            found += [name for name in data if not (hidden and _is_aside(path, name))]
        else:
            found += storage.glob(path)
    if not found:
        places = ", ".join(path for _, path in blueprint.absolute())
        raise MLTableError(f"There is no file at {places}.")
    for step in blueprint.steps:
        if isinstance(step, SelectPartitions):
            found = _selected(found, step)
    return found


def chunks(blueprint: Blueprint, storage: Storage) -> Chunks:
    """Batches with their sources, nothing more in memory than a few of them."""
    names = sources(blueprint, storage)
    reader = blueprint.reader
    found: Chunks = reader.read(names, storage, needed(blueprint.steps))
    for step in blueprint.steps:
        if isinstance(step, ExtractColumns) and isinstance(reader, ReadDelimited):
            step = step.inferring(names) if reader.infers else step
        found = step.run(found)
    return found


def batches(blueprint: Blueprint, storage: Storage) -> Iterator[Batch]:
    """Those with rows; where there are none, one without, so that the columns are known."""
    empty: Optional[Batch] = None
    rows = False
    for _, batch in chunks(blueprint, storage):
        if batch.num_rows:
            rows = True
            yield batch
        else:
            empty = batch if empty is None else empty
    if not rows:
        yield arrow().RecordBatch.from_arrays([], names=[]) if empty is None else empty


def needed(steps: Sequence[Step]) -> Optional[List[str]]:
    """The columns that will be looked at, where a step says so; None is all."""
    looked: List[str] = []
    for step in steps:
        if isinstance(step, KeepColumns):
            return [*step.columns, *looked]
        if isinstance(step, Filter):
            looked += _filter.columns(step.tree)
        elif isinstance(step, ConvertColumnTypes):
            looked += [name for name, _ in step.types]
        elif not isinstance(step, _BY_ROW):
            return None
    return None


def _is_aside(folder: str, path: str) -> bool:
    """Markers such as `_SUCCESS`, hidden files, and the MLTable file itself."""
    parts = path[len(folder) :].strip("/").split("/")
    return parts == ["MLTable"] or any(part.startswith((".", "_")) for part in parts)


def _selected(found: List[str], step: SelectPartitions) -> List[str]:
    for number in step.value:
        if number >= len(found):
            step.fail(f"There is no partition {number}; there are {len(found)}, from 0.")
    return [found[number] for number in step.value]
