"""All kinds of YAML: which one a file is, which model checks it, and its JSON schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from lazur.errors import Invalid, NotFound, Unsupported
from lazur.kinds.assets.code import Code
from lazur.kinds.assets.component import CommandComponent
from lazur.kinds.assets.component_forms import (
    PipelineComponent,
    SparkComponent,
)
from lazur.kinds.assets.data import Data
from lazur.kinds.assets.data_import import DataImport, check_data_import
from lazur.kinds.assets.environment import Environment
from lazur.kinds.assets.model import Model
from lazur.kinds.checks import (
    check_asset,
    check_command_component,
    check_command_job,
    check_environment,
    check_other_component,
    warn_without_effect,
)
from lazur.kinds.inference import infer
from lazur.kinds.jobs.command import CommandJob
from lazur.kinds.jobs.parallel import ParallelJob
from lazur.kinds.jobs.pipeline import PipelineJob
from lazur.kinds.parallel import ParallelComponent
from lazur.kinds.parallel_checks import check_parallel_component, check_parallel_job
from lazur.kinds.pipelines.checking import check_pipeline_component, check_pipeline_job
from lazur.kinds.resources.compute import Compute, check_compute
from lazur.kinds.resources.connection import Connection, check_connection
from lazur.kinds.resources.datastore import Datastore, check_datastore
from lazur.kinds.resources.room import Registry, Workspace, check_registry, check_workspace
from lazur.kinds.resources.schedule import Schedule, check_schedule
from lazur.kinds.sweep_checks import check_sweep_component, check_sweep_job
from lazur.kinds.sweeps import SweepComponent, SweepJob
from lazur.spec.checking import Check
from lazur.spec.diagnostics import Diagnostic, raise_if_errors
from lazur.spec.document import Document
from lazur.spec.model import Spec
from lazur.spec.suggestions import did_you_mean


@dataclass(frozen=True)
class Entry:
    model: type[Spec]
    check: Callable[[Check], None]
    title: str


def _check_job(check: Check) -> None:
    check_command_job(check)
    warn_without_effect(check)


KINDS: dict[str, Entry] = {
    "command-job": Entry(CommandJob, _check_job, "Command job"),
    "sweep-job": Entry(SweepJob, check_sweep_job, "Sweep job"),
    "parallel-job": Entry(ParallelJob, check_parallel_job, "Parallel job"),
    "pipeline-job": Entry(PipelineJob, check_pipeline_job, "Pipeline job"),
    "command-component": Entry(CommandComponent, check_command_component, "Command component"),
    "parallel-component": Entry(ParallelComponent, check_parallel_component, "Parallel component"),
    "spark-component": Entry(SparkComponent, check_other_component, "Spark component"),
    "pipeline-component": Entry(PipelineComponent, check_pipeline_component, "Pipeline component"),
    "sweep-component": Entry(SweepComponent, check_sweep_component, "Sweep component"),
    "environment": Entry(Environment, check_environment, "Environment"),
    "data": Entry(Data, check_asset, "Data asset"),
    "data-import": Entry(DataImport, check_data_import, "Data import"),
    "model": Entry(Model, check_asset, "Model"),
    "code": Entry(Code, check_asset, "Code asset"),
    "datastore": Entry(Datastore, check_datastore, "Datastore"),
    "connection": Entry(Connection, check_connection, "Connection"),
    "compute": Entry(Compute, check_compute, "Compute"),
    "schedule": Entry(Schedule, check_schedule, "Schedule"),
    "workspace": Entry(Workspace, check_workspace, "Workspace"),
    "registry": Entry(Registry, check_registry, "Registry"),
}


def model_for(kind: str) -> type[Spec]:
    return entry_for(kind).model


def entry_for(kind: str) -> Entry:
    if kind not in KINDS:
        hint = did_you_mean(kind, KINDS) or f"Known: {', '.join(KINDS)}."
        raise NotFound(f"there is no kind {kind!r}", hint=hint)
    return KINDS[kind]


def kind_of(value: Mapping[str, Any], expected: str | None = None) -> str:
    """The kind of a file, by `type`, `$schema` (never fetched) and its fields. `expected` is what
    the caller asks for: a kind, or a family of them: `job`, `component`. Raises Unsupported for
    kinds that are known and not served, Invalid for a file of another kind than the expected
    one."""
    found = infer(value, expected)
    if found is None:
        hint = "Say what it is by `type:` or `$schema:`."
        raise Invalid("this file is of no kind that is known", hint=hint)
    if found not in KINDS:
        raise Unsupported(
            f"{found!r} is not supported yet", hint=f"Supported: {', '.join(KINDS)}."
        )
    if expected and found != expected and not found.endswith(f"-{expected}"):
        command = f"lazur {found.split('-')[-1]} create -f …"
        raise Invalid(
            f"expected the kind {expected!r}, this file is of kind {found!r}",
            hint=f"Use: {command}",
        )
    return found


def load_document(
    document: Document, expected: str | None = None
) -> tuple[str, Spec | None, list[Diagnostic]]:
    """Kind, model (None when there are errors) and everything there is to say about the file."""
    value = document.value
    if not isinstance(value, dict):
        wrong = document.diagnostic("error", "expected a mapping at the top of the file")
        raise_if_errors([wrong])
    kind = kind_of(cast("dict[str, Any]", value), expected)
    model, diagnostics = validate(kind, cast("dict[str, Any]", value), document)
    return kind, model, [*document.warnings, *diagnostics]


def validate(
    kind: str, value: Mapping[str, Any], document: Document | None = None
) -> tuple[Spec | None, list[Diagnostic]]:
    """The model (None when there are errors), and all errors and warnings at once. `document`
    gives them places."""
    entry = entry_for(kind)
    check = Check(value, document)
    model = check.model(entry.model)
    entry.check(check)
    check.diagnostics.sort(key=lambda d: (d.severity, d.line or 0, d.column or 0))
    return (None if check.failed else model), check.diagnostics
