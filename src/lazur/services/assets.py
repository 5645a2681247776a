"""Versioned assets: one mechanism for data, models, environments, components and code."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from lazur.errors import Conflict, Invalid, NotFound, PreconditionFailed
from lazur.services import builtin, checks, content, edges, events, stored
from lazur.services.events import Change
from lazur.services.shelves import Registry, Shelf, open_shelf, reference
from lazur.services.site import Context
from lazur.services.times import iso
from lazur.spec import references
from lazur.spec.names import fold
from lazur.store import assets as store
from lazur.store.assets import AssetRow
from lazur.store.db import AnyRow
from lazur.store.jobs import JobRow
from lazur.store.pages import Query

KINDS = ("environments", "data", "models", "components", "codes")

_NOTES = ("description", "tags", "properties")
_CHANGEABLE = (*_NOTES, "archived")
_NOT_CONTENT = frozenset({*_NOTES, "version", "name", "stage", "$schema"})


def create(context: Context, shelf: Shelf, kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    """A new version: the one given, or the next number. Creating what is there gives that."""
    with context.looking() as early:
        home = open_shelf(early, shelf, kind, "write")
        checked = checks.asset(kind, spec)
        name = checks.name(spec.get("name"))
        _content_is_there(early, checked)
    version = str(spec["version"]) if spec.get("version") is not None else None
    row, new = _add(context, home.id, kind, name, version, checked)
    if new:
        events.record(context, home, kind, name, "created", version=row.version)
        edges.of_asset(context, home, row)
    return view(row, home)


def get(context: Context, shelf: Shelf, kind: str, name: str, version: str) -> dict[str, Any]:
    home = open_shelf(context, shelf, kind, "read", name)
    if _is_built_in(shelf, kind):
        return builtin.get(name, None if version.lower() == "@latest" else version)
    return view(known(context, home, kind, name, version), home)


def find(context: Context, shelf: Shelf, kind: str, query: Query) -> dict[str, Any]:
    home = open_shelf(context, shelf, kind, "read")
    if _is_built_in(shelf, kind):
        return {"value": builtin.all_(), "next": None}
    page = store.page(context.db, home.id, kind, query)
    return {"value": [view(row, home) for row in page.rows], "next": page.next}


def versions(context: Context, shelf: Shelf, kind: str, name: str, query: Query) -> dict[str, Any]:
    home = open_shelf(context, shelf, kind, "read", name)
    if _is_built_in(shelf, kind):
        return {"value": builtin.versions(name), "next": None}
    page = store.versions(context.db, home.id, kind, name, query)
    if (
        not page.rows
        and query.cursor is None
        and store.container(context.db, home.id, kind, name) is None
    ):
        raise absent(kind, name)
    return {"value": [view(row, home) for row in page.rows], "next": page.next}


def update(
    context: Context,
    shelf: Shelf,
    kind: str,
    name: str,
    version: str,
    changes: dict[str, Any],
    etag: str | None = None,
) -> dict[str, Any]:
    """Notes, a model's stage, and the archived flag; what the asset is never changes."""
    home = open_shelf(context, shelf, kind, "write", name)
    row = known(context, home, kind, name, version)
    allowed = (*_CHANGEABLE, "stage") if kind == "models" else _CHANGEABLE
    values = checks.changes(changes, allowed)
    before = {
        field: row.spec.get("stage") if field == "stage" else getattr(row, field)
        for field in values
    }
    told = dict(values)
    if "stage" in values:
        values["spec"] = {**row.spec, "stage": values.pop("stage")}
    seen = None if etag is None else row.revision
    if etag not in (None, str(row.revision)) or not store.change(
        context.db, row.id, seen, **values
    ):
        raise PreconditionFailed(
            f"{name}:{row.version} has changed since you read it.", hint="Read it again."
        )
    change = Change(before, told)
    fields = sorted(told)
    events.record(context, row, kind, name, "updated", change, version=row.version, fields=fields)
    return view(known(context, home, kind, name, row.version), home)


