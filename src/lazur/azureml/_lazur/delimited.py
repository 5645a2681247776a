"""How v1's datasets say that text is a table, as pandas takes it.

What is remembered of a dataset is JSON: `separator`, `header`, `encoding`, `infer_column_types`,
`empty_as_string`, `columns`; and `format`, where it is no text with separators.
"""

from __future__ import annotations

import codecs
import importlib
import json
import re

from .told import ignored

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

KIND = "lazur.v1.dataset"
"""The property that says whether data were registered as files or as a table."""
NAME = "lazur.v1.name"
"""The property with their name as v1 knows it: with spaces, say."""
PROPERTY = "lazur.v1.read"
VARIABLE = "LAZUR_V1_READ_"
"""Where it is remembered: by a data asset, and by a job for one of its inputs."""
_ENCODINGS = {"utf8bom": "utf-8-sig", "iso88591": "latin-1", "windows1252": "cp1252"}
_NONE = ("no_headers", "noheaders", "no_header", "0", "false")


def asset(name: str) -> str:
    """What data of this name are called here."""
    made = re.sub(r"[^A-Za-z0-9_.-]+", "_", name)
    return made if made[:1].isalnum() or made[:1] == "_" else "_" + made


def shown(facts: dict[str, Any]) -> str:
    """What a script calls them."""
    return (facts.get("properties") or {}).get(NAME) or facts["name"]


class DataType:
    """What a column is read as."""

    def __init__(self, kind: str, formats: Any = None) -> None:
        self.kind = kind
        self.formats = [formats] if isinstance(formats, str) else list(formats or ())

    @staticmethod
    def to_string() -> DataType:
        return DataType("string")

    @staticmethod
    def to_long() -> DataType:
        return DataType("long")

    @staticmethod
    def to_float(decimal_mark: str = ".") -> DataType:
        ignored("DataType.to_float", {"decimal_mark": decimal_mark.replace(".", "")})
        return DataType("float")

    @staticmethod
    def to_bool() -> DataType:
        return DataType("bool")

    @staticmethod
    def to_datetime(formats: Any = None) -> DataType:
        return DataType("datetime", formats)


class Scenario:
    """What the data of a model were for."""

    TRAINING = "training"
    VALIDATION = "validation"
    INFERENCING = "inferencing"


class PromoteHeadersBehavior:
    NO_HEADERS = "no_headers"
    ONLY_FIRST_FILE_HAS_HEADERS = "from_first_file"
    COMBINE_ALL_FILES_HEADERS = "all_files_different_headers"
    ALL_FILES_HAVE_SAME_HEADERS = "all_files_same_headers"


def remembered(owner: str, given: dict[str, Any]) -> dict[str, Any]:
    """What is told of it, the rest by name."""
    known = dict(given)
    made: dict[str, Any] = {}
    separator = known.pop("separator", None)
    if separator not in (None, ","):
        made["separator"] = separator
    if str(known.pop("header", True)).lower() in _NONE:
        made["header"] = False
    encoding = known.pop("encoding", None)
    if encoding not in (None, "utf8"):
        made["encoding"] = encoding
    if known.pop("infer_column_types", True) is False:
        made["infer_column_types"] = False
    if known.pop("empty_as_string", False):
        made["empty_as_string"] = True
    types = known.pop("set_column_types", None) or {}
    if types:
        made["columns"] = {name: [t.kind, t.formats] for name, t in types.items()}
    for harmless in ("validate", "support_multi_line", "path_glob"):
        known.pop(harmless, None)
    ignored(owner, known, "the table is read without it")
    return made


def loaded(text: Any) -> dict[str, Any]:
    """As a property or a variable says it."""
    found = json.loads(text) if text else {}
    return found if isinstance(found, dict) else {}


def options(told: dict[str, Any]) -> dict[str, Any]:
    """For `pandas.read_csv`."""
    made: dict[str, Any] = {}
    if "separator" in told:
        made["sep"] = told["separator"]
    if "header" in told:
        made["header"] = None
    if "encoding" in told:
        made["encoding"] = _encoding(str(told["encoding"]))
    if "infer_column_types" in told:
        made["dtype"] = str
    elif "columns" in told:
        texts = ("string", "datetime")
        made["dtype"] = {name: str for name, (kind, _) in told["columns"].items() if kind in texts}
    if "empty_as_string" in told:
        made["keep_default_na"] = False
    return made


def as_mltable(told: dict[str, Any]) -> dict[str, Any]:
    """For `read_delimited` of an MLTable."""
    made: dict[str, Any] = {}
    if "separator" in told:
        made["delimiter"] = told["separator"]
    if "header" in told:
        made["header"] = "no_header"
    if "encoding" in told:
        made["encoding"] = told["encoding"]
    if "infer_column_types" in told:
        made["infer_column_types"] = False
    if "empty_as_string" in told:
        made["empty_as_string"] = True
    return made


def shaped(frame: Any, told: dict[str, Any]) -> Any:
    """What reading leaves to do."""
    if "header" in told:
        frame.columns = ["Column%d" % (number + 1) for number in range(len(frame.columns))]
    for name, (kind, formats) in told.get("columns", {}).items():
        if name in frame:
            frame[name] = _converted(frame[name], kind, formats)
    return frame


def _encoding(name: str) -> str:
    return codecs.lookup(_ENCODINGS.get(name, name)).name


def _converted(column: Any, kind: str, formats: list[str]) -> Any:
    if kind == "datetime":
        pandas: Any = importlib.import_module("pandas")  # it made the column
        return pandas.to_datetime(column, format=formats[0] if formats else None, errors="coerce")
    if kind == "bool":
        return column.map(lambda value: str(value).lower() in ("true", "1", "1.0", "yes"))
    if kind in ("long", "float"):
        return column.astype("Int64" if kind == "long" else float)
    return column
