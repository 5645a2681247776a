"""Code as Azure's client uploads it: under a new name each time, and found again by its hash."""

from __future__ import annotations

import re
import uuid
from contextlib import suppress
from typing import Any

from lazur.engine.tree import is_digest
from lazur.errors import Invalid, NotFound
from lazur.services.assets import assets
from lazur.services.azure import trees, uploads
from lazur.services.azure.uploads import Place
from lazur.services.base.site import Context
from lazur.services.resources.shelves import Registry, Shelf, open_shelf

KIND = "codes"
_HASH = re.compile(r"[0-9a-f]{64}")
_NAMED = "hash-"
"""Before the client's hash, in the name of code that nobody gave one."""


def with_hash(context: Context, shelf: Shelf, sha256: str) -> list[dict[str, Any]]:
    """The code that has it, if there is any: its client need not send it again."""
    open_shelf(context, shelf, KIND, "read")
    if _HASH.fullmatch(sha256):
        with suppress(NotFound):
            return [assets.get(context, shelf, KIND, f"{_NAMED}{sha256}", "1")]
    return []


def get(context: Context, shelf: Shelf, name: str, version: str) -> dict[str, Any]:
    """A tree has a name, too: its digest."""
    with suppress(NotFound):
        return assets.get(context, shelf, KIND, name, version)
    open_shelf(context, shelf, KIND, "read", name)
    digest, _, inside = name.partition("~")
    if is_digest(digest) and version == "1":
        with suppress(NotFound):
            trees.tree_of(context, digest)
            path = f"tree:{digest}/{inside.replace('~', '/')}".rstrip("/")
            return {"name": name, "version": "1", "path": path, "creation_context": {}}
    raise assets.absent(KIND, name, version)


def put(
    context: Context,
    shelf: Shelf,
    name: str,
    version: str,
    spec: dict[str, Any],
    place: Place | None,
) -> dict[str, Any]:
    """`place` is where its files were put; None for what is known already. In a workspace, what
    has no name of its own is named by its hash, so that it is there once: clients ask for hashes
    there."""
    tree = spec.get("path")
    own = isinstance(shelf, Registry) or not _is_made_up(name)
    if place is not None:
        with context.looking() as early:
            open_shelf(early, shelf, KIND, "write")
            try:
                taken = uploads.take(early, place)
            except NotFound:
                return _again(early, shelf, name, version, spec)
            tree = taken.tree
            if not own:
                name, version = f"{_NAMED}{uploads.clients_hash(early, taken)}", "1"
    kept = {key: spec[key] for key in ("description", "tags") if spec.get(key)}
    return assets.create(
        context, shelf, KIND, {**kept, "name": name, "version": version, "path": tree}
    )


def _again(
    context: Context, shelf: Shelf, name: str, version: str, spec: dict[str, Any]
) -> dict[str, Any]:
    """The same is said once more, by who has not heard the answer."""
    properties: dict[str, Any] = spec.get("properties") or {}
    known = with_hash(context, shelf, str(properties.get("hash_sha256")))
    with suppress(NotFound):
        return assets.get(context, shelf, KIND, name, version)
    if known and _is_made_up(name):
        return known[0]
    raise Invalid("No files were put where the code is said to be.", hint="Upload them first.")


def _is_made_up(name: str) -> bool:
    try:
        return str(uuid.UUID(name)) == name.lower()
    except ValueError:
        return False
