"""Outputs that were given a name become versions of assets, whose content never changes: none of
them may be written where a version lies that is kept, or where another job's is about to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lazur.errors import Conflict, Invalid
from lazur.services.assets.versions import noun_of
from lazur.services.base.job_views import default_output_uri
from lazur.services.base.site import Context
from lazur.spec import references
from lazur.spec.names import fold
from lazur.spec.references import DatastorePath, Uri
from lazur.store import assets, jobs
from lazur.store.assets import AssetRow
from lazur.store.db import AnyRow

_HINT = "Leave `path` out, or write ${{name}} in it, which is the job's name: each has its own."

_Place = tuple[str, str]
"""A datastore and a path in it; of other addresses the address."""


def check(context: Context, home: AnyRow, job: str, outputs: Iterable[dict[str, Any]]) -> None:
    """Raise Conflict for one whose place is taken."""
    for output in outputs:
        place = _place(output["uri"]) if output["asset_name"] else None
        if place is None:
            continue
        _check_assets(context, home, output, place)
        if output["uri"] != default_output_uri(job, output["name"]):
            _check_jobs(context, home, job, output, place)


def _check_assets(context: Context, home: AnyRow, output: dict[str, Any], place: _Place) -> None:
    for row in assets.at(context.db, home.id, place[1]):
        there = _place(str(row.spec["path"]))
        if there is not None and _is_within(there, place):
            raise _taken(output, f"{_noun(row)} {row.name}:{row.version} lies there", _free(row))


def _check_jobs(
    context: Context, home: AnyRow, job: str, output: dict[str, Any], place: _Place
) -> None:
    for row in jobs.writing(context.db, home.id, place[1]):
        for other in row.resolved["outputs"] if row.name != job else ():
            there = _place(other["uri"]) if other["asset_name"] else None
            if there is not None and _is_within(there, place):
                what = f"job {row.name}, which has not ended, makes {other['asset_name']!r} there"
                raise _taken(output, what, "")


def _taken(output: dict[str, Any], what: str, more: str) -> Conflict:
    field = f"outputs.{output['name']}.path"
    return Conflict(
        f"{field}: {output['uri']!r} is taken: {what}, and its content never changes.",
        hint=f"{_HINT}{more}",
        field=field,
    )


def _free(row: AssetRow) -> str:
    noun = noun_of(row.kind)
    if row.deleted_at is None:
        return ""
    return f" Or free what is in the trash: lazur {noun} purge -n {row.name}"


def _noun(row: AssetRow) -> str:
    return "the data asset" if row.kind == "data" else "the model"


def _place(uri: str) -> _Place | None:
    try:
        found = references.parse(uri)
    except Invalid:
        return None
    if isinstance(found, DatastorePath):
        return fold(found.datastore), found.path.strip("/")
    return ("", found.uri.rstrip("/")) if isinstance(found, Uri) else None


def _is_within(inner: _Place, outer: _Place) -> bool:
    """The same, or beneath it."""
    below = f"{outer[1]}/" if outer[1] else ""
    return inner[0] == outer[0] and f"{inner[1]}/".startswith(below)
