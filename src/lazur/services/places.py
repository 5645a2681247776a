"""What a reference to content means on this site: where inputs and code come from, and where
outputs go."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from lazur.engine import paths
from lazur.engine.plan import Source
from lazur.errors import Invalid, LazurError, NotFound, Unsupported
from lazur.services import assets, content
from lazur.services.home import BLOBSTORE, DATASTORES
from lazur.services.job_views import default_output_uri
from lazur.services.shelves import Registry
from lazur.services.site import Context
from lazur.spec import references
from lazur.spec.names import fold
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
from lazur.store import jobs, resources
from lazur.store.db import AnyRow

_DEEPEST = 5
_EXPRESSION = re.compile(r"\$\{\{\s*(name|default_datastore)\s*\}\}")


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
    match found:
        case Tree(digest=digest, path=path):
            content.whole_tree(context, digest)
            if not (path or wants_file):
                return Source(tree=digest), False
            tree, alone = content.part(context, digest, path)
            return Source(tree=tree), wants_file and alone
        case Asset() if depth < _DEEPEST:
            family = found.kind or ("models" if kind.endswith("_model") else "data")
            row = _asset(context, home, found, family, field)
            inner = str(row.spec.get("path") or "")
            return source(
                context, home, inner, str(row.spec.get("type") or kind), field, mode, depth + 1
            )
        case DatastorePath(datastore=store, path=path):
            return Source(path=str(_in_store(context, home, store, path, field))), wants_file
        case JobOutput(job=job, output=output, path=path):
            return Source(
                path=str(_job_output(context, home, job, output, path, field))
            ), wants_file
        case RunArtifact(run=run, path=path):
            return Source(
                path=str(_job_output(context, home, run, "artifacts", path, field))
            ), wants_file
        case Uri(web=str(address)) if wants_file or address == written:
            return Source(uri=address), True
        case _:
            raise _cannot_use(found, written, field)


def output(
    context: Context, home: AnyRow, job: str, name: str, written: PathOutput
) -> dict[str, Any]:
    """Where an output goes: its URI as people see it, and the place behind it."""
    uri = written.path or default_output_uri(job, name)
    uri = _EXPRESSION.sub(lambda m: {"name": job, "default_datastore": BLOBSTORE}[m[1]], uri)
    found = references.parse(uri)
    field = f"outputs.{name}.path"
    if isinstance(found, DatastorePath):
        place = str(_in_store(context, home, found.datastore, found.path, field))
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
        "asset_name": written.name,
        "asset_version": written.version,
    }


def in_artifacts(context: Context, row: AnyRow) -> Path:
    return context.site.home.artifacts(row.workspace, row.run_id)


def _in_store(context: Context, home: AnyRow, store: str, path: str, field: str) -> Path:
    if store not in DATASTORES:
        raise _elsewhere(context, home, store, field)
    inside = path.strip("/")
    if inside:
        paths.check(inside)
    return context.site.home.datastore(home.name, store) / inside


def _elsewhere(context: Context, home: AnyRow, store: str, field: str) -> LazurError:
    if resources.by_name(context.db, "datastores", home.id, fold(store)) is not None:
        return Unsupported(
            f"{field}: the datastore {store!r} lies outside of this server, and jobs do not read "
            "or write such ones yet.",
            hint=f"Copy what is needed to {BLOBSTORE}, or upload it as a data asset. With "
            "`mode: direct` the command gets the address itself.",
        )
    known = resources.names(context.db, "datastores", home.id)
    return NotFound(
        f"{field}: there is no datastore {store!r} in workspace {home.name!r}.",
        hint=f"Known: {', '.join(known)}.",
    )


def _job_output(
    context: Context, home: AnyRow, job: str, output: str, path: str, field: str
) -> Path:
    row = jobs.by_name(context.db, home.id, job) or jobs.by_run(context.db, home.id, job)
    if row is None:
        raise NotFound(f"{field}: there is no job {job!r} in workspace {home.name!r}.")
    inside = path.strip("/")
    if inside:
        paths.check(inside)
    if output in ("artifacts", "default"):
        return in_artifacts(context, row) / inside
    for known in row.resolved["outputs"]:
        if known["name"] == output:
            return _kept_at(context, home, known, field) / inside
    names = ", ".join(o["name"] for o in row.resolved["outputs"]) or "none"
    raise NotFound(
        f"{field}: job {job!r} has no output {output!r}.", hint=f"It has: {names}, artifacts."
    )


def _kept_at(context: Context, home: AnyRow, output: dict[str, Any], field: str) -> Path:
    """The folder or file of an output. From its URI: what `direct` hands to the command is text,
    and no place of ours."""
    found = references.parse(output["uri"])
    if not isinstance(found, DatastorePath):
        raise _cannot_use(found, output["uri"], field)
    return _in_store(context, home, found.datastore, found.path, field)


def _asset(context: Context, home: AnyRow, found: Asset, kind: str, field: str) -> AnyRow:
    version = found.version or f"@{found.label or 'latest'}"
    if found.registry is not None:
        return assets.find_row(context, Registry(found.registry), kind, found.name, version)
    row = assets.lookup(context, home.id, kind, found.name, version)
    if row is None:
        noun, shown = kind.rstrip("s"), version.lstrip("@")
        raise NotFound(
            f"{field}: there is no {noun} asset {found.name!r} with version {shown!r}.",
            hint=f"See: lazur {noun} list --name {found.name}",
        )
    return row


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
