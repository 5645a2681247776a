"""Deleting assets: into a trash first, from which they come back, then for good."""

from __future__ import annotations

from typing import Any, cast

from lazur.errors import Conflict, Invalid, NotFound
from lazur.services.assets import assets, registered_models
from lazur.services.base import events
from lazur.services.base.site import Context
from lazur.services.base.times import iso
from lazur.services.content import collection, local_uploads
from lazur.services.resources.shelves import Shelf, open_shelf, reference
from lazur.services.results import dependents
from lazur.store import assets as store
from lazur.store.assets import AssetRow
from lazur.store.db import AnyRow

_MOST = 1000


def delete(
    context: Context, shelf: Shelf, kind: str, name: str, version: str | None = None
) -> dict[str, Any]:
    """One version, or all of them. Jobs that use it have what they need already."""
    home = open_shelf(context, shelf, kind, "delete", name)
    if version is not None:
        rows = [assets.known(context, home, kind, name, version)]
    else:
        rows = list(store.live(context.db, home.id, kind, name))
    if not rows:
        raise assets.absent(kind, name)
    _check_free(context, home, rows)
    registered_models.withdraw(context, home, rows, whole=version is None)
    for row in rows:
        store.change(context.db, row.id, deleted_at=context.now(), deleted_by=context.who.name)
        events.record(context, home, kind, name, "deleted", version=row.version)
    return _found(context, home, rows)


def find(context: Context, shelf: Shelf, kind: str) -> dict[str, Any]:
    """What is in the trash."""
    home = open_shelf(context, shelf, kind, "read")
    return {"value": [_view(row) for row in store.trash(context.db, home.id, kind)], "next": None}


def restore(
    context: Context, shelf: Shelf, kind: str, name: str, version: str | None = None
) -> dict[str, Any]:
    """Out of the trash: one version, or all that are in it."""
    home = open_shelf(context, shelf, kind, "write", name)
    found = store.trash(context.db, home.id, kind, [name])
    rows = [row for row in found if version in (None, row.version)]
    if not rows:
        what = repr(name) if version is None else f"Version {version!r} of {name!r}"
        raise NotFound(f"{what} is not in the trash.", hint="Archived ones are not in it.")
    for row in rows:
        store.change(context.db, row.id, deleted_at=None, deleted_by=None)
        registered_models.publish(context, home, row)
        events.record(context, home, kind, name, "restored", version=row.version)
    return _found(context, home, rows)


def purge(context: Context, shelf: Shelf, kind: str, asked: dict[str, Any]) -> dict[str, Any]:
    """Free what is in the trash, for good: `names` or all, and what has lain there for
    `older_than_days`. What jobs or assets that are here came of is kept, without `force`. With
    `dry_run` it only tells."""
    home = open_shelf(context, shelf, kind, "delete")
    names, before, dry_run = _wanted(context, asked)
    rows = store.trash(context.db, home.id, kind, names, before)
    if names and (lacking := sorted(set(names) - {row.name for row in rows})):
        raise NotFound(
            f"{lacking[0]!r} is not in the trash.", hint="Delete it first; then purge it."
        )
    needed = {} if asked.get("force") else dependents.find(context, home, rows)
    kept = [_view(row) | {"needed_by": needed[row.id]} for row in rows if row.id in needed]
    if kept and names and not dry_run:
        raise _needed(kind, kept)
    going = [row for row in rows if row.id not in needed]
    if not dry_run and going:
        store.drop(context.db, [row.id for row in going])
        dependents.bury(context, going)
        local_uploads.leave(context, home, going)
        collection.want(context)
        registered_models.forget(context, home, going)
        for row in going:
            told = {"version": row.version, "digest": row.digest}
            events.record(context, home, kind, row.name, "purged", **told)
    return {"purged": [_view(row) for row in going], "kept": kept, "dry_run": dry_run}


def _found(context: Context, home: AnyRow, rows: list[AssetRow]) -> dict[str, Any]:
    """As they are now."""
    now = (
        store.version(context.db, home.id, row.kind, row.name, row.version, trash=True)
        for row in rows
    )
    return {"value": [_view(row) for row in now if row is not None], "next": None}


def _check_free(context: Context, home: AnyRow, rows: list[AssetRow]) -> None:
    """Nothing that is here may need it. What goes as well does not count."""
    going = {row.id for row in rows}
    for row in rows:
        named = {
            f"azureml:{row.name}:{row.version}",
            reference(home, row.kind, row.name, row.version),
        }
        users = [
            user
            for text in sorted(named)
            for user in store.mentions(context.db, home.id, text)
            if user.id not in going
        ]
        if users:
            first, noun = users[0], assets.noun_of(users[0].kind)
            raise Conflict(
                f"{row.name}:{row.version} is needed by {noun} {first.name}:{first.version}"
                + (f" and {len(users) - 1} more." if len(users) > 1 else "."),
                hint=f"Delete that first: lazur {noun} delete -n {first.name}",
                needed_by=[f"{user.kind}/{user.name}:{user.version}" for user in users],
            )


def _needed(kind: str, kept: list[dict[str, Any]]) -> Conflict:
    first, others = kept[0], len(kept[0]["needed_by"]) - 1
    more = f" and {others} more" if others else ""
    noun = assets.noun_of(kind)
    return Conflict(
        f"{first['needed_by'][0]}{more} came of {first['name']}:{first['version']}.",
        hint=f"Restore it: lazur {noun} restore -n {first['name']}. Or purge it with --force: its "
        "name, its digest and who purged it stay in the lineage.",
        needed={f"{one['name']}:{one['version']}": one["needed_by"] for one in kept},
    )


def _wanted(
    context: Context, asked: dict[str, Any]
) -> tuple[list[str] | None, float | None, bool]:
    if unknown := sorted(set(asked) - {"names", "older_than_days", "dry_run", "force"}):
        hint = "Known: names, older_than_days, dry_run, force."
        raise Invalid(f"There is no {unknown[0]!r} here.", hint=hint)
    days, dry_run = asked.get("older_than_days"), asked.get("dry_run", False)
    if days is not None and (type(days) not in (int, float) or not 0 <= days < 1e6):
        raise Invalid("older_than_days is a number of days.")
    if not isinstance(dry_run, bool) or not isinstance(asked.get("force", False), bool):
        raise Invalid("dry_run and force must be true or false.")
    before = None if days is None else context.now() - float(days) * 86400
    return _names(asked.get("names")), before, dry_run


def _names(asked: Any) -> list[str] | None:
    if asked is None:
        return None
    texts = cast("list[Any]", asked) if isinstance(asked, list) else []
    if not 0 < len(texts) <= _MOST or not all(isinstance(text, str) for text in texts):
        raise Invalid(f"names is a list of 1 to {_MOST} names.")
    return texts


def _view(row: AssetRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "version": row.version,
        "deleted_at": iso(row.deleted_at),
        "deleted_by": row.deleted_by,
    }
