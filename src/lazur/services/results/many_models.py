"""Many models registered together: one for each partition of the data. All or none of them, in
one transaction, and again is once: what is there with the same content stays as it is.

What they are is found out before the transaction begins (`model_batches`), which holds up other
writers only for as long as the rows take.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from lazur.engine.lineage import JOBS, Edge, Node
from lazur.errors import Conflict
from lazur.services.assets import edges, registered_models
from lazur.services.assets.registered_models import KIND
from lazur.services.assets.versions import NOTES, digest
from lazur.services.base import events, listening
from lazur.services.base.site import Context
from lazur.services.content import stored
from lazur.services.resources.shelves import Shelf, open_shelf, reference
from lazur.services.results import model_batches
from lazur.services.results.model_batches import Batch, Same, Wanted
from lazur.store import asset_batches, records
from lazur.store.db import AnyRow
from lazur.store.mlflow import registry_batches, spaces
from lazur.store.workspaces import REGISTRY

_SHOWN = 100
"""Of them are told in the answer."""


class Made(NamedTuple):
    """A row as it was just written. What others call an asset's row has these fields."""

    id: int
    name: str
    version: str
    spec: dict[str, Any]
    tags: dict[str, Any]
    description: str | None
    archived: bool
    created_at: float
    created_by: str


def register(context: Context, shelf: Shelf, asked: dict[str, Any]) -> dict[str, Any]:
    """`path` is a folder with all of them, and `files` says which of its files (or, with a slash
    at the end, folders) are a model each: `{Shop}/{Product}.json`. What the placeholders stand for
    makes its `name` (`sales-{Shop}-{Product}`), and is among its tags. Or `models` lists them,
    each with name and path. `type`, `description`, `tags` and `properties` are of all.
    `metrics_of` is a parallel job whose mini-batches' metrics become properties. `dry_run` only
    tells. A registry takes what is uploaded, and has no jobs."""
    with context.looking() as early:
        home = open_shelf(early, shelf, KIND, "write")
        batch = model_batches.find(early, shelf, home, asked)
    same, new = _write(context, home, batch, dry_run=batch.dry_run)
    told = [(one, version, False) for one, version in same] + [(o, v, True) for o, v in new]
    told.sort(key=lambda one: one[0].place)
    return {
        "count": len(told),
        "registered": len(new),
        "unchanged": len(same),
        "dry_run": batch.dry_run,
        "value": [_view(home, *one) for one in told[:_SHOWN]],
    }


def _write(
    context: Context, home: AnyRow, batch: Batch, *, dry_run: bool
) -> tuple[list[tuple[Wanted, str]], list[tuple[Wanted, str]]]:
    """Those that are there already and those that are new, with their versions."""
    person = stored.maker(context, home.id)[0]
    same: list[tuple[Wanted, str]] = []
    new: list[tuple[Wanted, str]] = []
    ordered = sorted(batch.wanted, key=lambda one: one.name)  # as all do who lock them
    for piece in _pieces(ordered):
        there, fresh = _compared(context, home, piece, batch.same)
        same += there
        new += fresh
        if fresh and not dry_run:
            _add(context, home, fresh, batch, person)
    if new and not dry_run:
        stored.keep_trees(context, home.id, {"path": batch.trees})
        _tell(context, home, new, batch)
    return same, new


def _compared(
    context: Context, home: AnyRow, piece: Sequence[Wanted], same: Same
) -> tuple[list[tuple[Wanted, str]], list[tuple[Wanted, str]]]:
    """Which have the content that is wanted, and the next numbers of the others."""
    names = [one.name for one in piece]
    registered_models.agree_where_needed(context, home, names)
    boxes = asset_batches.boxes(context.db, home.id, KIND, names, context.now())
    newest = asset_batches.newest(context.db, [box.id for box in boxes.values()])
    space = spaces.name(home.id)
    if prompts := registry_batches.prompts(context.db, space, names):
        raise Conflict(
            f"{prompts[0]!r} is a prompt in MLflow's registry.",
            hint="Models and prompts share names there: choose another one.",
        )
    highest = registry_batches.highest(context.db, space, names)
    there: list[tuple[Wanted, str]] = []
    fresh: list[tuple[Wanted, str]] = []
    for one in piece:
        box = boxes[one.name]
        last = newest.get(box.id)
        if last is not None and same.is_same(last, one.spec):
            there.append((one, last.version))
        else:
            fresh.append((one, str(max(box.next_version, highest.get(one.name, 0) + 1))))
    return there, fresh


