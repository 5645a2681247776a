"""Providers as they stand in `config.toml`: a table for each.

[oidc.entra]
issuer = "https://login.microsoftonline.com/TENANT/v2.0"
client_id = "..."
client_secret_file = "/run/secrets/entra"
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from lazur.errors import Invalid
from lazur.services.people.oidc import settings
from lazur.services.people.providers import Door

_OWN = ("client_secret_file", "client_secret_env", "create_users", "groups")


def read(written: Any, environ: Mapping[str, str] = os.environ) -> tuple[Door, ...]:
    """Raises Invalid with the provider's name, the setting and why."""
    if not isinstance(written, Mapping):
        raise Invalid("oidc: must be tables, one for each provider: [oidc.NAME].")
    found = cast("Mapping[str, Any]", written)
    doors: list[Door] = []
    for name, given in found.items():
        if not isinstance(given, Mapping):
            raise Invalid(f"oidc: write each provider as a table: [oidc.{name}].")
        try:
            doors.append(_door(name, cast("Mapping[str, Any]", given), environ))
        except Invalid as error:
            raise Invalid(f"[oidc.{name}]: {error.message}", hint=error.hint) from None
    return tuple(doors)


def reached(door: Door) -> list[str]:
    """The provider's own address, which may be a private one: its administrator wrote it down."""
    parts = urlsplit(door.provider.issuer)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return [f"{host}:{parts.port or (443 if parts.scheme == 'https' else 80)}"]


def _door(name: str, given: Mapping[str, Any], environ: Mapping[str, str]) -> Door:
    if "client_secret" in given:
        raise Invalid(
            "client_secret: a secret does not belong into this file.",
            hint="Write client_secret_file = PATH or client_secret_env = VARIABLE.",
        )
    rest = {key: value for key, value in given.items() if key not in _OWN}
    provider = settings.read({"name": name, **rest, "client_secret": _secret(given, environ)})
    create = given.get("create_users", False)
    if not isinstance(create, bool):
        raise Invalid("create_users: must be true or false.")
    return Door(provider, create, _groups(given.get("groups", {})))


def _secret(given: Mapping[str, Any], environ: Mapping[str, str]) -> str | None:
    path, variable = given.get("client_secret_file"), given.get("client_secret_env")
    if path is not None and variable is not None:
        raise Invalid("client_secret_file, client_secret_env: write one of them.")
    if variable is not None:
        if not isinstance(variable, str) or not environ.get(variable):
            raise Invalid(f"client_secret_env: there is no variable {variable!r}.")
        return environ[variable]
    if path is None:
        return None
    try:
        text = Path(str(path)).expanduser().read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"client_secret_file: {path} cannot be read: {error}.") from None
    if not text:
        raise Invalid(f"client_secret_file: {path} is empty.")
    return text


def _groups(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise Invalid('groups: write pairs: {"name at the provider" = "group here"}.')
    found = cast("Mapping[str, Any]", value)
    if not all(isinstance(group, str) and group for group in found.values()):
        raise Invalid("groups: each value is the name of a group here.")
    return dict(found)
