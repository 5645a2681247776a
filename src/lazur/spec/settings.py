"""How a job runs: limits, distribution, queue, identity, services."""

from __future__ import annotations

from typing import Annotated, Any, Literal, cast

from pydantic import Discriminator, Field, Tag

from lazur.spec.model import Map, Spec, Whole, spelled, squashed

_Priority = Literal["low", "medium", "high"]
_Tier = Literal["spot", "basic", "standard", "premium", "null"]
_Identity = Literal["managed", "managed_identity", "user_identity", "aml_token"]
_Service = Literal["ssh", "jupyter_lab", "tensor_board", "vs_code"]
Count = Annotated[Whole, Field(ge=1, le=100_000)]
Port = Annotated[Whole, Field(ge=0, le=65_535)]


class Limits(Spec):
    """`limits` of a command job."""

    timeout: Annotated[Whole, Field(gt=0)] | None = None
    """Seconds after which the job is ended."""


class PyTorchDistribution(Spec):
    """One process per rank, found by MASTER_ADDR, RANK, WORLD_SIZE."""

    type: Annotated[Literal["pytorch"], spelled(Literal["pytorch"])]
    process_count_per_instance: Count = 1
    """Processes on each node."""


class MPIDistribution(Spec):
    """Processes with the variables of Open MPI."""

    type: Annotated[Literal["mpi"], spelled(Literal["mpi"])]
    process_count_per_instance: Count = 1
    """Processes on each node."""


class TensorFlowDistribution(Spec):
    """Workers and parameter servers that read TF_CONFIG."""

    type: Annotated[Literal["tensorflow"], spelled(Literal["tensorflow"])]
    worker_count: Count | None = None
    """Workers in all; the number of nodes when left out."""
    parameter_server_count: Annotated[Whole, Field(ge=0)] = 0


class RayDistribution(Spec):
    """A Ray cluster over the nodes."""

    type: Annotated[Literal["ray"], spelled(Literal["ray"])]
    port: Port | None = None
    address: str | None = None
    include_dashboard: bool | None = None
    dashboard_port: Port | None = None
    head_node_additional_args: str | None = None
    worker_node_additional_args: str | None = None


def _distribution(value: Any) -> str | None:
    if isinstance(value, dict):
        word = squashed(cast("dict[str, Any]", value).get("type"))
    else:
        word = squashed(getattr(value, "type", None))
    return f"\0{word}" if word in {"pytorch", "mpi", "tensorflow", "ray"} else None


Distribution = Annotated[
    Annotated[PyTorchDistribution, Tag("\0pytorch")]
    | Annotated[MPIDistribution, Tag("\0mpi")]
    | Annotated[TensorFlowDistribution, Tag("\0tensorflow")]
    | Annotated[RayDistribution, Tag("\0ray")],
    Discriminator(
        _distribution,
        custom_error_type="distribution",
        custom_error_message=(
            "a distribution is a mapping whose `type` is one of pytorch, mpi, tensorflow, ray"
        ),
    ),
]


class QueueSettings(Spec):
    """`queue_settings`."""

    job_tier: Annotated[_Tier, spelled(_Tier)] | None = None
    priority: Annotated[_Priority, spelled(_Priority)] = "medium"
    """Which job goes first when several wait."""


class Identity(Spec):
    """Who the job is towards Azure."""

    type: Annotated[_Identity, spelled(_Identity)]
    client_id: str | None = None
    object_id: str | None = None
    msi_resource_id: str | None = None


class Service(Spec):
    """Something that listens beside the job."""

    type: Annotated[_Service | str, spelled(_Service)] | None = None
    """`ssh`, `jupyter_lab`, `tensor_board`, `vs_code`, or a name of your own."""
    port: Port | None = None
    nodes: str | None = None
    """`all`, or the index of a node."""
    properties: Map[Any] = Field(default_factory=dict)
    log_dir: str | None = None
    """What TensorBoard reads."""
    ssh_public_keys: str | None = None
