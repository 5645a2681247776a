"""A model asset."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from lazur.kinds.assets.common import Asset
from lazur.spec.model import Map, Spec, spelled
from lazur.spec.names import Name

_Type = Literal["custom_model", "mlflow_model", "triton_model"]


class DeploymentTemplate(Spec):
    asset_id: str | None = None


class Model(Asset):
    """A model with a name, kept in versions."""

    name: Name = Field()  # pyright: ignore[reportIncompatibleVariableOverride] - required, frozen
    path: str | None = None
    """A local file or folder, a job's output, `runs:/<run>/<path>` or a datastore path."""
    type: Annotated[_Type, spelled(_Type)] = "custom_model"
    stage: str | None = None
    flavors: Map[Any] = Field(default_factory=dict)
    properties: Map[Any] = Field(default_factory=dict)
    system_metadata: Map[Any] = Field(default_factory=dict)
    default_deployment_template: DeploymentTemplate | None = None
    allowed_deployment_templates: list[DeploymentTemplate] | None = None
