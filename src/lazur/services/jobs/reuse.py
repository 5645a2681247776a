"""Whether a step was done before, what decides that, and what changed since.

A step is named by the parts that its outputs come of. All parts equal: the outputs of the job that
ran then are this one's. The parts are kept with every step, so that the next run can say which of
them is another.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

from lazur.engine import changes
from lazur.engine.states import State
from lazur.engine.tree import Manifest
from lazur.errors import LazurError
from lazur.safe import SafeRoot
from lazur.services.assets.places import asset_row, that_ran
from lazur.services.base import gathered
from lazur.services.base.checks import CheckedJob
from lazur.services.base.home import DATASTORES
from lazur.services.base.job_views import default_output_uri
from lazur.services.base.site import Context
from lazur.services.content import content
from lazur.services.jobs.resolve import Resolved
from lazur.spec import expressions, references
from lazur.spec.inputs import PathInput
from lazur.spec.references import Asset, DatastorePath, JobOutput, RunArtifact, Tree
from lazur.store import jobs, parents
from lazur.store.db import AnyRow

_VERSION = "1"
_DIRECT = " direct"
_MOST_FILES = 20_000
"""Of a folder that is looked at; of more nobody waits for an answer."""


class Step(Protocol):
    """What reuse asks of a step."""

    @property
    def step(self) -> str: ...
    @property
    def deterministic(self) -> bool: ...
    @property
    def rerun(self) -> bool: ...
    @property
    def parent_id(self) -> int: ...
    @property
    def above(self) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class Reuse:
    key: str | None
    """None: nobody will ever find it."""
    parts: dict[str, str]
    why: str
    """For people: what it was decided by."""
    row: AnyRow | None = None
    """The job whose outputs will do."""

    def to_dict(self) -> dict[str, Any]:
        return {
            "key": self.key,
            "parts": self.parts,
            "why": self.why,
            "from": self.row.name if self.row is not None else None,
        }


class Uncertain(Exception):
    """Nobody can tell whether this is what it was."""


def look(
    context: Context, home: AnyRow, checked: CheckedJob, found: Resolved, step: Step
) -> Reuse:
    """Reads only; some milliseconds."""
    if not step.deterministic:
        return Reuse(None, {}, "`is_deterministic: false`: it always runs")
    try:
        parts = dict(_parts(context, home, checked, found, step))
    except Uncertain as error:
        return Reuse(None, {}, f"it runs, since nobody can tell whether {error}")
    key = hashlib.sha256(json.dumps([_VERSION, parts], sort_keys=True).encode()).hexdigest()
    if step.rerun:
        return Reuse(key, parts, "`force_rerun: true`: it runs again")
    row = parents.equal(context.db, home.id, key)
    if row is not None and row.archived:
        hint = "`lazur job restore` makes it count again"
        return Reuse(key, parts, f"it was done by {row.name}, but that is archived: {hint}")
    if row is not None and (lost := _lost(context, home, row)):
        return Reuse(key, parts, f"it was done by {row.name}, but {lost}")
    if row is not None:
        return Reuse(key, parts, f"all parts are those of {row.name}", row)
    return Reuse(key, parts, _changed(context, home, checked, step.step, parts))


def ended_well(context: Context, home: AnyRow, job_id: int | None) -> Reuse | None:
    """The job of the same step in the attempt before, which need not be done again."""
    row = jobs.by_id(context.db, job_id) if job_id is not None else None
    if row is None or row.state != State.COMPLETED or row.archived:
        return None
    if _lost(context, home, that_ran(context, row)):
        return None
    return Reuse(None, {}, f"it ended well in {row.name}, which is tried again", row)


def _parts(
    context: Context, home: AnyRow, checked: CheckedJob, found: Resolved, step: Step
) -> Iterator[tuple[str, str]]:
    if "name" in {e.text for e in expressions.parse(found.command).expressions}:
        raise Uncertain("a command with ${{name}} in it does the same twice")
    yield "command", found.command
    yield "code", f"tree:{found.code.tree}" if found.code else ""
    if found.recipe is not None:
        yield "environment", context.site.builder.key(found.recipe)
    for name, text in sorted({**found.variables, **found.secret_variables}.items()):
        yield f"environment_variables.{name}", text
    for name, text in sorted(found.values.items()):
        if name.startswith("inputs."):
            yield name, text
    inputs: dict[str, Any] = getattr(checked.model, "inputs", {})
    for name, given in sorted(inputs.items()):
        if isinstance(given, PathInput) and given.path is not None:
            yield f"inputs.{name}", _identity(context, home, name, given)
    places: dict[str, Any] = getattr(checked.model, "outputs", {})
    for output in sorted(found.outputs, key=lambda one: one["name"]):
        said = str(getattr(places.get(output["name"]), "path", None) or "")
        yield f"outputs.{output['name']}", _output(context, step, output, said)
    for name, value in found.settings().items():
        yield name, json.dumps(value, sort_keys=True)


def _output(context: Context, step: Step, output: Mapping[str, Any], written: str) -> str:
    """What kind it is, and its place if it was given one. A place that is named after the job is
    each job's own, and so is one that is named after a pipeline that the job is a step of."""
    said = [output["type"], output["mode"], output["asset_name"] or ""]
    named = "name" in {e.text for e in expressions.parse(written).expressions}
    place = written if named or not written else _unnamed(context, step, str(output["uri"]))
    return " ".join([*said, place]).strip()


def _unnamed(context: Context, step: Step, place: str) -> str:
    """The place with `${{name}}` where the name of a pipeline stands that the step is in."""
    for name in step.above or parents.names_above(context.db, step.parent_id):
        whole = rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])"
        place = re.sub(whole, "${{name}}", place)
    return place


