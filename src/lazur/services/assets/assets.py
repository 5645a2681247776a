"""Versioned assets: one mechanism for data, models, environments, components and code."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from lazur.errors import Conflict, Invalid, NotFound, PreconditionFailed
from lazur.services.assets import edges, far_models, labels, model_facts, registered_models
from lazur.services.assets.versions import (
    NOTES,
    absent,
    differences,
    digest,
    filled,
    is_same,
    known,
    noun_of,
)
from lazur.services.assets.versions import content as content_of
from lazur.services.base import builtin, checks, events, parts, strangers
from lazur.services.base.events import Change
from lazur.services.base.site import Context
from lazur.services.base.times import iso
from lazur.services.content import content, stored
from lazur.services.resources.shelves import Registry, Shelf, open_shelf, reference
from lazur.spec import references
from lazur.spec.names import fold
from lazur.store import assets as store
from lazur.store import workspaces
from lazur.store.assets import AssetRow
from lazur.store.db import AnyRow
from lazur.store.jobs import JobRow
from lazur.store.pages import Query

KINDS = ("environments", "data", "models", "components", "codes")

_CHANGEABLE = (*NOTES, "archived", "labels")
_TOLD = 5
"""Differences that a message names."""
_WIDE = 60


def create(context: Context, shelf: Shelf, kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    """A new version: the one given, or the next number. Creating what is there gives that."""
    with context.looking() as early:
        home = open_shelf(early, shelf, kind, "write")
        checked, warnings = checks.asset(kind, spec)
        name = checks.name(spec.get("name"))
        warnings = [*warnings, *strangers.noted(early, home, checked)]
        _content_is_there(early, kind, checked)
        wanted = labels.checked(spec.get("labels") or [])
        elsewhere = None
        if kind == "models":
            checked = model_facts.found(early, home, checked)
            elsewhere = far_models.of(early, home, checked)
        elif kind == "data":
            checked = model_facts.located(early, home, checked, kind)
    checked, unread = far_models.told(checked, elsewhere)
    warnings = [*warnings, *unread]
    version = str(spec["version"]) if spec.get("version") is not None else None
    row, new = _add(context, home, kind, name, version, checked)
    if wanted:
        labels.put(context, home, row, wanted)
    if new:
        events.record(context, home, kind, name, "created", version=row.version)
        edges.of_asset(context, home, row, spec)
    made = _views(context, [row], home)[0]
    return {**made, "warnings": warnings} if warnings else made


def get(context: Context, shelf: Shelf, kind: str, name: str, version: str) -> dict[str, Any]:
    home = open_shelf(context, shelf, kind, "read", name)
    if _is_built_in(shelf, kind):
        return builtin.get(name, None if version.lower() == "@latest" else version)
    return _views(context, [known(context, home, kind, name, version)], home)[0]


def find(context: Context, shelf: Shelf, kind: str, query: Query) -> dict[str, Any]:
    home = open_shelf(context, shelf, kind, "read")
    if _is_built_in(shelf, kind):
        return {"value": builtin.all_(), "next": None}
    page = store.page(context.db, home.id, kind, query)
    return {"value": _views(context, page.rows, home), "next": page.next}


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
    return {"value": _views(context, page.rows, home), "next": page.next}


def update(
    context: Context,
    shelf: Shelf,
    kind: str,
    name: str,
    version: str,
    changes: dict[str, Any],
    etag: str | None = None,
) -> dict[str, Any]:
    """Notes, labels, a model's stage, and the archived flag; what the asset is never changes."""
    home = open_shelf(context, shelf, kind, "write", name)
    row = known(context, home, kind, name, version)
    told, before = _changes(context, row, changes)
    values = {key: value for key, value in told.items() if key not in ("labels", "stage")}
    if "labels" in told:
        labels.put(context, home, row, told["labels"])
    if "stage" in told:
        values["spec"] = {**row.spec, "stage": told["stage"]}
    seen = None if etag is None else row.revision
    if etag not in (None, str(row.revision)) or not store.change(
        context.db, row.id, seen, **values
    ):
        raise PreconditionFailed(
            f"{name}:{row.version} has changed since you read it.", hint="Read it again."
        )
    changed = known(context, home, kind, name, row.version)
    registered_models.tell(context, home, changed)
    change = Change(before, told)
    fields = sorted(told)
    events.record(context, row, kind, name, "updated", change, version=row.version, fields=fields)
    return _views(context, [changed], home)[0]


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


