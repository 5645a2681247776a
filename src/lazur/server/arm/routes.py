"""The table of operations. A template is a path as `address.short` gives it: `WS/jobs/{name}`.

routes = Routes()

@routes.get("WS/jobs/{name}", "workspaces/jobs/read")
def show(call: Call, name: str) -> Reply:
    return ok(call.read(lambda context: …))
"""

from __future__ import annotations

import inspect
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

Handler = Callable[..., Any]
OPEN = ""
"""The action of what is asked before there is a token."""


@dataclass(frozen=True)
class Route:
    method: str
    template: str
    action: str
    """The right that the service behind asks for."""
    handler: Handler

    @property
    def streams(self) -> bool:
        """A coroutine reads the body by itself, and answers where it returns none; all others are
        called in a thread, with the body."""
        return inspect.iscoroutinefunction(self.handler)

    @property
    def parts(self) -> list[str]:
        return self.template.split("/")


class Routes:
    def __init__(self) -> None:
        self.made: list[Route] = []

    def on(self, methods: str, template: str, action: str) -> Callable[[Handler], Handler]:
        def add(handler: Handler) -> Handler:
            self.made += [Route(m, template, action, handler) for m in methods.split()]
            return handler

        return add

    def get(self, template: str, action: str) -> Callable[[Handler], Handler]:
        return self.on("GET", template, action)

    def put(self, template: str, action: str) -> Callable[[Handler], Handler]:
        return self.on("PUT", template, action)

    def post(self, template: str, action: str) -> Callable[[Handler], Handler]:
        return self.on("POST", template, action)

    def patch(self, template: str, action: str) -> Callable[[Handler], Handler]:
        return self.on("PATCH", template, action)

    def delete(self, template: str, action: str) -> Callable[[Handler], Handler]:
        return self.on("DELETE", template, action)


@dataclass
class Table:
    """Letters of the fixed parts are matched in either case, as Azure's clients spell them in
    both."""

    routes: list[Route] = field(default_factory=list[Route])
    _by_length: dict[tuple[str, int], list[Route]] = field(
        default_factory=lambda: defaultdict(list)
    )
    _tails: list[Route] = field(default_factory=list[Route])

    @classmethod
    def of(cls, parts: Iterable[Routes]) -> Table:
        made = cls()
        for part in parts:
            for route in part.made:
                made._add(route)
        return made

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        parts = path.split("/")
        for route in self._by_length.get((method, len(parts)), ()):
            if (values := _match(route.parts, parts)) is not None:
                return route, values
        for route in self._tails:
            wanted = route.parts
            if route.method == method and len(parts) >= len(wanted):
                ended = [*parts[: len(wanted) - 1], "/".join(parts[len(wanted) - 1 :])]
                if (values := _match(wanted, ended)) is not None:
                    return route, values
        return None

    def _add(self, route: Route) -> None:
        self.routes.append(route)
        if route.template.endswith(":path}"):
            self._tails.append(route)
        else:
            self._by_length[route.method, len(route.parts)].append(route)
            self._by_length[route.method, len(route.parts)].sort(key=_fixed_first)


def _fixed_first(route: Route) -> list[bool]:
    return [part.startswith("{") for part in route.parts]


def _match(wanted: list[str], given: list[str]) -> dict[str, str] | None:
    found: dict[str, str] = {}
    for part, text in zip(wanted, given, strict=True):
        if part.startswith("{"):
            if not text:
                return None
            found[part.strip("{}").removesuffix(":path")] = text
        elif part.lower() != text.lower():
            return None
    return found
