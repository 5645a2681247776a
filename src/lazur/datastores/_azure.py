"""Azure's storage: credentials, and blobs, which three types of datastores have in common.

Accounts with a hierarchical namespace and OneLake answer to the interface of blobs too; their
folders are seen there as empty blobs with a mark.
"""

from __future__ import annotations

import builtins
import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from lazur.datastores._remote import BLOCK, InParts
from lazur.datastores._settings import host, library, name, needed, secret
from lazur.engine import paths
from lazur.engine.contracts import Stored
from lazur.errors import Invalid, NotFound

EXTRA = "azure"
_AUTHORITY = "https://login.microsoftonline.com"
OPTIONS: Mapping[str, Any] = {
    "use_env_settings": False,
    "connection_timeout": 10,
    "read_timeout": 60,
    "retry_total": 3,
    "initial_backoff": 1,
    "increment_base": 2,
    "random_jitter_range": 1,
}
"""Without `use_env_settings`, neither a proxy nor somebody's .netrc has a say."""


class Blobs(InParts):
    """For heirs: `_endpoint` and `_container` say where, `_folder` below what."""

    def _endpoint(self) -> str:
        """URL of the account."""
        return endpoint(self.settings, "blob")

    def _container(self) -> str:
        return name(self.settings, "container_name")

    def _folder(self) -> str:
        """Of the container, ending in `/` unless it is the whole."""
        return ""

    def _urls(self) -> list[str]:
        return [*authority(self.credentials), self._endpoint()]

    def _made(self) -> Any:
        return library("azure.storage.blob", EXTRA).ContainerClient(
            self._endpoint(),
            self._container(),
            credential=credential(self.credentials, ambient=self.ambient),
            max_single_get_size=4 << 20,
            max_chunk_get_size=4 << 20,
            **OPTIONS,
        )

    def _pages(self, prefix: str) -> Iterable[Iterable[Stored]]:
        found = self._client.list_blobs(self._folder() + prefix, include=["metadata"])
        for page in found.by_page():
            yield [self._stored(blob) for blob in page if not _is_folder(blob)]

    def _info(self, path: str) -> Stored:
        found = self._blob(path).get_blob_properties()
        if _is_folder(found):
            raise NotFound(f"{paths.shown(path)} is a folder.")
        return self._stored(found)

    def _chunks(self, found: Stored, offset: int) -> Iterable[bytes]:
        match = library("azure.core", EXTRA).MatchConditions.IfNotModified
        return (
            self._blob(found.path)
            .download_blob(offset, found.size - offset, etag=found.version, match_condition=match)
            .chunks()
        )

    def _send(self, path: str, given: Iterator[bytes], size: int) -> None:
        """Blocks are seen by nobody until the list of them is committed."""
        blob, ids = self._blob(path), []
        if size <= BLOCK:
            data = b"".join(given)
            with self._calling(path):
                blob.upload_blob(data, length=len(data), overwrite=True)
            return
        for data in given:
            ids.append(library("azure.storage.blob", EXTRA).BlobBlock(uuid.uuid4().hex))
            with self._calling(path):
                blob.stage_block(ids[-1].id, data, len(data))
        with self._calling(path):
            blob.commit_block_list(ids)

    def _begin(self, path: str) -> str:
        """Blocks need no beginning. Those of another upload have other names."""
        return uuid.uuid4().hex

    def _sent(self, path: str, note: str) -> dict[int, tuple[str, int]]:
        _, waiting = self._blob(path).get_block_list("uncommitted")
        mine = [block for block in waiting if str(block.id).startswith(note)]
        return {int(block.id[len(note) :]): (block.id, block.size) for block in mine}

    def _put_part(self, path: str, note: str, number: int, data: bytes) -> str:
        name = f"{note}{number:06}"
        self._blob(path).stage_block(name, data, len(data))
        return name

    def _finish(self, path: str, note: str, tags: builtins.list[str]) -> None:
        block = library("azure.storage.blob", EXTRA).BlobBlock
        self._blob(path).commit_block_list([block(tag) for tag in tags])

    def _give_up(self, path: str, note: str) -> None:
        """Azure forgets blocks by itself after a week, and nobody else's may be taken away."""

    def _delete(self, path: str) -> None:
        self._blob(path).delete_blob(delete_snapshots="include")

    def _failure(self, error: Any) -> tuple[int, str] | None:
        return failure(error)

    def _blob(self, path: str) -> Any:
        return self._client.get_blob_client(self._folder() + path)

    def _stored(self, found: Any) -> Stored:
        path = str(found.name).removeprefix(self._folder())
        modified = found.last_modified.timestamp() if found.last_modified else 0.0
        return Stored(path, int(found.size), quoted(str(found.etag)), modified)


