"""What a reference to content means on this site: where inputs and code come from, and where
outputs go."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lazur.engine import paths
from lazur.engine.plan import Source
from lazur.errors import Invalid, NotFound, Unsupported
from lazur.services.assets import versions
from lazur.services.base import gathered
from lazur.services.base.gathered import Item
from lazur.services.base.home import BLOBSTORE, DATASTORES
from lazur.services.base.job_views import default_output_uri
from lazur.services.base.site import Context
from lazur.services.content import content, far, remotes
from lazur.services.resources.shelves import Registry
from lazur.spec import expressions, references
from lazur.spec.outputs import PathOutput
from lazur.spec.references import (
    Asset,
    DatastorePath,
    Git,
    JobOutput,
    Local,
    Reference,
    RunArtifact,
    Tree,
    Uri,
)
from lazur.store import jobs
from lazur.store.db import AnyRow
from lazur.store.jobs import JobRow

_DEEPEST = 5


def code(context: Context, home: AnyRow, written: str) -> Source:
    """Where a job's code comes from: always a tree."""
    found = references.parse(written)
    if isinstance(found, Asset):
        row = _asset(context, home, found, "codes", "code")
        found = references.parse(str(row.spec.get("path") or row.spec.get("code") or ""))
    if not isinstance(found, Tree):
        raise _not_uploaded("code", written)
    content.whole_tree(context, found.digest)
    if not found.path:
        return Source(tree=found.digest)
    digest, _ = content.part(context, found.digest, found.path)
    return Source(tree=digest)


def source(
    context: Context,
    home: AnyRow,
    written: str,
    kind: str,
    field: str,
    mode: str,
    depth: int = 0,
) -> tuple[Source, bool]:
    """Where an input's bytes are, and whether it is one file. With `direct` the command gets the
    reference itself."""
    found = references.parse(written)
    wants_file = kind == "uri_file"
    if mode == "direct" and not isinstance(found, Local | Tree):
        return Source(uri=written), wants_file
    if (remote := _remote(context, home, found, field, wants_file)) is not None:
        if mode == "rw_mount":
            raise Unsupported(
                f"{field}: data of a store elsewhere are not written through an input.",
                hint="Use `ro_mount` or `download`, and declare an output for what is written.",
            )
        return Source(remote=remote), wants_file
    match found:
        case Tree(digest=digest, path=path):
            content.whole_tree(context, digest)
            if not (path or wants_file):
                return Source(tree=digest), False
            tree, alone = content.part(context, digest, path)
            return Source(tree=tree), wants_file and alone
        case Asset() if depth < _DEEPEST:
            row = asset_row(context, home, found, kind, field)
            inner = str(row.spec.get("path") or "")
            return source(
                context, home, inner, str(row.spec.get("type") or kind), field, mode, depth + 1
            )
        case DatastorePath(datastore=store, path=path):
            return Source(path=str(_in_store(context, home, store, path))), wants_file
        case JobOutput() if (each := gathered.items(context, home, found)) is not None:
            if found.path:
                part = _within(each, found, field)
                return source(context, home, str(part), kind, field, mode, depth + 1)
            return Source(table=[_entry(context, home, one, field) for one in each]), False
        case JobOutput(job=job, output=output, path=path):
            kept = _job_output(context, home, job, output, path, field)
            if isinstance(kept, str):
                return source(context, home, kept, kind, field, mode, depth + 1)
            return Source(path=str(kept)), wants_file
        case RunArtifact(run=run, path=path):
            return Source(
                path=str(_artifacts(context, _job(context, home, run, field), path))
            ), wants_file
        case Uri(web=str(address)) if wants_file or address == written:
            return Source(remote=address), True
        case _:
            raise _cannot_use(found, written, field)


def output(
    context: Context,
    home: AnyRow,
    job: str,
    name: str,
    written: PathOutput,
    values: Mapping[str, str],
) -> dict[str, Any]:
    """Where an output goes: its URI as people see it, and the place behind it. `values` are the
    job's plain inputs, as `inputs.x`."""
    default = remotes.default_store(context, home)
    uri = written.path or default_output_uri(job, name, default)
    known = {"name": job, "default_datastore": default, "output_name": name}
    uri = expressions.fill(uri, {**values, **known})
    found = references.parse(uri)
    field = f"outputs.{name}.path"
    as_written = written.mode == "direct" and isinstance(found, Uri)
    remote = None if as_written else _remote(context, home, found, field)
    if remote is not None:
        found = references.parse(remote)
        if not isinstance(found, DatastorePath):
            raise Unsupported(
                f"{field}: no datastore of this workspace is {uri!r}, and nobody is let in "
                "without credentials.",
                hint="Make one of it first: lazur datastore create -f FILE",
            )
        remotes.check_takes_files(context, home, found.datastore, field)
        uri, place = remote, remote.rstrip("/")
    elif isinstance(found, DatastorePath):
        place = str(_in_store(context, home, found.datastore, found.path))
    elif written.mode == "direct" and isinstance(found, Uri):
        place = uri
    else:
        raise Unsupported(
            f"{field}: {uri!r} cannot be written to from here.",
            hint=f"Use azureml://datastores/{BLOBSTORE}/paths/…, or leave the path out.",
        )
    return {
        "name": name,
        "type": written.type,
        "mode": written.mode,
        "uri": uri,
        "destination": uri if written.mode == "direct" else place,
        "remote": remote is not None and written.mode != "direct",
        "asset_name": written.name,
        "asset_version": written.version,
    }


def asset_row(context: Context, home: AnyRow, found: Asset, kind: str, field: str) -> AnyRow:
    """The version that an input of this type means."""
    family = found.kind or ("models" if kind.endswith("_model") else "data")
    return _asset(context, home, found, family, field)


