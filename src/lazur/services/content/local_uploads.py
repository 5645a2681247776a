"""What Azure's client uploaded and nobody may need any more, `LocalUpload/<hash>/` in a datastore:
for assets that are purged, and for those whose content was taken into the store of content. It is
noted here; `azure.forgotten` removes it once nothing else needs it."""

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
            if isinstance(place, DatastorePath):
                note(context.db, home.id, place.datastore, place.path)


def note(db: Connection, workspace_id: int, datastore: str, path: str) -> None:
    """Somebody needs this path no more. What is no upload is left alone."""
    if (found := _PLACE.fullmatch(path)) is not None:
        put(db, Left(workspace_id, datastore, found["hash"]))


def find(db: Connection) -> list[Left]:
    found = records.facts_like(db, _LEFT).items()
    return [Left(*json.loads(k.removeprefix(_LEFT)), forgotten_at=json.loads(v)) for k, v in found]


def put(db: Connection, left: Left) -> None:
    records.put_fact(db, _name(left), json.dumps(left.forgotten_at))


def drop(db: Connection, left: Left) -> None:
    records.drop_fact(db, _name(left))


def _name(left: Left) -> str:
    return _LEFT + json.dumps([left.workspace_id, left.datastore, left.hash])