def endpoint(settings: Mapping[str, Any], service: str) -> str:
    """`endpoint` is a cloud's suffix (core.windows.net), or a URL of the account, for an emulator
    or a private one."""
    given = str(settings.get("endpoint") or "core.windows.net")
    if "://" in given:
        parts = urlsplit(given)
        if parts.scheme not in ("http", "https") or "@" in parts.netloc or parts.query:
            raise Invalid("endpoint: a URL of https, without user or query, or a suffix of hosts.")
        return given.rstrip("/")
    protocol = str(settings.get("protocol") or "https")
    if protocol not in ("https", "http"):
        raise Invalid(f"protocol: {protocol[:80]!r} is not known here; https is.")
    return f"{protocol}://{name(settings, 'account_name')}.{service}.{host(given, 'endpoint')}"


def credential(credentials: Mapping[str, Any], *, ambient: bool) -> Any:
    """None means nobody: what is public is read, and no more."""
    core = library("azure.core.credentials", EXTRA)
    if key := secret(credentials, "account_key"):
        return key
    if sas := secret(credentials, "sas_token"):
        return core.AzureSasCredential(sas.removeprefix("?"))
    if secret(credentials, "client_secret"):
        return _principal(credentials)
    if any(secret(credentials, field) for field in ("client_id", "certificate", "thumbprint")):
        raise Invalid(
            "A service principal needs tenant_id, client_id and client_secret.",
            hint="Certificates are not used here: give it a secret.",
        )
    return library("azure.identity", EXTRA).DefaultAzureCredential() if ambient else None


def authority(credentials: Mapping[str, Any]) -> list[str]:
    """Where a service principal signs in, when that is not Microsoft's own."""
    given = secret(credentials, "authority_url").rstrip("/")
    if given and urlsplit(given).scheme != "https":
        raise Invalid("authority_url: a URL of https is needed.")
    return [] if given in ("", _AUTHORITY) else [given]


def failure(error: Any) -> tuple[int, str] | None:
    """Of the storages alike."""
    found = library("azure.core.exceptions", EXTRA)
    if isinstance(error, found.ClientAuthenticationError):
        return 403, _reason(error)
    if isinstance(error, found.HttpResponseError):
        return int(error.status_code or 502), _reason(error)
    if isinstance(error, found.AzureError):
        return 0, _reason(error)
    return None


def _principal(credentials: Mapping[str, Any]) -> Any:
    tenant, client, key = needed(credentials, "tenant_id", "client_id", "client_secret")
    given = authority(credentials)
    return library("azure.identity", EXTRA).ClientSecretCredential(
        tenant,
        client,
        key,
        authority=(given or [_AUTHORITY])[0],
        disable_instance_discovery=bool(given),
        use_env_settings=False,
        connection_timeout=10,
        read_timeout=30,
        retry_total=2,
    )


def _is_folder(found: Any) -> bool:
    return str((found.metadata or {}).get("hdi_isfolder", "")).lower() == "true"


def quoted(tag: str) -> str:
    """Lists have it bare, answers in quotes."""
    return tag if tag.startswith('"') else f'"{tag}"'


def _reason(error: Exception) -> str:
    """The first line; what follows are the server's ids and the whole of its answer."""
    return str(getattr(error, "message", None) or error).partition("\n")[0]
