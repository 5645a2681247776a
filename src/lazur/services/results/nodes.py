"""Nodes of the lineage graph as people see them: what they are called, who may see them, and what
is there of them now."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from lazur.engine.lineage import BUILDS, BUILT_IN, JOBS, SCHEDULES, TREES, URIS, Node
from lazur.errors import Invalid, NotFound
from lazur.services.assets import assets, edges, versions
from lazur.services.base.access import Resource
from lazur.services.base.site import Context
from lazur.services.base.times import iso
from lazur.services.base.workspaces import open_workspace
from lazur.services.jobs import jobs
from lazur.services.resources.registries import BUILT_IN as BUILT_IN_REGISTRY
from lazur.services.resources.shelves import Registry, Shelf, open_shelf
from lazur.spec import references
from lazur.spec.names import fold
from lazur.spec.references import Asset
from lazur.store import lineage as store
from lazur.store import schedules
from lazur.store.db import AnyRow
from lazur.store.workspaces import REGISTRY

READ = "workspaces/lineage/read"
_NAMED = {kind: assets.noun_of(kind) for kind in assets.KINDS}
NOUNS = {**_NAMED, JOBS: "job", SCHEDULES: "schedule"}
"""Kinds as people call them."""
_KINDS = {**{noun: kind for kind, noun in NOUNS.items()}, **{kind: kind for kind in NOUNS}}
_ID = re.compile(
    r"/(?P<room>workspaces|registries)/(?P<place>[^/]+)/(?P<kind>[a-z]+)/(?P<name>[^/]+)"
    r"(?:/versions/(?P<version>[^/]+))?"
)
_FORMS = (
    "Known forms: model:NAME:VERSION, data:NAME@latest, job:NAME, tree:HASH, a registry's "
    "azureml://…, a datastore's azureml://…, a URL, or an id."
)


class Eyes:
    """What one caller may see, from one workspace."""

    def __init__(self, context: Context, home: AnyRow) -> None:
        self._context = context
        self._home = home
        self._homes: dict[int, AnyRow | None] = {home.id: home}

    def learn(self, nodes: Collection[Node]) -> None:
        """Their homes, in one look."""
        unknown = {node.home for node in nodes} - {BUILT_IN, *self._homes}
        if unknown:
            self._homes |= {**dict.fromkeys(unknown), **store.homes(self._context.db, unknown)}

    def may(self, node: Node) -> bool:
        self.learn([node])
        home = self._homes.get(node.home)
        if node.home == BUILT_IN:
            return True
        if home is None or home.deleted_at is not None:
            return False
        kind = "lineage" if node.kind in (TREES, URIS, BUILDS) else node.kind
        if home.kind == REGISTRY:
            place = Resource(registry=home.name, kind=kind, name=node.name)
            return self._context.who.may("registries/assets/read", place)
        place = Resource(home.name, kind, node.name)
        return self._context.who.may(f"workspaces/{kind}/read", place)

    def id(self, node: Node) -> str:
        """As short as it can be written here; `show` reads it back."""
        version = f":{node.version}" if node.version else ""
        if node.kind == URIS:
            return node.name
        if node.kind == TREES:
            return f"tree:{node.name}"
        if node.kind == BUILDS:
            return f"build:{node.name}"
        if node.home == self._home.id:
            return f"{NOUNS[node.kind]}:{node.name}{version}"
        below = f"{node.kind}/{node.name}" + (f"/versions/{node.version}" if version else "")
        room, place = self.place(node)
        if room == "registry":
            return f"azureml://registries/{place}/{below}"
        return f"/workspaces/{place}/{below}"

    def place(self, node: Node) -> tuple[str, str]:
        """(workspace or registry, its name)."""
        if node.home == BUILT_IN:
            return "registry", BUILT_IN_REGISTRY
        home = self._homes[node.home]
        assert home is not None
        return ("registry" if home.kind == REGISTRY else "workspace"), home.name


def views(context: Context, eyes: Eyes, nodes: Collection[Node]) -> dict[Node, dict[str, Any]]:
    """Of nodes that may be seen."""
    named = [node for node in nodes if node.purged_at is None]
    rows = {
        **store.jobs_of(context.db, [node for node in named if node.kind == JOBS]),
        **store.schedules_of(context.db, [node for node in named if node.kind == SCHEDULES]),
        **store.assets_of(context.db, [node for node in named if node.kind in assets.KINDS]),
    }
    gone = [node for node in nodes if node.kind in NOUNS and node not in rows]
    purges = {
        (row.workspace_id, row.kind, row.name, str(row.data.get("version") or "")): row
        for row in store.purges_of(context.db, gone)
    }
    return {
        node: {
            **_head(eyes, node),
            **_now(node, rows.get(node)),
            **_purge(node, purges.get((*node[:3], node.shown_version))),
        }
        for node in nodes
    }


def find(context: Context, workspace: str, written: str, kind: str | None) -> Node:
    """What a person means. Raises NotFound for what neither is nor was."""
    home = open_workspace(context, workspace, READ)
    if (named := _ID.fullmatch(written)) is not None:
        shelf: Shelf = named["place"]
        shelf = Registry(named["place"]) if named["room"] == "registries" else shelf
        return _thing(context, shelf, _kind(named["kind"]), named["name"], named["version"])
    noun, colon, rest = written.partition(":")
    if colon and noun in _KINDS:
        return _thing(context, workspace, _KINDS[noun], *_split(rest))
    if colon and noun == "build":
        return _known(context, Node(home.id, BUILDS, rest), written)
    return _referred(context, home, written, kind)


def _head(eyes: Eyes, node: Node) -> dict[str, Any]:
    room, place = eyes.place(node)
    kind = {URIS: "uri", TREES: "tree", BUILDS: "build"}.get(node.kind) or NOUNS[node.kind]
    version = node.shown_version or None
    return {"id": eyes.id(node), "kind": kind, "name": node.name, "version": version, room: place}


def _now(node: Node, row: AnyRow | None) -> dict[str, Any]:
    if node.kind not in NOUNS or node.home == BUILT_IN:
        return {"state": "there"}
    if row is None:
        return {"state": "gone"}
    made = {"created_at": iso(row.created_at), "created_by": row.created_by}
    if node.kind == SCHEDULES:
        return {"state": "there" if row.is_enabled else "disabled", **made}
    state = "archived" if row.archived else "there"
    if node.kind != JOBS:
        trash = row.deleted_at is not None
        return {"state": "deleted" if trash else state, **made, "digest": row.digest}
    return {
        "state": state,
        **made,
        "status": row.state,
        "type": row.type,
        "experiment_name": row.experiment_name,
        "run_id": row.run_id,
        "started_at": iso(row.started_at),
        "ended_at": iso(row.ended_at),
    }


def _purge(node: Node, purge: AnyRow | None) -> dict[str, Any]:
    """What is left to say of something that is no longer there."""
    if purge is None and node.purged_at is None:
        return {}
    told = {"digest": purge.data.get("digest"), "purged_by": purge.who} if purge else {}
    at = node.purged_at or (purge.at if purge is not None else None)
    return {"state": "purged", "purged_at": iso(at), **told}


def _kind(written: str) -> str:
    if written not in _KINDS:
        raise Invalid(f"{written!r} has no lineage.", hint=f"Known: {', '.join(NOUNS.values())}.")
    return _KINDS[written]


def _split(rest: str) -> tuple[str, str | None]:
    """`name:3`, `name@latest`, `name`."""
    for mark in ("@", ":"):
        name, found, version = rest.rpartition(mark)
        if found:
            return name, f"@{version}" if mark == "@" else version
    return rest, None


def _thing(context: Context, shelf: Shelf, kind: str, name: str, version: str | None) -> Node:
    if kind == JOBS:
        return _job(context, shelf, name if version is None else f"{name}:{version}")
    if kind == SCHEDULES:
        return _schedule(context, shelf, name)
    home = open_shelf(context, shelf, kind, "read", name)
    if home.id == BUILT_IN:
        shown = assets.get(context, shelf, kind, name, version or "@latest")
        return Node(BUILT_IN, kind, shown["name"], shown["version"])
    row = versions.lookup(context, home.id, kind, name, version or "@latest")
    if row is not None:
        return Node(home.id, kind, name, row.version)
    node = Node(home.id, kind, name, version or "")
    found = store.purged(context.db, node) if version else None
    if found is not None or (version and store.is_known(context.db, node)):
        return found or node
    raise assets.absent(kind, name, version or "@latest")


def _job(context: Context, shelf: Shelf, name: str) -> Node:
    if isinstance(shelf, Registry):
        raise Invalid("Registries hold no jobs.")
    home = open_workspace(context, shelf, "workspaces/jobs/read", "jobs", name)
    try:
        row = jobs.find_row(context, shelf, name, "workspaces/jobs/read")
    except NotFound:
        found = store.purged(context.db, Node(home.id, JOBS, name))
        if found is None:
            raise
        return found
    return Node(home.id, JOBS, row.name)


def _schedule(context: Context, shelf: Shelf, name: str) -> Node:
    if isinstance(shelf, Registry):
        raise Invalid("Registries hold no schedules.")
    home = open_workspace(context, shelf, "workspaces/schedules/read", SCHEDULES, name)
    row = schedules.by_name(context.db, home.id, fold(name))
    node = Node(home.id, SCHEDULES, name if row is None else row.name)
    if row is None and not store.is_known(context.db, node):
        raise NotFound(f"There is no schedule {name!r}.", hint="See: lazur schedule list")
    return node


def _referred(context: Context, home: AnyRow, written: str, kind: str | None) -> Node:
    found = references.parse(written)
    if isinstance(found, Asset):
        family = found.kind or (_kind(kind) if kind else None)
        if family is None:
            raise Invalid(
                f"{written!r} does not say what it is.",
                hint=f"Write model:{found.name} or data:{found.name}, or give --type.",
            )
        shelf: Shelf = Registry(found.registry) if found.registry else home.name
        label = f"@{found.label}" if found.label else None
        return _thing(context, shelf, family, found.name, found.version or label)
    nodes = edges.sources(context, home, written, "data")
    if not nodes:
        raise Invalid(f"{written!r} has no lineage.", hint=_FORMS)
    if nodes[0].kind == JOBS:
        return _job(context, home.name, nodes[0].name)
    return _known(context, nodes[0], written)


def _known(context: Context, node: Node, written: str) -> Node:
    if not store.is_known(context.db, node):
        raise NotFound(f"Nothing here was made of {written!r}, and nothing wrote it.", hint=_FORMS)
    return node
