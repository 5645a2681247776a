"""Runs of the script's own process: `Experiment.start_logging()`, as notebooks have it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lazur.azureml._lazur import runs
from lazur.azureml._lazur.wire import Wire
from lazur.v1.core.model import Model

if TYPE_CHECKING:
    from lazur.v1.core.experiment import Experiment
    from lazur.v1.core.workspace import Workspace


class LoggedRun(runs.StartedRun):
    """What is logged and uploaded goes to the server, where it is shown."""

    def __init__(self, experiment: Experiment, wire: Wire, run_id: str) -> None:
        super().__init__(wire, run_id)
        self._experiment = experiment

    @property
    def experiment(self) -> Experiment:
        return self._experiment

    def get_portal_url(self) -> str:
        return self._experiment.workspace.client.url

    def wait_for_completion(self, *_: Any, **__: Any) -> dict[str, Any]:
        """It is over when this script says so."""
        return self.get_details()

    def _other(self, run_id: str) -> LoggedRun:
        return LoggedRun(self._experiment, self._wire, run_id)

    def _begun(self, info: dict[str, Any], name: str | None = None) -> LoggedRun:
        return self._other(runs.begun(self._wire, info["experiment_id"], info["run_id"], name))

    def _registered(self, uri: str, model_name: str, tags: Any, **more: Any) -> Model:
        workspace = self._experiment.workspace
        return Model.register(workspace, uri, model_name, tags, run_id=self.id, **more)


def tracked(workspace: Workspace) -> Wire:
    address = workspace.client.http.address
    return runs.tracking(workspace.client.tracking_uri, address.token or "", address.ca)
