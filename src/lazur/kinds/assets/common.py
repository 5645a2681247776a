"""What all assets have."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from lazur.spec.model import Spec, Tags, spelled
from lazur.spec.names import Name, Version

_Condition = Literal["created_greater_than", "last_accessed_greater_than"]


class AutoDelete(Spec):
    """`auto_delete_setting`: when the asset may be removed."""

    value: str | None = None
    condition: Annotated[_Condition, spelled(_Condition)] | None = None


class Asset(Spec):
    name: Name | None = None
    version: Version | None = None
    """The next number when left out. A YAML number is read as text: 1 is "1"."""
    id: str | None = None
    description: str | None = None
    tags: Tags = Field(default_factory=dict)
    auto_delete_setting: AutoDelete | None = None
    datastore: str | None = None
    """Where a local path is uploaded to."""
