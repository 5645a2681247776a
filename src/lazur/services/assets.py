"""Versioned assets: one mechanism for data, models, environments, components and code."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from lazur.errors import Conflict, Invalid, NotFound, PreconditionFailed
from lazur.services import checks, content, events
from lazur.services.access import Resource
from lazur.services.site import Context
from lazur.services.times import iso
from lazur.services.workspaces import open_workspace
from lazur.spec import references
from lazur.store import assets as store
from lazur.store.assets import AssetRow
from lazur.store.jobs import JobRow
from lazur.store.pages import Query

KINDS = ("environments", "data", "models", "components", "codes")

_NOTES = ("description", "tags", "properties")
_CHANGEABLE = (*_NOTES, "archived")
_NOT_CONTENT = frozenset({*_NOTES, "version", "name", "$schema"})


def create(context: Context, workspace: str, kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    """A new version: the one given, or the next number. Creating what is there gives that."""
    context.require(f"workspaces/{kind}/write", Resource(workspace, kind))
    checked = checks.asset(kind, spec)
    name = checks.name(spec.get("name"))
    with context.looking() as early:
        home = open_workspace(early, workspace, f"workspaces/{kind}/write")
        _content_is_there(early, checked)
    version = str(spec["version"]) if spec.get("version") is not None else None
    row = _add(context, home.id, kind, name, version, checked)
    events.record(context, home, kind, name, "created", version=row.version)
    return view(row, home.name)


def get(context: Context, workspace: str, kind: str, name: str, version: str) -> dict[str, Any]:
    home = open_workspace(context, workspace, f"workspaces/{kind}/read", kind, name)
    return view(find_row(context, workspace, kind, name, version), home.name)


def find(context: Context, workspace: str, kind: str, query: Query) -> dict[str, Any]:
    home = open_workspace(context, workspace, f"workspaces/{kind}/read")
    page = store.page(context.db, home.id, kind, query)
    return {"value": [view(row, home.name) for row in page.rows], "next": page.next}


def versions(
    context: Context, workspace: str, kind: str, name: str, query: Query
) -> dict[str, Any]:
    home = open_workspace(context, workspace, f"workspaces/{kind}/read", kind, name)
    page = store.versions(context.db, home.id, kind, name, query)
    if (
        not page.rows
        and query.cursor is None
        and store.container(context.db, home.id, kind, name) is None
    ):
        raise _absent(kind, name)
    return {"value": [view(row, home.name) for row in page.rows], "next": page.next}


def update(
    context: Context,
    workspace: str,
    kind: str,
    name: str,
    version: str,
    changes: dict[str, Any],
    etag: str | None = None,
) -> dict[str, Any]:
    """Notes and the archived flag; what the asset is never changes."""
    home = open_workspace(context, workspace, f"workspaces/{kind}/write", kind, name)
    row = find_row(context, workspace, kind, name, version, f"workspaces/{kind}/write")
    values = checks.changes(changes, _CHANGEABLE)
    seen = None if etag is None else row.revision
    if etag not in (None, str(row.revision)) or not store.change(
        context.db, row.id, seen, **values
    ):
        raise PreconditionFailed(
            f"{name}:{row.version} has changed since you read it.", hint="Read it again."
        )
    events.record(context, row, kind, name, "updated", version=row.version, fields=sorted(values))
    changed = store.version(context.db, row.workspace_id, kind, name, row.version)
    assert changed is not None
    return view(changed, home.name)


def archive_container(
    context: Context, workspace: str, kind: str, name: str, changes: dict[str, Any]
) -> dict[str, Any]:
    """Archive or restore all versions at once."""
    home = open_workspace(context, workspace, f"workspaces/{kind}/write", kind, name)
    row = store.container(context.db, home.id, kind, name)
    if row is None:
        raise _absent(kind, name)
    values = checks.changes(changes, ("archived",))
    store.change_container(context.db, row.id, **values)
    events.record(context, home, kind, name, "updated", fields=sorted(values))
    return {"name": name, "archived": values.get("archived", row.archived)}


def find_row(
    context: Context, workspace: str, kind: str, name: str, version: str, action: str | None = None
) -> AssetRow:
    """`version` is a version, or `@label`; `@latest` is the newest that is not archived."""
    home = open_workspace(context, workspace, action or f"workspaces/{kind}/read", kind, name)
    row = lookup(context, home.id, kind, name, version)
    if row is None:
        raise _absent(kind, name, version)
    return row


def lookup(
    context: Context, workspace_id: int, kind: str, name: str, version: str
) -> AssetRow | None:
    if not version.startswith("@"):
        return store.version(context.db, workspace_id, kind, name, version)
    if version.lower() != "@latest":
        return None
    return store.newest(context.db, workspace_id, kind, name)


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
            made = _add(context, row.workspace_id, kind, name, output.get("asset_version"), spec)
        except Conflict as error:
            notes.append(f"outputs.{output['name']} was not registered: {error.message}")
            continue
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


def view(row: AssetRow, workspace: str) -> dict[str, Any]:
    return {
        **row.spec,
        "id": f"/workspaces/{workspace}/{row.kind}/{row.name}/versions/{row.version}",
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
) -> AssetRow:
    digest = _digest(spec)
    box = store.container(context.db, workspace_id, kind, name, lock=True)
    if box is None:
        store.add_container(context.db, workspace_id, kind, name, context.now())
        box = store.container(context.db, workspace_id, kind, name, lock=True)
    assert box is not None
    if version is None:
        newest = store.newest(context.db, workspace_id, kind, name)
        if newest is not None and newest.digest == digest:
            return newest
        version = str(box.next_version)
    there = store.version(context.db, workspace_id, kind, name, version)
    if there is not None:
        return _same_or_conflict(there, digest, spec)
    store.add(context.db, _values(context, box.id, version, digest, spec))
    number = int(version) + 1 if version.isdigit() and len(version) < 9 else 0
    store.change_container(
        context.db, box.id, next_version=max(box.next_version, number), archived=False
    )
    made = store.version(context.db, workspace_id, kind, name, version)
    assert made is not None
    return made


def _same_or_conflict(there: AssetRow, digest: str, spec: dict[str, Any]) -> AssetRow:
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


def _absent(kind: str, name: str, version: str | None = None) -> NotFound:
    noun = {"data": "data asset"}.get(kind, kind.rstrip("s"))
    if version is None:
        return NotFound(f"There is no {noun} named {name!r}.")
    if version.startswith("@") and version.lower() != "@latest":
        return NotFound(f"{name!r} has no label {version[1:]!r}.", hint="Known labels: latest.")
    shown = "a version that is not archived" if version.startswith("@") else f"version {version!r}"
    return NotFound(
        f"There is no {noun} {name!r} with {shown}.",
        hint=f"See: lazur {noun.split()[0]} list --name {name}",
    )
