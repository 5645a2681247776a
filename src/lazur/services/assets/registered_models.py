"""One registry of models: a workspace's model assets, and MLflow's registered models.

What this side changes is written to both in one transaction. What MLflow's own server changes is
found afterwards, before its client hears of it (`agree`): MLflow's tables say what is, and the
assets are made to agree. So all of it can be repeated, and what a kill left is found later
(`settle`). Versions that are no numbers, and registries, are none of MLflow's.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from typing import Any

from lazur.engine.lineage import JOBS, Edge, Node
from lazur.errors import Conflict, LazurError
from lazur.kinds.assets import mlmodel
from lazur.services.assets import edges, model_facts, versions
from lazur.services.assets.model_facts import Files
from lazur.services.base import artifact_uris, events
from lazur.services.base.home import ARTIFACTSTORE
from lazur.services.base.site import Context, Site
from lazur.spec import references
from lazur.spec.references import DatastorePath, Uri
from lazur.store import assets as store
from lazur.store import jobs, records, workspaces
from lazur.store.assets import AssetRow
from lazur.store.db import AnyRow
from lazur.store.mlflow import registry, spaces
from lazur.store.mlflow.registry import ARCHIVED, NONE, Version
from lazur.store.workspaces import REGISTRY

KIND = "models"
FOLDER = "RegisteredModels"
"""Of a workspace's artifacts, as MLflow is told: what lies there is an asset's, by its number."""
_STAGES = {"staging": "Staging", "production": "Production", "archived": ARCHIVED}
_DESCRIPTION = 5000
_TAG = 250
_SOURCE = 500
_RUN = 32
_HIGHEST = (1 << 31) - 1
_UNSETTLED = "models."
_OLD = 60.0


def is_shared(home: AnyRow, kind: str, version: str) -> bool:
    """Whether MLflow has such a version too."""
    plain = version.isascii() and version.isdigit() and str(int(version)) == version
    return kind == KIND and home.kind != REGISTRY and plain and 0 < int(version) <= _HIGHEST


def next_version(context: Context, home: AnyRow, kind: str, name: str) -> int:
    """The least that MLflow has not given to anybody."""
    if kind != KIND or home.kind == REGISTRY:
        return 1
    return registry.highest(context.db, spaces.name(home.id), name) + 1


def publish(context: Context, home: AnyRow, row: AssetRow) -> None:
    """A version that is new here, or came back out of the trash, is one of MLflow's."""
    if not is_shared(home, row.kind, row.version):
        return
    space, now = spaces.name(home.id), int(context.now() * 1000)
    if registry.is_prompt(context.db, space, row.name):
        raise Conflict(
            f"{row.name!r} is a prompt in MLflow's registry.",
            hint="Models and prompts share names there: choose another one.",
        )
    registry.put(context.db, space, as_version(space, row, run_of(context, row)), now)
    registry.put_tags(context.db, space, row.name, int(row.version), told_tags(row.tags))
    for label in store.labels_by_asset(context.db, [row.id]).get(row.id, []):
        registry.put_alias(context.db, space, row.name, label, int(row.version))
    store.note(context.db, row.id, round(row.created_at * 1000))


def tell(context: Context, home: AnyRow, row: AssetRow) -> None:
    """Its notes, its stage or whether it is archived have changed here."""
    if row.mlflow_created is None:
        return
    space, now = spaces.name(home.id), int(context.now() * 1000)
    number = int(row.version)
    registry.change(context.db, space, row.name, number, _stage(row), _told_text(row), now)
    registry.put_tags(context.db, space, row.name, number, told_tags(row.tags))


def tell_labels(
    context: Context, home: AnyRow, row: AssetRow, gone: Collection[str], new: Collection[str]
) -> None:
    if row.mlflow_created is None:
        return
    space = spaces.name(home.id)
    for label in gone:
        registry.drop_alias(context.db, space, row.name, label)
    for label in new:
        registry.put_alias(context.db, space, row.name, label, int(row.version))


