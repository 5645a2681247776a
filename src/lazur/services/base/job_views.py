"""A job's row as people see it: what they wrote, and what became of it."""

from __future__ import annotations

from typing import Any

from lazur.engine.states import FINAL, State
from lazur.services.base.home import BLOBSTORE
from lazur.services.base.site import Site
from lazur.services.base.times import iso
from lazur.spec.properties import GIT
from lazur.store.jobs import JobRow


def view(
    site: Site, row: JobRow, position: int | None = None, waits: str | None = None
) -> dict[str, Any]:
    """`waits`: what a queued job waits for, where it is not free slots."""
    return {
        **row.spec,
        "id": f"/workspaces/{row.workspace}/jobs/{row.name}",
        "name": row.name,
        **({"run_id": row.run_id} if row.run_id != row.name else {}),
        "type": row.type,
        "status": row.state,
        "display_name": row.display_name or row.name,
        "description": row.description,
        "experiment_name": row.experiment_name,
        "tags": row.tags,
        "properties": row.properties,
        "compute": row.compute_name,
        "outputs": _outputs(row),
        "creation_context": _creation(row),
        "services": _services(site, row),
        "git": _git(row.properties),
        "phases": phases(row, site.now()),
        "waiting_for": waits or waiting_for(row, position),
        "warnings": row.warnings,
        "error": row.error,
        "attempt": row.attempt,
        "build": row.build_key,
        "archived": row.archived,
        "started_at": iso(row.started_at),
        "ended_at": iso(row.ended_at),
        "duration": _duration(row, site.now()),
        "etag": str(row.version),
    }


def summary(site: Site, row: JobRow, waits: str | None = None) -> dict[str, Any]:
    """A line of a list: everything but what only one job's page shows."""
    full = view(site, row, waits=waits)
    full.pop("phases")
    return full


def phases(row: JobRow, now: float) -> list[dict[str, Any]]:
    """The waterfall: the queue and the build, timed by the server, then what the runtime timed."""
    return [
        {
            "name": phase["name"],
            "start": iso(phase["start"]),
            "end": iso(phase.get("end")),
            "seconds": round((phase.get("end") or now) - phase["start"], 4),
            **({"detail": phase["detail"]} if phase.get("detail") else {}),
        }
        for phase in row.phases
    ]


def waiting_for(row: JobRow, position: int | None) -> str | None:
    if row.state in FINAL:
        return None
    if row.cancel_requested and row.canceled_for is not None:
        return f"its end ({row.canceled_for.rstrip('.')})"
    if row.state == State.QUEUED and position is not None:
        place = "next in line" if position == 0 else _before(position)
        return f"free slots on compute {row.compute_name!r} ({_demand(row)}); {place}"
    return row.waiting_for


def _before(count: int) -> str:
    """Roughly: others may still come in between, by priority or by how little they hold."""
    return f"about {count} job{'s are' if count != 1 else ' is'} before it"


def _demand(row: JobRow) -> str:
    wanted = [f"{row.cpus} core{'s' if row.cpus != 1 else ''}"]
    if row.gpus:
        wanted.append(f"{row.gpus} GPU{'s' if row.gpus != 1 else ''}")
    if row.memory:
        wanted.append(f"{size_text(row.memory)} of memory")
    return ", ".join(wanted)


def size_text(size: float) -> str:
    """In powers of 1024, as sizes are read: what was written as 4GB is shown as 4 GB."""
    units = ["bytes", "KB", "MB", "GB", "TB", "PB"]
    while size >= 1024 and len(units) > 1:
        size, units = size / 1024, units[1:]
    return f"{size:.2f}".rstrip("0").rstrip(".") + f" {units[0]}"


def _outputs(row: JobRow) -> dict[str, Any]:
    written: dict[str, Any] = dict(row.spec.get("outputs") or {})
    for output in row.resolved.get("outputs", []):
        given = written.get(output["name"])
        body: dict[str, Any] = {**given} if isinstance(given, dict) else {}
        body.setdefault("type", output["type"])
        body["mode"] = output["mode"]
        body["path"] = output["uri"]
        written[output["name"]] = body
    written["default"] = {
        "type": "uri_folder",
        "mode": "rw_mount",
        "path": f"azureml://datastores/workspaceartifactstore/paths/ExperimentRun/dcid.{row.run_id}",
    }
    return written


def _git(properties: dict[str, str]) -> dict[str, str] | None:
    """Where the code came from, as the client found it beside the code."""
    found = {name: properties[key] for name, key in GIT.items() if properties.get(key)}
    return found or None


def _creation(row: JobRow) -> dict[str, Any]:
    return {
        "created_at": iso(row.created_at),
        "created_by": row.created_by,
        "created_by_type": "User",
        "last_modified_at": iso(row.updated_at),
    }


def _services(site: Site, row: JobRow) -> dict[str, Any]:
    """Those that it says itself as it says them: nothing serves them, so they have no address."""
    base = site.url()
    said: dict[str, Any] = row.spec.get("services") or {}
    return {
        **{name: one for name, one in said.items() if one},
        "Studio": {"type": "Studio", "endpoint": f"{base}/jobs/{row.workspace}/{row.name}"},
        "Tracking": {"type": "Tracking", "endpoint": tracking_uri(base, row.workspace)},
    }


def tracking_uri(base: str, workspace: str) -> str:
    """MLFLOW_TRACKING_URI of a workspace."""
    return f"{base}/mlflow/workspaces/{workspace}"


def _duration(row: JobRow, now: float) -> float | None:
    if row.started_at is None:
        return None
    return round((row.ended_at or now) - row.started_at, 4)


def default_output_uri(job: str, output: str, datastore: str = BLOBSTORE) -> str:
    """Where an output lies that was given no place: where Azure's client looks for it."""
    return f"azureml://datastores/{datastore}/paths/azureml/{job}/{output}/"
