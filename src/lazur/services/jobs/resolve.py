"""From what a person wrote to exact things: versions, trees, paths on this site, slots. Everything
that `submit` freezes."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

from lazur.engine.contracts import HasCapacity
from lazur.engine.plan import Demand, Distribution, Input, Source
from lazur.engine.recipe import Recipe
from lazur.errors import Invalid, LazurError, NotFound
from lazur.kinds.jobs.command import CommandJob
from lazur.services.assets import environments, injections, places
from lazur.services.base.checks import CheckedJob
from lazur.services.base.job_views import size_text
from lazur.services.base.site import Context
from lazur.services.content import remotes
from lazur.services.resources import clusters
from lazur.spec import expressions, references
from lazur.spec.inputs import LiteralInput, PathInput, literal_of
from lazur.spec.outputs import Output, output_of
from lazur.spec.resources import asked
from lazur.spec.settings import MPIDistribution, PyTorchDistribution, TensorFlowDistribution
from lazur.store import workspaces
from lazur.store.db import AnyRow

_RAY = "distribution: ray needs the Ray backend"


@dataclass(frozen=True)
class Resolved:
    """`to_dict` is kept in the job's row; plans are made of it."""

    command: str
    values: dict[str, str]
    inputs: list[Input]
    outputs: list[dict[str, Any]]
    code: Source | None
    variables: dict[str, str]
    secret_variables: dict[str, str]
    """With references to connections in them: opened when the job starts."""
    distribution: Distribution | None
    nodes: int
    timeout: float | None
    environment_name: str
    environment_home: int | None
    recipe: Recipe | None
    """None for what needs no environment."""
    compute: AnyRow
    cluster: str
    """The workspace's own name for it, or empty."""
    demand: Demand
    warnings: list[str]

    def to_dict(self) -> dict[str, Any]:
        return {
            "command": self.command,
            "values": self.values,
            "inputs": [asdict(i) for i in self.inputs],
            "outputs": self.outputs,
            "code": asdict(self.code) if self.code else None,
            "variables": self.variables,
            "secret_variables": self.secret_variables,
            "distribution": asdict(self.distribution) if self.distribution else None,
            "nodes": self.nodes,
            "timeout": self.timeout,
            "environment_name": self.environment_name,
        }

    def settings(self) -> dict[str, Any]:
        """What else its outputs come of, beside what it runs, in what, on what."""
        return {
            "distribution": asdict(self.distribution) if self.distribution else None,
            "instance_count": self.nodes,
        }


def job(context: Context, home: AnyRow, name: str, checked: CheckedJob) -> Resolved:
    """Of what runs. Raises what a person can mend: NotFound for what is not there, BlobsMissing,
    Invalid."""
    spec = checked.model
    assert isinstance(spec, CommandJob)
    with at("environment"):
        environment = environments.resolve(context, home.id, _environment(spec))
    with at("compute"):
        cluster = _cluster(context, home, spec)
        compute, compute_notes = _compute(context, cluster.runs_on if cluster else spec.compute)
    demand, demand_notes = _demand(context, spec, compute)
    given = {key for key, value in spec.inputs.items() if value is not None}
    plain, secret = injections.split(_variables(spec))
    injections.check(context, home, secret)
    values = _literals(name, spec.inputs)
    return Resolved(
        command=expressions.drop_optional(spec.command, given),
        values={**values, **_default_store(context, home, spec.command)},
        inputs=_inputs(context, home, spec.inputs),
        outputs=[
            _output(context, home, name, key, value, values) for key, value in spec.outputs.items()
        ],
        code=_code(context, home, spec.code) if spec.code else None,
        variables={**environment.variables, **plain},
        secret_variables=secret,
        distribution=_distribution(spec),
        nodes=spec.resources.instance_count if spec.resources else 1,
        timeout=float(spec.limits.timeout) if spec.limits and spec.limits.timeout else None,
        environment_name=environment.name,
        environment_home=environment.home,
        recipe=environment.recipe,
        compute=compute,
        cluster=cluster.name if cluster else "",
        demand=demand,
        warnings=[*checked.warnings, *environment.recipe.warnings, *compute_notes, *demand_notes],
    )


