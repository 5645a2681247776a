"""Parquet files."""

from __future__ import annotations

from typing import List, Optional

from ._chunks import Chunks
from ._errors import MLTableError
from ._native import file_of
from ._optional import arrow, need
from ._readers import Reader, wanted
from ._storage import Storage

_ROWS = 64 << 10


class ReadParquet(Reader):
    name = "read_parquet"

    def check(self) -> None:
        self.mapping()
        self.switch("include_path_column")

    def read(self, sources: List[str], storage: Storage, columns: Optional[List[str]]) -> Chunks:
        for source in sources:
            yield from self.with_path(batches(source, storage, columns))


def batches(source: str, storage: Storage, columns: Optional[List[str]]) -> Chunks:
    """One file; at least one batch, which may be empty."""
    pa, parquet = arrow(), need("pyarrow.parquet", "Reading Parquet files")
    with storage.open(source) as stream:
        try:
            file = parquet.ParquetFile(file_of(stream))
            schema = file.schema_arrow
            names = wanted(schema.names, columns)
            schema = pa.schema([field for field in schema if field.name in names])
            empty = True
            for batch in file.iter_batches(_ROWS, columns=schema.names):
                empty = False
                yield source, batch
        except (pa.ArrowInvalid, OSError) as error:
            raise MLTableError(f"{source} cannot be read as Parquet: {error}.") from None
        if empty:
            arrays = [pa.array([], field.type) for field in schema]
            yield source, pa.RecordBatch.from_arrays(arrays, names=schema.names)