def _identity(context: Context, home: AnyRow, name: str, given: PathInput) -> str:
    """What an input holds, as far as it is known without reading it."""
    assert given.path is not None
    found = references.parse(given.path)
    how = _DIRECT if given.mode == "direct" else ""
    match found:
        case Tree():
            return f"{found}{how}"
        case Asset():
            kind = str(getattr(given, "type", ""))
            row = asset_row(context, home, found, kind, f"inputs.{name}")
            inner = references.parse(str(row.spec.get("path") or "?"))
            return str(inner) + how if isinstance(inner, Tree) else _version(row) + how
        case JobOutput() if (each := gathered.items(context, home, found)) is not None:
            below = f"/{found.path}" if found.path else ""
            return f"jobs:{_makers(context, home, each)}{below}{how}"
        case JobOutput(job=job, output=output, path=path):
            return f"job:{_maker(context, home, job, output)}/{path}{how}"
        case RunArtifact(run=run, path=path):
            return f"job:{_maker(context, home, run, 'artifacts')}/{path}{how}"
        case DatastorePath(datastore=store, path=path) if store in DATASTORES:
            return f"files:{_stamp(context, home, name, store, path)}{how}"
        case _ if given.mode == "direct":
            return f"{given.path}{how}"
        case _:
            raise Uncertain(
                f"the input {name!r} is what it was: {given.path} lies elsewhere. Register it as "
                "data, whose versions never change"
            )


def _version(row: AnyRow) -> str:
    return f"{row.kind}:{row.workspace_id}:{row.name}:{row.version}"


def _maker(context: Context, home: AnyRow, name: str, output: str) -> str:
    """The job that made it, which may be another than the one that is named for it: it was done
    before, or a step of that pipeline did it."""
    row = jobs.by_name(context.db, home.id, name) or jobs.by_run(context.db, home.id, name)
    if row is None:
        return f"{name}/{output}"
    row = that_ran(context, row)
    outputs: list[dict[str, Any]] = row.resolved["outputs"]
    for made in outputs:
        if made["name"] == output and "of" in made:
            return _maker(context, home, *made["of"])
        if made["name"] == output:
            each = gathered.items_at(context, home, made["uri"])
            return f"{row.name}/{output}" if each is None else _makers(context, home, each)
    return f"{row.name}/{output}"


def _makers(context: Context, home: AnyRow, each: list[gathered.Item]) -> str:
    return " ".join(f"{i.name}={_maker(context, home, i.job, i.output)}" for i in each)


def _stamp(context: Context, home: AnyRow, name: str, store: str, path: str) -> str:
    """Of what may be changed by anybody at any time: names, sizes and times."""
    hasher, count = hashlib.sha256(), 0
    try:
        with SafeRoot(context.site.home.datastore(home.name, store)) as root:
            inside = path.strip("/")
            top = root.stat(inside)
            for entry in islice(root.scan(inside) if top.folder else [top], _MOST_FILES + 1):
                count += 1
                hasher.update(repr((entry.path, entry.size, entry.modified)).encode())
    except (LazurError, OSError):
        raise Uncertain(f"the input {name!r} is what it was") from None
    if count > _MOST_FILES:
        raise Uncertain(f"the input {name!r}, of more than {_MOST_FILES:,} files, is what it was")
    return hasher.hexdigest()


def _lost(context: Context, home: AnyRow, row: AnyRow) -> str | None:
    """What of its outputs is not there any more, or another's by now."""
    for output in row.resolved["outputs"]:
        uri, name = output["uri"], output["name"]
        if output.get("remote") or output["mode"] == "direct":
            continue
        found = references.parse(uri)
        if not isinstance(found, DatastorePath):
            continue
        if not _is_there(context, home, found):
            return f"its output {name!r} is not there any more"
        usual = "of" in output or uri == default_output_uri(row.name, name, found.datastore)
        if not usual and (other := jobs.last_writer(context.db, home.id, uri)) != row.name:
            return f"its output {name!r} lies where {other} wrote since"
    return None


def _is_there(context: Context, home: AnyRow, found: DatastorePath) -> bool:
    try:
        with SafeRoot(context.site.home.datastore(home.name, found.datastore)) as root:
            root.stat(found.path.strip("/"))
    except (LazurError, OSError):
        return False
    return True


def _changed(
    context: Context, home: AnyRow, checked: CheckedJob, step: str, parts: Mapping[str, str]
) -> str:
    experiment = checked.value.get("experiment_name") or "Default"
    last = parents.last_of_step(context.db, home.id, experiment, step)
    kept: dict[str, Any] = (last.resolved.get("reuse") or {}) if last is not None else {}
    before: dict[str, str] | None = kept.get("parts")
    if last is None or not before:
        return "nothing like it has run here before"

    def files(old: str, new: str) -> list[str]:
        was, now = _tree(context, old), _tree(context, new)
        return [] if was is None or now is None else changes.files(was, now)

    said = changes.between(before, parts, files)
    return f"{'; '.join(said)} (since {last.name})"


def _tree(context: Context, part: str) -> Mapping[str, str] | None:
    """Digests by path; None for what is not kept any more, or nobody told of."""
    try:
        found = references.parse(part.removesuffix(_DIRECT))
        if not isinstance(found, Tree):
            return None
        whole = content.manifest(context, found.digest)
        meant = whole.at(found.path) if found.path else whole
    except LazurError:
        return None
    files = meant.files if isinstance(meant, Manifest) else (meant,)
    return {file.path: file.digest for file in files}
