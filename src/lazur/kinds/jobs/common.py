"""What all jobs have."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from lazur.spec.model import Map, Spec, Tags, TextValue
from lazur.spec.names import Name, Title
from lazur.spec.settings import Identity, Service


class Job(Spec):
    name: Name | None = None
    """Unique in the workspace; made up when left out."""
    display_name: str | None = None
    """Shown to people; need not be unique."""
    description: str | None = None
    experiment_name: Title | None = None
    """Jobs of one experiment are shown together."""
    tags: Tags = Field(default_factory=dict)
    properties: Map[TextValue] = Field(default_factory=dict)
    compute: str | None = None
    """Where it runs: `local`, or `azureml:<compute>`."""
    identity: Identity | None = None
    services: Map[Service | None] = Field(default_factory=dict)
    """What listens beside the job, by name."""
    id: str | None = None
    creation_context: Any = None
    status: str | None = None
