"""Computes: where jobs run, and who holds what there."""

from __future__ import annotations

from typing import Any

from lazur.engine.contracts import HasCapacity
from lazur.services.base.site import Context
from lazur.services.base.workspaces import open_workspace
from lazur.services.resources import clusters
from lazur.spec.names import fold
from lazur.store import clusters as cluster_store
from lazur.store import jobs
from lazur.store import workspaces as store
from lazur.store.db import AnyRow


def find(context: Context, workspace: str) -> dict[str, Any]:
    home = open_workspace(context, workspace, "workspaces/computes/read")
    servers = [view(context, home, row) for row in store.all_computes(context.db)]
    return {"value": [*servers, *clusters.find(context, home)], "next": None}


def get(context: Context, workspace: str, name: str) -> dict[str, Any]:
    home = open_workspace(context, workspace, "workspaces/computes/read")
    cluster = cluster_store.by_name(context.db, home.id, fold(name))
    if cluster is not None:
        return clusters.view(context, home, cluster)
    row = store.compute_by_name(context.db, name)
    if row is None:
        raise clusters.absent(name)
    return view(context, home, row)


def view(context: Context, home: AnyRow, row: AnyRow) -> dict[str, Any]:
    """Slots are everybody's, names of jobs only their workspace's."""
    shown: dict[str, Any] = {
        "id": f"/computes/{row.name}",
        "name": row.name,
        "type": row.type,
        "description": row.description,
        "provisioning_state": "Succeeded",
        "jobs": jobs.counts(context.db, row.id),
    }
    backend = context.site.backend(row.type, row.settings)
    if isinstance(backend, HasCapacity):
        total = backend.capacity()
        running = jobs.placed_on(context.db, row.id, context.site.runner)
        used = {
            "cpus": sum(job.cpus for job in running),
            "memory": sum(job.memory for job in running),
            "gpus": sum(job.gpus for job in running),
        }
        shown["slots"] = {"cpus": total.cpus, "memory": total.memory, "gpus": total.gpus}
        shown["used"] = used
        shown["running"] = [job.name for job in running if job.workspace_id == home.id]
    return shown
