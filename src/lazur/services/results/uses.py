"""What a job held, written down when it ends, and counted out later.

The row is written in the transaction that ends the job, so a job is counted once whatever is
killed. What takes longer (its files, its samples) follows from housekeeping, where it may be done
again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from lazur.errors import LazurError
from lazur.services.base.home import BLOBSTORE
from lazur.services.base.site import Context, Site
from lazur.services.content import stored, weights
from lazur.services.jobs import job_runs as tracking
from lazur.services.results import chosen_places
from lazur.services.tracking import folders
from lazur.services.tracking.folders import Folder
from lazur.store import jobs
from lazur.store import usage as store
from lazur.store.db import AnyRow
from lazur.store.jobs import JobRow
from lazur.store.mlflow import samples
from lazur.store.stored import PLACE, RUN, Thing

log = logging.getLogger(__name__)

_AT_ONCE = 200
_MEGABYTE = 1e6


def record(context: Context, row: JobRow, values: dict[str, Any], *, over: bool = True) -> None:
    """The job's row has just got `values`, which end it, or (not `over`) this attempt of it. Who
    never had slots held nothing."""
    began = held_since(values.get("phases") or row.phases)
    if began is None:
        return
    made: dict[str, Any] = {
        "workspace_id": row.workspace_id,
        "job": row.name,
        "run_id": row.run_id,
        "attempt": row.attempt,
        "person": row.created_by,
        "experiment_name": row.experiment_name,
        "compute": row.compute_name,
        "cpus": row.cpus,
        "memory": row.memory,
        "gpus": row.gpus,
        "state": values["state"],
        "started_at": began,
        "ended_at": max(began, values["ended_at"]),
        "weighed": not over,
        "outputs": [],
    }
    store.record(context.db, made)


def held_since(phases: list[dict[str, Any]]) -> float | None:
    """When it last got its slots. Where whoever gave them was killed before it was written down,
    the attempt's own first phase says it."""
    began: float | None = None
    for phase in reversed(phases):
        if phase["name"] == "starting":
            return phase["start"]
        if phase["name"] in ("queued", "environment"):
            return began
        began = phase["start"]
    return None


def weigh(site: Site) -> bool:
    """Count the files and samples of jobs that have ended. False: there are more."""
    with site.db.read() as db:
        rows = store.unweighed(db, _AT_ONCE)
    failed = 0
    for row in rows:
        try:
            _weigh(site, row)
        except (LazurError, OSError):
            failed += 1
            log.exception("what job %s stored could not be counted; tried again later", row.job)
    return failed == len(rows) or len(rows) < _AT_ONCE


def _weigh(site: Site, row: AnyRow) -> None:
    with site.db.read() as db:
        job = jobs.by_name(db, row.workspace_id, row.job)
        measured = samples.averages(db, row.run_id, _KEYS)
    own = job if job is not None and job.run_id == row.run_id else None
    alone = _folders(site, row, own)
    size = sum(entry.size for folder in alone for entry in folder.scan())
    size += _far(site, own) if own is not None else 0
    places = chosen_places.of_job(site, own, alone) if own is not None else {}
    seconds = row.ended_at - row.started_at
    outputs = list(_outputs(site, own)) if own is not None else []
    thing = Thing(row.workspace_id, RUN, row.run_id, row.person, row.experiment_name)
    with site.context(synced=False) as context:
        if not store.weigh(context.db, row.id, _measured(measured, seconds), outputs):
            return
        if size:
            stored.put_run(context, thing, size)
        for place, held in places.items():
            chosen_places.put(context, thing._replace(kind=PLACE, name=place), held)


def _folders(site: Site, row: AnyRow, job: JobRow | None) -> list[Folder]:
    """What is the run's alone, as a purge would remove it."""
    found = folders.of_job(site.home, job) if job is not None else []
    uri = tracking.artifacts(row.workspace_id, row.run_id)
    place = folders.at(site.home, row.workspace, row.workspace_id, uri)
    own = folders.own(place, row.run_id)
    return [*found, *([own] if own is not None else [])]


def _far(site: Site, job: JobRow) -> int:
    """What it wrote to the server's own object store, without choosing a place there."""
    if not any(output.get("remote") for output in job.resolved["outputs"]):
        return 0
    found = weights.in_storage(site, job.workspace, BLOBSTORE)
    return weights.of(found, f"azureml/{job.name}") if found is not None else 0


def _outputs(site: Site, job: JobRow) -> Iterator[dict[str, Any]]:
    """The assets that it made, as large as what lies at their places."""
    places = dict(chosen_places.of_outputs(site, job))
    for output in job.resolved["outputs"]:
        if not output.get("asset_name"):
            continue
        with site.db.read() as db:
            found = store.assets_at(db, job.workspace_id, output["uri"])
        place = places.get(output["name"])  # none: it lies elsewhere
        size = chosen_places.weigh(site, job.workspace, place) if place is not None else 0
        for kind, name, version in found:
            yield {"kind": kind, "name": name, "version": version, "bytes": size}


_CORES, _MEMORY = "system/job_cpu_cores", "system/job_memory_megabytes"
_KEYS = (_CORES, _MEMORY)


def _measured(averages: dict[str, float], seconds: float) -> dict[str, float] | None:
    """Of the job alone, and only where there were samples."""
    if not averages:
        return None
    found: dict[str, float] = {}
    if (cores := averages.get(_CORES)) is not None:
        found["core_seconds"] = cores * seconds
    if (memory := averages.get(_MEMORY)) is not None:
        found["memory_seconds"] = memory * _MEGABYTE * seconds
    return found