def parent(
    context: Context,
    home: AnyRow,
    name: str,
    checked: CheckedJob,
    inputs: Mapping[str, Any],
    compute: str | None,
    warnings: list[str],
) -> Resolved:
    """Of a job that only decides: it holds nothing, and its inputs are there."""
    with at("compute"):
        row, notes = _compute(context, None)
        if compute is not None:
            row, notes = _runs_on(context, home, compute, 1)
    return replace(
        nothing(row, checked),
        values=_literals(name, inputs),
        inputs=_inputs(context, home, inputs),
        warnings=list(dict.fromkeys([*checked.warnings, *warnings, *notes])),
    )


def compute_notes(context: Context, home: AnyRow, written: str, nodes: int) -> list[str]:
    """What a person should know of where it runs. Raises NotFound, Invalid."""
    return _runs_on(context, home, written, nodes)[1]


def _runs_on(context: Context, home: AnyRow, written: str, nodes: int) -> tuple[AnyRow, list[str]]:
    chosen = clusters.chosen(context, home, references.compute_name(written), nodes)
    return _compute(context, chosen.runs_on if chosen else written)


def nothing(compute: AnyRow, checked: CheckedJob) -> Resolved:
    """Of what holds nothing and runs nothing."""
    return Resolved(
        command="",
        values={},
        inputs=[],
        outputs=[],
        code=None,
        variables={},
        secret_variables={},
        distribution=None,
        nodes=0,
        timeout=None,
        environment_name="",
        environment_home=None,
        recipe=None,
        compute=compute,
        cluster="",
        demand=Demand(0, 0, 0),
        warnings=list(checked.warnings),
    )


def anywhere(context: Context) -> AnyRow:
    """The compute of what runs nowhere."""
    return _compute(context, None)[0]


def _literals(name: str, inputs: Mapping[str, Any]) -> dict[str, str]:
    texts = {key: literal_of(value) for key, value in inputs.items()}
    return {**{f"inputs.{key}": t for key, t in texts.items() if t is not None}, "name": name}


def _inputs(context: Context, home: AnyRow, inputs: Mapping[str, Any]) -> list[Input]:
    return [
        _input(context, home, key, value)
        for key, value in inputs.items()
        if isinstance(value, PathInput)
    ]


def _environment(spec: CommandJob) -> Any:
    written = spec.environment
    return written if isinstance(written, str) else written.dump()


def _variables(spec: CommandJob) -> dict[str, str]:
    return {
        key: "" if value is None else str(value)
        for key, value in spec.environment_variables.items()
    }


def _input(context: Context, home: AnyRow, key: str, value: PathInput) -> Input:
    if value.path is None:
        raise Invalid(f"inputs.{key} has no path.", hint="Give `path:`, or a literal value.")
    kind = str(getattr(value, "type", "uri_folder"))
    if isinstance(value, LiteralInput):
        raise TypeError(key)
    field = f"inputs.{key}.path"
    with at(field):
        source, file = places.source(context, home, value.path, kind, field, value.mode)
    return Input(
        name=key,
        mode=value.mode,
        file=file,
        source=source,
        path_on_compute=value.path_on_compute,
    )


def _default_store(context: Context, home: AnyRow, command: str) -> dict[str, str]:
    key = "default_datastore"
    return {key: remotes.default_store(context, home)} if key in command else {}


def _output(
    context: Context, home: AnyRow, name: str, key: str, value: Output, values: Mapping[str, str]
) -> dict[str, Any]:
    with at(f"outputs.{key}.path"):
        return places.output(context, home, name, key, output_of(value), values)


