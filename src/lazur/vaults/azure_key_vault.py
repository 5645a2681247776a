"""Root keys in Azure Key Vault or Managed HSM: an RSA key that wraps, over its REST interface.

Settings: `vault_url`, `key`, `algorithm` (RSA-OAEP-256), `ca_file`; and who we are: `tenant_id`
and `client_id` with `client_secret_file` or `client_secret` (of a service principal), or `ambient
= true` for the identity of the machine (the extra `azure`). The identity needs get, wrapKey and
unwrapKey on the key. Rotate the key there; earlier versions must stay enabled until all is wrapped
anew.
"""

from __future__ import annotations

import base64
import importlib
import re
import time
from typing import Any
from urllib.parse import urlsplit

from lazur.engine.contracts import Vault, Wrapped
from lazur.errors import BackendError, MissingExtra, Unavailable
from lazur.outbound import Answer
from lazur.vaults import _remote

API = "7.4"
_AUTHORITY = "https://login.microsoftonline.com"
_NAME = re.compile(r"[0-9A-Za-z-]{1,127}")
_VERSION = re.compile(r"[0-9A-Za-z]{1,64}")
_SOONER = 60.0
"""Seconds by which a token is replaced before it ends."""


class AzureKeyVault(Vault):
    def __init__(self, settings: dict[str, Any]) -> None:
        super().__init__(settings)
        self._key = str(settings["key"])
        if not _NAME.fullmatch(self._key):
            raise BackendError(f"{self._key[:80]!r} cannot be the name of a key in a Key Vault.")
        self._site = _remote.Site(str(settings["vault_url"]), settings.get("ca_file"))
        self._token, self._until = "", 0.0

    def key_id(self) -> str:
        return self._id(self._version(self._ask("GET", "")["key"]["kid"]))

    def wrap(self, data: bytes) -> Wrapped:
        version = self._version(self._ask("GET", "")["key"]["kid"])
        found = self._ask("POST", f"{version}/wrapkey", data)
        return Wrapped(self._id(self._version(found["kid"])), _bytes(found["value"]))

    def unwrap(self, wrapped: Wrapped) -> bytes:
        version = wrapped.key_id.removeprefix(f"{self._name}/")
        if not self.knows(wrapped.key_id) or not _VERSION.fullmatch(version):
            raise BackendError(f"The key {wrapped.key_id} is not one of {self._site.name}.")
        return _bytes(self._ask("POST", f"{version}/unwrapkey", wrapped.data)["value"])

    def knows(self, key_id: str) -> bool:
        return key_id.startswith(f"{self._name}/")

    @property
    def _name(self) -> str:
        return f"azure_key_vault:{urlsplit(self._site.name).netloc}/{self._key}"

    def _id(self, version: str) -> str:
        return f"{self._name}/{version}"

    def _version(self, kid: str) -> str:
        version = str(kid).rpartition("/")[2]
        if not _VERSION.fullmatch(version):
            raise BackendError(f"{self._site.name} named a version of {self._key} that is none.")
        return version

    def _ask(self, method: str, path: str, value: bytes | None = None) -> dict[str, Any]:
        algorithm = str(self.settings.get("algorithm") or "RSA-OAEP-256")
        body = None if value is None else {"alg": algorithm, "value": _text(value)}
        target = f"/keys/{self._key}/{path}?api-version={API}"
        headers = {"Authorization": f"Bearer {self._bearer()}"}
        return self._good(self._site.ask(method, target, body, headers), self._site.name)

    def _bearer(self) -> str:
        if time.time() > self._until - _SOONER:
            ambient = bool(self.settings.get("ambient"))
            self._token, self._until = self._ambient() if ambient else self._sign_in()
        return self._token

    def _sign_in(self) -> tuple[str, float]:
        settings = self.settings
        site = _remote.Site(str(settings.get("authority") or _AUTHORITY), settings.get("ca_file"))
        form = {
            "grant_type": "client_credentials",
            "client_id": str(settings["client_id"]),
            "client_secret": _remote.credential(settings, "client_secret"),
            "scope": self._scope(),
        }
        answer = site.post_form(f"/{settings['tenant_id']}/oauth2/v2.0/token", form)
        found = self._good(answer, site.name)
        return str(found["access_token"]), time.time() + float(found["expires_in"])

    def _ambient(self) -> tuple[str, float]:
        try:
            identity: Any = importlib.import_module("azure.identity")
        except ModuleNotFoundError as error:
            raise MissingExtra(
                "azure-identity is needed for the machine's identity.", extra="azure"
            ) from error
        found = identity.DefaultAzureCredential().get_token(self._scope())
        return str(found.token), float(found.expires_on)

    def _scope(self) -> str:
        """`https://vault.azure.net/.default` for `https://mine.vault.azure.net`."""
        host = urlsplit(self._site.name).hostname or ""
        return f"https://{host.partition('.')[2] or host}/.default"

    def _good(self, answer: Answer, name: str) -> dict[str, Any]:
        found = _remote.decoded(answer)
        if answer.status == 200:
            return found
        error = found.get("error")
        said = error.get("message") if isinstance(error, dict) else found.get("error_description")
        if answer.status == 429 or answer.status >= 500:
            raise Unavailable(f"{name} cannot serve now ({answer.status}): {said or 'no reason'}.")
        raise BackendError(
            f"{name} answered {answer.status}: {said or 'no reason'}.",
            hint="See that the key is enabled and the identity may get, wrapKey and unwrapKey.",
        )


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
