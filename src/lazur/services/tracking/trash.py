"""Deletion: a trash with undo, and the purge that really frees rows and files.

A purge hides its runs in one transaction; from then on it happens, whatever is killed: here right
away, and by the server's housekeeping where this was interrupted.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from lazur.engine.lineage import JOBS, Node
from lazur.engine.states import FINAL
from lazur.errors import Conflict, Forbidden, Invalid
from lazur.services.base import events
from lazur.services.base.job_views import default_output_uri
from lazur.services.base.site import Context, Site
from lazur.services.base.workspaces import open_workspace
from lazur.services.content import collection, leftovers
from lazur.services.tracking import folders, rights, runs
from lazur.services.tracking.folders import Folder
from lazur.store import holds, jobs, lineage, people
from lazur.store.db import AnyRow
from lazur.store.jobs import JobRow
from lazur.store.mlflow import find, spaces
from lazur.store.mlflow import trash as store
from lazur.store.mlflow.find import RunRow

_DAY = 86400.0


@dataclass
class Weight:
    """What purging one run frees."""

    row: RunRow
    rows: int = 0
    files: int = 0
    bytes: int = 0
    because: list[str] = field(default_factory=list[str])
    """What still needs it."""

    def view(self, context: Context, home: AnyRow) -> dict[str, Any]:
        known = runs.head(context, home, self.row)
        return {
            **{key: known[key] for key in ("id", "name", "job", "experiment_name", "deleted_at")},
            "rows": self.rows,
            "files": self.files,
            "bytes": self.bytes,
        }


def delete(context: Context, workspace: str, wanted: dict[str, Any]) -> dict[str, Any]:
    """Into the trash: `runs` by name, or all of `experiment_name`."""
    home = open_workspace(context, workspace, runs.DELETE)
    named = _with_steps(context, home, _wanted(context, home, wanted, "active"))
    found = [r for r in named if r.stage == "active"]
    own = {row.id: _job(context, home, row) for row in found}
    for row in found:
        _check_idle(context, row, own[row.id])
    store.delete(context.db, [row.id for row in found], context.now())
    for row in found:
        _mirror(context, home, row, own[row.id], archived=True)
    return {"runs": [runs.head(context, home, row) | {"deleted": True} for row in found]}


def restore(context: Context, workspace: str, wanted: dict[str, Any]) -> dict[str, Any]:
    """Out of the trash again."""
    home = open_workspace(context, workspace, runs.WRITE)
    named = _with_steps(context, home, _wanted(context, home, wanted, "deleted"))
    found = [r for r in named if r.stage == "deleted"]
    for row in found:
        rights.require_writable(context, row.id)
    store.restore(context.db, [row.id for row in found])
    for row in found:
        _mirror(context, home, row, _job(context, home, row), archived=False)
    changed = {"deleted": False, "deleted_at": None}
    return {"runs": [runs.head(context, home, row) | changed for row in found]}


def purge(context: Context, workspace: str, wanted: dict[str, Any]) -> dict[str, Any]:
    """Free what is in the trash: `runs` by name, all of `experiment_name`, or all that is there,
    each where it has been for `older_than_days`. With `dry_run`, only say how much that is."""
    _refuse_job(context)
    with context.looking() as early:
        home = open_workspace(early, workspace, runs.DELETE)
        weighed = [_weighed(early, home, row) for row in _candidates(early, home, wanted)]
    open_workspace(context, workspace, runs.DELETE)
    _find_needs(context, home, weighed)
    kept = [weight for weight in weighed if weight.because]
    if kept and wanted.get("runs") is not None:
        raise _needed(kept)
    freed = [weight for weight in weighed if not weight.because]
    if not wanted.get("dry_run"):
        freed = [weight for weight in freed if _begin(context, home, weight)]
    return _summed(context, home, freed, kept) | {"dry_run": bool(wanted.get("dry_run"))}


def remove(context: Context, workspace: str, name: str) -> None:
    """A run with its steps, for good and at once: into the trash and out of it, or neither. It
    raises Conflict where something needs it, and where it has not ended."""
    _refuse_job(context)
    with context.looking() as early:
        home = open_workspace(early, workspace, runs.DELETE)
        found = _with_steps(early, home, runs.locate_all(early, home, [name]))
        weighed = [_weighed(early, home, row) for row in found]
    open_workspace(context, workspace, runs.DELETE)
    own = {weight.row.id: _job(context, home, weight.row) for weight in weighed}
    for weight in weighed:
        _check_idle(context, weight.row, own[weight.row.id])
    _find_needs(context, home, weighed)
    if kept := [weight for weight in weighed if weight.because]:
        raise _needed(kept)
    active = [weight.row for weight in weighed if weight.row.stage == "active"]
    store.delete(context.db, [row.id for row in active], context.now())
    for row in active:
        _mirror(context, home, row, own[row.id], archived=True)
    for weight in weighed:
        _begin(context, home, weight)


def is_going(context: Context, workspace: str, name: str) -> bool:
    """Whether a job that was removed is still there in part."""
    home = open_workspace(context, workspace, runs.DELETE)
    return jobs.by_name(context.db, home.id, name) is not None


def finish(site: Site, seconds: float = 20.0) -> bool:
    """Erase hidden runs, one after the other, unless content is being copied. Every step can be
    repeated. False: some are left."""
    until = time.monotonic() + seconds
    while True:
        with site.db.read() as db:
            found = () if holds.is_held(db, site.now()) else store.hidden(db, site.now())
        if not found:
            return True
        for run in found:
            erase(site, run)
            if time.monotonic() > until:
                return False


def erase(site: Site, run: store.Hidden) -> None:
    """Files first: the run's row is what tells that there may be some."""
    for folder in _folders(site, run):
        folder.remove()
    _remove_outside(site, run)
    more = True
    while more:
        with site.db.write(synced=False) as db:
            more = store.erase_points(db, run.id)
    with site.db.write() as db:
        row = jobs.by_id(db, run.job_id) if run.job_id is not None else None
        if row is not None:
            people.drop_job_tokens(db, row.workspace, row.name)
            lineage.bury(db, Node(row.workspace_id, JOBS, row.name), site.now())
            collection.note(db, site.now())
        store.erase(db, run.id)


