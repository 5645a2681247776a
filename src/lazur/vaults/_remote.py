"""Asking a vault that the server's owner has set up: that host and no other, JSON both ways."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from lazur.egress import Rule, is_public
from lazur.engine.secret import revealed
from lazur.errors import BackendError, Unavailable
from lazur.outbound import Answer, Client

SECONDS = 10.0


class Site:
    """Its owner named the host, so that it may be private. Redirects are not followed: they would
    carry a data key elsewhere."""

    def __init__(self, address: str, ca_file: str | None = None) -> None:
        parts = urlsplit(address)
        self.name = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        host = parts.hostname or ""
        if parts.scheme != "https" and host not in ("127.0.0.1", "localhost", "::1"):
            raise BackendError(
                f"The vault {self.name} is not asked without TLS.",
                hint="Give its address as https://…, with ca_file if its authority is your own.",
            )
        port = parts.port or (443 if parts.scheme == "https" else 80)
        named = (
            [] if is_public(host) else [f"[{host}]:{port}" if ":" in host else f"{host}:{port}"]
        )
        trust = ssl.create_default_context(cafile=ca_file) if ca_file else None
        self._client = Client(Rule.of(named), seconds=SECONDS, redirects=0, trust=trust)

    def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        headers: Mapping[str, str],
    ) -> Answer:
        sent = None if body is None else json.dumps(body).encode()
        kind = {"Content-Type": "application/json"} if sent is not None else {}
        return self._fetch(method, path, sent, {**kind, **headers})

    def post_form(self, path: str, form: Mapping[str, str]) -> Answer:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._fetch("POST", path, urlencode(form).encode(), kind)

    def _fetch(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        try:
            return self._client.fetch(self.name + path, method, headers, body)
        except BackendError as error:
            raise Unavailable(error.message, hint=error.hint) from error


def credential(settings: Mapping[str, Any], name: str) -> str:
    """From the file that `<name>_file` names, or given as `<name>`."""
    if path := settings.get(f"{name}_file"):
        try:
            return Path(str(path)).read_text().strip()
        except OSError as error:
            raise BackendError(f"{name}_file of the vault cannot be read: {error}.") from error
    if not (value := revealed(settings.get(name))):
        raise BackendError(f"The vault's settings have neither {name}_file nor {name}.")
    return value


def decoded(answer: Answer) -> dict[str, Any]:
    try:
        found = json.loads(answer.body or b"{}")
    except (ValueError, RecursionError):
        found = None
    return found if isinstance(found, dict) else {}
