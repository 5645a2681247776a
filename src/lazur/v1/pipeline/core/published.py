"""Published pipelines: components that are pipelines, submitted by their names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from lazur.errors import Conflict, Invalid
from lazur.sdk.source import Source
from lazur.v1.pipeline.core.graph import key, literal
from lazur.v1.pipeline.core.run import PipelineRun, Submitted

_KEPT = ("type", "description", "tags", "properties", "inputs", "outputs", "jobs")
_MARK = "lazur.v1.pipeline"
_DATA = "lazur.v1.data"
"""The property with the data that are taken when no others are named."""


class PublishedPipeline(Submitted):
    """`id` is the component's name and version."""

    def __init__(self, workspace: Any, found: Any) -> None:
        self.workspace = workspace
        self._found = found

    @classmethod
    def get(cls, workspace: Any, id: str) -> PublishedPipeline:  # noqa: A002 - v1's word
        name, _, version = id.partition(":")
        return cls(workspace, workspace.client.components.get(name, version or None))

    @staticmethod
    def list(workspace: Any, active_only: bool = True, **_: Any) -> Any:
        view = "ActiveOnly" if active_only else "All"
        found = workspace.client.components.list(list_view_type=view)
        return [PublishedPipeline(workspace, c) for c in found if c.get("type") == "pipeline"]

    @property
    def id(self) -> str:
        return f"{self._found.name}:{self._found.version}"

    @property
    def name(self) -> str:
        return self._found.get("display_name") or self._found.name

    @property
    def version(self) -> str:
        return str(self._found.version)

    @property
    def description(self) -> str | None:
        return self._found.description

    @property
    def status(self) -> str:
        return "Disabled" if self._found.get("archived") else "Active"

    @property
    def endpoint(self) -> str:
        """Where jobs are submitted; `lazur schedule` has webhooks for single pipelines."""
        return f"{self.workspace.client.url}/api/v1/workspaces/{self.workspace.name}/jobs"

    def submit(
        self,
        workspace: Any,
        experiment_name: str,
        pipeline_parameters: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> PipelineRun:
        return workspace.experiment(experiment_name).submit(
            self, pipeline_parameters=pipeline_parameters, **more
        )

    def submit_to(
        self,
        experiment: Any,
        more: Mapping[str, Any],
        pipeline_parameters: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> PipelineRun:
        source = Source(self.to_spec(pipeline_parameters), Path.cwd())
        return self._submitted(experiment, source, more, **settings)

    def to_spec(self, parameters: Mapping[str, Any] | None = None) -> dict[str, Any]:
        kept = dict((self._found.get("properties") or {}).get(_DATA) or {})
        given = {key(name): literal(value) for name, value in (parameters or {}).items()}
        return {
            "type": "pipeline",
            "component": f"azureml:{self.id}",
            "display_name": self.name,
            "inputs": {**kept, **given},
        }

    def facts(self) -> dict[str, Any]:
        return dict(self._found.to_dict())

    def disable(self) -> None:
        self.workspace.client.components.archive(self._found.name, str(self._found.version))

    def enable(self) -> None:
        self.workspace.client.components.restore(self._found.name, str(self._found.version))

    def __repr__(self) -> str:
        return f"Pipeline(Name: {self.name}, Id: {self.id}, Status: {self.status})"


class PipelineEndpoint(PublishedPipeline):
    """A name under which the newest version of a pipeline is submitted."""

    @classmethod
    def publish(
        cls,
        workspace: Any,
        name: str,
        pipeline: Any = None,
        description: str | None = None,
        **_: Any,
    ) -> PipelineEndpoint:
        made = pipeline if isinstance(pipeline, PublishedPipeline) else pipeline.publish(name)
        spec = {key: value for key, value in made.facts().items() if key in _KEPT}
        spec |= {"name": _plain(name), "display_name": name}
        spec |= {"description": description} if description else {}
        found = workspace.client.components.submit(Source(spec, Path.cwd()))
        return cls(workspace, found)

    @classmethod
    def get(
        cls,
        workspace: Any,
        id: str | None = None,  # noqa: A002 - v1's word
        name: str | None = None,
    ) -> PipelineEndpoint:
        named = (id or _plain(name or "")).partition(":")[0]
        return cls(workspace, workspace.client.components.get(named))

    def add_default(self, pipeline: Any) -> None:
        self._found = self.publish(self.workspace, self.name, pipeline)._found

    add = add_default

    def submit(  # pyright: ignore[reportIncompatibleMethodOverride] - as v1 has it
        self, experiment_name: str, pipeline_parameters: Any = None, **more: Any
    ) -> PipelineRun:
        return super().submit(self.workspace, experiment_name, pipeline_parameters, **more)


def register(
    workspace: Any, source: Source, name: str, description: str | None, version: str | None
) -> PublishedPipeline:
    body = component(source, name, description, version)
    components = workspace.client.components
    try:
        made = components.submit(replace(source, spec=body))
    except Conflict:  # v1 publishes one version as often as one likes
        body.pop("version", None)
        made = components.submit(replace(source, spec=body))
    return PublishedPipeline(workspace, made)


def component(
    source: Source, name: str, description: str | None, version: str | None
) -> dict[str, Any]:
    """Of a pipeline job, what can be registered."""
    body = {key: value for key, value in source.spec.items() if key != "settings"}
    given = body.get("inputs", {})
    body |= {"name": _plain(name), "display_name": name, "tags": {_MARK: "published"}}
    body["properties"] = {_DATA: {n: v for n, v in given.items() if isinstance(v, Mapping)}}
    body["inputs"] = {n: _declared(n, value) for n, value in given.items()}
    body |= {"description": description} if description else {}
    return body | ({"version": version} if version else {})


def _plain(name: str) -> str:
    found = re.sub(r"[^a-z0-9_]+", "_", name.lower()).strip("_") or "pipeline"
    return found if found[0].isalpha() else f"pipeline_{found}"


def _declared(name: str, value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return {"type": value["type"]}
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string"}
    if type(value) not in kinds:
        raise Invalid(
            f"The parameter {name!r} is a {type(value).__name__}; it cannot be published."
        )
    return {"type": kinds[type(value)], "default": value}
