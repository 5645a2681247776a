"""Assets that go from a workspace into a registry."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

from lazur.engine import paths
from lazur.errors import Invalid, NotFound, Unsupported
from lazur.services.assets import assets, edges, shares
from lazur.services.base import checks, events, parts
from lazur.services.base.access import Principal
from lazur.services.base.parts import Part
from lazur.services.base.site import Context, Site
from lazur.services.base.workspaces import open_workspace
from lazur.services.content import content, datastores, far, far_trees, stored
from lazur.services.content.far import Far
from lazur.services.resources.resources import DATASTORES
from lazur.services.resources.shelves import Registry, open_shelf, reference
from lazur.spec import references
from lazur.spec.names import fold
from lazur.spec.references import Asset, Bound, DatastorePath, Reference, Tree, Uri
from lazur.store import resources
from lazur.store.assets import AssetRow
from lazur.store.db import AnyRow
from lazur.transfer import Manner


@dataclass(frozen=True)
class Wanted:
    """What is to stand where, and what has to be copied for that first."""

    home: AnyRow
    row: AssetRow
    target: AnyRow
    name: str
    version: str
    spec: dict[str, Any]
    far: list[tuple[Part, DatastorePath, Far]]


def share(
    context: Context, workspace: str, kind: str, name: str, version: str, asked: dict[str, Any]
) -> dict[str, Any]:
    """`{"registry", "name", "version"}`: the same content there, under the same name and version
    unless others are given. Content is kept once, however many places name it. What lies in a
    store elsewhere is copied first, by a loop: the answer is `{"state": "copying", …}` then."""
    with context.looking() as early:
        wanted = look(early, workspace, kind, name, version, asked)
    if wanted.far:
        return shares.begin(
            context,
            wanted.home,
            wanted.target,
            {"of": [kind, wanted.row.name, wanted.row.version], "as": asked},
        )
    return put(context, wanted)


def look(
    context: Context, workspace: str, kind: str, name: str, version: str, asked: dict[str, Any]
) -> Wanted:
    """Raises where the caller may not, or it cannot be."""
    if unknown := sorted(set(asked) - {"registry", "name", "version"}):
        raise Invalid(f"There is no {unknown[0]!r} here.", hint="Known: registry, name, version.")
    number = asked.get("version")
    if number is not None and not isinstance(number, str | int):
        raise Invalid("version must be text.")
    home = open_workspace(context, workspace, f"workspaces/{kind}/read", kind, name)
    shelf = Registry(checks.name(asked.get("registry"), "registry"))
    target = open_shelf(context, shelf, kind, "write")
    row = assets.known(context, home, kind, name, version)
    there = checks.name(asked.get("name") or row.name)
    spec, far_ones = _standing_alone(context, home, row, target.name)
    return Wanted(home, row, target, there, str(number or row.version), spec, far_ones)


def copied(site: Site, who: Principal, wanted: Wanted, manner: Manner) -> Wanted:
    """With everything in the content that all share. Takes as long as reading it: call it outside
    of a transaction. What it did stays done, wherever it is broken off."""
    for part, place, found in wanted.far:
        stored.check_upload(site, who, wanted.target.id, 1)
        source = json.dumps([wanted.home.id, str(place)])
        part.holder[part.key] = f"tree:{far_trees.taken(site, found, source, part.where, manner)}"
    return replace(wanted, far=[])


def put(context: Context, wanted: Wanted) -> dict[str, Any]:
    home, row, target = wanted.home, wanted.row, wanted.target
    made, new = assets.add(context, target, row.kind, wanted.name, wanted.version, wanted.spec)
    if new:
        origin = reference(home, row.kind, row.name, row.version)
        told = {"version": made.version, "origin": origin}
        events.record(context, target, row.kind, wanted.name, "shared", **told)
    edges.of_share(context, home, row, target, made)
    return assets.view(made, target)


def _standing_alone(
    context: Context, home: AnyRow, row: AssetRow, registry: str
) -> tuple[dict[str, Any], list[tuple[Part, DatastorePath, Far]]]:
    """As it is there: what lies in a store of the workspace, which others cannot read, is copied
    into the content that all share. And what of it lies elsewhere, and is not copied yet."""
    notes = {"description": row.description, "tags": row.tags, "properties": row.properties}
    kept = {key: value for key, value in row.spec.items() if key != "job_name"}
    spec, far_ones = deepcopy(kept) | notes, list[tuple[Part, DatastorePath, Far]]()
    for part in parts.find(row.kind, spec):
        found = references.parse(part.text)
        if isinstance(found, Tree):
            content.whole_tree(context, found.digest)
        elif isinstance(found, DatastorePath) and far.is_here(context, home.id, found.datastore):
            part.holder[part.key] = f"tree:{_copied(context, home, found, part.where)}"
        elif isinstance(found, DatastorePath) and _is_read(context, home, found):
            far_ones.append((part, found, far.at(context, home, found)))
        else:
            _check_stands_alone(part, found, registry)
    return spec, far_ones


def _is_read(context: Context, home: AnyRow, place: DatastorePath) -> bool:
    row = resources.by_name(context.db, DATASTORES.kind, home.id, fold(place.datastore))
    return row is not None and datastores.is_read(row.type)


def _copied(context: Context, home: AnyRow, place: DatastorePath, field: str) -> str:
    inside = place.path.strip("/")
    paths.check(inside)
    root = context.site.home.datastore(home.name, place.datastore)
    try:
        return content.taken(context, root, inside)
    except NotFound:
        raise NotFound(f"{field}: there is nothing at {str(place)!r}.") from None


def _check_stands_alone(part: Part, found: Reference, registry: str) -> None:
    """What lies in a workspace cannot be read from others."""
    if isinstance(found, Uri | Bound) or (isinstance(found, Asset) and found.registry):
        return
    if isinstance(found, Asset) and (kind := found.kind or part.kind) != "codes":
        noun = assets.noun_of(kind)
        raise Invalid(
            f"{part.where}: {part.text!r} is this workspace's own.",
            hint=f"Share it first: lazur {noun} share -n {found.name}. Then name it "
            f"azureml://registries/{registry}/{kind}/{found.name}/versions/…",
        )
    raise Unsupported(
        f"{part.where}: {part.text!r} lies in this workspace, and others cannot read it.",
        hint="Register a copy from a local folder, and share that.",
    )