def add(
    context: Context, home: AnyRow, kind: str, name: str, version: str | None, spec: dict[str, Any]
) -> tuple[AssetRow, bool]:
    """A version of content that is known to be there, and whether it is new. Whoever calls may."""
    return _add(context, home, kind, name, version, spec)


def register_outputs(context: Context, row: JobRow) -> list[str]:
    """Outputs that were given a name become data or model assets. Twice is once: the content
    decides. Returns what could not be registered, and why; the outputs themselves are kept."""
    notes: list[str] = []
    named = [output for output in row.resolved["outputs"] if output.get("asset_name")]
    if not named:
        return notes
    home = workspaces.by_id(context.db, row.workspace_id)
    assert home is not None
    for output in named:
        name = output["asset_name"]
        kind = "models" if output["type"].endswith("_model") else "data"
        spec = {"type": output["type"], "path": output["uri"], "name": name}
        if kind == "data":
            spec["description"] = f"Output {output['name']} of job {row.name}"
        try:
            version = output.get("asset_version")
            if kind == "models":
                spec = model_facts.found(context, home, {**spec, "job_name": row.name})
                spec, unread = _as_was_seen(spec, output.get("model"))
                notes += [f"outputs.{output['name']}: {warning}" for warning in unread]
            made, _ = _add(context, home, kind, name, version, spec, row.created_by)
        except (Conflict, Invalid, NotFound) as error:
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


def _as_was_seen(
    spec: dict[str, Any], seen: dict[str, Any] | None
) -> tuple[dict[str, Any], list[str]]:
    """With what the files of a model elsewhere say, which were read before the transaction."""
    if seen is None:
        return spec, []
    if "fault" in seen:
        raise Invalid(str(seen["fault"]))
    return {**spec, **seen["told"]}, seen["warnings"]


def view(row: AssetRow, home: AnyRow, labelled: list[str] | None = None) -> dict[str, Any]:
    """`home` is the row of the place where it lies."""
    return {
        **filled(row.kind, row.spec),
        "id": reference(home, row.kind, row.name, row.version),
        "name": row.name,
        "version": row.version,
        "description": row.description,
        "tags": row.tags,
        "labels": labelled or [],
        "properties": row.properties,
        "creation_context": {
            "created_at": iso(row.created_at),
            "created_by": row.created_by,
            "created_by_type": "User",
        },
        "archived": row.archived or row.container_archived,
        "etag": str(row.revision),
    }


def _views(context: Context, rows: Sequence[AssetRow], home: AnyRow) -> list[dict[str, Any]]:
    found = store.labels_by_asset(context.db, [row.id for row in rows])
    return [view(row, home, found.get(row.id)) for row in rows]