def _refuse_job(context: Context) -> None:
    if context.who.job is not None:
        raise Forbidden(
            "A job may not purge runs.", hint="Use a person's token: this cannot be undone."
        )


def _candidates(context: Context, home: AnyRow, wanted: dict[str, Any]) -> list[RunRow]:
    days = wanted.get("older_than_days") or 0
    if isinstance(days, bool) or not isinstance(days, int | float) or days < 0:
        raise Invalid(f"older_than_days is {days!r}.", hint="Give a number of days, such as 30.")
    before = int((context.now() - days * _DAY) * 1000)
    if wanted.get("runs") is None and wanted.get("experiment_name") is None:
        return _with_steps(context, home, find.deleted(context.db, spaces.name(home.id), before))
    found = _with_steps(context, home, _wanted(context, home, wanted, "deleted"))
    for row in found:
        if row.stage != "deleted":
            raise Conflict(
                f"Run {row.id} is not in the trash.",
                hint=f"Put it there first: lazur run delete -n {row.job or row.id}",
            )
    return [row for row in found if (row.deleted or 0) <= before]


def _wanted(context: Context, home: AnyRow, wanted: dict[str, Any], stage: str) -> list[RunRow]:
    names, experiment = wanted.get("runs"), wanted.get("experiment_name")
    if isinstance(experiment, str) and names is None:
        space = spaces.name(home.id)
        runs.known_experiment(spaces.experiments(context.db, space), experiment)
        return find.of_experiment(context.db, space, experiment, stage)
    if isinstance(names, list) and experiment is None:
        given = cast("list[object]", names)
        if given and all(isinstance(name, str) for name in given):
            return runs.locate_all(context, home, cast("list[str]", given))
    raise Invalid("Say which: either `runs`, a list of names, or `experiment_name`.")


def _with_steps(context: Context, home: AnyRow, rows: Sequence[RunRow]) -> list[RunRow]:
    """What a job consists of goes with it: each step once, after what it is a step of."""
    below = store.steps(context.db, [row.id for row in rows])
    steps = find.by_ids(context.db, spaces.name(home.id), below)
    return [*(row for row in rows if row.id not in set(below)), *steps]


def _job(context: Context, home: AnyRow, row: RunRow) -> JobRow | None:
    return jobs.by_name(context.db, home.id, row.job) if row.job else None


def _check_idle(context: Context, row: RunRow, job: JobRow | None) -> None:
    rights.require_writable(context, row.id)
    if job is not None and job.state not in FINAL:
        raise Conflict(
            f"Run {row.id} is the job {job.name!r}, which is {job.state}.",
            hint=f"Cancel it first: lazur job cancel -n {job.name}",
        )


def _mirror(
    context: Context, home: AnyRow, row: RunRow, job: JobRow | None, *, archived: bool
) -> None:
    """A job is archived with its run."""
    what = "deleted" if archived else "restored"
    events.record(context, home, "runs", row.id, what)
    if job is not None and job.archived is not archived:
        jobs.change(context.db, job.id, context.now(), archived=archived)
        events.record(context, home, "jobs", job.name, "updated", fields=["archived"])
        context.publish("job", f"{job.workspace}/{job.name}")


def _summed(
    context: Context, home: AnyRow, freed: Sequence[Weight], kept: Sequence[Weight]
) -> dict[str, Any]:
    return {
        "runs": [weight.view(context, home) for weight in freed],
        "kept": [w.view(context, home) | {"because": w.because} for w in kept],
        "rows": sum(weight.rows for weight in freed),
        "files": sum(weight.files for weight in freed),
        "bytes": sum(weight.bytes for weight in freed),
    }


