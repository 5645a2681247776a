"""A parallel job: what a person writes, the command that it is, and how it goes on when what ran
it was killed."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field

from lazur.engine.decisions import Decision, Finish, JobView, Retry
from lazur.kinds.assets.environment import AnonymousEnvironment
from lazur.kinds.jobs.command import Command, CommandJob
from lazur.kinds.jobs.common import Job
from lazur.kinds.parallel import Cutting
from lazur.spec import expressions
from lazur.spec.inputs import Input, LiteralValue, literal_of
from lazur.spec.model import Map, spelled
from lazur.spec.outputs import Output
from lazur.spec.resources import Resources
from lazur.spec.settings import QueueSettings

_MOST_ATTEMPTS = 8
"""An attempt that was killed is followed by another, which goes on from the ledger of its
mini-batches; but not for ever."""
_KILL = 9
_SETTINGS = "LAZUR_PARALLEL"
"""What `lazur.runtime.parallel` reads."""


class ParallelJob(Job, Cutting):
    """A script that is given its data in mini-batches, in several processes on one or more
    nodes."""

    type: Annotated[Literal["parallel"], spelled(Literal["parallel"])]
    inputs: Map[Input] = Field(default_factory=dict)
    """By name: a literal, or a mapping with `path`, `type` and `mode`."""
    outputs: Map[Output] = Field(default_factory=dict)
    """By name; an empty body is a folder."""
    environment: str | AnonymousEnvironment | None = None
    """Where `task` has none."""
    environment_variables: Map[LiteralValue | None] = Field(default_factory=dict)
    resources: Resources | None = None
    queue_settings: QueueSettings | None = None
    parent_job_name: str | None = None


def as_command(job: ParallelJob, cores: int) -> CommandJob:
    """The command job that it is to everybody who starts, watches and ends it: one program of
    ours on each node. `cores` are those of a machine."""
    nodes = job.resources.instance_count if job.resources else 1
    workers = job.max_concurrency_per_instance or max(1, cores // nodes)
    variables: dict[str, Any] = dict(job.environment_variables)
    variables[_SETTINGS] = json.dumps(_settings(job, workers, nodes), separators=(",", ":"))
    told = job.dump()
    kept = {key: told[key] for key in _SAME if key in told}
    return CommandJob.model_validate(
        {
            **kept,
            "command": _command(job),
            "code": job.task.code,
            "environment": told["task"].get("environment") or told.get("environment"),
            "environment_variables": variables,
            "resources": _resources(job, workers),
            "inputs": _inputs(job, told.get("inputs") or {}),
        }
    )


_SAME = (
    "name display_name description experiment_name tags properties compute identity services"
    " outputs queue_settings parent_job_name"
).split()


class Parallel(Command):
    """A leaf, as a command is. Where its processes were killed from outside, another attempt goes
    on with the mini-batches that are left."""

    name = "parallel"

    def advance(self, view: JobView) -> list[Decision]:
        return [_go_on(view, decision) for decision in super().advance(view)]


def _go_on(view: JobView, decision: Decision) -> Decision:
    status = view.status
    if not isinstance(decision, Finish) or status is None:
        return decision
    if view.cancel_requested or view.attempt >= _MOST_ATTEMPTS:
        return decision
    end = status.exit
    if status.state == "lost" or end is None or end.reason == "lost":
        return Retry("what ran the last attempt was killed; its done mini-batches stay")
    if end.reason == "signal" and end.signal == _KILL:
        return Retry("the last attempt was killed; its done mini-batches stay")
    return decision


def _command(job: ParallelJob) -> str:
    append = job.task.append_row_to or ""
    program = f'exec python3 "$LAZUR_RUNTIME/parallel" "{job.input_data}" "{append}"'
    return f"{program} {_quoted(job.task.program_arguments or '')}".rstrip()


def _quoted(arguments: str) -> str:
    """For a shell that takes them as they are: nothing in them acts, and a value is one word."""
    parsed = expressions.parse(arguments)
    marks = [(e.start, e.end) for e in parsed.expressions]
    for block in parsed.blocks:
        marks += [(block.start, block.start + 3), (block.end - 2, block.end)]
    kept: list[str] = []
    made, at = "", 0
    for start, end in sorted(marks):
        made += arguments[at:start] + _MARK
        kept.append(arguments[start:end])
        at = end
    words = shlex.split(made + arguments[at:])
    rest = iter(kept)
    return " ".join(_word(word, rest) for word in words)


_MARK = "\0"
"""No argument can hold it."""


def _word(word: str, kept: Iterator[str]) -> str:
    first, *others = word.split(_MARK)
    made = shlex.quote(first) if first or not others else ""
    for literal in others:
        mark = next(kept)
        made += f'"{mark}"' if mark.startswith("${{") else mark
        made += shlex.quote(literal) if literal else ""
    return made


def _inputs(job: ParallelJob, told: dict[str, Any]) -> dict[str, Any]:
    """What is cut lies on the node. Azure's files say `direct` of it, for a reader of theirs."""
    cut = set(expressions.names(job.input_data or "", "inputs"))
    direct = {name for name in cut if getattr(job.inputs.get(name), "mode", None) == "direct"}
    return {
        name: {**value, "mode": "ro_mount"} if name in direct else value
        for name, value in told.items()
    }


def _settings(job: ParallelJob, workers: int, nodes: int) -> dict[str, Any]:
    literals = {
        f"inputs.{key}": text
        for key, value in job.inputs.items()
        if (text := literal_of(value)) is not None
    }
    retry = job.retry_settings
    cut = expressions.names(job.input_data or "", "inputs")
    found = {
        "entry_script": job.task.entry_script,
        "type": _type(job.inputs.get(cut[0]) if cut else None),
        "mini_batch_size": job.mini_batch_size,
        "partition_keys": job.partition_keys,
        "workers": workers,
        "nodes": nodes,
        "logging_level": job.logging_level,
        "max_retries": retry.max_retries if retry else None,
        "timeout": retry.timeout if retry else None,
        "error_threshold": job.error_threshold,
        "mini_batch_error_threshold": job.mini_batch_error_threshold,
    }
    return {
        key: expressions.fill(value, literals) if isinstance(value, str) else value
        for key, value in found.items()
        if value is not None
    }


def _type(value: Any) -> str:
    return str(getattr(value, "type", None) or "uri_folder")


def _resources(job: ParallelJob, workers: int) -> dict[str, Any]:
    """A node holds a core for each of its workers, where nothing else is said."""
    given = job.resources.dump() if job.resources else {}
    properties = dict(given.get("properties") or {})
    own = properties.get("lazur")
    if "cpus" not in (own if isinstance(own, dict) else properties):
        if isinstance(own, dict):
            properties["lazur"] = {**own, "cpus": workers}
        else:
            properties["cpus"] = workers
    return {**given, "properties": properties}
