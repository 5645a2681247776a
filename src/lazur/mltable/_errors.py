"""What goes wrong with tables: one error, which says where it stands in the `MLTable` file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional


@dataclass(frozen=True)
class Where:
    """A place in a table: a field, and the file and line that it was read from, if any."""

    field: str = ""
    file: Optional[str] = None
    line: Optional[int] = None

    def at(self, field: str, line: Optional[int] = None) -> Where:
        return Where(field, self.file, line or self.line)

    def __str__(self) -> str:
        place = self.file or ""
        if place and self.line:
            place = f"{place}:{self.line}"
        return ": ".join(part for part in (place, self.field) if part)


class MLTableError(ValueError):
    """A table that cannot be understood or read."""

    def __init__(self, message: str, where: Optional[Where] = None) -> None:
        place = str(where or "")
        super().__init__(f"{place}: {message}" if place else message)


class MissingPackage(MLTableError, ImportError):
    """Something optional is needed and not installed."""
