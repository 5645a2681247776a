"""What people do with schedules.

A schedule acts for who last changed what it does or when: the job is submitted with the rights
that they have when it fires, and no others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from lazur.errors import Conflict, Forbidden, Invalid, NotFound, PreconditionFailed, SpecError
from lazur.kinds import catalog
from lazur.kinds.resources.schedule import TIMED, EventTrigger, Schedule, timetable
from lazur.services.base import checks, events
from lazur.services.base.access import Resource
from lazur.services.base.events import Change
from lazur.services.base.listening import LISTENS
from lazur.services.base.site import Context
from lazur.services.base.workspaces import open_workspace
from lazur.services.content import stored
from lazur.services.jobs import jobs
from lazur.services.people.tokens import HOOK_MARK, hook_key
from lazur.services.results import data_imports
from lazur.services.schedules import schedule_jobs, schedule_views
from lazur.services.schedules.schedule_jobs import CREATE_JOB, IMPORT_DATA, Facts
from lazur.services.schedules.schedule_views import view
from lazur.spec.diagnostics import raise_if_errors, told
from lazur.spec.names import fold
from lazur.store import people, ticks
from lazur.store import schedules as store
from lazur.store.db import AnyRow, Taken
from lazur.store.pages import Query

ACTION = "workspaces/schedules/"
KIND = "schedules"
_NOTES = ("display_name", "description", "tags", "properties")
_DOES = ("trigger", CREATE_JOB, IMPORT_DATA)
_LARGEST = 1 << 20
_OFF = "the schedule was disabled"
_CHANGED = "the schedule was changed"


def put(
    context: Context, workspace: str, name: str, spec: dict[str, Any], etag: str | None = None
) -> dict[str, Any]:
    """Make it, or replace all of it. Of a webhook that is new its key is told, once."""
    action = ACTION + "write"
    context.require(action, Resource(workspace, KIND, name))
    _is_somebody(context)
    name = checks.name(name)
    if fold(str(spec.get("name") or name)) != fold(name):
        raise Invalid(f"The name is {spec['name']!r} in the body and {name!r} in the address.")
    with context.looking() as looking:
        home = open_workspace(looking, workspace, action, KIND, name)
        model, does, warnings = _checked(looking, workspace, {**spec, "name": name})
    row = store.by_name(context.db, home.id, fold(name))
    _check_etag(name, row, etag)
    values = _values(context, row, model, does)
    if row is None:
        _add(context, home, name, values)
    else:
        _change(context, home, row, values)
    made = find_row(context, home, name)
    stored.keep_trees(context, home.id, made.spec)
    key = _keyed(context, home, row, made)
    return {**_view(context, home, made), **key, "warnings": warnings}


def update(
    context: Context, workspace: str, name: str, changes: dict[str, Any], etag: str | None = None
) -> dict[str, Any]:
    """Only what is given. What it does and when are replaced whole."""
    action = ACTION + "write"
    context.require(action, Resource(workspace, KIND, name))
    _is_somebody(context)
    known = (*_NOTES, *_DOES, "is_enabled")
    changes = {k: v for k, v in changes.items() if k not in checks.SERVER_OWNED}
    checks.changes({k: v for k, v in changes.items() if k not in (*_DOES, "is_enabled")}, known)
    with context.looking() as looking:
        home = open_workspace(looking, workspace, action, KIND, name)
        row = find_row(looking, home, name)
        does = {field: changes[field] for field in _DOES if field in changes}
        written = {**_written(row), **changes}
        if {CREATE_JOB, IMPORT_DATA} <= written.keys():
            written.pop(IMPORT_DATA if CREATE_JOB in does else CREATE_JOB)
        model, checked, warnings = _checked(looking, workspace, written, again=bool(does))
    _check_etag(name, row, etag)
    values = _values(context, row, model, checked if does else row.spec)
    if not does:
        values |= {"acts_as": row.acts_as, "spec": row.spec}
    _change(context, home, row, values)
    made = find_row(context, home, row.name)
    stored.keep_trees(context, home.id, made.spec)
    key = _keyed(context, home, row, made)
    return {**_view(context, home, made), **key, "warnings": warnings}


def get(context: Context, workspace: str, name: str) -> dict[str, Any]:
    home = open_workspace(context, workspace, ACTION + "read", KIND, name)
    return _view(context, home, find_row(context, home, name))


def find(context: Context, workspace: str, query: Query) -> dict[str, Any]:
    home = open_workspace(context, workspace, ACTION + "read", KIND)
    page = store.page(context.db, home.id, query)
    last = ticks.last(context.db, [row.id for row in page.rows])
    shown = [view(context, home, row, last.get(row.id)) for row in page.rows]
    return {"value": shown, "next": page.next}


def runs(context: Context, workspace: str, name: str, query: Query) -> dict[str, Any]:
    """What became of its ticks, the newest first."""
    home = open_workspace(context, workspace, ACTION + "read", KIND, name)
    page = ticks.page(context.db, find_row(context, home, name).id, query)
    return {"value": [schedule_views.tick(row) for row in page.rows], "next": page.next}


def history(context: Context, workspace: str, name: str) -> list[dict[str, Any]]:
    home = open_workspace(context, workspace, ACTION + "read", KIND, name)
    row = find_row(context, home, name)
    return events.of(context, row, KIND, row.name)


def delete(context: Context, workspace: str, name: str) -> None:
    """With what became of its ticks; the jobs stay."""
    home = open_workspace(context, workspace, ACTION + "delete", KIND, name)
    row = find_row(context, home, name)
    if not store.drop(context.db, row):
        raise _was_changed(row.name)
    store.drop_keys(context.db, home.name, HOOK_MARK + row.folded)
    events.record(context, home, KIND, row.name, "deleted", Change(_seen(row), None))


def set_enabled(context: Context, workspace: str, name: str, *, enabled: bool) -> dict[str, Any]:
    """What fell due while it was disabled does not fire later."""
    home = open_workspace(context, workspace, ACTION + "write", KIND, name)
    row = find_row(context, home, name)
    if row.is_enabled != enabled:
        _change(context, home, row, _switched(context, row, enabled))
    return _view(context, home, find_row(context, home, name))


def new_key(context: Context, workspace: str, name: str) -> dict[str, Any]:
    """A webhook's key, told once; the one before is good for nothing from now on."""
    action = ACTION + "regeneratekeys/action"
    home = open_workspace(context, workspace, action, KIND, name)
    row = find_row(context, home, name)
    if row.trigger_type != "webhook":
        raise Conflict(f"The schedule {row.name!r} has no webhook, and so no key.")
    store.drop_keys(context.db, home.name, HOOK_MARK + row.folded)
    events.record(context, home, KIND, row.name, "key made anew")
    return {"name": row.name, **_key(context, home, row)}


