"""The runs that a script sees, from within a job or outside of one."""

from __future__ import annotations

import math
import os
import re
import time
from datetime import datetime, timezone

from ..exceptions import ModelPathNotFoundException, RunEnvironmentException
from .absent import lacking, refused
from .files import kept_as
from .logging import metrics, plain, single
from .models import fits, register_at
from .offline import SET_BY_OTHERS
from .run_files import API, SentFiles
from .secrets import Keyvault
from .told import ignored
from .wire import Refused, Wire
from .workspace_wire import Room, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Iterator

_STATUSES = {"FINISHED": "Completed", "KILLED": "Canceled"}
_ABSENT = 404
_PARENT = "mlflow.parentRunId"
_NAME = "mlflow.runName"
_NOTE = "mlflow.note.content"
_JOB = "lazur.job"
_TYPE = "lazur.type"
"""What a job's own run has, and those that its script begins have not."""
_ALL_FILES = "azureml://datastores/workspaceartifactstore/paths/"
_AT_ONCE = 1000
_UNLIMITED = {math.inf: "Infinity", -math.inf: "-Infinity"}


def tracking(uri: str, token: str, certificate: str | None, by_proxy: bool = True) -> Wire:
    """MLflow's interface."""
    return Wire(uri.rstrip("/") + API, token, certificate, by_proxy)


def own_tracking() -> Wire:
    """What this job was told."""
    told = os.environ
    if not told.get("MLFLOW_TRACKING_URI"):
        raise RunEnvironmentException("This process was not told where runs are kept.")
    return tracking(
        told["MLFLOW_TRACKING_URI"],
        told.get("MLFLOW_TRACKING_TOKEN", ""),
        told.get("MLFLOW_TRACKING_SERVER_CERT_PATH"),
        by_proxy=False,
    )


def experiment_id(wire: Wire, name: str) -> str:
    """Of the experiment of that name, which is made if there is none."""
    known = known_experiment(wire, name)
    return known or str(wire.post("experiments/create", {"name": name})["experiment_id"])


def known_experiment(wire: Wire, name: str) -> str | None:
    """Its id, if there is one of that name."""
    try:
        found = wire.get("experiments/get-by-name", experiment_name=name)["experiment"]
    except Refused as refusal:
        if refusal.code != _ABSENT:
            raise
        return None
    return str(found["experiment_id"])


def begun(wire: Wire, experiment: str, parent: str | None = None, name: str | None = None) -> str:
    """A new run in the experiment of that id, by its own."""
    tags = {_PARENT: parent, _NAME: name}
    body = {
        "experiment_id": experiment,
        "start_time": int(time.time() * 1000),
        "tags": [{"key": key, "value": value} for key, value in tags.items() if value],
    }
    return str(wire.post("runs/create", body)["run"]["info"]["run_id"])


def searched(wire: Wire, experiment: str, words: str = "") -> Iterator[dict[str, Any]]:
    """What is known of the runs of an experiment, the newest first."""
    asked: dict[str, Any] = {"experiment_ids": [experiment], "max_results": _AT_ONCE}
    asked["filter"] = words
    while True:
        found = wire.post("runs/search", asked)
        yield from found.get("runs", ())
        if not found.get("next_page_token"):
            return
        asked["page_token"] = found["next_page_token"]


def chosen(
    found: Iterator[dict[str, Any]], tags: Any = None, properties: Any = None, status: Any = None
) -> Iterator[dict[str, Any]]:
    """As v1 filters runs."""
    asked = [part for given in (tags, properties) for part in pairs(given)]
    for run in found:
        if fits(_tags(run), asked) and status in (None, _status(run)):
            yield run