def _code(context: Context, home: AnyRow, written: str) -> Source:
    with at("code"):
        return places.code(context, home, written)


@contextmanager
def at(field: str) -> Generator[None]:
    """Errors say which field they are about, so that who has the file can point into it."""
    try:
        yield
    except LazurError as error:
        error.details.setdefault("field", field)
        raise


def _distribution(spec: CommandJob) -> Distribution | None:
    match spec.distribution:
        case None:
            return None
        case PyTorchDistribution() as pytorch:
            return Distribution("pytorch", processes=pytorch.process_count_per_instance)
        case MPIDistribution() as mpi:
            return Distribution("mpi", processes=mpi.process_count_per_instance)
        case TensorFlowDistribution() as tensorflow:
            nodes = spec.resources.instance_count if spec.resources else 1
            return Distribution(
                "tensorflow",
                workers=tensorflow.worker_count or nodes,
                parameter_servers=tensorflow.parameter_server_count,
            )
        case _:
            raise Invalid(_RAY, hint="Until then, start Ray in your own command.")


def _cluster(context: Context, home: AnyRow, spec: CommandJob) -> AnyRow | None:
    if not spec.compute:
        return None
    nodes = spec.resources.instance_count if spec.resources else 1
    return clusters.chosen(context, home, references.compute_name(spec.compute), nodes)


def _compute(context: Context, written: str | None) -> tuple[AnyRow, list[str]]:
    wanted = references.compute_name(written) if written else "local"
    if wanted.lower() in ("serverless", "local"):
        wanted = "local"
    row = workspaces.compute_by_name(context.db, wanted)
    if row is not None:
        return row, []
    stand_in = context.site.unknown_compute
    row = workspaces.compute_by_name(context.db, stand_in) if stand_in else None
    if row is None:
        known = ", ".join(compute.name for compute in workspaces.all_computes(context.db))
        raise NotFound(f"There is no compute {wanted!r}.", hint=f"Known: {known}.")
    return row, [f"There is no compute {wanted!r} here: the job runs on {stand_in!r}."]


def _demand(context: Context, spec: CommandJob, compute: AnyRow) -> tuple[Demand, list[str]]:
    """What the job holds while it runs, all its nodes together: for each what was asked for, else
    one core, and a GPU (one per process) where the machine has any. More cores than there are is a
    wish; more memory or GPUs is an error."""
    nodes = spec.resources.instance_count if spec.resources else 1
    node = asked(spec.resources.properties if spec.resources else {})
    wanted = Demand((node.cpus or 1) * nodes, (node.memory or 0) * nodes, (node.gpus or 0) * nodes)
    backend = context.site.backend(compute.type, compute.settings)
    if not isinstance(backend, HasCapacity):
        return wanted, []
    there = backend.capacity()
    if node.gpus is None:
        wanted = replace(wanted, gpus=min(there.gpus, _processes(spec) * nodes))
    _check_room(wanted, there, compute.name, nodes)
    notes: list[str] = []
    if node.cpus and wanted.cpus > there.cpus:
        notes.append(
            f"{wanted.cpus} cores were asked for; compute {compute.name!r} has {there.cpus}."
        )
    return replace(wanted, cpus=min(wanted.cpus, there.cpus)), notes


def _check_room(wanted: Demand, there: Demand, compute: str, nodes: int) -> None:
    if wanted.gpus > there.gpus:
        need, has = f"{wanted.gpus} GPUs", str(there.gpus)
    elif wanted.memory > there.memory:
        need, has = f"{size_text(wanted.memory)} of memory", size_text(there.memory)
    else:
        return
    together = f" for its {nodes} nodes" if nodes > 1 else ""
    raise Invalid(
        f"The job asks for {need}{together}; compute {compute!r} has {has} in all.",
        hint="Ask for less under resources.properties, or choose another compute.",
    )


def _processes(spec: CommandJob) -> int:
    return getattr(spec.distribution, "process_count_per_instance", 1)
