"""Ids of other workspaces in what people submit. One of this server is refused: what is called so
here is another thing. One that whoever asks cannot see here is Azure's, in a file that was written
there: it names what is called so here, with a warning."""

from __future__ import annotations

from typing import Any

from lazur.services.base.access import Resource
from lazur.services.base.site import Context
from lazur.spec import rooms
from lazur.spec.names import fold
from lazur.spec.rooms import Room
from lazur.store import workspaces
from lazur.store.db import AnyRow


def noted(context: Context, home: AnyRow, value: Any) -> list[str]:
    """Warnings. Raises Invalid."""
    if home.kind == workspaces.REGISTRY:
        rooms.check(value, Room("", registry=home.name))
        return []
    room = Room(home.name)
    notes: list[str] = []
    for stranger in rooms.strangers(value, room):
        other = workspaces.by_name(context.db, fold(stranger.workspace))
        if other is not None and context.who.may("workspaces/read", Resource(other.name)):
            raise stranger.refusal(room)
        notes.append(
            f"{stranger.where} names {stranger.what} of {stranger.told}, which is not here: "
            f"what is called so in {home.name!r} is taken."
        )
    return notes