class TrackedRun(SentFiles):
    """A run that the server knows, over MLflow's interface."""

    type = "azureml.scriptrun"

    experiments: Callable[[Any, str], Any] | None = None
    """What an experiment is: set by who knows."""

    def __init__(self, wire: Wire, run_id: str) -> None:
        super().__init__(wire, run_id)
        self.id = self.run_id = self.name = self.number = run_id

    def tag(self, key: str, value: Any = None) -> None:
        body = {"run_id": self._run_id, "key": key, "value": "" if value is None else str(value)}
        self._wire.post("runs/set-tag", body)

    def remove_tags(self, tags: list[str]) -> None:
        for key in tags:
            self._wire.post("runs/delete-tag", {"run_id": self._run_id, "key": key})

    def get_tags(self) -> dict[str, str]:
        return {k: v for k, v in self._tags().items() if not k.startswith(SET_BY_OTHERS)}

    def get_properties(self) -> dict[str, str]:
        return self.get_tags()

    tags = property(get_tags)
    properties = property(get_properties)

    def get_metrics(self, name: str | None = None, recursive: bool = False, **_: Any) -> Any:
        """A number, or the list of them where there are several; texts and tables, too."""
        ignored("Run.get_metrics", {"recursive": recursive}, "ask each of get_children()")
        data = self._facts()["data"]
        names = [m["key"] for m in data.get("metrics", ())]
        told = metrics(
            {key: self._history(key) for key in names if is_wanted(key, name)},
            {tag["key"]: tag["value"] for tag in data.get("tags", ())},
        )
        return {key: value for key, value in told.items() if name in (None, key, plain(key))}

    def get_status(self) -> str:
        return _status(self._facts())

    status = property(get_status)

    def get_details(self) -> dict[str, Any]:
        facts = self._facts()
        return {
            "runId": self.id,
            "target": os.environ.get("AZUREML_COMPUTE_TARGET", "local"),
            "status": _status(facts),
            "startTimeUtc": _moment(facts["info"].get("start_time")),
            "endTimeUtc": _moment(facts["info"].get("end_time")),
            "properties": self.get_properties(),
            "inputDatasets": [],
            "logFiles": {},
        }

    def get_portal_url(self) -> str:
        return os.environ.get("LAZUR_SERVER", "")

    @property
    def display_name(self) -> str:
        return self._tags().get(_NAME, self.id)

    @display_name.setter
    def display_name(self, value: str) -> None:
        self.tag(_NAME, value)

    @property
    def description(self) -> str | None:
        return self._tags().get(_NOTE)

    @description.setter
    def description(self, value: str) -> None:
        self.tag(_NOTE, value)

    @property
    def experiment(self) -> Any:
        if self.experiments is None:
            raise refused("run.experiment", "Name it: Experiment(workspace, 'name').")
        found = str(self._facts()["info"]["experiment_id"])
        told = self._wire.get("experiments/get", experiment_id=found)["experiment"]
        return self.experiments(None, told["name"])

    @property
    def parent(self) -> Any:
        """A pipeline's or a sweep's run, of which this one is a part."""
        found = self._tags().get(_PARENT)
        return self._seen(self._wire.get("runs/get", run_id=found)["run"]) if found else None

    def child_run(self, name: str | None = None, **_: Any) -> Any:
        return self._begun(self._facts()["info"], name)

    def create_children(
        self, count: int | None = None, tag_key: str | None = None, tag_values: Any = ()
    ) -> list[Any]:
        """So many, or one for each value of the tag."""
        info = self._facts()["info"]
        values = [None] * (count or 0) or list(tag_values)
        made = [self._begun(info) for _ in values]
        for child, value in zip(made, values):
            if tag_key and value is not None:
                child.tag(tag_key, value)
        return made

    def get_children(
        self,
        recursive: bool = False,
        tags: Any = None,
        properties: Any = None,
        type: Any = None,  # noqa: A002 - v1's word
        status: str | None = None,
        **_: Any,
    ) -> Iterator[Any]:
        ignored("Run.get_children", {"type": type})
        info = self._facts()["info"]
        waiting = [str(info["run_id"])]
        while waiting:
            words = "tags.`%s` = '%s'" % (_PARENT, waiting.pop(0))
            found = list(searched(self._wire, info["experiment_id"], words))
            for run in chosen(iter(found), tags, properties, status):
                yield self._seen(run)
            if recursive:
                waiting += [str(run["info"]["run_id"]) for run in found]

    def register_model(
        self, model_name: str, model_path: str | None = None, tags: Any = None, **more: Any
    ) -> Any:
        """Of what was uploaded to it."""
        known, path = self.get_file_names(), model_path or model_name
        for name in (path, kept_as(path)):
            plain_name = name.strip("/")
            if any(one == plain_name or one.startswith(plain_name + "/") for one in known):
                uri = _ALL_FILES + "%s/%s" % (self._store(), plain_name)
                return self._registered(uri, model_name, tags, **more)
        raise ModelPathNotFoundException("The run %s has no file %s." % (self.id, path))

    def get_secret(self, name: str) -> str:
        return Keyvault().get_secret(name)

    def get_secrets(self, secrets: list[str]) -> dict[str, str]:
        return {name: self.get_secret(name) for name in secrets}

    wait_for_completion = lacking("Run.wait_for_completion")
    submit_child = lacking(
        "Run.submit_child", "A job submits no jobs: make them steps of a pipeline, or a sweep."
    )
    get_environment = lacking("Run.get_environment")
    get_snapshot_id = lacking("Run.get_snapshot_id")
    restore_snapshot = lacking("Run.restore_snapshot")
    take_snapshot = lacking("Run.take_snapshot")

    def fail(self, error_details: Any = None, error_code: Any = None, **_: Any) -> None:
        self.end("FAILED")

    def cancel(self) -> None:
        """Of a job, such as the parent: it is stopped."""
        self.end("KILLED")

    def end(self, status: str) -> None:
        body = {"run_id": self._run_id, "status": status, "end_time": int(time.time() * 1000)}
        self._wire.post("runs/update", body)

    def _history(self, key: str) -> Any:
        found = self._wire.get("metrics/get-history", run_id=self._run_id, metric_key=key)
        return single([float(point["value"]) for point in found.get("metrics", ())])

    def _send(self, points: list[tuple[str, float, int]]) -> None:
        now = int(time.time() * 1000)
        told = [
            {"key": name, "value": _finite(value), "step": int(step), "timestamp": now}
            for name, value, step in points
        ]
        if len(told) == 1:
            self._wire.post("runs/log-metric", {"run_id": self._run_id, **told[0]})
            return
        for start in range(0, len(told), _AT_ONCE):
            part = told[start : start + _AT_ONCE]
            self._wire.post("runs/log-batch", {"run_id": self._run_id, "metrics": part})

    def _registered(self, uri: str, model_name: str, tags: Any, **more: Any) -> Any:
        return register_at(uri, self.id, model_name, tags, **more)

    def _seen(self, run: dict[str, Any]) -> TrackedRun:
        return named(self._other(run["info"]["run_id"]), run)

    def _other(self, run_id: str) -> TrackedRun:
        return TrackedRun(self._wire, run_id)

    def _begun(self, info: dict[str, Any], name: str | None = None) -> Any:
        made = begun(self._wire, info["experiment_id"], info["run_id"], name)
        return StartedRun(self._wire, made)

    def _tags(self) -> dict[str, str]:
        return _tags(self._facts())

    def _facts(self) -> dict[str, Any]:
        return self._wire.get("runs/get", run_id=self._run_id)["run"]

    def __repr__(self) -> str:
        return "Run(Id: %s)" % self.id


