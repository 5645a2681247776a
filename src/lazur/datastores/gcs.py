"""Google Cloud Storage. Settings: `bucket_name`, `endpoint` (a URL, for an emulator); credentials:
`service_account`, the JSON of a service account's key."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from lazur import egress
from lazur.datastores._remote import READ, Remote
from lazur.datastores._settings import library, name, secret
from lazur.engine import paths
from lazur.engine.contracts import Stored
from lazur.errors import Invalid, NotFound, Unavailable

EXTRA = "gcs"
_SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
_TOKENS = "https://oauth2.googleapis.com/token"
_API = "https://storage.googleapis.com"
"""Said always: a variable of the environment would be asked otherwise."""
_SECONDS = (10, 60)


class Gcs(Remote):
    def _urls(self) -> list[str]:
        given = str(self.settings.get("endpoint") or "")
        parts = urlsplit(given)
        if given and (parts.scheme not in ("http", "https") or "@" in given):
            raise Invalid("endpoint: a URL of https with a host, and without a user, is needed.")
        return [given] if given else []

    def _made(self) -> Any:
        """A session that reads neither proxies nor .netrc, for the calls and for the tokens."""
        storage = library("google.cloud.storage", EXTRA)
        transport = library("google.auth.transport.requests", EXTRA)
        plain = library("requests", EXTRA).Session()
        self._guard(plain)
        who = self._who()
        made = transport.AuthorizedSession(who, auth_request=transport.Request(session=plain))
        self._guard(made)
        client = storage.Client(
            project="none",
            credentials=who,
            _http=made,
            client_options={"api_endpoint": (self._urls() or [_API])[0]},
        )
        return client.bucket(name(self.settings, "bucket_name"))

    @cached_property
    def _asking(self) -> dict[str, Any]:
        """Left to itself it tries for two minutes."""
        retry = library("google.cloud.storage.retry", EXTRA).DEFAULT_RETRY.with_timeout(15)
        return {"timeout": _SECONDS, "retry": retry}

    def _guard(self, session: Any) -> None:
        """The client asks for things in threads of its own too, where nothing else confines it."""
        send = session.send

        def confined(*arguments: Any, **named: Any) -> Any:
            with egress.confined(self.rule):
                return send(*arguments, **named)

        session.send = confined
        session.trust_env = False

    def _who(self) -> Any:
        if text := secret(self.credentials, "service_account"):
            return library(
                "google.oauth2.service_account", EXTRA
            ).Credentials.from_service_account_info(_key(text), scopes=[_SCOPE])
        if self.ambient:
            return library("google.auth", EXTRA).default(scopes=[_SCOPE])[0]
        return library("google.auth.credentials", EXTRA).AnonymousCredentials()

    def _pages(self, prefix: str) -> Iterable[Iterable[Stored]]:
        found = self._client.client.list_blobs(self._client, prefix=prefix or None, **self._asking)
        for page in found.pages:
            yield [_stored(blob) for blob in page]

    def _info(self, path: str) -> Stored:
        found = self._client.get_blob(path, **self._asking)
        if found is None:
            raise NotFound(f"There is no {paths.shown(path)} in the datastore.")
        return _stored(found)

    def _chunks(self, found: Stored, offset: int) -> Iterable[bytes]:
        """A generation never changes: of another one there is nothing to mix in."""
        blob = self._client.blob(found.path, generation=int(found.version))
        for start in range(offset, found.size, 8 * READ):
            end = min(start + 8 * READ, found.size)
            data = blob.download_as_bytes(
                start=start, end=end - 1, raw_download=True, **self._asking
            )
            if len(data) != end - start:
                raise Unavailable(f"{paths.shown(found.path)} broke off while it was read.")
            yield data

    def _send(self, path: str, given: Iterator[bytes], size: int) -> None:
        """A resumable upload: seen by nobody until it is closed."""
        writer = self._client.blob(path).open(
            "wb", chunk_size=8 * READ, ignore_flush=True, **self._asking
        )
        try:
            for data in given:
                with self._calling(path):
                    writer.write(data)
            with self._calling(path):
                writer.close()
        except BaseException:
            with self._calling(path):
                writer.terminate()
            raise

    def _delete(self, path: str) -> None:
        self._client.blob(path).delete(**self._asking)

    def _failure(self, error: Any) -> tuple[int, str] | None:
        api = library("google.api_core.exceptions", EXTRA)
        auth = library("google.auth.exceptions", EXTRA)
        if isinstance(error, api.GoogleAPICallError):
            return int(error.code or 502), str(error.message).partition("\n")[0]
        if isinstance(error, auth.RefreshError | auth.DefaultCredentialsError):
            return 403, str(error.args[0] if error.args else error)
        if isinstance(error, api.RetryError | auth.TransportError):
            return 0, str(error)
        if isinstance(error, library("requests", EXTRA).RequestException):
            return 0, type(error).__name__
        return None


def _key(text: str) -> dict[str, Any]:
    """Tokens are asked for at Google alone, whatever address a key names."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict) or found.get("type") != "service_account":
        raise Invalid("service_account: the JSON of a service account's key is needed.")
    return {**found, "token_uri": _TOKENS}


def _stored(blob: Any) -> Stored:
    modified = blob.updated.timestamp() if blob.updated else 0.0
    return Stored(str(blob.name), int(blob.size or 0), str(blob.generation), modified)
