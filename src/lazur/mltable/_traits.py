"""What a table says about its columns, and what people noted about it."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Union

from ._errors import MLTableError, Where


class Traits:
    """Which column is the time, and which ones are the index."""

    def __init__(
        self, values: Optional[Dict[str, Any]] = None, where: Optional[Where] = None
    ) -> None:
        self._where = where or Where()
        self._values = dict(values or {})
        self.timestamp_column = self._values.pop("timestamp_column", None)
        self.index_columns = self._values.pop("index_columns", None)

    @property
    def timestamp_column(self) -> Optional[str]:
        return self._timestamp

    @timestamp_column.setter
    def timestamp_column(self, name: Optional[str]) -> None:
        if name is not None and not isinstance(name, str):
            raise MLTableError(
                f"The timestamp column is one column's name, not {name!r}.",
                self._where.at("traits.timestamp_column"),
            )
        self._timestamp = name

    @property
    def index_columns(self) -> List[str]:
        return self._index

    @index_columns.setter
    def index_columns(self, names: Union[str, List[str], None]) -> None:
        listed = [names] if isinstance(names, str) else list(names or [])
        if not all(isinstance(name, str) for name in listed):
            raise MLTableError(
                f"The index columns are names of columns, not {names!r}.",
                self._where.at("traits.index_columns"),
            )
        self._index = listed

    @property
    def columns(self) -> List[str]:
        """All columns that something is said about."""
        return [*([self._timestamp] if self._timestamp else []), *self._index]

    def to_yaml(self) -> Dict[str, Any]:
        said: Dict[str, Any] = {}
        if self._timestamp:
            said["timestamp_column"] = self._timestamp
        if self._index:
            said["index_columns"] = list(self._index)
        return {**said, **self._values}

    def __repr__(self) -> str:
        return f"Traits({self.to_yaml()!r})"


class Metadata(Dict[str, Any]):
    """Notes under names: a mapping that can be written into YAML."""

    def add(self, name: str, value: Any) -> None:
        self[name] = value
