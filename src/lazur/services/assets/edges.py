"""Lineage as it is written: in the transaction that makes it happen (contributing/lineage.md)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from lazur.engine.lineage import BUILT_IN, JOBS, TREES, URIS, Edge, Node
from lazur.errors import Invalid, NotFound
from lazur.kinds.assets import curated
from lazur.kinds.jobs.common import Job
from lazur.services.assets import versions
from lazur.services.assets.versions import LATEST
from lazur.services.base import gathered, parts
from lazur.services.base.home import ARTIFACTSTORE, BLOBSTORE
from lazur.services.base.job_views import default_output_uri
from lazur.services.base.site import Context
from lazur.spec import references
from lazur.spec.inputs import PathInput
from lazur.spec.names import fold
from lazur.spec.references import Asset, DatastorePath, JobOutput, RunArtifact, Tree, Uri
from lazur.store import assets, jobs, workspaces
from lazur.store import lineage as store
from lazur.store.db import AnyRow
from lazur.store.jobs import JobRow

_LONGEST = 600
_ROLE = 300
_WEB = ("http://", "https://")
"""No job writes there."""
_OF_JOBS = {
    ARTIFACTSTORE: re.compile(r"ExperimentRun/dcid\.([^/]+)(?:/|$)"),
    BLOBSTORE: re.compile(r"azureml/([^/]+)/"),
}
"""Where outputs of jobs lie that were given no other place, by the job's name or its run's."""


def of_job(
    context: Context, home: AnyRow, name: str, spec: Job, environment: Node | None
) -> list[Edge]:
    """What a job that is about to be accepted will come of: looked up where its inputs were."""
    job = Node(home.id, JOBS, name)
    found = [Edge(environment, job, "environment")] if environment else []
    code: str | None = getattr(spec, "code", None)
    if code:
        found += _from(context, home, code, "codes", job, "code")
    inputs: dict[str, Any] = getattr(spec, "inputs", None) or {}
    for key, value in inputs.items():
        if isinstance(value, PathInput) and value.path is not None:
            model = str(getattr(value, "type", "")).endswith("_model")
            kind = "models" if model else "data"
            found += _from(context, home, value.path, kind, job, f"inputs.{key}")
    above: str | None = getattr(spec, "parent_job_name", None)
    if above:
        parent = _job(context, home, above)
        found += [Edge(parent, job, "parent")] if parent else []
    return found


def of_asset(
    context: Context, home: AnyRow, row: AnyRow, written: Mapping[str, Any] | None = None
) -> None:
    """A version was registered from something that has a name or an address. `written` is what
    somebody asked for, which the row may name by what it holds."""
    asset = Node(home.id, row.kind, row.name, row.version)
    spec = row.spec if written is None else written
    write(
        context,
        [
            edge
            for part in parts.find(row.kind, dict(spec))
            for edge in _from(context, home, part.text, part.kind, asset, part.where[-_ROLE:])
            if edge.source.kind != TREES  # its own content
        ],
    )


def of_output(context: Context, row: JobRow, output: str, made: AnyRow) -> None:
    """A job's output became a version of an asset."""
    asset = Node(row.workspace_id, made.kind, made.name, made.version)
    write(context, [Edge(Node(row.workspace_id, JOBS, row.name), asset, f"outputs.{output}")])


def of_places(context: Context, row: JobRow) -> None:
    """A job that ran has ended: where its outputs lie that are no assets, or were given a
    place."""
    job = Node(row.workspace_id, JOBS, row.name)
    found: list[Edge] = []
    for output in row.resolved["outputs"]:
        usual = output["uri"] == default_output_uri(row.name, output["name"])
        place = _address(row.workspace_id, output["uri"])
        if place is not None and not (usual and output.get("asset_name")):
            found.append(Edge(job, place, f"outputs.{output['name']}"))
    write(context, found)


def of_share(context: Context, home: AnyRow, row: AnyRow, target: AnyRow, made: AnyRow) -> None:
    """The same content in another place."""
    source = Node(home.id, row.kind, row.name, row.version)
    write(context, [Edge(source, Node(target.id, made.kind, made.name, made.version), "shared")])


def rename(context: Context, home: AnyRow, kind: str, old: str, new: str) -> None:
    """All versions of an asset have another name."""
    store.rename_asset(context.db, home.id, kind, old, new)


def write(context: Context, found: Iterable[Edge]) -> None:
    edges = [edge for edge in found if edge.source != edge.target]
    if edges:
        store.add(context.db, edges, context.now(), context.who.name)


