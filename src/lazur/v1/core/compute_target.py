"""Compute targets: names for a share of the machines behind Lazur."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lazur.azureml.exceptions import ComputeTargetException
from lazur.errors import NotFound
from lazur.v1.told import ignored

if TYPE_CHECKING:
    from lazur.v1.core.workspace import Workspace


class ComputeStatus:
    def __init__(self, facts: dict[str, Any]) -> None:
        self._facts = facts

    def serialize(self) -> dict[str, Any]:
        return dict(self._facts)


class ComputeTarget:
    def __init__(self, workspace: Workspace, name: str) -> None:
        self.workspace = workspace
        self.name = name
        if name != "local":
            self._found()

    @property
    def type(self) -> str:
        return "AmlCompute"

    @property
    def provisioning_state(self) -> str:
        return "Succeeded"

    @classmethod
    def create(cls, workspace: Workspace, name: str, provisioning_configuration: Any) -> Any:
        workspace.client.compute.create_or_update({**provisioning_configuration, "name": name})
        return cls(workspace, name)

    @staticmethod
    def list(workspace: Workspace) -> Any:
        return [AmlCompute(workspace, found.name) for found in workspace.client.compute.list()]

    def wait_for_completion(self, show_output: bool = False, **_: Any) -> None:
        if show_output:
            print("Succeeded")

    def get_status(self) -> ComputeStatus:
        return ComputeStatus(dict(self._found()))

    def serialize(self) -> dict[str, Any]:
        return dict(self._found())

    def delete(self) -> None:
        self.workspace.client.compute.delete(self.name)

    def _found(self) -> Any:
        try:
            return self.workspace.client.compute.get(self.name)
        except NotFound as error:
            raise ComputeTargetException(
                f"ComputeTargetNotFound: Compute Target with name {self.name} not found in"
                f" provided workspace"
            ) from error

    def __repr__(self) -> str:
        return f"{type(self).__name__}(name={self.name!r})"


class AmlCompute(ComputeTarget):
    @staticmethod
    def provisioning_configuration(
        vm_size: str = "",
        vm_priority: str = "dedicated",
        min_nodes: int = 0,
        max_nodes: int | None = None,
        idle_seconds_before_scaledown: int | None = None,
        **more: Any,
    ) -> dict[str, Any]:
        ignored("AmlCompute.provisioning_configuration", more)
        made: dict[str, Any] = {
            "type": "amlcompute",
            "size": vm_size,
            "tier": vm_priority,
            "min_instances": _whole(min_nodes),
            "max_instances": _whole(max_nodes),
            "idle_time_before_scale_down": _whole(idle_seconds_before_scaledown),
        }
        return {key: value for key, value in made.items() if value not in (None, "")}


def _whole(value: Any) -> int | None:
    """Scripts write numbers as text, too."""
    return None if value is None else int(value)


class ComputeInstance(ComputeTarget):
    """Named only: scripts look whether there is one."""
