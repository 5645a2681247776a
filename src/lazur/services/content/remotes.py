"""Data outside of the site: which datastore an address belongs to, when a job is submitted; and
what its supervisor is told in private, when it starts.

A job's row has addresses alone. Credentials are opened at each start, for that attempt, and go to
its supervisor through a pipe: see `engine.plan.Private`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lazur.engine import paths
from lazur.engine.plan import Carrier
from lazur.errors import Invalid, NotFound, Unsupported
from lazur.services.base.access import Resource
from lazur.services.base.site import Context, Site
from lazur.services.base.stores import Storage
from lazur.services.content import datastores
from lazur.services.resources import resources
from lazur.services.resources.resources import DATASTORES
from lazur.spec import references
from lazur.spec.names import fold
from lazur.spec.references import DatastorePath, Reference, Uri
from lazur.store import resources as store
from lazur.store.db import AnyRow
from lazur.store.jobs import JobRow

READ = DATASTORES.action("read")
_CARRIER = [sys.executable, "-I", "-m", "lazur.carrier"]
_AZURE = re.compile(
    r"(?P<kind>wasb|abf)ss?://(?P<box>[^@/]+)@(?P<account>[^./@]+)\.(?:blob|dfs)\."
    r"(?P<cloud>[A-Za-z0-9.-]+)(?:/(?P<path>.*))?",
    re.IGNORECASE,
)
_BUCKET = re.compile(r"(?P<kind>s3|gs)://(?P<box>[^@/]+)(?:/(?P<path>.*))?", re.IGNORECASE)
_BUCKETS = {"s3": "s3", "gs": "gcs"}
_CLOUD = "core.windows.net"


@dataclass(frozen=True)
class Address:
    """What a cloud's own URI says."""

    type: str
    settings: dict[str, str]
    path: str

    def is_in(self, row: AnyRow) -> bool:
        """Whether a datastore is that very place. A blob container and a file system of the same
        account and name are one."""
        return _place(self.type, self.settings) == _place(row.type, row.settings)


def _place(kind: str, settings: Mapping[str, Any]) -> tuple[Any, ...]:
    if not kind.startswith("azure"):
        return (kind, settings.get("bucket_name"))
    box = settings.get("container_name") or settings.get("filesystem")
    return (settings.get("account_name"), box, settings.get("endpoint") or _CLOUD)


def source(context: Context, home: AnyRow, found: DatastorePath | Uri, field: str) -> str | None:
    """The address that is kept in the job's row; None for what no carrier fetches. Whoever calls
    needs the right to see the datastore; its credentials stay unseen."""
    if isinstance(found, DatastorePath):
        return str(DatastorePath(_usable(context, home, found.datastore, field).name, found.path))
    address = parse(found.uri)
    if address is None:
        return None
    for row in store.of_types(context.db, home.id, _alike(address.type)):
        if address.is_in(row):
            _usable(context, home, row.name, field)
            return str(DatastorePath(row.name, address.path))
    return found.uri


def check_takes_files(context: Context, home: AnyRow, name: str, field: str) -> None:
    row = store.by_name(context.db, DATASTORES.kind, home.id, fold(name))
    if row is not None and row.type == "http":
        raise Invalid(
            f"{field}: a datastore of type http takes no files.", hint="Name another one."
        )


def parse(uri: str) -> Address | None:
    if found := _BUCKET.fullmatch(uri):
        kind = _BUCKETS[found["kind"].lower()]
        return Address(kind, {"bucket_name": found["box"]}, _path(found["path"]))
    if found := _AZURE.fullmatch(uri):
        lake = found["kind"].lower() == "abf"
        settings = {
            "account_name": found["account"],
            "filesystem" if lake else "container_name": found["box"],
            **({} if found["cloud"] == _CLOUD else {"endpoint": found["cloud"]}),
        }
        return Address(
            "azure_data_lake_gen2" if lake else "azure_blob", settings, _path(found["path"])
        )
    return None


def default_store(context: Context, home: AnyRow) -> str:
    """Where outputs go that name no place."""
    return store.default_name(context.db, home.id)


def uris(row: JobRow) -> list[str]:
    """What the job reads and writes elsewhere."""
    resolved: dict[str, Any] = row.resolved
    read = [given["source"].get("remote") for given in resolved["inputs"]]
    written = [o["destination"] for o in resolved["outputs"] if o.get("remote")]
    return [uri for uri in dict.fromkeys([*read, *written]) if uri]


def opened(site: Site, row: JobRow, wanted: Iterable[str]) -> dict[str, dict[str, Any]]:
    """By URI: how it is reached, with the credentials of now. May block, as vaults do."""
    return {uri: _opened(site, row.workspace, uri) for uri in wanted}


def carrier(site: Site) -> Carrier:
    return Carrier(_CARRIER, site.egress.written(), site.cache_bytes)


def _opened(site: Site, workspace: str, uri: str) -> dict[str, Any]:
    found = references.parse(uri)
    if isinstance(found, DatastorePath):
        with site.context(write=False) as context:
            home, row, values = resources.opened(
                context, DATASTORES, workspace, found.datastore, READ
            )
        if row.type == store.STORAGE:
            return _in_storage(datastores.storage_of(site, row), home, row, found.path)
        given = datastores.described(site, home, row, values)
        credentials = {name: value.reveal() for name, value in values.items()}
        return {**given, "credentials": credentials, "path": found.path}
    address = _on_the_web(found) or parse(uri)
    assert address is not None
    settings: Mapping[str, str] = address.settings
    return {
        "type": address.type,
        "settings": settings,
        "credentials": {},
        "ambient": False,
        "path": address.path,
    }


def _in_storage(storage: Storage, home: AnyRow, row: AnyRow, path: str) -> dict[str, Any]:
    """With the server's own credentials: they are the supervisor's, too, while it carries."""
    return {
        "type": storage.type,
        "settings": {**storage.settings, "name": row.name},
        "credentials": {name: value.reveal() for name, value in storage.credentials.items()},
        "ambient": storage.ambient,
        "path": f"{storage.folder(home.id, row.name)}/{path}".rstrip("/"),
    }


def _on_the_web(found: Reference) -> Address | None:
    """One file, which anybody may fetch."""
    if not isinstance(found, Uri) or found.scheme not in ("http", "https"):
        return None
    return Address("web_file", {"url": found.uri}, "")


def _usable(context: Context, home: AnyRow, name: str, field: str) -> AnyRow:
    context.require(READ, Resource(home.name, DATASTORES.kind, name))
    row = store.by_name(context.db, DATASTORES.kind, home.id, fold(name))
    if row is None:
        known = store.names(context.db, DATASTORES.kind, home.id)
        raise NotFound(
            f"{field}: there is no datastore {name!r} in workspace {home.name!r}.",
            hint=f"Known: {', '.join(known)}.",
        )
    if not datastores.is_read(row.type):
        raise Unsupported(
            f"{field}: the datastore {row.name!r} is of type {row.type}, which is kept and not "
            "read here.",
            hint="Copy its data to one of another type. With `mode: direct` the command gets the "
            "address itself.",
        )
    return row


def _alike(kind: str) -> tuple[str, ...]:
    return ("azure_blob", "azure_data_lake_gen2") if kind.startswith("azure") else (kind,)


def _path(text: str | None) -> str:
    path = (text or "").strip("/")
    if path:
        paths.check(path)
    return path
