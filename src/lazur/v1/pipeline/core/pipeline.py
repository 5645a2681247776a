"""`Pipeline(workspace, steps)`: a pipeline job of ours."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lazur.errors import Invalid
from lazur.sdk.source import Source
from lazur.v1.pipeline.core.builder import Graph, PipelineStep
from lazur.v1.pipeline.core.graph import key, literal
from lazur.v1.pipeline.core.published import PublishedPipeline, register
from lazur.v1.pipeline.core.run import PipelineRun, Submitted
from lazur.v1.told import ignored


class Pipeline(Submitted):
    def __init__(
        self,
        workspace: Any,
        steps: Any,
        description: str | None = None,
        default_datastore: Any = None,
        default_source_directory: str | None = None,
        resolve_closure: bool = True,
        **_: Any,
    ) -> None:
        self.workspace = workspace
        self.description = description
        self.graph = Graph(steps)
        self._datastore = getattr(default_datastore, "name", default_datastore)
        for step in self.graph.keys:
            if default_source_directory and getattr(step, "source_directory", "") is None:
                step.source_directory = default_source_directory  # type: ignore[attr-defined]

    def _set_experiment_name(self, *_: Any) -> None:
        """Named by scripts, and never called."""

    def validate(self) -> list[str]:
        """Raises for what is wrong, as submitting would."""
        with self._prepared(None) as source:
            self.workspace.client.jobs.validate(source)
        return []

    def submit(
        self,
        experiment_name: str,
        pipeline_parameters: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> PipelineRun:
        return self.workspace.experiment(experiment_name).submit(
            self, pipeline_parameters=pipeline_parameters, **more
        )

    def submit_to(
        self,
        experiment: Any,
        more: Mapping[str, Any],
        pipeline_parameters: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> PipelineRun:
        with self._prepared(pipeline_parameters) as source:
            return self._submitted(experiment, source, more, **settings)

    def publish(
        self,
        name: str | None = None,
        description: str | None = None,
        version: str | None = None,
        continue_on_step_failure: bool | None = None,
        **_: Any,
    ) -> PublishedPipeline:
        """A pipeline component, which can be submitted by its name."""
        ignored("Pipeline.publish", {"continue_on_step_failure": continue_on_step_failure},
                "say it when it is submitted")  # fmt: skip
        named = name or "pipeline"
        with self._prepared(None) as source:
            return register(
                self.workspace, source, named, description or self.description, version
            )

    @contextmanager
    def _prepared(self, given: Mapping[str, Any] | None) -> Iterator[Source]:
        with tempfile.TemporaryDirectory(prefix="lazur-v1-") as scratch:
            yield Source(self.to_spec(Path(scratch), given), Path.cwd())

    def to_spec(self, scratch: Path, given: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """As Azure v2's YAML has it."""
        jobs = {name: self._step(step, name, scratch) for step, name in self.graph.keys.items()}
        known = self.graph.parameters
        unknown = sorted(set(given or ()) - set(known))
        if unknown:
            told = f"It has {', '.join(sorted(known))}." if known else "It has none."
            raise Invalid(f"The pipeline has no parameter {', '.join(unknown)}.", hint=told)
        values = {key(n): (given or {}).get(n, p.default_value) for n, p in known.items()}
        defaults = {"default_datastore": self._datastore} if self._datastore else {}
        outputs = {
            name: {"type": "uri_file" if port.is_file else "uri_folder"}
            for name, port in self.graph.outputs.items()
        }
        made: dict[str, Any] = {
            "type": "pipeline",
            "description": self.description,
            "inputs": {name: literal(value) for name, value in values.items()},
            "outputs": outputs,
            "settings": defaults,
            "jobs": jobs,
        }
        return {name: part for name, part in made.items() if part not in (None, {}, [])}

    def _step(self, step: PipelineStep, name: str, scratch: Path) -> dict[str, Any]:
        folder = scratch / name
        folder.mkdir()
        made = {"display_name": step.name, **step.to_spec(self.graph, folder)}
        if not step.allow_reuse:
            made["is_deterministic"] = False
        after = sorted({self.graph.key_of(other) for other in step.after()})
        return {**made, "depends_on": after} if after else made
