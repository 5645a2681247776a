"""What an operation is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from lazur.errors import Invalid
from lazur.server.arm.address import Place
from lazur.server.arm.ids import Ids
from lazur.server.asgi import Receive, Scope, Send
from lazur.services.azure import identity
from lazur.services.base.access import Principal
from lazur.services.base.site import Context, Site
from lazur.services.resources.shelves import Registry, Shelf
from lazur.spec import json, rooms
from lazur.spec.rooms import Room

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Call:
    site: Site
    who: Principal
    place: Place
    base: str
    """Where the caller reaches this server: `https://HOST:PORT`."""
    method: str
    path: str
    query: Mapping[str, str]
    """Names in small letters; of several values the last."""
    headers: Mapping[str, str]
    """Names in small letters."""
    body: bytes
    scope: Scope
    receive: Receive
    send: Send

    @property
    def workspace(self) -> str:
        return self.place.workspace

    @property
    def shelf(self) -> Shelf:
        """Where the assets lie that the call is about."""
        return Registry(self.place.registry) if self.place.registry else self.place.workspace

    @property
    def ids(self) -> Ids:
        return Ids(self.place)

    def json(self, *, of_any: bool = False) -> dict[str, Any]:
        """`of_any`: what it names may lie in any workspace."""
        found = json.decode(self.body) if self.body.strip() else {}
        if not isinstance(found, dict):
            raise Invalid("The body must be a JSON object.")
        given = found.get("properties") or {}
        if not isinstance(given, dict):
            raise Invalid("The body's `properties` must be an object.")
        if not of_any:
            self.check_own({**{key: found[key] for key in found if key != "properties"}, **given})
        return found

    def check_own(self, value: Any) -> None:
        """Ids in it are of things where the call is about. Raises Invalid."""
        place = self.place
        if place.registry:
            rooms.check(value, Room("", registry=place.registry))
        elif place.workspace:
            by_number = b"azureml://locations/" in self.body
            number = identity.of(self.site.home, "workspace", place.workspace) if by_number else ""
            rooms.check(value, Room(place.workspace, place.subscription, place.group, number))

    def read(self, use_case: Callable[[Context], Answer]) -> Answer:
        with self.site.context(self.who, write=False) as context:
            return use_case(context)

    def write(self, use_case: Callable[[Context], Answer]) -> Answer:
        with self.site.context(self.who) as context:
            return use_case(context)

    def url(self, path: str, **query: Any) -> str:
        """An address on this server, as this caller reaches it."""
        asked = urlencode({key: value for key, value in query.items() if value is not None})
        return f"{self.base}{quote(path)}" + (f"?{asked}" if asked else "")
