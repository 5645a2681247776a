"""OpenLineage events as they happen: noted in the transaction that makes them, sent later by a
loop. A catalogue that does not answer holds up no job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import lazur
from lazur.engine.openlineage import Exporter
from lazur.engine.states import State
from lazur.errors import NotFound
from lazur.services.base.site import Context, Site
from lazur.services.base.times import iso
from lazur.services.results import lineage
from lazur.store import posts as store
from lazur.store.db import AnyRow
from lazur.store.jobs import JobRow

START = "START"
_ENDS = {State.COMPLETED: "COMPLETE", State.FAILED: "FAIL", State.CANCELED: "ABORT"}


def begun(context: Context, row: JobRow, values: Mapping[str, Any]) -> None:
    """The job's row has just got `values`, short of its end."""
    started = values.get("started_at")
    if started is not None and row.started_at is None:
        _note(context, row, START, started)


def ended(context: Context, row: JobRow, values: Mapping[str, Any]) -> None:
    """Likewise, and they end it. Each job has a start, however short it was."""
    if row.started_at is None:
        _note(context, row, START, values.get("started_at") or values["ended_at"])
    _note(context, row, _ENDS[State(values["state"])], values["ended_at"])


def event(site: Site, post: AnyRow) -> dict[str, Any] | None:
    """What is to be sent. None: the job was purged meanwhile, and nothing is left to say."""
    with site.context(write=False) as context:
        try:
            graph = lineage.show(context, post.workspace, f"job:{post.job}", depth=1)
        except NotFound:
            return None
    nodes = {node["id"]: node for node in graph["nodes"] if node["kind"] != "hidden"}
    exporter = Exporter(site.url(), post.workspace, lazur.__version__)
    root = nodes[graph["root"]]
    return exporter.event(root, nodes, graph["edges"], post.type, iso(post.at))


def _note(context: Context, row: JobRow, what: str, at: float) -> None:
    if context.site.openlineage_url:
        store.add(context.db, row.workspace_id, row.name, what, at, context.now())
        context.publish("due", "posts")