class StartedRun(TrackedRun):
    """What `start_logging` or `child_run` began: it ends when it is told to."""

    def complete(self, _set_status: bool = True) -> None:
        self.end("FINISHED")


def is_wanted(key: str, name: str | None) -> bool:
    """Of a table, all its columns."""
    if name is None:
        return not key.startswith("system/")
    return key == plain(name) or key.startswith(plain(name) + ".")


def job_of(run: dict[str, Any]) -> str | None:
    """The name of the job whose run it is: its id, where that is short enough."""
    tags = _tags(run)
    return tags.get(_JOB) if _TYPE in tags else None


def named(made: TrackedRun, run: dict[str, Any]) -> TrackedRun:
    """Azure's id of a job's run is the job's name."""
    made.id = made.run_id = made.name = job_of(run) or made.id
    return made


def by_id(given: str) -> TrackedRun:
    """A run by what a script knows of it: a job's name, or what MLflow calls it."""
    found = given
    if not re.fullmatch(r"[\w-]{1,32}", given):
        found = str(Room().wire.get("/runs/" + quoted(given))["id"])
    made = TrackedRun(own_tracking(), found)
    made.id = made.run_id = made.name = given
    return made


def is_part(run: dict[str, Any]) -> bool:
    """Of another: a step, a trial, a child."""
    return _PARENT in _tags(run)


def _tags(run: dict[str, Any]) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in run["data"].get("tags", ())}


def _status(run: dict[str, Any]) -> str:
    status = str(run["info"]["status"])
    return _STATUSES.get(status) or status.capitalize()


def pairs(given: Any) -> list[Any]:
    """A name, or a mapping of names to values."""
    return [given] if isinstance(given, str) else list((given or {}).items())


def _moment(milliseconds: Any) -> str | None:
    if not milliseconds:
        return None
    told = datetime.fromtimestamp(int(milliseconds) / 1000, timezone.utc)
    return told.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _finite(value: float) -> Any:
    """JSON has no other numbers."""
    return value if math.isfinite(value) else _UNLIMITED.get(value, "NaN")