def find_row(context: Context, home: AnyRow, name: str) -> AnyRow:
    row = store.by_name(context.db, home.id, fold(name))
    if row is None:
        raise NotFound(
            f"There is no schedule {name!r} in workspace {home.name!r}.",
            hint="See: lazur schedule list",
        )
    return row


def trigger_of(row: AnyRow) -> Any:
    """As its model."""
    return Schedule.model_validate({"name": row.name, **row.spec}).trigger


def _view(context: Context, home: AnyRow, row: AnyRow) -> dict[str, Any]:
    return view(context, home, row, ticks.last(context.db, [row.id]).get(row.id))


def _is_somebody(context: Context) -> None:
    """It acts for them later, so that it has to be known who they are then."""
    if context.who.kind not in ("user", "service"):
        raise Forbidden("Schedules are made by people and services: they act for them.")


def _checked(
    context: Context, workspace: str, spec: dict[str, Any], *, again: bool = True
) -> tuple[Schedule, dict[str, Any], list[str]]:
    """The model, what it does with all that it names in its place, and what is odd. `again`: what
    it runs is checked, too."""
    model, found = catalog.validate("schedule", spec)
    raise_if_errors(found)
    assert isinstance(model, Schedule)
    warnings = told(found)
    dumped = model.dump()
    does: dict[str, Any] = {"trigger": dumped["trigger"]}
    if model.create_job is not None:
        does[CREATE_JOB] = job = _job(context, workspace, dumped[CREATE_JOB])
        warnings += _check_job(context, workspace, model, job) if again else []
    else:
        does[IMPORT_DATA] = _mapping(IMPORT_DATA, dumped[IMPORT_DATA])
        warnings += _check_import(context, workspace, model, does[IMPORT_DATA]) if again else []
    event = model.trigger.event if isinstance(model.trigger, EventTrigger) else None
    schedule_jobs.check_events(does, event)
    if len(str(does)) > _LARGEST:
        raise Invalid(f"A schedule may have {_LARGEST:,} characters.")
    return model, does, warnings