def _changes(
    context: Context, row: AssetRow, changes: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is to be, and what was. A model whose stage is Archived is archived, as in MLflow."""
    allowed = (*_CHANGEABLE, "stage") if row.kind == "models" else _CHANGEABLE
    told = checks.changes({k: v for k, v in changes.items() if k != "labels"}, allowed)
    if str(told.get("stage")).lower() == "archived":
        del told["stage"]
        told["archived"] = True
    before = {key: row.spec.get(key) if key == "stage" else getattr(row, key) for key in told}
    if "labels" in changes:
        told["labels"] = labels.checked(changes["labels"])
        before["labels"] = store.labels_by_asset(context.db, [row.id]).get(row.id, [])
    return told, before


def _add(
    context: Context,
    home: AnyRow,
    kind: str,
    name: str,
    version: str | None,
    spec: dict[str, Any],
    person: str | None = None,
) -> tuple[AssetRow, bool]:
    """`person`: whose it is, where the server itself registers it."""
    workspace_id, spec = home.id, filled(kind, spec)
    if kind == "models":
        registered_models.agree(context, home.id, [name])
    box = store.container(context.db, workspace_id, kind, name, lock=True)
    if box is None:
        store.add_container(context.db, workspace_id, kind, name, context.now())
        box = store.container(context.db, workspace_id, kind, name, lock=True)
    assert box is not None
    if version is None:
        newest = store.newest(context.db, workspace_id, kind, name)
        if newest is not None and is_same(newest, spec):
            return newest, False
        least = registered_models.next_version(context, home, kind, name)
        version = str(max(box.next_version, least))
    there = store.version(context.db, workspace_id, kind, name, version, trash=True)
    if there is not None:
        return _same_or_conflict(there, spec), False
    person = person or stored.maker(context, workspace_id)[0]
    store.add(context.db, _values(context, box.id, version, spec, person))
    stored.keep_trees(context, workspace_id, spec)
    number = int(version) + 1 if version.isdigit() and len(version) < 9 else 0
    store.change_container(
        context.db, box.id, next_version=max(box.next_version, number), archived=False
    )
    made = store.version(context.db, workspace_id, kind, name, version)
    assert made is not None
    registered_models.publish(context, home, made)
    return known(context, home, kind, name, version), True


def _same_or_conflict(there: AssetRow, spec: dict[str, Any]) -> AssetRow:
    if there.deleted_at is not None:
        noun = noun_of(there.kind)
        raise Conflict(
            f"{there.name}:{there.version} lies in the trash.",
            hint=f"Take it out: lazur {noun} restore -n {there.name} -v {there.version}. "
            f"Or free it for good: lazur {noun} purge -n {there.name}",
        )
    if is_same(there, spec):
        return there
    found = differences(content_of(filled(there.kind, there.spec)), content_of(spec))
    more = f" and {len(found) - _TOLD} more" if len(found) > _TOLD else ""
    told = "; ".join(
        f"{field}: {_short(was)} there, {_short(now)} here"
        for field, (was, now) in list(found.items())[:_TOLD]
    )
    raise Conflict(
        f"{there.name}:{there.version} exists already with other content.",
        hint=f"Different: {told}{more}. Leave `version` out to get the next one.",
        differs=sorted({field.split(".")[0] for field in found}),
        differences={field: list(pair) for field, pair in found.items()},
    )


def _short(value: Any) -> str:
    text = "nothing" if value is None else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _WIDE else f"{text[:_WIDE]}…"


def _values(
    context: Context, container_id: int, version: str, spec: dict[str, Any], person: str
) -> dict[str, Any]:
    return {
        "container_id": container_id,
        "version": version,
        "spec": {
            key: value for key, value in spec.items() if key not in (*NOTES, "version", "name")
        },
        "digest": digest(spec),
        "description": spec.get("description"),
        "tags": spec.get("tags") or {},
        "properties": spec.get("properties") or {},
        "archived": False,
        "created_at": context.now(),
        "created_by": person,
        "revision": 1,
    }


def _content_is_there(context: Context, kind: str, spec: dict[str, Any]) -> None:
    for part in parts.find(kind, spec):
        found = references.parse(part.text)
        if isinstance(found, references.Tree):
            content.whole_tree(context, found.digest)
        if isinstance(found, references.Local) and part.key == "environment":
            raise Invalid(
                f"{part.where}: {part.text!r} does not name an environment.",
                hint="Use azureml:<name>:<version>, azureml:<name>@latest, or one written out.",
            )
        if isinstance(found, references.Local):
            raise Invalid(
                f"{part.where}: {part.text!r} is a path on your own machine, which the server "
                "cannot see.",
                hint="The CLI and the SDK upload local paths. Over REST, upload a tree first.",
            )


def _is_built_in(shelf: Shelf, kind: str) -> bool:
    return (
        isinstance(shelf, Registry)
        and kind == "environments"
        and fold(shelf.name) == builtin.REGISTRY
    )
