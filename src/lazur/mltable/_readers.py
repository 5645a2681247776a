"""The first transformation: from files to chunks."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, List, Optional, Sequence

from ._chunks import Chunks, constant, prepend
from ._errors import Where
from ._optional import arrow
from ._steps import Step
from ._storage import Storage

PATH = "Path"


class Reader(Step):
    """Reads files. `columns` are the only ones that will be looked at, where that is known."""

    options: Sequence[str] = ()
    folders = False
    """Whether it reads a folder as a whole."""

    def __init__(self, value: Any, where: Where) -> None:
        super().__init__({} if value is None else value, where)

    @abstractmethod
    def read(self, sources: List[str], storage: Storage, columns: Optional[List[str]]) -> Chunks:
        """All files, one after the other. A file without rows gives an empty batch."""

    def run(self, chunks: Chunks) -> Chunks:
        return chunks

    def to_yaml(self) -> Any:
        return {self.name: self.value}

    def mapping(self) -> None:
        if not isinstance(self.value, dict):
            self.fail(f"Its options are a mapping, not {self.value!r}.")

    def switch(self, name: str, *, default: bool = False) -> bool:
        value = self.value.get(name, default)
        if not isinstance(value, bool):
            self.fail(f"`{name}` is true or false, not {value!r}.")
        return value

    def with_path(self, chunks: Chunks) -> Chunks:
        """With the file's path as the first column, where that is asked for."""
        if not self.switch("include_path_column"):
            yield from chunks
            return
        text = arrow().string()
        for source, batch in chunks:
            yield source, prepend(batch, [PATH], [constant(source, text, batch.num_rows)])


class Paths(Reader):
    """No file is read: a row for each path."""

    name = "paths"

    def check(self) -> None:
        self.mapping()

    def read(self, sources: List[str], storage: Storage, columns: Optional[List[str]]) -> Chunks:
        pa = arrow()
        for source in sources:
            yield source, pa.RecordBatch.from_arrays([pa.array([source])], names=[PATH])


def wanted(names: List[str], columns: Optional[List[str]]) -> List[str]:
    """Those of a file's columns to read. All, where one that is asked for is not there: what is
    said about that names them."""
    if columns is None or not {PATH, *names}.issuperset(columns):
        return names
    return [name for name in names if name in columns] or names
