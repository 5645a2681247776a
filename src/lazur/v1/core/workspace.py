"""`Workspace.from_config()`: this Lazur, and one of its workspaces."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn, Self

from lazur.errors import Invalid, NotFound
from lazur.sdk.client import Client, connect
from lazur.v1.core.compute_target import ComputeTarget
from lazur.v1.core.dataset import Dataset
from lazur.v1.core.datastore import Datastore
from lazur.v1.core.environment import Environment
from lazur.v1.core.experiment import Experiment
from lazur.v1.core.model import Model
from lazur.v1.core.run import Run
from lazur.v1.told import refused

_PLACES = (".azureml", "aml_config", "")


class Workspace:
    """Subscription and resource group are kept as they are given; the name counts."""

    def __init__(
        self,
        subscription_id: str | None = None,
        resource_group: str | None = None,
        workspace_name: str | None = None,
        **_: Any,
    ) -> None:
        self.subscription_id = subscription_id or ""
        self.resource_group = resource_group or ""
        self.client: Client = connect(workspace=workspace_name)
        self.name = str(self.client.workspaces.get(self.client.workspace_name)["name"])

    @classmethod
    def from_config(
        cls,
        path: str | None = None,
        auth: Any = None,
        _logger: Any = None,
        _file_name: str | None = None,
        **_: Any,
    ) -> Self:
        """By the config.json that `Workspace.write_config` and the portal write, here or above;
        without one, the workspace that `lazur` uses."""
        name = _file_name or "config.json"
        found = _config(Path(path), name) if path else _above(Path.cwd(), name)
        if found is None:
            return cls()
        told = json.loads(found.read_text("utf-8"))
        if not isinstance(told, dict) or "workspace_name" not in told:
            raise Invalid(f"{found} names no workspace_name.", hint="Write it: lazur azure config")
        return cls(told.get("subscription_id"), told.get("resource_group"), told["workspace_name"])

    @classmethod
    def get(
        cls,
        name: str,
        auth: Any = None,
        subscription_id: str | None = None,
        resource_group: str | None = None,
        **_: Any,
    ) -> Self:
        return cls(subscription_id, resource_group, name)

    @classmethod
    def create(cls, name: str, exist_ok: bool = False, **given: Any) -> Self:
        with connect() as client:
            try:
                client.workspaces.get(name)
                if not exist_ok:
                    client.workspaces.create(name)  # which says that it is there
            except NotFound:
                client.workspaces.create(name)
        return cls(given.get("subscription_id"), given.get("resource_group"), name)

    def write_config(self, path: str | None = None, file_name: str | None = None) -> None:
        folder = Path(path or ".") / ".azureml"
        folder.mkdir(parents=True, exist_ok=True)
        told = {"subscription_id": self.subscription_id, "resource_group": self.resource_group}
        text = json.dumps({**told, "workspace_name": self.name}, indent=4)
        (folder / (file_name or "config.json")).write_text(text + "\n", "utf-8")

    def experiment(self, name: str) -> Experiment:
        return Experiment(self, name)

    @property
    def experiments(self) -> dict[str, Experiment]:
        names = {job.experiment_name for job in self.client.jobs.list(list_view_type="All")}
        return {name: Experiment(self, name) for name in sorted(filter(None, names))}

    @property
    def compute_targets(self) -> dict[str, ComputeTarget]:
        return {found.name: found for found in ComputeTarget.list(self)}

    @property
    def datastores(self) -> dict[str, Datastore]:
        return {found.name: Datastore(self, found.name) for found in self.client.datastores.list()}

    @property
    def datasets(self) -> dict[str, Any]:
        return Dataset.get_all(self)

    @property
    def environments(self) -> dict[str, Environment]:
        return _Environments(Environment.list(self), self)

    @property
    def models(self) -> dict[str, Model]:
        return {model.name: model for model in Model.list(self, latest=True)}

    def get_default_datastore(self) -> Datastore:
        return Datastore.get_default(self)

    def get_default_keyvault(self) -> Any:
        raise refused(
            "Workspace.get_default_keyvault",
            "Secrets are those of connections: docs/datastores.md. A job finds those that it names"
            " by run.get_secret(name).",
        )

    @classmethod
    def list(cls, *_: Any, **__: Any) -> dict[str, list[Workspace]]:
        with connect() as client:
            names = [str(found["name"]) for found in client.workspaces.list()]
        return {name: [cls(workspace_name=name)] for name in names}

    def get_run(self, run_id: str) -> Any:
        return Run.get(self, run_id)

    def get_mlflow_tracking_uri(self, **_: Any) -> str:
        return self.client.tracking_uri

    def delete(self, *_: Any, **__: Any) -> NoReturn:
        raise refused("Workspace.delete", "Whoever is sure says: lazur workspace delete")

    def get_details(self) -> dict[str, Any]:
        return self._facts

    @property
    def location(self) -> str:
        return str(self._facts.get("location") or "local")

    @cached_property
    def _facts(self) -> dict[str, Any]:
        return dict(self.client.workspaces.get(self.name))

    def __repr__(self) -> str:
        return f"Workspace.create(name={self.name!r})"


class _Environments(dict[str, Environment]):
    """With the curated ones, which are found by any of their names."""

    def __init__(self, registered: dict[str, Environment], workspace: Workspace) -> None:
        super().__init__(registered)
        self._workspace = workspace

    def __missing__(self, name: str) -> Environment:
        if not name.lower().startswith("azureml-"):
            raise KeyError(name)
        return Environment.get(self._workspace, name)


def _config(path: Path, name: str) -> Path:
    found = path if path.is_file() else _inside(path, name)
    if found is None:
        raise NotFound(f"There is no {name} in {path}.", hint="Write it: lazur azure config")
    return found


def _above(folder: Path, name: str) -> Path | None:
    return next((f for place in (folder, *folder.parents) if (f := _inside(place, name))), None)


def _inside(folder: Path, name: str) -> Path | None:
    return next((f for place in _PLACES if (f := folder / place / name).is_file()), None)
