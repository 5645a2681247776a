"""The transformations that follow the reading: each takes chunks and gives chunks."""

from __future__ import annotations

import random
import re
import warnings
from abc import ABC, abstractmethod
from typing import Any, Dict, List, Optional, Set, Tuple

from . import _evaluation, _filter, _sampling
from ._chunks import Chunks, constant, pick, prepend, replace
from ._conversion import Told, convert
from ._errors import MLTableError, Where
from ._optional import arrow
from ._partitions import Format
from ._types import DataType, read_type

_WHOLE = re.compile(r"0|-?[1-9]\d{0,17}")


class Step(ABC):
    """One transformation. Made from what the file has under its name, which it keeps as it is."""

    name = ""

    def __init__(self, value: Any, where: Where) -> None:
        self.value, self.where = value, where
        self.check()

    @abstractmethod
    def check(self) -> None:
        """Raise unless `value` makes sense; prepare what `run` needs."""

    @abstractmethod
    def run(self, chunks: Chunks) -> Chunks: ...

    def to_yaml(self) -> Any:
        return {self.name: self.value}

    def fail(self, why: str) -> Any:
        raise MLTableError(why, self.where)


class Take(Step):
    name = "take"

    def check(self) -> None:
        self._count = _count(self, least=1)

    def run(self, chunks: Chunks) -> Chunks:
        left = self._count
        for source, batch in chunks:
            yield source, batch.slice(0, left)
            left -= min(left, batch.num_rows)
            if not left:
                return


class Skip(Step):
    name = "skip"

    def check(self) -> None:
        self._count = _count(self, least=0)

    def run(self, chunks: Chunks) -> Chunks:
        left = self._count
        for source, batch in chunks:
            gone = min(left, batch.num_rows)
            left -= gone
            yield source, batch.slice(gone)


class KeepColumns(Step):
    name = "keep_columns"

    def check(self) -> None:
        self.columns = _names(self)

    def run(self, chunks: Chunks) -> Chunks:
        there: Dict[str, None] = {}
        for source, batch in chunks:
            there.update(dict.fromkeys(batch.schema.names))
            yield (
                source,
                pick(batch, [name for name in batch.schema.names if name in self.columns]),
            )
        _all_there(self, self.columns, list(there))


class DropColumns(Step):
    name = "drop_columns"

    def check(self) -> None:
        self.columns = _names(self)

    def run(self, chunks: Chunks) -> Chunks:
        there: Dict[str, None] = {}
        for source, batch in chunks:
            names = batch.schema.names
            there.update(dict.fromkeys(names))
            yield source, pick(batch, [name for name in names if name not in self.columns])
        _all_there(self, self.columns, list(there))


class Filter(Step):
    name = "filter"

    def check(self) -> None:
        self.tree = _filter.parse(self.value, self.where)

    def run(self, chunks: Chunks) -> Chunks:
        for source, batch in chunks:
            yield source, batch.filter(_evaluation.mask(self.tree, batch, self.where))


class TakeRandomSample(Step):
    name = "take_random_sample"

    def check(self) -> None:
        if not isinstance(self.value, dict):
            self.fail("Write it as a mapping with `probability` and, if you like, `seed`.")
        self._low, self._high = 0.0, _share(self, self.value.get("probability"))
        self._seed = _seed(self, self.value.get("seed"))

    def run(self, chunks: Chunks) -> Chunks:
        seed = random.getrandbits(32) if self._seed is None else self._seed
        row = 0
        for source, batch in chunks:
            rows = batch.num_rows
            yield source, batch.filter(_sampling.chosen(seed, row, rows, self._low, self._high))
            row += rows


class Sample(TakeRandomSample):
    """One of the halves of a split."""

    name = "sample"

    def check(self) -> None:
        given = self.value.get("sampler_arguments") if isinstance(self.value, dict) else None
        if not isinstance(given, dict) or self.value.get("sampler") != "random_percent":
            self.fail("Only the sampler `random_percent` with its `sampler_arguments` is known.")
            return
        self._high = _share(self, given.get("probability"))
        self._low = float(given.get("probability_lower_bound") or 0)
        self._seed = _seed(self, given.get("seed"))


