"""Datastores and connections: addresses outside of the server, with what opens them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lazur.errors import Invalid, NotFound, SpecError
from lazur.sdk.scope import Scope
from lazur.sdk.source import Source, read
from lazur.sdk.views import Connection, Datastore

Written = Mapping[str, Any] | str | os.PathLike[str]
"""The fields, or the YAML file that they are in."""


class _Resources:
    _kind: str
    _noun: str

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def submit(self, source: Source) -> dict[str, Any]:
        name = str(source.spec.get("name") or "")
        if not name:
            raise Invalid(f"The {self._noun} has no name.", hint="Write `name:`, or give --name.")
        try:
            return self._ask("PUT", name, json=source.spec)
        except SpecError as error:
            raise source.placed(error, self._noun) from None

    def change(self, name: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        return self._ask("PATCH", name, json=dict(fields))

    def delete(self, name: str) -> None:
        """With its secrets."""
        self._scope.http.request("DELETE", self._scope.path(self._kind, name))

    def list_secrets(self, name: str) -> dict[str, Any]:
        """Its credentials in the clear, for who may see secrets. The audit log keeps who did."""
        return dict(self._ask("POST", name, "list-secrets")["credentials"])

    def _pages(self, query: Mapping[str, Any], limit: int | None) -> Iterator[dict[str, Any]]:
        return self._scope.pages(self._scope.path(self._kind), query, limit)

    def _ask(self, method: str, name: str, *more: str, **body: Any) -> dict[str, Any]:
        path = self._scope.path(self._kind, name, *more)
        return self._scope.http.request(method, path, **body).json()

    def _with_secrets(self, found: dict[str, Any], wanted: bool) -> dict[str, Any]:
        if not wanted:
            return found
        return {**found, "credentials": self.list_secrets(found["name"])}


class Datastores(_Resources):
    _kind, _noun = "datastores", "datastore"

    def list(
        self, *, include_secrets: bool = False, max_results: int | None = None
    ) -> Iterator[Datastore]:
        for item in self._pages({}, max_results):
            yield Datastore(self._with_secrets(item, include_secrets))

    def get(self, name: str, *, include_secrets: bool = False) -> Datastore:
        return Datastore(self._with_secrets(self._ask("GET", name), include_secrets))

    def get_default(self, *, include_secrets: bool = False) -> Datastore:
        for found in self.list():
            if found.is_default:
                return self.get(found.name, include_secrets=include_secrets)
        raise NotFound("The workspace has no default datastore.")

    def create_or_update(self, datastore: Written) -> Datastore:
        """All of it is replaced: credentials that are not written are gone."""
        return Datastore(self.submit(_source(datastore)))

    def update(self, name: str, **fields: Any) -> Datastore:
        """Only what is given. Where it leads changes together with its credentials only."""
        return Datastore(self.change(name, fields))

    def check(self, name: str) -> bool:
        """Whether the server can reach and read it. A no takes ten seconds."""
        return bool(self._ask("POST", name, "check")["reachable"])


class Connections(_Resources):
    _kind, _noun = "connections", "connection"

    def list(
        self,
        connection_type: str | None = None,
        *,
        populate_secrets: bool = False,
        max_results: int | None = None,
    ) -> Iterator[Connection]:
        query = {"type": connection_type} if connection_type else {}
        for item in self._pages(query, max_results):
            yield Connection(self._with_secrets(item, populate_secrets))

    def get(self, name: str, *, populate_secrets: bool = False) -> Connection:
        return Connection(self._with_secrets(self._ask("GET", name), populate_secrets))

    def create_or_update(self, workspace_connection: Written) -> Connection:
        """All of it is replaced: credentials that are not written are gone."""
        return Connection(self.submit(_source(workspace_connection)))

    def update(self, name: str, **fields: Any) -> Connection:
        return Connection(self.change(name, fields))


def _source(written: Written) -> Source:
    if isinstance(written, str | os.PathLike):
        return read(written)
    return Source(dict(written), Path.cwd())
