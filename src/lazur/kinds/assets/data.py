"""A data asset: a file, a folder or an MLTable, by reference."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from lazur.kinds.assets.common import Asset
from lazur.spec.model import Map, spelled

_Type = Literal["uri_file", "uri_folder", "mltable"]


class Data(Asset):
    """Data with a name, kept in versions."""

    path: str
    """A local path, a URL or a datastore path."""
    type: Annotated[_Type, spelled(_Type)] = "uri_folder"
    properties: Map[Any] = Field(default_factory=dict)