def withdraw(context: Context, home: AnyRow, rows: Sequence[AssetRow], *, whole: bool) -> None:
    """Into the trash here is gone there; the whole name is, where nothing is left of it."""
    space, now = spaces.name(home.id), int(context.now() * 1000)
    shared = [row for row in rows if row.mlflow_created is not None]
    for row in shared:
        registry.delete(context.db, space, row.name, int(row.version), now)
    for name in {row.name for row in shared} if whole else ():
        if not registry.versions(context.db, space, [name]):
            registry.drop_model(context.db, space, name)


def forget(context: Context, home: AnyRow, rows: Sequence[AssetRow]) -> None:
    """They are purged."""
    for row in rows:
        if row.mlflow_created is not None:
            registry.forget(context.db, spaces.name(home.id), row.name, int(row.version))


def begin(site: Site, workspace_id: int) -> str:
    """MLflow's server is about to change the registry: a note for those who come after a kill."""
    token = f"{_UNSETTLED}{workspace_id}.{uuid.uuid4().hex}"
    with site.db.write(synced=False) as db:
        records.add_fact(db, token, str(site.now()))
    return token


def end(context: Context, workspace_id: int, token: str, names: Collection[str]) -> None:
    """It has; these models may be other ones."""
    agree(context, workspace_id, names)
    records.drop_fact(context.db, token)


def settle(context: Context) -> None:
    """What was begun, and whose server was killed before it ended."""
    for token, begun in records.facts_like(context.db, _UNSETTLED).items():
        if float(begun) < context.now() - _OLD:
            agree(context, int(token.split(".")[1]))
            records.drop_fact(context.db, token)


def agree(context: Context, workspace_id: int, names: Collection[str] | None = None) -> None:
    """Make the models of a workspace, or some of them, what MLflow's registry says."""
    home = workspaces.by_id(context.db, workspace_id)
    if home is None or home.kind == REGISTRY:
        return
    space = spaces.name(home.id)
    there = {(v.name, str(v.number)): v for v in registry.versions(context.db, space, names)}
    rows = _ours(context, home, names)
    if _follow_renames(context, home, there, rows):
        rows = _ours(context, home, names)
    for key, row in rows.items():
        if row.deleted_at is None and row.mlflow_created is not None and key not in there:
            _bin(context, home, row)
    tags = registry.tags(context.db, space, {name for name, _ in there})
    for key, version in there.items():
        mine = tags.get((version.name, version.number), {})
        row = rows.get(key)
        if row is not None and row.mlflow_created == version.created and row.deleted_at is None:
            _copy(context, home, row, version, mine)
        else:
            _adopt(context, home, row, version, mine)
    _copy_labels(context, home, {name for name, _ in there} | set(names or ()))


def agree_where_needed(context: Context, home: AnyRow, names: Collection[str]) -> None:
    """As `agree`, of many: those of which both sides know the same versions are left alone."""
    if home.kind == REGISTRY:
        return
    space = spaces.name(home.id)
    there = {
        (v.name, str(v.number)): v.created for v in registry.versions(context.db, space, names)
    }
    rows = _ours(context, home, names)
    mine = {key: row.mlflow_created for key, row in rows.items() if _live(row)}
    if differ := {name for name, _ in dict(there.items() ^ mine.items())}:
        agree(context, home.id, differ)


def _ours(
    context: Context, home: AnyRow, names: Collection[str] | None
) -> dict[tuple[str, str], AssetRow]:
    found = store.everything(context.db, home.id, KIND, names)
    return {(r.name, r.version): r for r in found if is_shared(home, KIND, r.version)}


def _follow_renames(
    context: Context,
    home: AnyRow,
    there: dict[tuple[str, str], Version],
    rows: dict[tuple[str, str], AssetRow],
) -> bool:
    """A model that is gone, and one that is new with the same versions of the same moments."""
    gone = {row.name for row in rows.values() if row.mlflow_created is not None}
    gone -= {name for name, _ in there}
    new = {name for name, _ in there} - {name for name, _ in rows}
    renamed = False
    for old in gone:
        was = {(r.version, r.mlflow_created) for r in rows.values() if r.name == old and _live(r)}
        for name in new:
            now = {(number, v.created) for (n, number), v in there.items() if n == name}
            box = store.container(context.db, home.id, KIND, old)
            taken = store.container(context.db, home.id, KIND, name)
            if was and was == now and box is not None and taken is None:
                store.rename_container(context.db, box.id, name)
                edges.rename(context, home, KIND, old, name)
                events.record(context, home, KIND, name, "renamed", before=old)
                renamed = True
                new.discard(name)
                break
    return renamed


