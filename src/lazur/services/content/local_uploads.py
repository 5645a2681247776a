"""What Azure's client uploaded for assets that are purged: `LocalUpload/<hash>/` in a datastore.
It is noted with the purge; `azure.forgotten` removes it once nothing else needs it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from lazur.errors import Invalid
from lazur.services.base.site import Context
from lazur.spec import references
from lazur.spec.references import DatastorePath
from lazur.store import records
from lazur.store.assets import AssetRow
from lazur.store.db import AnyRow, Connection

FOLDER = "LocalUpload"
_LEFT = "uploads.left "
_PLACE = re.compile(rf"{FOLDER}/(?P<hash>[0-9a-f]{{64}})(?:/.*)?", re.DOTALL)


@dataclass(frozen=True)
class Left:
    """An upload that may not be needed any more."""

    workspace_id: int
    datastore: str
    hash: str
    forgotten_at: float | None = None
    """Since when clients that ask for it are told that it is not complete: they send it again."""

    @property
    def folder(self) -> str:
        return f"{FOLDER}/{self.hash}"


def leave(context: Context, home: AnyRow, rows: Sequence[AssetRow]) -> None:
    """The rows are purged in this transaction."""
    for row in rows:
        with suppress(Invalid):
            place = references.parse(str(row.spec.get("path") or ""))
            found = _PLACE.fullmatch(place.path) if isinstance(place, DatastorePath) else None
            if isinstance(place, DatastorePath) and found is not None:
                put(context.db, Left(home.id, place.datastore, found["hash"]))


def find(db: Connection) -> list[Left]:
    found = records.facts_like(db, _LEFT).items()
    return [Left(*json.loads(k.removeprefix(_LEFT)), forgotten_at=json.loads(v)) for k, v in found]


def put(db: Connection, left: Left) -> None:
    records.put_fact(db, _name(left), json.dumps(left.forgotten_at))


def drop(db: Connection, left: Left) -> None:
    records.drop_fact(db, _name(left))


def _name(left: Left) -> str:
    return _LEFT + json.dumps([left.workspace_id, left.datastore, left.hash])
