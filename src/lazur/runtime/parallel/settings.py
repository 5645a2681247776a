"""What the job's author asked for: the spec's fields come in `LAZUR_PARALLEL`, as JSON; some may
be said among the program's arguments, too, as on Azure."""

from __future__ import annotations

import json
import os
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

VARIABLE = "LAZUR_PARALLEL"
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*", re.IGNORECASE)
_UNITS = {"b": 0, "byte": 0, "bytes": 0, "k": 10, "m": 20, "g": 30, "t": 40}
_OURS = {
    "error_threshold": "error_threshold",
    "allowed_failed_count": "mini_batch_error_threshold",
    "allowed_failed_percent": "failed_percent",
    "first_task_creation_timeout": "init_timeout",
    "task_overhead_timeout": "load_timeout",
    "progress_update_timeout": "progress_timeout",
    "append_row_dataframe_header": "header",
    "append_row_dataframe_sep": "separator",
}
"""Arguments that mean something to the framework; the script gets them as well."""


class Wrong(Exception):
    """The job cannot go on. The text is for people."""


class Settings:
    def __init__(self, given: dict[str, Any], arguments: list[str]) -> None:
        said = {**given, **_said(arguments)}
        self.entry_script: str = given["entry_script"]
        self.arguments = arguments
        self.type: str = given.get("type") or "uri_folder"
        """Of the input that is cut."""
        self.size: str = str(given.get("mini_batch_size") or "")
        self.keys: list[str] = given.get("partition_keys") or []
        self.workers = int(given.get("workers") or 1)
        """On each node."""
        self.nodes = int(given.get("nodes") or 1)
        self.level: str = given.get("logging_level") or "INFO"
        self.retries = int(_or(given.get("max_retries"), 2))
        self.timeout = float(_or(given.get("timeout"), 60))
        self.error_threshold = int(_or(said.get("error_threshold"), -1))
        self.mini_batch_error_threshold = int(_or(said.get("mini_batch_error_threshold"), -1))
        self.failed_percent = float(_or(said.get("failed_percent"), 100))
        self.init_timeout = float(_or(said.get("init_timeout"), 600))
        self.load_timeout = float(_or(said.get("load_timeout"), 600))
        self.progress_timeout = float(_or(said.get("progress_timeout"), 0))
        """0: none but those of the mini-batches."""
        self.header = str(said.get("header") or "").lower() in ("true", "1")
        self.separator = str(said.get("separator") or " ").replace("\\t", "\t")
        self.masked = bool(os.environ.get("LAZUR_MASKED"))
        """The job was given secrets, so nothing of it may be written past the one log that is
        masked."""


def read(arguments: list[str]) -> Settings:
    try:
        given = json.loads(os.environ[VARIABLE])
    except (KeyError, ValueError):
        raise Wrong("%s is missing: this program is started by parallel jobs" % VARIABLE) from None
    try:
        return Settings(given, arguments)
    except ValueError as error:
        raise Wrong("an argument of the program is no number: %s" % error) from None


class Size:
    """Of a mini-batch: so many files or rows, or so many bytes."""

    def __init__(self, text: str, tabular: bool) -> None:
        found = _SIZE.fullmatch(text or ("1mb" if tabular else "1"))
        unit = found[2].lower() if found else ""
        if found is None or not (unit in ("", "row", "rows", "file", "files") or _power(unit)):
            raise Wrong(
                "mini_batch_size: %r is none: write a number of files, or a size such as 10kb"
                % text
            )
        number = float(found[1])
        counted = unit in ("row", "rows", "file", "files") or (not unit and not tabular)
        self.count = max(1, int(number)) if counted else None
        power = _UNITS.get(unit, _UNITS.get(unit[:1], 0))
        self.bytes = None if counted else max(1, int(number * (1 << power)))


def _power(unit: str) -> bool:
    return unit in _UNITS or (unit[:1] in _UNITS and unit[1:] in ("b", "ib"))


def _said(arguments: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for at, word in enumerate(arguments):
        name, equals, value = word.partition("=")
        known = _OURS.get(name[2:].replace("-", "_")) if name.startswith("--") else None
        if known is None:
            continue
        if not equals and at + 1 < len(arguments):
            value = arguments[at + 1]
        found[known] = value
    return found


def _or(value: Any, default: Any) -> Any:
    return default if value is None else value