def _live(row: AssetRow) -> bool:
    return row.deleted_at is None and row.mlflow_created is not None


def _bin(context: Context, home: AnyRow, row: AssetRow) -> None:
    """Deleted there is in the trash here, from where it may come back."""
    by = context.who.name
    store.change(context.db, row.id, deleted_at=context.now(), deleted_by=by)
    events.record(context, home, KIND, row.name, "deleted", version=row.version)


def _copy(
    context: Context, home: AnyRow, row: AssetRow, version: Version, tags: dict[str, str]
) -> None:
    changes: dict[str, Any] = {}
    if (version.description or None) != _told_text(row):
        changes["description"] = version.description
    known = told_tags(row.tags)
    if tags != known:
        changes["tags"] = {**{k: v for k, v in row.tags.items() if k not in known}, **tags}
    if version.stage != _stage(row):
        changes["archived"] = version.stage == ARCHIVED
        if version.stage != ARCHIVED:
            changes["spec"] = _with_stage(row.spec, version.stage)
    if changes:
        store.change(context.db, row.id, **changes)
        told = {"version": row.version, "fields": sorted(changes)}
        events.record(context, home, KIND, row.name, "updated", **told)


def _adopt(
    context: Context, home: AnyRow, row: AssetRow | None, version: Version, tags: dict[str, str]
) -> None:
    """Over one of that number that is no more: MLflow has given it anew."""
    if row is not None:
        store.drop(context.db, [row.id])
    store.add_container(context.db, home.id, KIND, version.name, context.now())
    box = store.container(context.db, home.id, KIND, version.name, lock=True)
    assert box is not None
    job = jobs.by_run(context.db, home.id, version.run) if version.run else None
    spec = _spec(context, home, version, job)
    values: dict[str, Any] = {
        "container_id": box.id,
        "version": str(version.number),
        "spec": spec,
        "digest": versions.digest(spec),
        "description": version.description,
        "tags": tags,
        "properties": {},
        "archived": version.stage == ARCHIVED,
        "created_at": version.created / 1000,
        "created_by": version.user or context.who.name,
        "revision": 1,
        "mlflow_created": version.created,
    }
    store.add(context.db, values)
    store.change_container(
        context.db, box.id, next_version=max(box.next_version, version.number + 1)
    )
    made = store.version(context.db, home.id, KIND, version.name, str(version.number))
    assert made is not None
    _trace(context, home, version, made, job)
    told = {"version": made.version, "job": job.name if job is not None else None}
    events.record(context, home, KIND, made.name, "created", **told)


def _trace(
    context: Context, home: AnyRow, version: Version, made: AssetRow, job: AnyRow | None
) -> None:
    """What it came of. A copy has its files in its own right."""
    asset = Node(home.id, KIND, made.name, made.version)
    edges.of_asset(context, home, made)
    if job is not None:
        edges.write(context, [Edge(Node(home.id, JOBS, job.name), asset, "path")])
    if (copied := _copied(context, home, version)) is not None:
        source = Node(home.id, KIND, copied.name, copied.version)
        edges.write(context, [Edge(source, asset, "copied")])
        own = _source(spaces.name(home.id), made)
        registry.place(context.db, spaces.name(home.id), version.name, version.number, own)


def _spec(context: Context, home: AnyRow, version: Version, job: AnyRow | None) -> dict[str, Any]:
    spec: dict[str, Any] = {"path": _path(context, home, version)}
    if (copied := _copied(context, home, version)) is not None:
        spec["path"] = copied.spec.get("path")
    files = Files.of(context, home, spec)
    try:
        is_mlflow = files is not None and files.read(mlmodel.NAME, 0) is not None
        spec["type"] = "mlflow_model" if is_mlflow else "custom_model"
        spec = model_facts.found(context, home, spec)
    except LazurError:
        spec["type"] = "custom_model"
    if version.stage not in (NONE, ARCHIVED):
        spec["stage"] = version.stage
    return {**spec, "job_name": job.name} if job is not None else spec


