"""Assets that go from a workspace into a registry."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from lazur.engine import paths
from lazur.errors import Invalid, NotFound, Unsupported
from lazur.services import assets, checks, content, edges, events, far, parts
from lazur.services.parts import Part
from lazur.services.shelves import Registry, open_shelf, reference
from lazur.services.site import Context
from lazur.services.workspaces import open_workspace
from lazur.spec import references
from lazur.spec.references import Asset, Bound, DatastorePath, Reference, Tree, Uri
from lazur.store.assets import AssetRow
from lazur.store.db import AnyRow


def share(
    context: Context, workspace: str, kind: str, name: str, version: str, asked: dict[str, Any]
) -> dict[str, Any]:
    """`{"registry", "name", "version"}`: the same content there, under the same name and version
    unless others are given. Content is kept once, however many places name it."""
    if unknown := sorted(set(asked) - {"registry", "name", "version"}):
        raise Invalid(f"There is no {unknown[0]!r} here.", hint="Known: registry, name, version.")
    wanted = asked.get("version")
    if wanted is not None and not isinstance(wanted, str | int):
        raise Invalid("version must be text.")
    with context.looking() as early:
        home = open_workspace(early, workspace, f"workspaces/{kind}/read", kind, name)
        shelf = Registry(checks.name(asked.get("registry"), "registry"))
        target = open_shelf(early, shelf, kind, "write")
        row = assets.known(early, home, kind, name, version)
        there = checks.name(asked.get("name") or row.name)
        spec = _standing_alone(early, home, row, target.name)
    made, new = assets.add(context, target, kind, there, str(wanted or row.version), spec)
    if new:
        origin = reference(home, kind, row.name, row.version)
        events.record(context, target, kind, there, "shared", version=made.version, origin=origin)
    edges.of_share(context, home, row, target, made)
    return assets.view(made, target)


def _standing_alone(
    context: Context, home: AnyRow, row: AssetRow, registry: str
) -> dict[str, Any]:
    """As it is there: what lies in a store of the workspace, which others cannot read, is copied
    into the content that all share."""
    notes = {"description": row.description, "tags": row.tags, "properties": row.properties}
    kept = {key: value for key, value in row.spec.items() if key != "job_name"}
    spec = deepcopy(kept) | notes
    for part in parts.find(row.kind, spec):
        found = references.parse(part.text)
        if isinstance(found, Tree):
            content.whole_tree(context, found.digest)
        elif isinstance(found, DatastorePath) and far.is_here(context, home.id, found.datastore):
            part.holder[part.key] = f"tree:{_copied(context, home, found, part.where)}"
        else:
            _check_stands_alone(part, found, registry)
    return spec


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
