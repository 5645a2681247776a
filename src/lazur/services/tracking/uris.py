"""Whose an artifact is, by its path."""

from __future__ import annotations

from lazur.errors import Forbidden, LazurError
from lazur.services.base.artifact_uris import inside
from lazur.services.base.site import Context
from lazur.services.tracking import rights
from lazur.store.mlflow import artifacts as store

_IDS = 16
"""Parts of a path that are looked at as ids; what lies deeper is somebody's own folder."""


def require_writable(context: Context, space: str, path: str) -> None:
    """A job writes below its own run, and below runs, models and traces that are no other job's;
    nowhere else."""
    if context.who.job is None:
        return
    parts = path.split("/")[:_IDS]
    ids = {name for part in parts for name in (part, part.removeprefix("dcid."))}
    mine = [root for root in store.roots(context.db, space, ids) if _holds(space, root.uri, path)]
    if not mine:
        raise Forbidden(
            "A job may change artifacts of its own run only, and of runs that are no job's.",
            hint="This path belongs to no run: log artifacts with mlflow.log_artifact.",
        )
    for root in mine:
        if root.run is not None:
            rights.require_writable(context, root.run)


def _holds(space: str, uri: str, path: str) -> bool:
    try:
        folder = inside(space, uri)
    except LazurError:
        return False
    return bool(folder) and (path == folder or path.startswith(f"{folder}/"))