def in_artifacts(context: Context, row: JobRow) -> Path:
    did = that_ran(context, row)
    return context.site.home.artifacts(did.workspace, did.run_id)


def that_ran(context: Context, row: JobRow) -> JobRow:
    """Of a step that was done before, the job that did it: its log and files are the step's. One
    that is tried again may take over what the try before took over itself."""
    while row.reused_id is not None and (before := jobs.by_id(context.db, row.reused_id)):
        row = before
    return row


def _remote(
    context: Context, home: AnyRow, found: Reference, field: str, wants_file: bool = False
) -> str | None:
    """The address of what lies outside of this site and a carrier reads or writes."""
    if isinstance(found, DatastorePath) and not far.is_here(context, home.id, found.datastore):
        return remotes.source(context, home, found, field)
    if not isinstance(found, Uri):
        return None
    remote = remotes.source(context, home, found, field)
    anyones = remote == found.uri and wants_file and found.web
    return None if anyones else remote


def _in_store(context: Context, home: AnyRow, store: str, path: str) -> Path:
    return context.site.home.datastore(home.name, store) / _inside(path)


def _job_output(
    context: Context, home: AnyRow, job: str, output: str, path: str, field: str
) -> Path | str:
    """A place here, or the address of one elsewhere."""
    row = _job(context, home, job, field)
    if output in ("artifacts", "default"):
        return _artifacts(context, row, path)
    for known in row.resolved["outputs"]:
        if known["name"] == output:
            return _kept_at(context, home, known, path, field)
    names = ", ".join(o["name"] for o in row.resolved["outputs"]) or "none"
    raise NotFound(
        f"{field}: job {job!r} has no output {output!r}.", hint=f"It has: {names}, artifacts."
    )


def _entry(context: Context, home: AnyRow, item: Item, field: str) -> list[str]:
    kept = _job_output(context, home, item.job, item.output, "", field)
    if not isinstance(kept, str):
        return [item.name, "path", str(kept)]
    outputs: list[dict[str, Any]] = _job(context, home, item.job, field).resolved["outputs"]
    kinds = {output["name"]: output["type"] for output in outputs}
    return [item.name, "file" if kinds[item.output] == "uri_file" else "folder", kept]


def _within(each: list[Item], whole: JobOutput, field: str) -> JobOutput:
    part = gathered.within(each, whole.path)
    if part is None:
        names = ", ".join(item.name for item in each[:20]) or "nothing"
        raise NotFound(
            f"{field}: there is no {whole.path!r} in what the items of the loop made.",
            hint=f"It has: {names}.",
        )
    return part


def _job(context: Context, home: AnyRow, name: str, field: str) -> JobRow:
    row = jobs.by_name(context.db, home.id, name) or jobs.by_run(context.db, home.id, name)
    if row is None:
        raise NotFound(f"{field}: there is no job {name!r} in workspace {home.name!r}.")
    return row


def _artifacts(context: Context, row: JobRow, path: str) -> Path:
    return in_artifacts(context, row) / _inside(path)


def _kept_at(
    context: Context, home: AnyRow, output: dict[str, Any], path: str, field: str
) -> Path | str:
    """The folder or file of an output. From its URI: what `direct` hands to the command is text,
    and no place of ours."""
    found = references.parse(output["uri"])
    if isinstance(found, JobOutput):
        return str(JobOutput(found.job, found.output, path.strip("/")))
    if output.get("remote"):
        return f"{output['uri'].rstrip('/')}/{_inside(path)}".rstrip("/")
    if not isinstance(found, DatastorePath) or found.datastore not in DATASTORES:
        raise _cannot_use(found, output["uri"], field)
    return _in_store(context, home, found.datastore, found.path) / _inside(path)


def _inside(path: str) -> str:
    inside = path.strip("/")
    if inside:
        paths.check(inside)
    return inside


def _asset(context: Context, home: AnyRow, found: Asset, kind: str, field: str) -> AnyRow:
    version = found.version or f"@{found.label or 'latest'}"
    if found.registry is not None:
        return versions.find_row(context, Registry(found.registry), kind, found.name, version)
    row = versions.lookup(context, home.id, kind, found.name, version)
    if row is None:
        raise _no_asset(context, home, found, kind, field)
    return row


def _no_asset(context: Context, home: AnyRow, found: Asset, kind: str, field: str) -> NotFound:
    noun, name = kind.rstrip("s"), found.name
    if versions.is_there(context, home.id, kind, name):
        which = (
            f"version {found.version!r}"
            if found.version
            else f"label {found.label or versions.LATEST!r}"
        )
        said = f"the {noun} asset {name!r} has no {which}"
        next_step = f"See: lazur {noun} list --name {name}"
    else:
        said = f"there is no {noun} asset {name!r}"
        next_step = f"Register it: lazur {noun} create --name {name} --path FILE_OR_FOLDER"
    return NotFound(f"{field}: {said}.", hint="Name a folder." if kind == "codes" else next_step)


def _not_uploaded(field: str, written: str) -> Invalid:
    return Invalid(
        f"{field}: {written!r} was not uploaded.",
        hint="The CLI and the SDK upload folders and clone git URLs. Over REST, upload a tree.",
    )


def _cannot_use(found: Reference, written: str, field: str) -> Exception:
    if isinstance(found, Local | Git):
        return _not_uploaded(field, written)
    return Unsupported(
        f"{field}: {written!r} cannot be read from here yet.",
        hint="Give a local copy; or, with `mode: direct`, the command gets the address itself.",
    )
