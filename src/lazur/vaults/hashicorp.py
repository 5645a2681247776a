"""Root keys in HashiCorp Vault's (or OpenBao's) Transit engine, over its HTTP API.

Settings: `address` (https; http for this machine alone), `key`, `mount` (`transit`), `namespace`,
`ca_file`; and who we are: `token_file`, or `role_id` with `secret_id_file` for AppRole. `token`
and `secret_id` in their place may be a Secret. Files are read at each sign-in, so that an agent
may renew them. The policy needs `update` on `<mount>/encrypt/<key>` and `<mount>/decrypt/<key>`,
and `read` on `<mount>/keys/<key>`. Rotate with `vault write -f <mount>/keys/<key>/rotate`.
"""

from __future__ import annotations

import base64
import re
from typing import Any

from lazur.engine.contracts import Vault, Wrapped
from lazur.engine.secret import revealed
from lazur.errors import BackendError, Unavailable
from lazur.outbound import Answer
from lazur.vaults import _remote

_VERSION = re.compile(r"vault:v([0-9]+):[A-Za-z0-9+/=]+")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*(?:/[A-Za-z0-9][A-Za-z0-9_.-]*)*")


class HashiCorp(Vault):
    def __init__(self, settings: dict[str, Any]) -> None:
        super().__init__(settings)
        self._site = _remote.Site(str(settings["address"]), settings.get("ca_file"))
        self._mount = _checked(str(settings.get("mount") or "transit"), "mount")
        self._key = _checked(str(settings["key"]), "key")
        self._token = ""

    def key_id(self) -> str:
        data = self._data("GET", f"{self._mount}/keys/{self._key}")
        return self._id(int(data["latest_version"]))

    def wrap(self, data: bytes) -> Wrapped:
        body = {"plaintext": base64.b64encode(data).decode()}
        text = str(self._data("POST", f"{self._mount}/encrypt/{self._key}", body)["ciphertext"])
        found = _VERSION.fullmatch(text)
        if not found:
            raise BackendError(
                f"Vault at {self._site.name} answered with no ciphertext of Transit."
            )
        return Wrapped(self._id(int(found[1])), text.encode())

    def unwrap(self, wrapped: Wrapped) -> bytes:
        """The version is part of what Transit wrote, so it finds the key itself."""
        body = {"ciphertext": wrapped.data.decode("ascii", "replace")}
        text = str(self._data("POST", f"{self._mount}/decrypt/{self._key}", body)["plaintext"])
        return base64.b64decode(text)

    def knows(self, key_id: str) -> bool:
        return key_id.startswith(f"{self._name}:v")

    @property
    def _name(self) -> str:
        return f"hashicorp:{self._mount}/{self._key}"

    def _id(self, version: int) -> str:
        return f"{self._name}:v{version}"

    def _data(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """A token that ended is renewed once."""
        answer = self._ask(method, path, body, self._token or self._sign_in())
        if answer.status == 403:
            answer = self._ask(method, path, body, self._sign_in())
        return self._good(answer, f"{method} {path}")["data"]

    def _sign_in(self) -> str:
        settings = self.settings
        if role := settings.get("role_id"):
            secret = _remote.credential(settings, "secret_id")
            body = {"role_id": revealed(role), "secret_id": secret}
            answer = self._ask("POST", "auth/approle/login", body, "")
            self._token = str(self._good(answer, "the sign-in by AppRole")["auth"]["client_token"])
        else:
            self._token = _remote.credential(settings, "token")
        return self._token

    def _ask(self, method: str, path: str, body: dict[str, Any] | None, token: str) -> Answer:
        headers = {"X-Vault-Request": "true", "X-Vault-Token": token}
        if namespace := self.settings.get("namespace"):
            headers["X-Vault-Namespace"] = str(namespace)
        return self._site.ask(method, f"/v1/{path}", body, headers)

    def _good(self, answer: Answer, what: str) -> dict[str, Any]:
        if answer.status == 200:
            return _remote.decoded(answer)
        said = "; ".join(map(str, _remote.decoded(answer).get("errors") or [])) or "no reason"
        if answer.status in (429, 472, 473, 500, 502, 503):
            raise Unavailable(f"Vault at {self._site.name} cannot serve now: {said}.")
        raise BackendError(
            f"Vault at {self._site.name} answered {answer.status} to {what}: {said}.",
            hint="See that the key is there and that the policy allows encrypt, decrypt and read.",
        )


def _checked(name: str, setting: str) -> str:
    if not _NAME.fullmatch(name):
        raise BackendError(f"{name[:80]!r} cannot be the {setting} of a Transit engine.")
    return name