class ConvertColumnTypes(Step):
    name = "convert_column_types"

    def check(self) -> None:
        listed = self.value if isinstance(self.value, list) else [self.value]
        self.types: List[Tuple[str, DataType]] = []
        for entry in listed:
            if not isinstance(entry, dict) or not {"columns", "column_type"} <= set(entry):
                self.fail("Write a list of mappings with `columns` and `column_type`.")
            names = entry["columns"]
            names = list(names) if isinstance(names, (list, tuple)) else [names]
            to = read_type(entry["column_type"], self.where)
            self.types += [(name, to) for name in names]

    def run(self, chunks: Chunks) -> Chunks:
        there: Dict[str, None] = {}
        said: Dict[str, Told] = {}
        for source, batch in chunks:
            told = said.setdefault(source, set())
            names = list(batch.schema.names)
            there.update(dict.fromkeys(names))
            for name, to in self.types:
                if name in names:
                    index = names.index(name)
                    made = convert(batch.column(index), to, name, source, told)
                    batch = replace(batch, index, made)
            yield source, batch
        _all_there(self, [name for name, _ in self.types], list(there))


class ExtractColumns(Step):
    name = "extract_columns_from_partition_format"

    def check(self) -> None:
        text: Any = self.value
        if isinstance(text, dict) and len(text) == 1:
            text = _unmapped(text)
        if not isinstance(text, str):
            self.fail("Write a text such as '/{label}/{day:yyyy/MM/dd}'.")
        self._whole: Set[str] = set()
        self.format = Format(str(text), self.where)

    def run(self, chunks: Chunks) -> Chunks:
        for source, batch in chunks:
            found = self.format.columns(source)
            arrays = []
            for name, value, kind in found:
                column = constant(value, kind, batch.num_rows)
                arrays.append(column.cast(arrow().int64()) if name in self._whole else column)
            yield source, prepend(batch, [name for name, _, _ in found], arrays)

    def inferring(self, sources: List[str]) -> ExtractColumns:
        """With columns of whole numbers where all files have some, and none begins with 0."""
        made = ExtractColumns(self.value, self.where)
        texts: Dict[str, List[Any]] = {}
        for source in sources:
            for name, value, _ in self.format.columns(source):
                texts.setdefault(name, []).append(value)
        made._whole = {
            name
            for name, values in texts.items()
            if all(isinstance(value, str) and _WHOLE.fullmatch(value) for value in values)
        }
        return made


class SelectPartitions(Step):
    """Done before anything is read: see `_reading`."""

    name = "select_partitions"

    def check(self) -> None:
        given = self.value
        whole = isinstance(given, list) and all(
            _is_whole(number) and number >= 0 for number in given
        )
        if not whole:
            self.fail(f"Write a list of partitions' numbers, the first being 0, not {given!r}.")

    def run(self, chunks: Chunks) -> Chunks:
        return chunks


STEPS = {
    step.name: step
    for step in (
        Take,
        Skip,
        KeepColumns,
        DropColumns,
        Filter,
        TakeRandomSample,
        Sample,
        ConvertColumnTypes,
        ExtractColumns,
        SelectPartitions,
    )
}


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _count(step: Step, least: int) -> int:
    if not _is_whole(step.value) or step.value < least:
        step.fail(f"Write a whole number of at least {least}, not {step.value!r}.")
    return int(step.value)


def _share(step: Step, value: Any) -> float:
    known = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not known or not 0 < value <= 1:
        step.fail(f"`probability` is a number above 0 and up to 1, not {value!r}.")
    return float(value)


def _seed(step: Step, value: Any) -> Optional[int]:
    if value is not None and not _is_whole(value):
        step.fail(f"`seed` is a whole number, not {value!r}.")
    return value


def _names(step: Step) -> List[str]:
    given = [step.value] if isinstance(step.value, str) else step.value
    if not isinstance(given, (list, tuple)) or not all(isinstance(name, str) for name in given):
        step.fail(f"Write a list of columns' names, not {step.value!r}.")
    twice = sorted({name for name in given if list(given).count(name) > 1})
    if twice:
        step.fail(f"Named twice: {', '.join(twice)}.")
    return list(given)


def _all_there(step: Step, names: List[str], there: List[str]) -> None:
    """Called when all is read, since files may have different columns. Azure ML says nothing."""
    missing = [name for name in names if name not in there]
    if missing and there:
        warnings.warn(
            f"{step.where}: there is no column {', '.join(missing)}; there are"
            f" {', '.join(there)}.",
            RuntimeWarning,
            stacklevel=2,
        )


def _unmapped(mapping: Dict[Any, Any]) -> str:
    """`{day:yyyy/MM/dd}` without quotes is a mapping in YAML; it is meant as the text."""
    name, time = next(iter(mapping.items()))
    return f"{{{name}:{time}}}" if time is not None else f"{{{name}}}"
