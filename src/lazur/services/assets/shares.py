"""Sharing that takes long, since it copies from a store elsewhere: noted in the database, done by
a loop, and taken up by it after a kill. Who asked waits, and may ask again.

A note is a fact. Whoever holds its lease copies; what it has copied stays, so the next one goes on
there. The asset and the end of the note are one transaction: it is there whole, or not at all.
"""

from __future__ import annotations

import hashlib
import json
import time
from typing import Any

from lazur.errors import Conflict, LazurError, Unavailable, from_dict
from lazur.services.base.site import Context, Site
from lazur.services.content import stored
from lazur.store import records
from lazur.store.db import AnyRow

_NOTE = "share "
LEASE = 120.0
_KEPT = 3600.0
"""What became of it is told to who asks within that time."""
_TRIES = 6
_LOOK_EVERY = 0.2


def begin(context: Context, home: AnyRow, target: AnyRow, asked: dict[str, Any]) -> dict[str, Any]:
    """Note it, unless it is noted. `{"state": "copying", "share"}`."""
    said = {**asked, "workspace": home.name, "who": stored.maker(context, home.id)[0]}
    text = json.dumps([home.id, target.id, said], sort_keys=True)
    token = hashlib.sha256(text.encode()).hexdigest()[:16]
    note = {**said, "until": 0.0, "server": "", "tries": 0}
    records.swap_fact(context.db, _NOTE + token, None, json.dumps(note))
    context.publish("due", "shares")
    return {"state": "copying", "share": token}


def wait(site: Site, token: str, seconds: float) -> dict[str, Any]:
    """The asset's view, once it is shared; or how far it is after `seconds`. Raises what kept it
    from being shared."""
    until = time.monotonic() + seconds
    while True:
        with site.db.read() as db:
            text = records.fact(db, _NOTE + token)
        if text is None:
            return {"state": "copying", "share": token}  # somebody else was told: ask again
        note: dict[str, Any] = json.loads(text)
        if "done" in note or "error" in note:
            with site.db.write(synced=False) as db:
                records.drop_fact(db, _NOTE + token)
            if "error" in note:
                raise from_dict(note["error"])
            return note["done"]
        if time.monotonic() > until:
            moved = note.get("moved") or [0, 0]
            return {"state": "copying", "share": token, "bytes": moved[0], "total": moved[1]}
        time.sleep(_LOOK_EVERY)


def take(site: Site, most: int) -> list[tuple[str, dict[str, Any]]]:
    """Those that nobody is at, which are the caller's now; and what was told is forgotten."""
    with site.db.read() as db:
        known = records.facts_like(db, _NOTE)
    mine: list[tuple[str, dict[str, Any]]] = []
    for name, text in known.items():
        note: dict[str, Any] = json.loads(text)
        if note["until"] > site.now() or len(mine) == most:
            continue
        with site.db.write(synced=False) as db:
            if "done" in note or "error" in note:
                records.drop_fact(db, name)
                continue
            held = {**note, "until": site.now() + LEASE, "server": site.server}
            if records.swap_fact(db, name, text, json.dumps(held)):
                mine.append((name.removeprefix(_NOTE), held))
    return mine


def take_back(site: Site) -> None:
    """What this server held when it was killed is due now."""
    with site.db.write(synced=False) as db:
        for name, text in records.facts_like(db, _NOTE).items():
            note: dict[str, Any] = json.loads(text)
            if note["server"] == site.server and not {"done", "error"} & set(note):
                records.swap_fact(db, name, text, json.dumps({**note, "until": 0.0}))


def keep(site: Site, token: str, note: dict[str, Any], moved: list[int]) -> dict[str, Any] | None:
    """Hold it longer, and say how far it is. None where it is somebody else's, or ended."""
    held = {**note, "until": site.now() + LEASE, "moved": moved}
    with site.db.write(synced=False) as db:
        kept = records.swap_fact(db, _NOTE + token, json.dumps(note), json.dumps(held))
    return held if kept else None


def end(context: Context, token: str, note: dict[str, Any], made: dict[str, Any]) -> None:
    """In the transaction that adds the asset. Raises where it is somebody else's by now, who will
    end it."""
    ended = {**note, "done": made, "until": context.now() + _KEPT}
    if not records.swap_fact(context.db, _NOTE + token, json.dumps(note), json.dumps(ended)):
        raise Conflict("Somebody else is at this by now.")


def failed(site: Site, token: str, note: dict[str, Any], error: LazurError) -> None:
    """What may pass is tried again, later each time."""
    if isinstance(error, Unavailable) and note["tries"] < _TRIES:
        tries = note["tries"] + 1
        said = {**note, "tries": tries, "until": site.now() + 2.0**tries}
    else:
        said = {**note, "error": error.to_dict(), "until": site.now() + _KEPT}
    with site.db.write(synced=False) as db:
        records.swap_fact(db, _NOTE + token, json.dumps(note), json.dumps(said))
