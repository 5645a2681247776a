"""Every job is an MLflow run: begun in the transaction that accepts the job, ended in the one that
ends it. See contributing/tracking.md."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from lazur.engine.plan import Input
from lazur.engine.search.space import flat
from lazur.engine.states import FINAL, WAITING, State
from lazur.errors import Conflict
from lazur.services.base.job_views import tracking_uri
from lazur.services.base.site import Context, Site
from lazur.services.jobs.resolve import Resolved
from lazur.spec import references
from lazur.spec.properties import GIT
from lazur.spec.references import Asset
from lazur.store import jobs
from lazur.store.db import AnyRow
from lazur.store.jobs import JobRow
from lazur.store.mlflow import jobs as store
from lazur.store.mlflow import runs, spaces
from lazur.store.mlflow.jobs import Dataset

_ENDS = {State.COMPLETED: "FINISHED", State.FAILED: "FAILED", State.CANCELED: "KILLED"}
NAME_TAG = "mlflow.runName"
NOTE_TAG = "mlflow.note.content"
JOB_TAG = "lazur.job"
"""Whose run it is: on the job's own, and on those that its processes begin beside it."""
_OURS = ("mlflow.", "lazur.")
_NAME = 250
_KEY = 250
_VALUE = 8000
_PARAM = 6000
_SCRIPT = re.compile(r"[\w./-]+\.(?:py|sh|R|r|ipynb|jl)\b")


def begin(context: Context, home: AnyRow, values: Mapping[str, Any], found: Resolved) -> None:
    """The run of a job whose row was just written with `values`."""
    db, run_id = context.db, values["run_id"]
    space = spaces.name(home.id)
    experiment = _experiment(context, space, values["experiment_name"])
    name, user = run_name(values), str(values["created_by"])[:256]
    run = {
        "id": run_id,
        "name": name,
        "user": user,
        "experiment": experiment,
        "artifacts": artifacts(home.id, run_id),
        "now": values["created_at"],
    }
    store.add(db, run)
    tags = {**told_tags(values), **_facts(found, values), **_parent(context, values)}
    store.put_tags(db, run_id, {**tags, "mlflow.user": user, NAME_TAG: name})
    for dataset in _datasets(found, values["spec"]):
        store.add_dataset(db, run_id, experiment, dataset)


def variables(site: Site, row: JobRow, token: str, given: Mapping[str, str]) -> dict[str, str]:
    """By what MLflow finds the run. `given` is what the person set: who tracks elsewhere has no
    use for our run."""
    if "MLFLOW_TRACKING_URI" in given:
        return {}
    with site.db.read() as db:
        run = store.state(db, row.run_id)
    found = {
        "MLFLOW_TRACKING_URI": tracking_uri(site.url(), row.workspace),
        "MLFLOW_TRACKING_TOKEN": token,
        "MLFLOW_RUN_CONTEXT": json.dumps({JOB_TAG: row.name}),
    }
    if run is not None:
        found |= {
            "MLFLOW_RUN_ID": row.run_id,
            "MLFLOW_EXPERIMENT_ID": str(run.experiment_id),
            "MLFLOW_EXPERIMENT_NAME": run.experiment,
        }
    if found["MLFLOW_TRACKING_URI"].startswith("https:"):
        found["MLFLOW_TRACKING_SERVER_CERT_PATH"] = str(site.home.authority)
    return found


def follow(context: Context, row: JobRow, values: Mapping[str, Any]) -> None:
    """The job's row has just got `values`, short of its end."""
    state = values.get("state")
    if state in WAITING:
        store.wait(context.db, row.run_id)
    elif started := values.get("started_at"):
        store.start(context.db, row.run_id, started)


def end(context: Context, row: JobRow, values: Mapping[str, Any]) -> None:
    """The job's row has just got `values`, which end it. Twice is once."""
    status, ended = _ENDS[State(values["state"])], values["ended_at"]
    store.end_others(context.db, row.run_id, row.name, status, ended)
    store.end(context.db, row.run_id, status, values.get("started_at"), ended)
    _tell_hyperparameters(context, row)


def _tell_hyperparameters(context: Context, row: JobRow) -> None:
    """Of a trial. Not before its end: MLflow refuses another value for a parameter that is there,
    and what a script says itself, such as a rounded one, stands."""
    notes: dict[str, Any] = row.notes or {}
    chosen: dict[str, Any] = notes.get("hyperparameters", {})
    for key, value in flat(chosen).items():
        runs.add_param(context.db, row.run_id, key[:_KEY], str(value)[:_PARAM])


def repeat_end(context: Context, row: JobRow) -> None:
    """Who logs to an ended job's run later ends it once more: it stays as its job ended."""
    assert row.ended_at is not None
    store.put_end(context.db, row.run_id, _ENDS[row.state], row.ended_at)


def says_failed(site: Site, row: JobRow) -> bool:
    """Whether the script ended its run as failed, whatever it then exited with."""
    with site.db.read() as db:
        run = store.state(db, row.run_id)
    return run is not None and run.status == "FAILED"


