"""An environment: an image, a conda file on top, or a build context."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from lazur.kinds.assets.common import AutoDelete
from lazur.spec.model import Map, Spec, Tags, Whole, spelled
from lazur.spec.names import Name, Version

_Os = Literal["linux", "windows"]


class Build(Spec):
    """`build`: a folder with a Dockerfile."""

    path: str | None = None
    """The folder, or a git or http address of it."""
    dockerfile_path: str = "Dockerfile"
    """Relative to `path`."""


class Route(Spec):
    port: Annotated[Whole, Field(ge=1, le=65_535)]
    path: str


class InferenceConfig(Spec):
    """Where a server in the image answers."""

    liveness_route: Route
    readiness_route: Route
    scoring_route: Route


class AnonymousEnvironment(Spec):
    """An environment written in place."""

    name: Name | None = None
    version: Version | None = None
    id: str | None = None
    description: str | None = None
    tags: Tags = Field(default_factory=dict)
    auto_delete_setting: AutoDelete | None = None
    image: str | None = None
    """A Docker image."""
    conda_file: str | dict[str, Any] | None = None
    """Path of a conda YAML file, or its content."""
    build: Build | None = None
    inference_config: InferenceConfig | None = None
    os_type: Annotated[_Os, spelled(_Os)] = "linux"
    datastore: str | None = None
    properties: Map[Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _has_a_base(self) -> AnonymousEnvironment:
        if self.image and self.build:
            raise ValueError("an environment has `image` or `build`, not both")
        if not (self.image or self.build or self.conda_file):
            raise ValueError("an environment needs `image`, `image` with `conda_file`, or `build`")
        return self


class Environment(AnonymousEnvironment):
    """An environment with a name, kept in versions."""

    name: Name = Field()  # pyright: ignore[reportIncompatibleVariableOverride] - required, frozen
