"""A compute of a workspace's own: a name for a share of the server's, with a bound on it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from lazur.kinds.resources.common import mapping
from lazur.spec.checking import Check
from lazur.spec.model import Map, Spec, Tags, Whole, spelled, squashed
from lazur.spec.names import Name

_Type = Literal["amlcompute", "computeinstance"]
_Tier = Literal["dedicated", "low_priority"]
MOST = 4
"""Nodes of a cluster that does not say how many."""
_Nodes = Annotated[Whole, Field(ge=0, le=100_000)]
_ATTACHED = ("kubernetes", "virtualmachine", "synapsespark", "attached")
_WITHOUT_EFFECT = {
    "size": "jobs get what they ask for under `resources`, of what the machine has",
    "tier": "no job is interrupted for another",
    "min_instances": "nothing is kept ready: jobs start at once",
    "identity": "jobs act for who submitted them",
    "network_settings": "jobs are in the network of the machine",
    "ssh_settings": "there is no machine of its own to sign in to; no password or key is kept",
    "schedules": "start and stop it by hand",
    "create_on_behalf_of": "it is everybody's in the workspace",
    "custom_applications": "nothing is installed",
    "setup_scripts": "nothing is run",
    "idle_time_before_shutdown": "it does not stop by itself",
    "idle_time_before_shutdown_minutes": "it does not stop by itself",
}
"""Each of them, and what is so instead."""


class Compute(Spec):
    """A share of the server's compute under a name of the workspace's own: `amlcompute` for up to
    `max_instances` nodes at a time, `computeinstance` for one that can be stopped."""

    name: Name = Field()
    type: Annotated[_Type, spelled(_Type)]
    description: str | None = None
    tags: Tags = Field(default_factory=dict)
    location: str | None = None
    size: str | None = None
    tier: Annotated[_Tier, spelled(_Tier)] | None = None
    min_instances: _Nodes | None = None
    max_instances: _Nodes | None = None
    """Of all jobs there together; a job has one, or its `resources.instance_count`."""
    idle_time_before_scale_down: Whole | None = None
    identity: Map[Any] | None = None
    network_settings: Map[Any] | None = None
    ssh_public_access_enabled: bool | None = None
    ssh_settings: Map[Any] | None = None
    """Not kept."""
    enable_node_public_ip: bool | None = None
    schedules: Map[Any] | None = None
    create_on_behalf_of: Map[Any] | None = None
    idle_time_before_shutdown: str | None = None
    idle_time_before_shutdown_minutes: Whole | None = None
    custom_applications: Any = None
    setup_scripts: Any = None
    enable_sso: bool | None = None
    enable_root_access: bool | None = None
    release_quota_on_stop: bool | None = None
    enable_os_patching: bool | None = None
    resource_id: str | None = None
    id: str | None = None

    @property
    def nodes(self) -> int:
        """How many of its jobs' nodes run at a time."""
        if self.type == "computeinstance":
            return 1
        return MOST if self.max_instances is None else self.max_instances


def check_compute(check: Check) -> None:
    value = mapping(check.value)
    if squashed(value.get("type")) in _ATTACHED:
        check.error(
            f"a compute of type {value['type']} cannot be attached yet",
            ("type",),
            hint="Supported: amlcompute, computeinstance.",
        )
        return
    least, most = value.get("min_instances"), value.get("max_instances")
    if isinstance(least, int) and isinstance(most, int) and least > most:
        check.error(f"{least} nodes are more than max_instances, {most}", ("min_instances",))
    for field, instead in _WITHOUT_EFFECT.items():
        if value.get(field) and value[field] != "dedicated":
            check.warning(f"`{field}` has no effect here: {instead}", (field,), key=True)