def _add(
    context: Context,
    home: AnyRow,
    fresh: Sequence[tuple[Wanted, str]],
    batch: Batch,
    person: str,
) -> None:
    """The rows, MLflow's, the lineage, and what each of them tells when asked for its history."""
    names = [one.name for one, _ in fresh]
    boxes = asset_batches.boxes(context.db, home.id, KIND, names, context.now())
    rows = [_row(context, boxes[one.name].id, one, version, person) for one, version in fresh]
    ids = asset_batches.add(context.db, rows)
    nexts = {boxes[one.name].id: int(version) + 1 for one, version in fresh}
    asset_batches.count_on(context.db, nexts)
    made = [
        Made(
            number,
            one.name,
            version,
            row["spec"],
            row["tags"],
            row["description"],
            False,
            row["created_at"],
            person,
        )
        for number, (one, version), row in zip(ids, fresh, rows, strict=True)
    ]
    _publish(context, home, made, batch.run)
    edges.write(context, _edges(home, fresh, batch))
    data = {"job": batch.job} if batch.job else {}
    records.add_events(
        context.db,
        home.id,
        KIND,
        [(one.name, {"version": version, **data}) for one, version in fresh],
        "created",
        context.who.name,
        context.now(),
    )


def _publish(context: Context, home: AnyRow, made: Sequence[Any], run: str | None) -> None:
    """They are MLflow's, too, but for those of a registry."""
    if home.kind == REGISTRY:
        return
    space, now = spaces.name(home.id), int(context.now() * 1000)
    told = [registered_models.as_version(space, one, run) for one in made]
    tags = [registered_models.told_tags(one.tags) for one in made]
    registry_batches.put(context.db, space, told, tags, now)


def _row(context: Context, box: int, one: Wanted, version: str, person: str) -> dict[str, Any]:
    now = context.now()
    left_out = (*NOTES, "version", "name")
    return {
        "container_id": box,
        "version": version,
        "spec": {key: value for key, value in one.spec.items() if key not in left_out},
        "digest": digest(one.spec),
        "description": one.spec.get("description"),
        "tags": one.spec.get("tags") or {},
        "properties": one.spec.get("properties") or {},
        "archived": False,
        "created_at": now,
        "created_by": person,
        "revision": 1,
        "mlflow_created": round(now * 1000),
    }


def _edges(home: AnyRow, fresh: Sequence[tuple[Wanted, str]], batch: Batch) -> Iterator[Edge]:
    for one, version in fresh:
        asset = Node(home.id, KIND, one.name, version)
        for source in one.sources:
            yield Edge(source, asset, "path")
        if batch.job is not None:
            yield Edge(Node(home.id, JOBS, batch.job), asset, "path")


def _tell(context: Context, home: AnyRow, new: Sequence[tuple[Wanted, str]], batch: Batch) -> None:
    """One deed in the audit log, with what tells whether a list of them is this one; and one
    event for who waits for models, however many they are."""
    lines = sorted(f"{one.name}:{version}\n" for one, version in new)
    text = "".join(lines).encode()
    told = {
        "count": len(new),
        "first": lines[0].strip(),
        "last": lines[-1].strip(),
        "names_sha256": hashlib.sha256(text).hexdigest(),
        "path": batch.written,
    }
    events.record(context, home, KIND, batch.title, "registered", **told)
    heard = {one.name: {"version": version, "job": batch.job} for one, version in new}
    listening.hear_any(context, home.id, KIND, "created", heard)


def _view(home: AnyRow, one: Wanted, version: str, is_new: bool) -> dict[str, Any]:
    return {
        "id": reference(home, KIND, one.name, version),
        "name": one.name,
        "version": version,
        "path": one.spec["path"],
        "tags": one.spec.get("tags") or {},
        "new": is_new,
    }


def _pieces(found: Iterable[Wanted]) -> Iterator[list[Wanted]]:
    rest = iter(found)
    while piece := list(islice(rest, asset_batches.AT_ONCE)):
        yield piece
