"""What people change of a run that is no job: its name, its notes, whether it is in the trash."""

from __future__ import annotations

from typing import Any, cast

from lazur.errors import Invalid
from lazur.services.base import events
from lazur.services.base.events import Change
from lazur.services.base.site import Context
from lazur.services.base.workspaces import open_workspace
from lazur.services.jobs.job_runs import NAME_TAG, NOTE_TAG
from lazur.services.tracking import rights, runs, trash
from lazur.store.mlflow import runs as store
from lazur.store.mlflow import spaces

_KEY, _VALUE = 250, 8000
_SERVERS = ("mlflow.", "lazur.")
"""How tags begin that others rely on."""


def change(context: Context, workspace: str, name: str, changes: dict[str, Any]) -> dict[str, Any]:
    """`display_name`, `description`, `archived`, and `tags`: those that are None are removed,
    others stay."""
    home = open_workspace(context, workspace, runs.WRITE)
    row = runs.locate(context, home, name)
    rights.require_writable(context, row.id)
    before = runs.get(context, workspace, row.id)
    tags = _tags(changes)
    store.put_tags(context.db, row.id, [(k, v) for k, v in tags.items() if v is not None])
    for key in [key for key, value in tags.items() if value is None]:
        store.drop_tag(context.db, row.id, key)
    if (shown := tags.get(NAME_TAG)) is not None:
        found = store.find(context.db, spaces.name(home.id), row.id)
        assert found is not None
        store.update(context.db, found._replace(name=shown))
    _archive(context, workspace, row.id, changes.get("archived"), row.stage == "deleted")
    after = runs.get(context, workspace, row.id)
    if tags and before != after:
        told = {key: after[key] for key in ("name", "tags")}
        was = {key: before[key] for key in told}
        events.record(context, home, "runs", row.id, "updated", Change(was, told))
    return after


def _archive(context: Context, workspace: str, run_id: str, wanted: Any, deleted: bool) -> None:
    if wanted is None or bool(wanted) is deleted:
        return
    (trash.delete if wanted else trash.restore)(context, workspace, {"runs": [run_id]})


def _tags(changes: dict[str, Any]) -> dict[str, str | None]:
    given: Any = changes.get("tags") or {}
    if not isinstance(given, dict):
        raise Invalid("tags must be an object of texts.")
    tags = dict(cast("dict[str, Any]", given))
    if mine := sorted(key for key in tags if key.startswith(_SERVERS)):
        raise Invalid(f"The tag {mine[0][:80]!r} is MLflow's or Lazur's own.")
    for field, key in (("display_name", NAME_TAG), ("description", NOTE_TAG)):
        if field in changes:
            tags[key] = changes[field]
    for key, value in tags.items():
        if value is not None and not isinstance(value, str):
            raise Invalid(f"The tag {key[:80]!r} must be a text.")
        if not key or len(key) > _KEY or len(value or "") > _VALUE or "\0" in f"{key}{value}":
            raise Invalid(
                f"The tag {key[:80]!r} is too long, or holds the zero character.",
                hint=f"Names have up to {_KEY} characters, values {_VALUE:,}.",
            )
    return tags