def _copied(context: Context, home: AnyRow, version: Version) -> AssetRow | None:
    """The asset whose files it has: MLflow copied one of ours."""
    top = f"{spaces.artifact_root(spaces.name(home.id))}/{FOLDER}/"
    number = version.place.removeprefix(top)
    if not version.place.startswith(top) or not number.isdigit() or len(number) > 18:
        return None
    return store.by_id(context.db, home.id, KIND, int(number))


def _path(context: Context, home: AnyRow, version: Version) -> str:
    """As a reference of ours, where its files lie in the workspace's artifacts."""
    uri = version.place or version.source
    if uri.startswith("runs:/"):
        try:
            return str(model_facts.located(context, home, {"path": uri})["path"])
        except LazurError:
            return uri
    try:
        inside = artifact_uris.inside(spaces.name(home.id), uri)
    except LazurError:
        return uri
    return uri if inside is None else model_facts.in_artifacts(inside)


def _copy_labels(context: Context, home: AnyRow, names: Collection[str]) -> None:
    space = spaces.name(home.id)
    there = registry.aliases(context.db, space, names)
    for name in names:
        box = store.container(context.db, home.id, KIND, name)
        if box is None:
            continue
        wanted = {alias: number for (n, alias), number in there.items() if n == name}
        for label in store.labels_of(context.db, home.id, KIND, name):
            row = store.labelled(context.db, home.id, KIND, name, label)
            if label not in wanted and row is not None and row.mlflow_created is not None:
                store.drop_label(context.db, box.id, label)
        for alias, number in wanted.items():
            row = store.version(context.db, home.id, KIND, name, str(number))
            if row is not None:
                store.put_label(context.db, box.id, alias, row.id)


def as_version(space: str, row: AssetRow, run: str | None) -> Version:
    """As MLflow is told of it; `run` made it."""
    source = _source(space, row)
    return Version(
        name=row.name,
        number=int(row.version),
        created=round(row.created_at * 1000),
        description=_told_text(row),
        user=str(row.created_by)[:256],
        stage=_stage(row),
        source=source,
        place=source,
        run=run,
    )


def _source(space: str, row: AssetRow) -> str:
    """What MLflow's clients can fetch: of uploads, by the asset's number."""
    own = f"{spaces.artifact_root(space)}/{FOLDER}/{row.id}"
    written = row.spec.get("path")
    found = references.parse(written) if isinstance(written, str) and written else None
    if isinstance(found, DatastorePath) and found.datastore == ARTIFACTSTORE:
        uri = f"{spaces.artifact_root(space)}/{found.path.strip('/')}"
    else:
        uri = found.uri if isinstance(found, Uri) else own
    return uri if len(uri) <= _SOURCE else own


def run_of(context: Context, row: AssetRow) -> str | None:
    job = row.spec.get("job_name")
    found = jobs.by_name(context.db, row.workspace_id, job) if isinstance(job, str) else None
    return str(found.run_id)[:_RUN] if found is not None else None


def _stage(row: AssetRow) -> str:
    """MLflow's word for it; what it has none for is our own."""
    if row.archived:
        return ARCHIVED
    return _STAGES.get(str(row.spec.get("stage") or "").lower(), NONE)


def _with_stage(spec: dict[str, Any], stage: str) -> dict[str, Any]:
    rest = {key: value for key, value in spec.items() if key != "stage"}
    return rest if stage == NONE else {**rest, "stage": stage}


def _told_text(row: AssetRow) -> str | None:
    return row.description[:_DESCRIPTION] if row.description else None


def told_tags(tags: dict[str, Any]) -> dict[str, str]:
    return {key: str(value) for key, value in tags.items() if 0 < len(key) <= _TAG}