def _weighed(context: Context, home: AnyRow, row: RunRow) -> Weight:
    job = _job(context, home, row)
    weight = Weight(row, store.weigh(context.db, row.id))
    room = store.Room(home.id, home.name)
    hidden = store.Hidden(row.id, row.artifact_uri, job.id if job is not None else None)
    for folder in _places(context.site, room, hidden, job, store.locations(context.db, row.id)):
        sizes = [entry.size for entry in folder.scan()]
        weight.files += len(sizes)
        weight.bytes += sum(sizes)
    return weight


def _find_needs(context: Context, home: AnyRow, weighed: Sequence[Weight]) -> None:
    """Those that are needed by nobody but each other can go; a whole goes with all its steps."""
    going: set[str] = set()
    waiting = list(reversed(weighed))  # steps come after what they are steps of
    before = 0
    while len(waiting) != before:
        before = len(waiting)
        for weight in waiting:
            weight.because = _needs(context, home, weight.row, going)
            if not weight.because and weight.row.job is not None:
                going.add(weight.row.job)
        waiting = [weight for weight in waiting if weight.because]
    kept = {weight.row.job for weight in waiting}
    for weight in weighed:
        job = _job(context, home, weight.row) if kept and not weight.because else None
        if job is not None and job.step is not None and job.parent_name in kept:
            weight.because = [f"job {job.parent_name!r}, which it is a step of"]
            kept.add(job.name)


def _needs(context: Context, home: AnyRow, row: RunRow, going: set[str]) -> list[str]:
    """What would break without the run, named. `going`: jobs that are purged with it."""
    own, job = spaces.name(home.id), _job(context, home, row)
    found = [
        f"registered model {holder.name!r} version {holder.version}"
        for holder in store.holders(context.db, own, row.id, row.artifact_uri)
    ]
    addresses = [f"runs:/{row.id}/", f"{row.artifact_uri}/"]
    if job is not None:
        addresses += [f"azureml://jobs/{job.name}/", f"runs:/{job.name}/"]
        addresses += [o["uri"] for o in job.resolved["outputs"] if _is_default(job, o)]
        children, users = store.children(context.db, job.id), store.users(context.db, job.id)
        found += [f"job {name!r}, its child" for name in children if name not in going]
        found += [f"job {name!r}, which reuses it" for name in users if name not in going]
    for kind, name, version in store.assets_of(context.db, home.id, addresses):
        found.append(f"{kind.rstrip('s')} asset {name!r} version {version}")
    return found


def _needed(kept: Sequence[Weight]) -> Conflict:
    first = next((w for w in kept if not all(map(_is_kin, w.because))), kept[0])
    return Conflict(
        f"Run {first.row.job or first.row.id} is still needed by {', '.join(first.because)}.",
        hint="Delete or archive those first; nothing was purged.",
        runs={weight.row.id: weight.because for weight in kept},
    )


def _is_kin(need: str) -> bool:
    return need.endswith((", its child", ", which it is a step of"))


def _begin(context: Context, home: AnyRow, weight: Weight) -> bool:
    """False: somebody took it out of the trash meanwhile."""
    if not store.hide(context.db, weight.row.id, context.now()):
        return False
    freed = {"rows": weight.rows, "files": weight.files, "bytes": weight.bytes}
    events.record(context, home, "runs", weight.row.id, "purged", **freed)
    if weight.row.job is not None:
        events.record(context, home, "jobs", weight.row.job, "purged", run=weight.row.id)
    return True


def _folders(site: Site, run: store.Hidden) -> list[Folder]:
    with site.db.read() as db:
        job = jobs.by_id(db, run.job_id) if run.job_id is not None else None
        room = store.room(db, run.artifact_uri)
        return _places(site, room, run, job, store.locations(db, run.id))


def _remove_outside(site: Site, run: store.Hidden) -> None:
    with site.db.read() as db:
        job = jobs.by_id(db, run.job_id) if run.job_id is not None else None
    if job is not None and any(output.get("remote") for output in job.resolved["outputs"]):
        leftovers.remove(site, job.workspace_id, job.name)


def _places(
    site: Site, room: store.Room | None, run: store.Hidden, job: JobRow | None, models: list[str]
) -> list[Folder]:
    """Every folder that is this run's alone."""
    owners = [(run.artifact_uri, run.id), *((place, _model_id(place)) for place in models)]
    found = folders.of_job(site.home, job) if job is not None else []
    for uri, owner in owners:
        place = folders.at(site.home, room.name, room.id, uri) if room is not None else None
        mine = folders.own(place, owner)
        found += [mine] if mine is not None else []
    return found


def _model_id(location: str) -> str:
    """Upstream keeps a model at `…/models/<id>/artifacts`."""
    return location.rstrip("/").removesuffix("/artifacts").rpartition("/")[2]


def _is_default(job: JobRow, output: dict[str, Any]) -> bool:
    return output["uri"] == default_output_uri(job.name, output["name"])
