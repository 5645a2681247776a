"""Assets as Azure's clients ask for them: by containers, which know the next version; and put,
which makes a version or changes what is said about one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from lazur.errors import NotFound
from lazur.services.assets import assets, registered_models
from lazur.services.base import builtin
from lazur.services.base.site import Context
from lazur.services.base.times import iso
from lazur.services.resources.shelves import Registry, Shelf, open_shelf
from lazur.spec.names import fold
from lazur.store import assets as store
from lazur.store.db import AnyRow
from lazur.store.pages import Query

Spec = dict[str, Any]
_ALL = {"archived": "all"}


@dataclass(frozen=True)
class Wanted:
    """What a client says a version is."""

    name: str
    version: str
    spec: Spec
    """With what is said about it."""
    archived: bool


def get(context: Context, shelf: Shelf, kind: str, name: str) -> dict[str, Any]:
    home = open_shelf(context, shelf, kind, "read", name)
    if isinstance(shelf, Registry) and fold(shelf.name) == builtin.REGISTRY:
        newest = assets.get(context, shelf, kind, name, "@latest")
        return _container(newest, int(newest["version"]) + 1, archived=False)
    box = store.container(context.db, home.id, kind, name)
    if box is None:
        raise assets.absent(kind, name)
    found = assets.versions(context, shelf, kind, name, Query(1, None, None, _ALL))["value"]
    with suppress(NotFound):
        found = [assets.get(context, shelf, kind, name, "@latest")]
    newest = found[0] if found else {"name": name, "creation_context": _made(box)}
    following = max(box.next_version, registered_models.next_version(context, home, kind, name))
    return _container(newest, following, archived=box.archived)


def find(context: Context, shelf: Shelf, kind: str, query: Query) -> dict[str, Any]:
    page = assets.find(context, shelf, kind, query)
    return {**page, "value": [_container(one, None, one.get("archived")) for one in page["value"]]}


def versions(context: Context, shelf: Shelf, kind: str, name: str, query: Query) -> dict[str, Any]:
    """None of a name that is not there."""
    home = open_shelf(context, shelf, kind, "read", name)
    built_in = isinstance(shelf, Registry) and fold(shelf.name) == builtin.REGISTRY
    if not built_in and store.container(context.db, home.id, kind, name) is None:
        return {"value": [], "next": None}
    return assets.versions(context, shelf, kind, name, query)


def change(
    context: Context, shelf: Shelf, kind: str, name: str, *, archived: bool
) -> dict[str, Any]:
    """Of a container only whether it is archived."""
    told = {"archived": archived}
    assets.archive_container(context, shelf, kind, name, told)
    return get(context, shelf, kind, name)


def put(
    context: Context,
    shelf: Shelf,
    kind: str,
    wanted: Wanted,
    is_same: Callable[[Mapping[str, Any]], bool],
    prepare: Callable[[Context, Spec], Spec] = lambda _, spec: spec,
) -> tuple[dict[str, Any], bool]:
    """The version, and whether it is new. `is_same`: whether a version that is there is what is
    wanted, but for what is said about it. `prepare` fetches what it is made of, which takes long
    and so is done while looking. Raises Conflict for one that is there and something else."""
    with context.looking() as early:
        open_shelf(early, shelf, kind, "write", wanted.name)
        known = _known(early, shelf, kind, wanted)
        if known is None or not is_same(known):
            wanted = replace(wanted, spec=prepare(early, wanted.spec))
    if known is None or not is_same(known):
        made = assets.create(
            context, shelf, kind, {**wanted.spec, "name": wanted.name, "version": wanted.version}
        )
        warnings = made.get("warnings", [])
    else:
        made, warnings = known, list[str]()
    changes = _changes(made, wanted, new=known is None)
    if changes:
        made = assets.update(context, shelf, kind, wanted.name, wanted.version, changes)
    return {**made, **({"warnings": warnings} if warnings else {})}, known is None


def _known(context: Context, shelf: Shelf, kind: str, wanted: Wanted) -> dict[str, Any] | None:
    with suppress(NotFound):
        return assets.get(context, shelf, kind, wanted.name, wanted.version)
    return None


def _changes(made: Mapping[str, Any], wanted: Wanted, *, new: bool) -> dict[str, Any]:
    """What is said otherwise. What a client leaves out stays."""
    told = {
        note: wanted.spec[note]
        for note in ("description", "tags", "properties", "stage")
        if not new and note in wanted.spec and wanted.spec[note] != made.get(note)
    }
    for note in ("tags", "properties"):
        if isinstance(told.get(note), Mapping):  # what is none is refused with the rest
            told[note] = {key: _text(value) for key, value in told[note].items()}
    if wanted.archived != bool(made.get("archived")):
        told["archived"] = wanted.archived
    return told


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value)


def _container(newest: dict[str, Any], following: int | None, archived: Any) -> dict[str, Any]:
    return {
        "name": newest["name"],
        "type": newest.get("type"),
        "description": newest.get("description"),
        "tags": newest.get("tags") or {},
        "latest_version": newest.get("version"),
        "next_version": None if following is None else str(following),
        "archived": bool(archived),
        "creation_context": newest.get("creation_context") or {},
    }


def _made(box: AnyRow) -> dict[str, Any]:
    return {"created_at": iso(box.created_at)}
