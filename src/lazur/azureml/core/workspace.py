"""`azureml.core.workspace`: the job's own."""

from __future__ import annotations

import os

from .._lazur import delimited
from .._lazur.absent import refused
from .._lazur.runs import by_id
from .._lazur.workspace_wire import Room
from .dataset import Dataset
from .datastore import Datastore
from .keyvault import Keyvault
from .model import Model

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator


class Workspace:
    """Its data and models, as far as a job's token may see them."""

    def __init__(
        self,
        subscription_id: str | None = None,
        resource_group: str | None = None,
        workspace_name: str | None = None,
        **_: Any,
    ) -> None:
        own = Room().name
        if workspace_name and os.environ.get("LAZUR_JOB") and workspace_name != own:
            raise refused(
                "The workspace %r" % workspace_name,
                "This job belongs to %r and sees no other. Give it what it needs as inputs." % own,
            )
        self.name = own
        told = os.environ
        self.subscription_id = subscription_id or told.get("AZUREML_ARM_SUBSCRIPTION", "")
        self.resource_group = resource_group or told.get("AZUREML_ARM_RESOURCEGROUP", "")
        self.location = "local"

    @classmethod
    def from_config(cls, *_: Any, **__: Any) -> Workspace:
        """The job's own, whatever a config.json beside the script says."""
        return cls()

    @classmethod
    def get(cls, name: str | None = None, **_: Any) -> Workspace:
        return cls(workspace_name=name)

    @classmethod
    def create(cls, *_: Any, **__: Any) -> Any:
        raise refused("Workspace.create", "Make it with `lazur workspace create`.")

    def get_default_datastore(self) -> Datastore:
        return Datastore.get_default(self)

    def get_default_keyvault(self) -> Keyvault:
        return Keyvault()

    def get_run(self, run_id: str) -> Any:
        return by_id(run_id)

    def get_mlflow_tracking_uri(self, **_: Any) -> str:
        return os.environ.get("MLFLOW_TRACKING_URI", "")

    @property
    def datasets(self) -> _Named:
        return _Named(lambda name: Dataset.get_by_name(self, name), "data")

    @property
    def models(self) -> _Named:
        return _Named(lambda name: Model(self, name), "models")

    @property
    def datastores(self) -> _Named:
        return _Named(lambda name: Datastore(self, name), "datastores")

    @property
    def experiments(self) -> Any:
        raise refused("Workspace.experiments", "Name one: Experiment(ws, 'name').")

    @property
    def compute_targets(self) -> Any:
        raise refused("Workspace.compute_targets")

    @property
    def environments(self) -> Any:
        raise refused("Workspace.environments")

    @property
    def webservices(self) -> Any:
        raise refused("Workspace.webservices")

    def get_details(self) -> dict[str, Any]:
        return {"name": self.name, "location": self.location}

    def write_config(self, *_: Any, **__: Any) -> None:
        """A job needs none."""

    def __repr__(self) -> str:
        return "Workspace(name=%r)" % self.name


class _Named(dict):
    """Asked for one by one, or all of them for who goes through them."""

    def __init__(self, find: Any, kind: str) -> None:
        super().__init__()
        self._find, self._kind = find, kind

    def __missing__(self, name: str) -> Any:
        return self._find(name)

    def __contains__(self, name: object) -> bool:
        return delimited.asset(str(name)) in map(delimited.asset, self)

    def __iter__(self) -> Iterator[str]:
        return iter(delimited.shown(found) for found in Room().listed("/" + self._kind))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def keys(self) -> Any:
        return list(iter(self))

    def values(self) -> Any:
        return [self._find(name) for name in self]

    def items(self) -> Any:
        return [(name, self._find(name)) for name in self]

    def get(self, name: str, default: Any = None) -> Any:
        return self._find(name) if name in self else default
