"""Our reader and writer of `MLTable` files, which answers to the name `mltable` in jobs, too.

It imports nothing of Lazur and, until data is read, nothing outside of the standard library; it
runs on Python 3.8. All imports within are relative, because the package has two names.
"""

from __future__ import annotations

from ._errors import MissingPackage, MLTableError
from ._resolving import resolve, set_resolver
from ._streams import StreamInfo
from .mltable import (
    DataType,
    MLTable,
    MLTableFileEncoding,
    MLTableHeaders,
    from_delimited_files,
    from_delta_lake,
    from_json_lines_files,
    from_parquet_files,
    from_paths,
    load,
)

__all__ = [
    "DataType",
    "MLTable",
    "MLTableError",
    "MLTableFileEncoding",
    "MLTableHeaders",
    "MissingPackage",
    "StreamInfo",
    "from_delimited_files",
    "from_delta_lake",
    "from_json_lines_files",
    "from_parquet_files",
    "from_paths",
    "load",
    "resolve",
    "set_resolver",
]
