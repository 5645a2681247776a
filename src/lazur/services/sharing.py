"""Assets that go from a workspace into a registry."""

from __future__ import annotations

from typing import Any

from lazur.errors import Invalid, Unsupported
from lazur.services import assets, checks, edges, events
from lazur.services.shelves import Registry, open_shelf, reference
from lazur.services.site import Context
from lazur.services.workspaces import open_workspace
from lazur.spec import references
from lazur.spec.references import Asset, Tree, Uri

_PLACES = ("path", "code")


def share(
    context: Context, workspace: str, kind: str, name: str, version: str, asked: dict[str, Any]
) -> dict[str, Any]:
    """`{"registry", "name", "version"}`: the same content there, under the same name and version
    unless others are given. Content is kept once, however many places name it."""
    home = open_workspace(context, workspace, f"workspaces/{kind}/read", kind, name)
    if unknown := sorted(set(asked) - {"registry", "name", "version"}):
        raise Invalid(f"There is no {unknown[0]!r} here.", hint="Known: registry, name, version.")
    target = open_shelf(
        context, Registry(checks.name(asked.get("registry"), "registry")), kind, "write"
    )
    row = assets.known(context, home, kind, name, version)
    there = checks.name(asked.get("name") or row.name)
    wanted = asked.get("version")
    if wanted is not None and not isinstance(wanted, str | int):
        raise Invalid("version must be text.")
    spec = {
        **row.spec,
        "name": there,
        "description": row.description,
        "tags": row.tags,
        "properties": row.properties,
    }
    _check_stands_alone(spec, target.name)
    made, new = assets.add(context, target, kind, there, str(wanted or row.version), spec)
    if new:
        origin = reference(home, kind, row.name, row.version)
        events.record(context, target, kind, there, "shared", version=made.version, origin=origin)
    edges.of_share(context, home, row, target, made)
    return assets.view(made, target)


def _check_stands_alone(spec: dict[str, Any], registry: str) -> None:
    """What lies in a workspace cannot be read from others."""
    for field in _PLACES:
        place = spec.get(field)
        if isinstance(place, str) and not isinstance(references.parse(place), Tree | Uri):
            raise Unsupported(
                f"{field}: {place!r} lies in this workspace, and others cannot read it.",
                hint="Register a copy from a local folder, and share that.",
            )
    environment = spec.get("environment")
    if isinstance(environment, str):
        found = references.parse(environment)
        if isinstance(found, Asset) and found.registry is None:
            raise Invalid(
                f"environment: {environment!r} is this workspace's own.",
                hint=f"Share the environment first, and name it "
                f"azureml://registries/{registry}/environments/{found.name}/versions/…",
            )