def archive_container(
    context: Context, shelf: Shelf, kind: str, name: str, changes: dict[str, Any]
) -> dict[str, Any]:
    """Archive or restore all versions at once."""
    home = open_shelf(context, shelf, kind, "write", name)
    row = store.container(context.db, home.id, kind, name)
    if row is None:
        raise absent(kind, name)
    values = checks.changes(changes, ("archived",))
    store.change_container(context.db, row.id, **values)
    events.record(context, home, kind, name, "updated", fields=sorted(values))
    return {"name": name, "archived": values.get("archived", row.archived)}


def find_row(
    context: Context, shelf: Shelf, kind: str, name: str, version: str, verb: str = "read"
) -> AssetRow:
    """`version` is a version, or `@label`; `@latest` is the newest that is not archived."""
    home = open_shelf(context, shelf, kind, verb, name)
    return known(context, home, kind, name, version)


def lookup(context: Context, shelf_id: int, kind: str, name: str, version: str) -> AssetRow | None:
    if not version.startswith("@"):
        return store.version(context.db, shelf_id, kind, name, version)
    if version.lower() != "@latest":
        return None
    return store.newest(context.db, shelf_id, kind, name)


def add(
    context: Context, home: AnyRow, kind: str, name: str, version: str | None, spec: dict[str, Any]
) -> tuple[AssetRow, bool]:
    """A version of content that is known to be there, and whether it is new. Whoever calls may."""
    return _add(context, home.id, kind, name, version, spec)


def register_outputs(context: Context, row: JobRow) -> list[str]:
    """Outputs that were given a name become data or model assets. Twice is once: the content
    decides. Returns what could not be registered, and why; the outputs themselves are kept."""
    notes: list[str] = []
    for output in row.resolved["outputs"]:
        name = output.get("asset_name")
        if not name:
            continue
        kind = "models" if output["type"].endswith("_model") else "data"
        spec = {"type": output["type"], "path": output["uri"], "name": name}
        if kind == "data":
            spec["description"] = f"Output {output['name']} of job {row.name}"
        try:
            version = output.get("asset_version")
            made, _ = _add(context, row.workspace_id, kind, name, version, spec)
        except Conflict as error:
            notes.append(f"outputs.{output['name']} was not registered: {error.message}")
            continue
        edges.of_output(context, row, output["name"], made)
        events.record(
            context,
            row,
            kind,
            name,
            "created",
            version=made.version,
            job=row.name,
            output=output["name"],
        )
    return notes


def view(row: AssetRow, home: AnyRow) -> dict[str, Any]:
    """`home` is the row of the place where it lies."""
    return {
        **row.spec,
        "id": reference(home, row.kind, row.name, row.version),
        "name": row.name,
        "version": row.version,
        "description": row.description,
        "tags": row.tags,
        "properties": row.properties,
        "creation_context": {
            "created_at": iso(row.created_at),
            "created_by": row.created_by,
            "created_by_type": "User",
        },
        "archived": row.archived or row.container_archived,
        "etag": str(row.revision),
    }


def _add(
    context: Context,
    workspace_id: int,
    kind: str,
    name: str,
    version: str | None,
    spec: dict[str, Any],
) -> tuple[AssetRow, bool]:
    digest = _digest(spec)
    box = store.container(context.db, workspace_id, kind, name, lock=True)
    if box is None:
        store.add_container(context.db, workspace_id, kind, name, context.now())
        box = store.container(context.db, workspace_id, kind, name, lock=True)
    assert box is not None
    if version is None:
        newest = store.newest(context.db, workspace_id, kind, name)
        if newest is not None and newest.digest == digest:
            return newest, False
        version = str(box.next_version)
    there = store.version(context.db, workspace_id, kind, name, version, trash=True)
    if there is not None:
        return _same_or_conflict(there, digest, spec), False
    store.add(context.db, _values(context, box.id, version, digest, spec))
    stored.keep_trees(context, workspace_id, spec)
    number = int(version) + 1 if version.isdigit() and len(version) < 9 else 0
    store.change_container(
        context.db, box.id, next_version=max(box.next_version, number), archived=False
    )
    made = store.version(context.db, workspace_id, kind, name, version)
    assert made is not None
    return made, True


