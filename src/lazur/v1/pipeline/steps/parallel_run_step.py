"""`azureml.pipeline.steps.parallel_run_step`: a parallel job as a step."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from lazur.errors import Invalid
from lazur.v1.core.places import Consumed, Port
from lazur.v1.core.submission import compute, words
from lazur.v1.pipeline.core.builder import Graph, PipelineStep
from lazur.v1.pipeline.core.graph import PipelineParameter
from lazur.v1.pipeline.steps.parallel_run_config import ParallelRunConfig
from lazur.v1.told import ignored, refused


class ParallelRunStep(PipelineStep):
    def __init__(
        self,
        name: str,
        parallel_run_config: ParallelRunConfig,
        inputs: list[Any],
        output: Any = None,
        side_inputs: list[Any] | None = None,
        arguments: list[Any] | None = None,
        allow_reuse: bool = True,
        models: Any = None,
        **more: Any,
    ) -> None:
        ignored("ParallelRunStep", {"models": models, **more})
        if len(inputs) != 1:
            raise Invalid(f"The step {name!r} has {len(inputs)} inputs to cut.",
                          hint="Give it one, and the others as side_inputs.")  # fmt: skip
        outputs = [output] if output is not None else []
        super().__init__(name, [*inputs, *(side_inputs or ())], outputs, arguments, allow_reuse)
        self._config = parallel_run_config

    def to_spec(self, graph: Graph, scratch: Path) -> dict[str, Any]:
        own, ports = self._config, dict[str, Port]()
        parts = [graph.bound(part, self) for part in (*self.inputs, *self.outputs)]
        parts[0] = _cut(parts[0], self.name, scratch)
        for part in parts:
            words([part], ports)
        cut = parts[0].port if isinstance(parts[0], Consumed) else Port("data", "")
        made = {
            "type": "parallel",
            "description": own.description,
            "compute": compute(own.compute_target),
            "input_data": cut.expression,
            "mini_batch_size": self._size(graph),
            "max_concurrency_per_instance": self._number(own.process_count_per_node, graph),
            "resources": {"instance_count": self._number(own.node_count, graph) or 1},
            "error_threshold": own.error_threshold,
            "mini_batch_error_threshold": own.allowed_failed_count,
            "logging_level": own.logging_level,
            "partition_keys": list(own.partition_keys) if own.partition_keys else None,
            "environment_variables": own.environment_variables,
            "retry_settings": {
                "max_retries": max(0, int(self._number(own.run_max_try, graph)) - 1),
                "timeout": self._number(own.run_invocation_timeout, graph),
            },
            "task": self._task(graph, ports, scratch),
        }
        made["inputs"] = {k: p.to_spec() for k, p in ports.items() if not p.is_output}
        made["outputs"] = {k: p.to_spec() for k, p in ports.items() if p.is_output}
        return {key: value for key, value in made.items() if value not in (None, {}, [])}

    def _task(self, graph: Graph, ports: dict[str, Port], scratch: Path) -> dict[str, Any]:
        own = self._config
        arguments = [graph.bound(part, self) for part in self.arguments]
        if own.allowed_failed_percent is not None:
            arguments += ["--allowed_failed_percent", own.allowed_failed_percent]
        made = {
            "type": "run_function",
            "code": str(Path(own.source_directory or ".").absolute()),
            "entry_script": own.entry_script,
            "environment": own.environment.to_spec(scratch),
            "program_arguments": " ".join(words(arguments, ports)),
        }
        kept = next((port for port in ports.values() if port.is_output), None)
        if own.output_action == "append_row" and kept is not None:
            file = (
                "" if kept.is_file else f"/{own.append_row_file_name or 'parallel_run_step.txt'}"
            )
            made["append_row_to"] = kept.expression + file
        return {key: value for key, value in made.items() if value}

    def _size(self, graph: Graph) -> str | None:
        size = self._number(self._config.mini_batch_size, graph)
        return None if size is None else str(size)

    def _number(self, value: Any, graph: Graph) -> Any:
        """A parameter's default: these are settled when the pipeline is made."""
        return value.default_value if isinstance(value, PipelineParameter) else value


def _cut(part: Any, step: str, scratch: Path) -> Any:
    """A table is cut by its rows, so it has to be one: its files as an MLTable."""
    if not isinstance(part, Consumed) or part.port.table is None or part.port.type == "mltable":
        return part
    if part.port.path.startswith("${{"):
        raise refused(
            f"A table of another step or of a parameter, cut by the step {step!r}",
            "Write an MLTable there, or leave read_delimited_files out: run() then gets files.",
        )
    folder = scratch / "table"
    part.port.table.to_mltable(folder)
    return Consumed(replace(part.port, path=str(folder), type="mltable", is_file=False))
