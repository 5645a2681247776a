"""The runs that a script sees, from within a job or outside of one."""

from __future__ import annotations

import math
import os
import time
import uuid
from functools import cached_property

from ..exceptions import RunEnvironmentException
from .absent import refused
from .logging import NAME, TABLE, TEXT, Logging, metrics, plain, single
from .models import register
from .secrets import Keyvault
from .tables import given
from .wire import Refused, Wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Iterator

_API = "/api/2.0/mlflow/"
_STATUSES = {"FINISHED": "Completed", "KILLED": "Canceled"}
_ABSENT = 404
_PARENT = "mlflow.parentRunId"
_NAME = "mlflow.runName"
_SET_BY_OTHERS = ("mlflow.", "azureml.", "lazur.")


def get_context(allow_offline: bool = True, **_: Any) -> Any:
    """The run of this job; outside of a job one that prints what it is told."""
    if os.environ.get("MLFLOW_RUN_ID") and os.environ.get("MLFLOW_TRACKING_URI"):
        return JobRun()
    if not allow_offline:
        raise RunEnvironmentException(
            "This script does not run in a job, and Run.get_context(allow_offline=False) asks for"
            " one. Submit it, or leave allow_offline out."
        )
    return OfflineRun()


def tracking(uri: str, token: str, certificate: str | None, by_proxy: bool = True) -> Wire:
    """MLflow's interface."""
    return Wire(uri.rstrip("/") + _API, token, certificate, by_proxy)


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
    try:
        found = wire.get("experiments/get-by-name", experiment_name=name)["experiment"]
    except Refused as refusal:
        if refusal.code != _ABSENT:
            raise
        found = wire.post("experiments/create", {"name": name})
    return str(found["experiment_id"])


def begun(wire: Wire, experiment: str, parent: str | None = None, name: str | None = None) -> Any:
    """A run of its own, in the experiment of that id."""
    tags = {_PARENT: parent, _NAME: name}
    body = {
        "experiment_id": experiment,
        "start_time": int(time.time() * 1000),
        "tags": [{"key": key, "value": value} for key, value in tags.items() if value],
    }
    return StartedRun(wire, wire.post("runs/create", body)["run"]["info"]["run_id"])