def _same_or_conflict(there: AssetRow, digest: str, spec: dict[str, Any]) -> AssetRow:
    if there.deleted_at is not None:
        noun = noun_of(there.kind)
        raise Conflict(
            f"{there.name}:{there.version} lies in the trash.",
            hint=f"Take it out: lazur {noun} restore -n {there.name} -v {there.version}. "
            f"Or free it for good: lazur {noun} purge -n {there.name}",
        )
    if there.digest == digest:
        return there
    old, new = _content(there.spec), _content(spec)
    differs = sorted(key for key in {*old, *new} if old.get(key) != new.get(key))
    raise Conflict(
        f"{there.name}:{there.version} exists already with other content.",
        hint=f"Different: {', '.join(differs)}. Leave `version` out to get the next one.",
        differs=differs,
    )


def _values(
    context: Context, container_id: int, version: str, digest: str, spec: dict[str, Any]
) -> dict[str, Any]:
    return {
        "container_id": container_id,
        "version": version,
        "spec": {
            key: value for key, value in spec.items() if key not in (*_NOTES, "version", "name")
        },
        "digest": digest,
        "description": spec.get("description"),
        "tags": spec.get("tags") or {},
        "properties": spec.get("properties") or {},
        "archived": False,
        "created_at": context.now(),
        "created_by": context.who.name,
        "revision": 1,
    }


def _digest(spec: dict[str, Any]) -> str:
    text = json.dumps(_content(spec), sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _content(spec: dict[str, Any]) -> dict[str, Any]:
    return {
        key: value for key, value in spec.items() if key not in _NOT_CONTENT and value is not None
    }


def _content_is_there(context: Context, spec: dict[str, Any]) -> None:
    build: dict[str, Any] = spec.get("build") or {}
    places: list[Any] = [
        spec.get("path"),
        spec.get("code"),
        build.get("path"),
    ]
    for place in places:
        if not isinstance(place, str):
            continue
        found = references.parse(place)
        if isinstance(found, references.Tree):
            content.whole_tree(context, found.digest)
        if isinstance(found, references.Local):
            raise Invalid(
                f"{place!r} is a path on your own machine, which the server cannot see.",
                hint="The CLI and the SDK upload local paths. Over REST, upload a tree first.",
            )


def noun_of(kind: str) -> str:
    """As the command line calls it."""
    return kind.removesuffix("s")


def known(context: Context, home: AnyRow, kind: str, name: str, version: str) -> AssetRow:
    row = lookup(context, home.id, kind, name, version)
    if row is None:
        raise absent(kind, name, version)
    return row


def _is_built_in(shelf: Shelf, kind: str) -> bool:
    return (
        isinstance(shelf, Registry)
        and kind == "environments"
        and fold(shelf.name) == builtin.REGISTRY
    )


def absent(kind: str, name: str, version: str | None = None) -> NotFound:
    noun = {"data": "data asset"}.get(kind, noun_of(kind))
    if version is None:
        return NotFound(f"There is no {noun} named {name!r}.")
    if version.startswith("@") and version.lower() != "@latest":
        return NotFound(f"{name!r} has no label {version[1:]!r}.", hint="Known labels: latest.")
    shown = "a version that is not archived" if version.startswith("@") else f"version {version!r}"
    return NotFound(
        f"There is no {noun} {name!r} with {shown}.",
        hint=f"See: lazur {noun.split()[0]} list --name {name}",
    )
