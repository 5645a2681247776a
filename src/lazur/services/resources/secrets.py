"""Secrets of resources: sealed where they come in, opened for who may see them (S47, S51).

A vault may block, so that nothing here that asks one runs within a transaction: `seal` comes
before it, `unseal` after what was read, and `rotate` has short ones of its own. A value is in no
event, log or error.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lazur import sealing
from lazur.engine.secret import Secret
from lazur.errors import LazurError
from lazur.sealing import Place
from lazur.services.base.site import Context, Site
from lazur.store import secrets as store
from lazur.store.db import AnyRow

Values = Mapping[str, str]
_AT_A_TIME = 50


@dataclass(frozen=True)
class Sealed:
    """On its way into the database."""

    id: str
    text: str


def seal(site: Site, workspace: AnyRow, resource: str, values: Values) -> Sealed:
    """Before a transaction. `resource`: whose they are, `datastores/raw`."""
    secret_id = uuid.uuid4().hex
    place = Place(workspace.folded, resource, secret_id)
    return Sealed(secret_id, sealing.seal(Secret(json.dumps(dict(values))), place, site.keyring))


def keep(context: Context, workspace: AnyRow, sealed: Sealed) -> str:
    """Its id."""
    values = {
        "id": sealed.id,
        "workspace_id": workspace.id,
        "sealed": sealed.text,
        "key_id": sealing.key_id(sealed.text),
        "created_at": context.now(),
    }
    store.add(context.db, values)
    return sealed.id


def drop(context: Context, secret_id: str | None) -> None:
    if secret_id is not None:
        store.drop(context.db, secret_id)


def unseal(site: Site, workspace: AnyRow, resource: str, row: AnyRow) -> dict[str, Secret]:
    """After a transaction. `row`: as it was read."""
    place = Place(workspace.folded, resource, row.id)
    found = json.loads(sealing.unseal(row.sealed, place, site.keyring).reveal())
    return {name: Secret(value) for name, value in found.items()}


def find(context: Context, secret_id: str | None) -> AnyRow | None:
    return None if secret_id is None else store.by_id(context.db, secret_id)


def rotate(site: Site, stopping: Callable[[], bool] = lambda: False) -> int:
    """Wrap anew what a former root key wraps; how many were. Several servers at once and a kill at
    any line do no harm: each secret is wrapped by the one key or the other. One that does not open
    is left as it is, and does not hold up the others; the first such error is raised at the
    end."""
    with site.db.read() as db:
        known = store.key_ids(db)
    if not known:
        return 0  # who keeps no secrets has no vault to ask
    current, after, done = site.keyring.current.key_id(), "", 0
    failed: LazurError | None = None
    while known - {current} and not stopping():
        with site.db.read() as db:
            rows = store.behind(db, current, after, _AT_A_TIME)
        if not rows:
            break
        for row in rows:
            try:
                done += _rewrap(site, row)
            except LazurError as error:
                failed = failed or error
        after = rows[-1].id
    if failed is not None:
        raise failed
    return done


def _rewrap(site: Site, row: AnyRow) -> bool:
    sealed = sealing.rewrap(row.sealed, site.keyring)
    if sealed is None:
        return False
    with site.db.write() as db:
        return store.rewrap(db, row.id, row.sealed, sealed, sealing.key_id(sealed))