def _job(context: Context, workspace: str, written: Any) -> dict[str, Any]:
    """`azureml:<job>` stands for what that job is now."""
    made = {"job": written} if isinstance(written, str) else dict(written)
    if isinstance(made.get("job"), str):
        text = str(made["job"])
        if not text.startswith("azureml:") and "/jobs/" not in text:
            raise Invalid(
                f"create_job.job is {text[:80]!r}: the job itself is needed, or azureml:<name>.",
                hint="Files are read by the client: lazur schedule create -f FILE",
            )
        name = text.removeprefix("azureml:").rstrip("/").rpartition("/")[2]
        made["job"] = jobs.find_row(context, workspace, name, "workspaces/jobs/read").spec
    return made


def _mapping(field: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise Invalid(
            f"{field} must be a mapping.",
            hint="Files are read by the client: lazur schedule create -f FILE",
        )
    return dict(cast("Mapping[str, Any]", value))


def _check_job(
    context: Context, workspace: str, model: Schedule, written: dict[str, Any]
) -> list[str]:
    """As it will be when it fires, as far as that is known."""
    made = schedule_jobs.job(written, _sample(context, model))
    context.require("workspaces/jobs/write", Resource(workspace, "jobs"))
    try:
        if schedule_jobs.event_words(made):
            return []  # what the event is about may not be there yet
        with context.site.context(context.who, write=False) as asking:
            return list(jobs.validate(asking, workspace, made)["warnings"])
    except SpecError as error:
        raise _below(error, CREATE_JOB) from None


def _check_import(
    context: Context, workspace: str, model: Schedule, written: dict[str, Any]
) -> list[str]:
    try:
        made = schedule_jobs.data_import(written, _sample(context, model))
        return data_imports.check(context, workspace, made)
    except SpecError as error:
        raise _below(error, IMPORT_DATA) from None


def _below(error: SpecError, field: str) -> SpecError:
    """What is wrong in the job stands below its field."""
    told = [
        {**found, "path": f"{field}.{found['path']}" if found.get("path") else field}
        for found in error.details.get("diagnostics", [])
    ]
    error.details = {**error.details, "diagnostics": told}
    return error


def _sample(context: Context, model: Schedule) -> Facts:
    now = context.now()
    name = schedule_jobs.job_name(model.name, now)
    return Facts(model.name, now, "time", name)


def _values(
    context: Context, row: AnyRow | None, model: Schedule, does: dict[str, Any]
) -> dict[str, Any]:
    now, who = context.now(), context.who
    ceiling, known = who.ceiling, people.by_name(context.db, fold(who.name))
    enabled = model.is_enabled if model.is_enabled is not None else row is None or row.is_enabled
    notes = checks.changes({k: v for k, v in model.dump().items() if k in _NOTES}, _NOTES)
    made: dict[str, Any] = {
        "display_name": None,
        "description": None,
        **notes,
        "tags": notes.get("tags") or {},
        "properties": notes.get("properties") or {},
        "trigger_type": model.trigger.type,
        "action": CREATE_JOB if CREATE_JOB in does else IMPORT_DATA,
        "spec": does,
        "listens": LISTENS.get(getattr(model.trigger, "event", "")),
        "is_enabled": enabled,
        "acts_as": {
            "name": who.name,
            "since": None if known is None else known.created_at,
            "role": ceiling.role.name if ceiling else None,
            "workspace": ceiling.workspace if ceiling else None,
        },
    }
    if row is not None and row.spec["trigger"] == does["trigger"] and row.is_enabled == enabled:
        return made
    return {**made, **_timed(model.trigger, enabled, now, now if row is None else row.created_at)}


def _timed(trigger: Any, enabled: bool, now: float, made: float) -> dict[str, Any]:
    """From when on it is decided about its ticks. A recurrence without a start begins at once."""
    if trigger.type not in TIMED or not enabled:
        return {"decided": now, "due_at": None}
    at_once = trigger.type == "recurrence" and trigger.start_time is None and made == now
    decided = float(int(now)) - 1 if at_once else now
    return {"decided": decided, "due_at": timetable(trigger, made).next(decided)}


def _switched(context: Context, row: AnyRow, enabled: bool) -> dict[str, Any]:
    timed = _timed(trigger_of(row), enabled, context.now(), row.created_at)
    return {"is_enabled": enabled, **timed}


def _add(context: Context, home: AnyRow, name: str, values: dict[str, Any]) -> None:
    made = {
        **values,
        "workspace_id": home.id,
        "name": name,
        "folded": fold(name),
        "created_at": context.now(),
        "created_by": context.who.name,
        "version": 1,
    }
    try:
        store.add(context.db, made)
    except Taken:
        raise Conflict(
            f"The schedule {name!r} was made meanwhile.", hint="Look at it, and try again."
        ) from None
    row = find_row(context, home, name)
    events.record(context, home, KIND, name, "created", Change(None, _seen(row)))
    context.publish("due", KIND)


def _change(context: Context, home: AnyRow, row: AnyRow, values: dict[str, Any]) -> None:
    if not store.change(context.db, row, {**values, "changed_at": context.now()}):
        raise _was_changed(row.name)
    made = find_row(context, home, row.name)
    if not made.is_enabled:
        ticks.skip_waiting(context.db, row.id, context.now(), _OFF)
    elif made.spec["trigger"] != row.spec["trigger"]:
        ticks.skip_waiting(context.db, row.id, context.now(), _CHANGED)
    what = "updated"
    if made.is_enabled != row.is_enabled:
        what = "enabled" if made.is_enabled else "disabled"
    events.record(context, home, KIND, row.name, what, Change(_seen(row), _seen(made)))
    context.publish("due", KIND)


def _keyed(context: Context, home: AnyRow, before: AnyRow | None, row: AnyRow) -> dict[str, Any]:
    """A key where there is a webhook now and was none; none where there is none any more."""
    had = before is not None and before.trigger_type == "webhook"
    if row.trigger_type == "webhook":
        return {} if had else _key(context, home, row)
    if had:
        store.drop_keys(context.db, home.name, HOOK_MARK + row.folded)
    return {}


def _key(context: Context, home: AnyRow, row: AnyRow) -> dict[str, Any]:
    return {
        "url": schedule_views.url(context.site, home.name, row.name),
        "key": hook_key(context, home.name, row.name),
    }


def _written(row: AnyRow) -> dict[str, Any]:
    notes = {field: getattr(row, field) for field in _NOTES if getattr(row, field) is not None}
    return {"name": row.name, **notes, **row.spec}


def _seen(row: AnyRow) -> dict[str, Any]:
    """Of the job no values: among its variables may be what is nobody's business."""
    return {
        **{field: getattr(row, field) for field in _NOTES},
        "trigger": row.spec["trigger"],
        "action": row.action,
        "fields": sorted(row.spec[row.action]),
        "is_enabled": row.is_enabled,
        "acts_as": row.acts_as,
    }


def _check_etag(name: str, row: AnyRow | None, etag: str | None) -> None:
    if etag is not None and (row is None or etag != str(row.version)):
        raise _was_changed(name)


def _was_changed(name: str) -> PreconditionFailed:
    return PreconditionFailed(
        f"The schedule {name!r} has changed since you read it.", hint="Read it again."
    )
