"""What a purge would leave without its origin, and what is left of the purged in lineage."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence

from lazur.engine.lineage import JOBS, Node
from lazur.errors import Invalid
from lazur.services.assets import assets
from lazur.services.assets.versions import LATEST
from lazur.services.base import parts
from lazur.services.base.site import Context
from lazur.services.results.nodes import Eyes
from lazur.spec import references
from lazur.spec.names import fold
from lazur.spec.references import Asset
from lazur.store import lineage as store
from lazur.store.assets import AssetRow, everything, labels_by_asset, newest
from lazur.store.db import AnyRow
from lazur.store.workspaces import REGISTRY

_MOST = 10_000
UNSEEN = "something that you may not see"


def find(context: Context, home: AnyRow, rows: Sequence[AssetRow]) -> dict[int, list[str]]:
    """By the assets' row ids: jobs and assets that came of them and are still here, apart from
    those that go as well."""
    going = {_node(row): row.id for row in rows}
    eyes = Eyes(context, home)
    edges = store.of(context.db, going, up=False, most=_MOST)
    here = _here(context, {edge.target for edge in edges} - set(going))
    eyes.learn(here)
    needed: dict[int, dict[str, None]] = defaultdict(dict)
    for asset_id, user in _named(context, home, rows):
        needed[asset_id][eyes.id(user)] = None
    for edge in edges:
        if edge.target in here:
            name = eyes.id(edge.target) if eyes.may(edge.target) else UNSEEN
            needed[going[edge.source]][name] = None
    return {asset_id: list(names) for asset_id, names in needed.items()}


def bury(context: Context, rows: Sequence[AssetRow]) -> None:
    """The rows are purged. What came of them keeps a name for where it came from."""
    for row in rows:
        store.bury(context.db, _node(row), context.now())


def _named(context: Context, home: AnyRow, rows: Sequence[AssetRow]) -> Iterator[tuple[int, Node]]:
    """Components that are here and name one of them: as a version, by a label that it has, or as
    the latest where no other is left. What goes as well is no longer here."""
    going = {(row.kind, row.name): _Names(context, home, row.kind, row.name) for row in rows}
    wanted = {row.id for row in rows}
    for user in everything(context.db, home.id, "components") if going else ():
        if user.deleted_at is not None:
            continue
        for part in parts.find(user.kind, user.spec):
            found = _asset(home, part.text)
            names = going.get((found.kind or part.kind, found.name)) if found else None
            meant = names.meant(found) if found and names else None
            if meant is not None and meant in wanted:
                yield meant, _node(user)


class _Names:
    """What names of an asset mean, once what lies in the trash is counted as well."""

    def __init__(self, context: Context, home: AnyRow, kind: str, name: str) -> None:
        rows = everything(context.db, home.id, kind, [name])
        labels = labels_by_asset(context.db, [row.id for row in rows])
        self._versions = {row.version: row.id for row in rows}
        self._labels = {label: row_id for row_id, all_ in labels.items() for label in all_}
        here = newest(context.db, home.id, kind, name)
        self._latest = here.id if here is not None else max(self._versions.values())

    def meant(self, found: Asset) -> int | None:
        if found.version is not None:
            return self._versions.get(found.version)
        label = found.label or LATEST
        return self._latest if label.lower() == LATEST else self._labels.get(label)


def _asset(home: AnyRow, text: str) -> Asset | None:
    """What a text names in this place."""
    try:
        found = references.parse(text)
    except Invalid:
        return None
    own = fold(home.name) if home.kind == REGISTRY else None
    if not isinstance(found, Asset) or (found.registry and fold(found.registry)) != own:
        return None
    return found


def _here(context: Context, nodes: Collection[Node]) -> set[Node]:
    jobs = [node for node in nodes if node.kind == JOBS]
    others = [node for node in nodes if node.kind in assets.KINDS]
    there = store.assets_of(context.db, others)
    return {
        *store.jobs_of(context.db, jobs),
        *(node for node, row in there.items() if row.deleted_at is None),
    }


def _node(row: AssetRow) -> Node:
    return Node(row.workspace_id, row.kind, row.name, row.version)