def mirror(context: Context, row: JobRow, changes: Mapping[str, Any]) -> None:
    """A person changed the job, whose row was `row`: its run changes with it."""
    db, run_id = context.db, row.run_id
    if "display_name" in changes:
        name = run_name({"name": row.name, **changes})
        store.rename(db, run_id, name)
        store.put_tags(db, run_id, {NAME_TAG: name})
    if "experiment_name" in changes:
        space = spaces.name(row.workspace_id)
        store.move(db, run_id, _experiment(context, space, changes["experiment_name"]))
    if {"tags", "description"} & set(changes):
        before = told_tags({"tags": row.tags, "description": row.description})
        after = told_tags({"tags": row.tags, "description": row.description, **changes})
        store.drop_tags(db, run_id, [key for key in before if key not in after])
        store.put_tags(db, run_id, {k: v for k, v in after.items() if before.get(k) != v})
    if "archived" in changes:
        _archive(context, row, archived=changes["archived"])


def run_name(values: Mapping[str, Any]) -> str:
    return (values.get("display_name") or values["name"])[:_NAME]


def told_tags(values: Mapping[str, Any]) -> dict[str, str]:
    """What people said of the job: its tags, and its description."""
    given: dict[str, Any] = values.get("tags") or {}
    tags = {
        key: str(value)[:_VALUE]
        for key, value in given.items()
        if key and len(key) <= _KEY and not key.startswith(_OURS)
    }
    note: str | None = values.get("description")
    return {**tags, NOTE_TAG: note[:_VALUE]} if note else tags


def artifacts(workspace_id: int, run_id: str) -> str:
    """As MLflow is told where they are; `Home.artifacts` is the same place."""
    return f"{spaces.artifact_root(spaces.name(workspace_id))}/ExperimentRun/dcid.{run_id}"


def _archive(context: Context, row: JobRow, *, archived: bool) -> None:
    """The run of a live job stays, since its script writes to it; it goes when the job ends."""
    if not archived:
        store.restore(context.db, row.run_id)
    elif row.state in FINAL:
        store.delete(context.db, row.run_id, context.now())


def _experiment(context: Context, space: str, name: str) -> int:
    found = store.experiment(context.db, space, name, context.now())
    if not found.active:
        raise Conflict(
            f"The experiment {name!r} is deleted.",
            hint=f"Restore it: MlflowClient().restore_experiment('{found.id}'). Or give another "
            "`experiment_name`.",
        )
    return found.id


def _facts(found: Resolved, values: Mapping[str, Any]) -> dict[str, str]:
    """What ran, where and with what. Inputs are no parameters: those are the script's own."""
    properties = values["properties"]
    script = _SCRIPT.search(found.command)
    facts: dict[str, str | None] = {
        "mlflow.source.type": "JOB",
        "mlflow.source.name": script[0] if script else values["name"],
        **{GIT[key]: properties.get(GIT[key]) for key in ("commit", "branch", "remote")},
        JOB_TAG: values["name"],
        "lazur.type": values["type"],
        "lazur.compute": found.compute.name,
        "lazur.environment": found.environment_name,
        "lazur.build": values.get("build_key"),
        "lazur.code": found.code.tree if found.code else None,
        **{
            f"lazur.input.{key.removeprefix('inputs.')}": text
            for key, text in found.values.items()
            if key.startswith("inputs.")
        },
        **{f"lazur.output.{output['name']}": output["uri"] for output in found.outputs},
    }
    return {key: text[:_VALUE] for key, text in facts.items() if text and len(key) <= _KEY}


def _parent(context: Context, values: Mapping[str, Any]) -> dict[str, str]:
    parent_id = values.get("parent_id")
    run_id = jobs.run_of(context.db, parent_id) if parent_id is not None else None
    return {"mlflow.parentRunId": run_id} if run_id is not None else {}


def _datasets(found: Resolved, spec: Mapping[str, Any]) -> Iterator[Dataset]:
    for given in found.inputs:
        written = _written(spec, given.name)
        asset = references.parse(written)
        web = re.match(r"https?://", written) is not None
        yield Dataset(
            name=(asset.name if isinstance(asset, Asset) else given.name)[:500],
            digest=_digest(given, written),
            source_type="http" if web else "lazur",
            source=json.dumps({"url" if web else "uri": written}),
            tags={"mlflow.data.context": given.name[:500]},
        )


def _digest(given: Input, written: str) -> str:
    """The content's where it is known, else that of its address; the column holds 36
    characters."""
    return (given.source.tree or hashlib.sha256(written.encode()).hexdigest())[:36]


def _written(spec: Mapping[str, Any], name: str) -> str:
    """An input as it stands in the spec, with a dot between a group and its member."""
    value: Any = spec.get("inputs") or {}
    if name in value:
        value = value[name]
    else:
        for part in name.split("."):
            value = value[part]
    return str(cast("dict[str, Any]", value)["path"])