class TrackedRun(Logging):
    """A run that the server knows, over MLflow's interface."""

    experiments: Callable[[Any, str], Any] | None = None
    """What an experiment is: set by who knows."""

    def __init__(self, wire: Wire, run_id: str) -> None:
        super().__init__()
        self._wire = wire
        self._run_id = self.id = self.run_id = self.name = self.number = run_id

    def tag(self, key: str, value: Any = None) -> None:
        body = {"run_id": self._run_id, "key": key, "value": "" if value is None else str(value)}
        self._wire.post("runs/set-tag", body)

    def remove_tags(self, tags: list[str]) -> None:
        for key in tags:
            self._wire.post("runs/delete-tag", {"run_id": self._run_id, "key": key})

    def get_tags(self) -> dict[str, str]:
        return {k: v for k, v in self._tags().items() if not k.startswith(_SET_BY_OTHERS)}

    def get_properties(self) -> dict[str, str]:
        return self.get_tags()

    tags = property(get_tags)
    properties = property(get_properties)

    def get_metrics(self, name: str | None = None, **_: Any) -> dict[str, Any]:
        """A number, or the list of them where there are several; texts and tables, too."""
        data = self._facts()["data"]
        names = [m["key"] for m in data.get("metrics", ())]
        told = metrics(
            {key: self._history(key) for key in names if is_wanted(key, name)},
            {tag["key"]: tag["value"] for tag in data.get("tags", ())},
        )
        return {key: value for key, value in told.items() if name in (None, key, plain(key))}

    def get_status(self) -> str:
        status = str(self._facts()["info"]["status"])
        return _STATUSES.get(status) or status.capitalize()

    status = property(get_status)

    def get_details(self) -> dict[str, Any]:
        info = self._facts()["info"]
        return {
            "runId": self.id,
            "target": os.environ.get("AZUREML_COMPUTE_TARGET", "local"),
            "status": self.get_status(),
            "startTimeUtc": info.get("start_time"),
            "properties": {},
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
        return TrackedRun(self._wire, found) if found else None

    def child_run(self, name: str | None = None, **_: Any) -> Any:
        return begun(self._wire, self._facts()["info"]["experiment_id"], self._own_id(), name)

    def create_children(self, count: int | None = None, **_: Any) -> list[Any]:
        return [self.child_run() for _ in range(count or 0)]

    def get_children(self, **_: Any) -> Iterator[Any]:
        asked = {
            "experiment_ids": [self._facts()["info"]["experiment_id"]],
            "filter": "tags.`%s` = '%s'" % (_PARENT, self._own_id()),
            "max_results": 1000,
        }
        for run in self._wire.post("runs/search", asked).get("runs", ()):
            yield TrackedRun(self._wire, run["info"]["run_id"])

    def register_model(
        self, model_name: str, model_path: str | None = None, tags: Any = None, **more: Any
    ) -> Any:
        return register(model_name, model_path or model_name, tags, **more)

    def get_secret(self, name: str) -> str:
        return Keyvault().get_secret(name)

    def get_secrets(self, secrets: list[str]) -> dict[str, str]:
        return {name: self.get_secret(name) for name in secrets}

    def wait_for_completion(self, *_: Any, **__: Any) -> Any:
        raise refused("Run.wait_for_completion")

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

    def _metric(self, name: str, value: float, step: int) -> None:
        told = value if math.isfinite(value) else _UNLIMITED.get(value, "NaN")
        body = {"run_id": self._run_id, "key": name, "value": told, "step": int(step)}
        self._wire.post("runs/log-metric", {**body, "timestamp": int(time.time() * 1000)})

    def _own_id(self) -> str:
        return str(self._facts()["info"]["run_id"])

    def _tags(self) -> dict[str, str]:
        return {t["key"]: t["value"] for t in self._facts()["data"].get("tags", ())}

    def _facts(self) -> dict[str, Any]:
        return self._wire.get("runs/get", run_id=self._run_id)["run"]

    def __repr__(self) -> str:
        return "Run(Id: %s)" % self.id


class StartedRun(TrackedRun):
    """What `start_logging` or `child_run` began: it ends when it is told to."""

    def complete(self, _set_status: bool = True) -> None:
        self.end("FINISHED")


class JobRun(TrackedRun):
    """The run of this job."""

    def __init__(self) -> None:
        super().__init__(own_tracking(), os.environ["MLFLOW_RUN_ID"])
        # Azure's id of a run is the job's name.
        self.id = self.run_id = self.name = os.environ.get("AZUREML_RUN_ID", self._run_id)

    @cached_property
    def input_datasets(self) -> dict[str, Any]:
        """The paths of the job's inputs, and what the script adds to them."""
        return given("AZURE_ML_INPUT_")

    @cached_property
    def output_datasets(self) -> dict[str, Any]:
        return given("AZURE_ML_OUTPUT_")

    def get_portal_url(self) -> str:
        told = os.environ
        parts = (told.get("LAZUR_SERVER", ""), told.get("LAZUR_WORKSPACE", ""), self.id)
        return "%s/jobs/%s/%s" % parts

    def get_environment_variables(self) -> dict[str, str]:
        return dict(os.environ)


class OfflineRun(Logging):
    """Outside of a job: what is logged is printed."""

    def __init__(self) -> None:
        super().__init__()
        self.id = self.run_id = self._run_id = self.name = "OfflineRun_%s" % uuid.uuid4()
        self.number = 1
        self.parent = None
        self.display_name: str | None = None
        self.input_datasets: dict[str, Any] = {}
        self.output_datasets: dict[str, Any] = {}
        self._told: dict[str, str] = {}
        self._metrics: dict[str, list[float]] = {}

    def tag(self, key: str, value: Any = None) -> None:
        self._told[key] = "" if value is None else str(value)
        if not key.startswith((TEXT, TABLE, NAME)):
            print("Attempted to set the tag %s: %s" % (key, self._told[key]))

    def get_tags(self) -> dict[str, str]:
        return {k: v for k, v in self._told.items() if not k.startswith(_SET_BY_OTHERS)}

    get_properties = get_tags
    tags = properties = property(get_tags)

    def get_metrics(self, name: str | None = None, **_: Any) -> dict[str, Any]:
        found = metrics({k: single(list(v)) for k, v in self._metrics.items()}, self._told)
        return {key: value for key, value in found.items() if name in (None, key)}

    def get_status(self) -> str:
        return "Running"

    def get_details(self) -> dict[str, Any]:
        return {"runId": self.id, "status": "Running", "properties": {}}

    def get_portal_url(self) -> str:
        return ""

    def child_run(self, name: str | None = None, **_: Any) -> OfflineRun:
        return OfflineRun()

    def get_children(self, **_: Any) -> list[Any]:
        return []

    def fail(self, error_details: Any = None, **_: Any) -> None:
        print("Attempted to fail the run: %s" % (error_details or ""))

    def cancel(self) -> None:
        print("Attempted to cancel the run")

    @property
    def experiment(self) -> Any:
        raise RunEnvironmentException(
            "This script does not run in a job, so its run has no experiment and no workspace."
            " Look with `run.id.startswith('OfflineRun')` before you ask for them."
        )

    def register_model(self, model_name: str, *_: Any, **__: Any) -> Any:
        print("Attempted to register the model %s" % model_name)

    def get_secret(self, name: str) -> str | None:
        return os.environ.get(name)

    def _metric(self, name: str, value: float, step: int) -> None:
        self._metrics.setdefault(name, []).append(value)
        print("Attempted to log scalar metric %s:\n%s" % (name, value))

    def _text(self, name: str, value: str) -> None:
        super()._text(name, value)
        print("Attempted to log scalar metric %s:\n%s" % (name, value))


_UNLIMITED = {math.inf: "Infinity", -math.inf: "-Infinity"}


def is_wanted(key: str, name: str | None) -> bool:
    """Of a table, all its columns."""
    if name is None:
        return not key.startswith("system/")
    return key == plain(name) or key.startswith(plain(name) + ".")
