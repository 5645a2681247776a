"""Where assets lie: in a workspace, or in a registry that workspaces share."""

from __future__ import annotations

from dataclasses import dataclass

from lazur.services.base.site import Context
from lazur.services.base.workspaces import open_workspace
from lazur.services.resources.registries import open_registry
from lazur.store.db import AnyRow
from lazur.store.workspaces import REGISTRY


@dataclass(frozen=True)
class Registry:
    name: str


Shelf = str | Registry
"""A workspace by its name, or a registry."""


def open_shelf(
    context: Context, shelf: Shelf, kind: str, verb: str, about: str | None = None
) -> AnyRow:
    """Its row, once `verb` on assets of the kind is allowed there: read, write or delete."""
    if isinstance(shelf, Registry):
        return open_registry(context, shelf.name, f"registries/assets/{verb}", kind, about)
    return open_workspace(context, shelf, f"workspaces/{kind}/{verb}", kind, about)


def reference(row: AnyRow, kind: str, name: str, version: str) -> str:
    """What an asset's `id` is; `row` is the shelf's."""
    if row.kind == REGISTRY:
        return f"azureml://registries/{row.name}/{kind}/{name}/versions/{version}"
    return f"/workspaces/{row.name}/{kind}/{name}/versions/{version}"
