"""The run of a script outside of a job: what is logged is printed."""

from __future__ import annotations

import os
import uuid

from ..exceptions import RunEnvironmentException
from .logging import NAME, TABLE, TEXT, metrics, single
from .run_files import KeptFiles

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SET_BY_OTHERS = ("mlflow.", "azureml.", "lazur.")
"""What tags begin with that are nobody's own."""


class NoExperiment(RunEnvironmentException, AttributeError):
    """Scripts ask by the attribute whether they run in a job."""


class OfflineRun(KeptFiles):
    def __init__(self) -> None:
        super().__init__()
        self.id = self.run_id = self._run_id = self.name = "OfflineRun_%s" % uuid.uuid4()
        self.number = 1
        self.parent = None
        self.type = "azureml.offline"
        self.description: str | None = None
        self.display_name: str | None = None
        self.input_datasets: dict[str, Any] = {}
        self.output_datasets: dict[str, Any] = {}
        self._told: dict[str, str] = {}
        self._metrics: dict[str, list[float]] = {}

    def tag(self, key: str, value: Any = None) -> None:
        self._told[key] = "" if value is None else str(value)
        if not key.startswith((TEXT, TABLE, NAME)):
            print("Attempted to set the tag %s: %s" % (key, self._told[key]))

    def remove_tags(self, tags: list[str]) -> None:
        for key in tags:
            self._told.pop(key, None)

    def get_tags(self) -> dict[str, str]:
        return {k: v for k, v in self._told.items() if not k.startswith(SET_BY_OTHERS)}

    get_properties = get_tags
    tags = properties = property(get_tags)

    def get_metrics(self, name: str | None = None, **_: Any) -> dict[str, Any]:
        found = metrics({k: single(list(v)) for k, v in self._metrics.items()}, self._told)
        return {key: value for key, value in found.items() if name in (None, key)}

    def get_status(self) -> str:
        return "Running"

    status = property(get_status)

    def get_details(self) -> dict[str, Any]:
        return {"runId": self.id, "status": "Running", "properties": {}}

    def get_portal_url(self) -> str:
        return ""

    def child_run(self, name: str | None = None, **_: Any) -> OfflineRun:
        return OfflineRun()

    def create_children(
        self, count: int | None = None, tag_key: str | None = None, tag_values: Any = ()
    ) -> list[OfflineRun]:
        return [OfflineRun() for _ in range(count or len(tag_values))]

    def get_children(self, **_: Any) -> list[Any]:
        return []

    def fail(self, error_details: Any = None, error_code: Any = None, **_: Any) -> None:
        print("Attempted to fail the run: %s" % (error_details or ""))

    def cancel(self) -> None:
        print("Attempted to cancel the run")

    @property
    def experiment(self) -> Any:
        raise NoExperiment(
            "This script does not run in a job, so its run has no experiment and no workspace."
            " Look with `run.id.startswith('OfflineRun')` before you ask for them."
        )

    def register_model(self, model_name: str, *_: Any, **__: Any) -> Any:
        print("Attempted to register the model %s" % model_name)

    def get_secret(self, name: str) -> str | None:
        return os.environ.get(name)

    def get_secrets(self, secrets: list[str]) -> dict[str, str | None]:
        return {name: self.get_secret(name) for name in secrets}

    def _send(self, points: list[tuple[str, float, int]]) -> None:
        for name, value, _ in points:
            self._metrics.setdefault(name, []).append(value)
            print("Attempted to log scalar metric %s:\n%s" % (name, value))

    def _tell(self, name: str, texts: list[str]) -> None:
        super()._tell(name, texts)
        for text in texts:
            print("Attempted to log scalar metric %s:\n%s" % (name, text))
