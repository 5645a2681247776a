"""Finding one version of an asset: by what it is called, or by a label."""

from __future__ import annotations

import hashlib
import json
from typing import Any, cast

from lazur.errors import NotFound
from lazur.services.base import builtin
from lazur.services.base.site import Context
from lazur.services.resources.shelves import Registry, Shelf, open_shelf
from lazur.store import assets as store
from lazur.store.assets import AssetRow
from lazur.store.db import AnyRow

LATEST = "latest"
NOTES = ("description", "tags", "properties")
_NOT_CONTENT = frozenset({*NOTES, "version", "name", "stage", "$schema", "mlflow"})
_MODEL = "custom_model"
"""What a model is of which nothing else is said."""


def find_row(
    context: Context, shelf: Shelf, kind: str, name: str, version: str, verb: str = "read"
) -> AssetRow:
    """`version` is a version, or `@label`; `@latest` is the newest that is not archived."""
    home = open_shelf(context, shelf, kind, verb, name)
    try:
        return known(context, home, kind, name, version)
    except NotFound as error:
        if not isinstance(shelf, Registry):
            raise
        raise _absent_there(error, shelf.name, kind) from None


def known(context: Context, home: AnyRow, kind: str, name: str, version: str) -> AssetRow:
    row = lookup(context, home.id, kind, name, version)
    if row is None:
        if not is_there(context, home.id, kind, name):
            raise absent(kind, name)
        labels = store.labels_of(context.db, home.id, kind, name)
        raise absent(kind, name, version, labels)
    return row


def lookup(context: Context, shelf_id: int, kind: str, name: str, version: str) -> AssetRow | None:
    if not version.startswith("@"):
        return store.version(context.db, shelf_id, kind, name, version)
    if version.lower() == f"@{LATEST}":
        return store.newest(context.db, shelf_id, kind, name)
    return store.labelled(context.db, shelf_id, kind, name, version[1:])


def is_there(context: Context, shelf_id: int, kind: str, name: str) -> bool:
    """In any version, archived ones too."""
    return store.is_there(context.db, shelf_id, kind, name)


def absent(
    kind: str, name: str, version: str | None = None, labels: list[str] | None = None
) -> NotFound:
    noun = {"data": "data asset"}.get(kind, noun_of(kind))
    if version is None:
        return NotFound(
            f"There is no {noun} named {name!r}.", hint=f"See: lazur {noun.split()[0]} list"
        )
    if version.startswith("@") and version.lower() != f"@{LATEST}":
        known_labels = ", ".join([LATEST, *(labels or [])])
        return NotFound(
            f"{name!r} has no label {version[1:]!r}.", hint=f"Known labels: {known_labels}."
        )
    shown = "a version that is not archived" if version.startswith("@") else f"version {version!r}"
    return NotFound(
        f"There is no {noun} {name!r} with {shown}.",
        hint=f"See: lazur {noun.split()[0]} list --name {name}",
    )


def _absent_there(error: NotFound, registry: str, kind: str) -> NotFound:
    """Azure's registry of this name has components and models; the one here has what was put into
    it, and Lazur's environments."""
    noun = noun_of(kind)
    hint = f"See: lazur {noun} list --registry-name {registry}"
    if registry == builtin.REGISTRY:
        hint = (
            f"Microsoft's are not here. Name a {noun} of the workspace, or one in a file: "
            f"lazur {noun} create -f FILE"
        )
    return NotFound(f"{error.message.rstrip('.')} in the registry {registry}.", hint=hint)


def noun_of(kind: str) -> str:
    """As the command line calls it."""
    return kind.removesuffix("s")


def digest(spec: dict[str, Any]) -> str:
    """Equal for what is equal, whatever is said about it."""
    text = json.dumps(content(spec), sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def filled(kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    """With what is meant where nothing is written. Rows of earlier servers lack it."""
    return {**spec, "type": spec.get("type") or _MODEL} if kind == "models" else spec


def is_same(row: AssetRow, spec: dict[str, Any]) -> bool:
    """Whether the row has this content, also where an earlier server left the model's type out,
    or its flavours could not be read."""
    plain = {key: value for key, value in spec.items() if (key, value) != ("type", _MODEL)}
    unread = {key: value for key, value in spec.items() if key != "flavors"}
    return row.digest in (digest(spec), digest(plain), digest(unread))


def content(spec: dict[str, Any]) -> dict[str, Any]:
    return {
        key: value for key, value in spec.items() if key not in _NOT_CONTENT and value is not None
    }


def differences(old: Any, new: Any, field: str = "") -> dict[str, tuple[Any, Any]]:
    """What was and what is, by the fields where that is not the same."""
    if isinstance(old, dict) and isinstance(new, dict):
        before, after = cast("dict[str, Any]", old), cast("dict[str, Any]", new)
        found: dict[str, tuple[Any, Any]] = {}
        for key in sorted({*before, *after}):
            inner = f"{field}.{key}" if field else str(key)
            found |= differences(before.get(key), after.get(key), inner)
        return found
    return {} if old == new else {field: (old, new)}
