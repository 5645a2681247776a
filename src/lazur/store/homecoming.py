"""Datastores of workspaces that lie in the server's own object store, and what has to be said anew
of jobs once one of them lies in the home."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Text, cast, select, update

from lazur.store.db import AnyRow
from lazur.store.resources import LOCAL, STORAGE
from lazur.store.tables import datastores, jobs, workspaces

_AT_ONCE = 500


def in_storage(db: Connection) -> Sequence[AnyRow]:
    """`workspace_id`, `workspace` and `name` of each, also of workspaces in the trash."""
    named = workspaces.c.name.label("workspace")
    found = select(datastores.c.workspace_id, named, datastores.c.name)
    found = found.join(workspaces, workspaces.c.id == datastores.c.workspace_id)
    order = (datastores.c.workspace_id, datastores.c.folded)
    return db.execute(found.where(datastores.c.type == STORAGE).order_by(*order)).all()


def attempts_under_way(db: Connection, workspace_ids: Sequence[int]) -> list[str]:
    """`workspace/job` of those that may be writing to one."""
    found = select(workspaces.c.name, jobs.c.name).join(
        workspaces, workspaces.c.id == jobs.c.workspace_id
    )
    there = (jobs.c.workspace_id.in_(workspace_ids), jobs.c.ended_at.is_(None))
    going = db.execute(found.where(*there, jobs.c.handle.is_not(None)).order_by(jobs.c.id))
    return [f"{workspace}/{job}" for workspace, job in going]


def come_home(db: Connection, workspace_id: int, name: str, folder: str) -> int:
    """The datastore lies in `folder` from now on; how many jobs were told so. Twice is once."""
    told = 0
    for row in _mentioning(db, workspace_id, f"azureml://datastores/{name}/paths/"):
        if (resolved := _at_home(row.resolved, name, folder)) != row.resolved:
            db.execute(update(jobs).where(jobs.c.id == row.id).values(resolved=resolved))
            told += 1
    there = (datastores.c.workspace_id == workspace_id, datastores.c.name == name)
    db.execute(update(datastores).where(*there, datastores.c.type == STORAGE).values(type=LOCAL))
    return told


def _mentioning(db: Connection, workspace_id: int, place: str) -> Iterator[AnyRow]:
    after = 0
    while True:
        found = db.execute(
            select(jobs.c.id, jobs.c.resolved)
            .where(jobs.c.workspace_id == workspace_id, jobs.c.id > after)
            .where(cast(jobs.c.resolved, Text).contains(place, autoescape=True))
            .order_by(jobs.c.id)
            .limit(_AT_ONCE)
        ).all()
        yield from found
        if not found:
            return
        after = found[-1].id


def _at_home(resolved: dict[str, Any], name: str, folder: str) -> dict[str, Any]:
    """What a job was told of places, as it would be told today."""
    place = f"azureml://datastores/{name}/paths/"

    def here(uri: Any) -> str | None:
        inside = isinstance(uri, str) and uri.startswith(place)
        return f"{folder}/{uri[len(place) :]}".rstrip("/") if inside else None

    def read(given: dict[str, Any]) -> dict[str, Any]:
        source: dict[str, Any] = given["source"]
        path = here(source.get("remote"))
        return {**given, "source": {**source, "remote": None, "path": path}} if path else given

    def written(output: dict[str, Any]) -> dict[str, Any]:
        path = here(output["uri"]) if output.get("remote") else None
        return {**output, "remote": False, "destination": path} if path else output

    inputs: list[dict[str, Any]] = resolved.get("inputs") or []
    outputs: list[dict[str, Any]] = resolved.get("outputs") or []
    told = {"inputs": [read(one) for one in inputs], "outputs": [written(one) for one in outputs]}
    return {**resolved, **{key: value for key, value in told.items() if value}}