def sources(context: Context, home: AnyRow, written: str, kind: str) -> list[Node]:
    """What a reference means; nothing for what has no name here."""
    try:
        found = references.parse(written)
    except Invalid:
        return []
    match found:
        case Asset():
            node = _asset(context, home, found, found.kind or kind)
        case JobOutput() if (each := gathered.items(context, home, found)) is not None:
            makers = [_job(context, home, item.job) for item in each]
            return [maker for maker in makers if maker]
        case JobOutput(job=job):
            node = _job(context, home, job)
        case RunArtifact(run=run):
            node = _job(context, home, run)
        case Tree(digest=digest):
            node = Node(home.id, TREES, digest)
        case DatastorePath():
            node = _writer(context, home, found) or _address(home.id, written)
        case Uri():
            node = _address(home.id, written)
        case _:
            node = None
    return [node] if node else []


def _from(
    context: Context, home: AnyRow, written: str, kind: str, target: Node, role: str
) -> Iterator[Edge]:
    for source in sources(context, home, written, kind):
        yield Edge(source, target, role)
        if source.kind == URIS and not source.name.startswith(_WEB):
            above = [name for name in _above(source.name) if name != source.name]
            for folder in store.sources_above(context.db, source.home, URIS, above):
                yield Edge(folder, source, "folder")


def _asset(context: Context, home: AnyRow, found: Asset, kind: str) -> Node | None:
    place = _place(context, home, found)
    if place is None:
        return None
    version = found.version
    if version is None:
        row = versions.lookup(context, place, kind, found.name, f"@{found.label or LATEST}")
        version = row.version if row is not None else None
    is_bare = kind == "environments" and found.registry is None
    if is_bare and not (version and _is_there(context, home, found.name, version)):
        return _curated(found)
    return Node(place, kind, found.name, version) if version is not None else None


def _curated(found: Asset) -> Node | None:
    """Names that nobody has here may be Lazur's own."""
    try:
        spec = curated.serving(found.name, found.version)
    except NotFound:
        return None
    return Node(BUILT_IN, "environments", spec["name"], spec["version"])


def _is_there(context: Context, home: AnyRow, name: str, version: str) -> bool:
    return assets.version(context.db, home.id, "environments", name, version) is not None


def _place(context: Context, home: AnyRow, found: Asset) -> int | None:
    if found.registry is None:
        return home.id
    if fold(found.registry) == curated.REGISTRY:
        return BUILT_IN
    row = workspaces.by_name(context.db, fold(found.registry), workspaces.REGISTRY)
    return row.id if row is not None else None


def _job(context: Context, home: AnyRow, name: str) -> Node | None:
    """By its name, or its run's id."""
    row = jobs.by_name(context.db, home.id, name) or jobs.by_run(context.db, home.id, name)
    return Node(home.id, JOBS, row.name) if row is not None else None


def _writer(context: Context, home: AnyRow, place: DatastorePath) -> Node | None:
    pattern = _OF_JOBS.get(place.datastore)
    named = pattern.match(place.path) if pattern else None
    return _job(context, home, named[1]) if named else None


def _address(home: int, written: str) -> Node | None:
    """Without what may be a secret: a signature stands in the query, a password before the
    host."""
    found = references.parse(written)
    if isinstance(found, DatastorePath):
        text = f"azureml://datastores/{found.datastore}/paths/{found.path}"
    elif isinstance(found, Uri):
        parts = urlsplit(found.uri)
        host = parts.netloc if parts.scheme.startswith(("wasb", "abfs")) else _host(parts.netloc)
        text = urlunsplit((parts.scheme, host, parts.path, "", ""))
    else:
        return None
    return Node(home, URIS, _bounded(text.rstrip("/")))


def _host(place: str) -> str:
    return place.rpartition("@")[2]


def _bounded(text: str) -> str:
    plain = quote(text, safe="/:@$()*+,;=&!'~[]{}%#")
    if len(plain) <= _LONGEST:
        return plain
    digest = sha256(plain.encode()).hexdigest()[:16]
    return f"{plain[: _LONGEST - 20]}...{digest}"


def _above(address: str) -> list[str]:
    """The folders that an address lies in, the nearest first."""
    start = len(address) - len(address.partition("://")[2])
    ends = [match.start() for match in re.finditer("/", address[start:])]
    return [address[: start + end] for end in reversed(ends)][:32]
