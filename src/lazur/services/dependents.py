"""What a purge would leave without its origin, and what is left of the purged in lineage."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

from lazur.engine.lineage import JOBS, Node
from lazur.services import assets
from lazur.services.nodes import Eyes
from lazur.services.site import Context
from lazur.store import lineage as store
from lazur.store.assets import AssetRow
from lazur.store.db import AnyRow

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
    for edge in edges:
        if edge.target in here:
            name = eyes.id(edge.target) if eyes.may(edge.target) else UNSEEN
            needed[going[edge.source]][name] = None
    return {asset_id: list(names) for asset_id, names in needed.items()}


def bury(context: Context, rows: Sequence[AssetRow]) -> None:
    """The rows are purged. What came of them keeps a name for where it came from."""
    for row in rows:
        store.bury(context.db, _node(row), context.now())


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
