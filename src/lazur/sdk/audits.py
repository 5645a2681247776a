"""The audit log: who did what, from where, and what was refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lazur.errors import ServerUnreachable
from lazur.sdk.http import LOST
from lazur.sdk.scope import Scope, pages
from lazur.sdk.views import AuditEntry, View


class Audit:
    """Of the client's workspace, or with `everywhere` of the whole server."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def list(
        self, *, everywhere: bool = False, max_results: int | None = None, **filters: Any
    ) -> Iterator[AuditEntry]:
        """The newest first. `filters`: who, action, kind, name, outcome, since, until."""
        query = {key: value for key, value in filters.items() if value is not None}
        for item in pages(self._scope.http, self._path(everywhere), query, max_results):
            yield AuditEntry(item)

    def verify(self, *, everywhere: bool = False) -> View:
        """Whether every row is as it was written: `whole`, `rows`, `faults`."""
        path = f"{self._path(everywhere)}/verify"
        return View(self._scope.http.request("GET", path, timeout=_PATIENCE).json())

    def export(self, *, everywhere: bool = False) -> Iterator[bytes]:
        """JSON lines, in pieces; `lazur audit verify --file` checks them without a server."""
        path = f"{self._path(everywhere)}/export"
        try:
            with self._scope.http.stream("GET", path) as stream:
                yield from stream.chunks()
        except LOST as error:
            raise ServerUnreachable("The export broke off.", hint="Begin it again.") from error

    def _path(self, everywhere: bool) -> str:
        return "/api/v1/audit" if everywhere else self._scope.path("audit")


_PATIENCE = 3600.0
"""Every row is read."""
