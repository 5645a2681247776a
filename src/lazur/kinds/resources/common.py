"""Credentials, and what must not lie beside them in the open."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, cast
from urllib.parse import parse_qsl, urlsplit

from pydantic import BeforeValidator

from lazur.spec.checking import Check
from lazur.spec.diagnostics import Path
from lazur.spec.model import Spec, spelled, squashed

_Type = Literal[
    "none",
    "aad",
    "managed_identity",
    "account_key",
    "sas",
    "sas_token",
    "service_principal",
    "certificate",
    "kerberos_password",
    "kerberos_keytab",
    "access_key",
    "service_account",
    "token",
    "username_password",
    "pat",
    "api_key",
]
FIELDS: Mapping[str, tuple[str, ...]] = {
    "account_key": ("account_key",),
    "sas_token": ("sas_token",),
    "service_principal": ("tenant_id", "client_id", "client_secret"),
    "certificate": ("tenant_id", "client_id", "thumbprint"),
    "kerberos_password": (
        "kerberos_realm",
        "kerberos_kdc_address",
        "kerberos_principal",
        "kerberos_password",
    ),
    "kerberos_keytab": (
        "kerberos_realm",
        "kerberos_kdc_address",
        "kerberos_principal",
        "kerberos_keytab",
    ),
    "access_key": ("access_key_id", "secret_access_key"),
    "service_account": ("service_account",),
    "username_password": ("username", "password"),
    "pat": ("pat",),
    "api_key": ("key",),
    "token": ("token",),
}
"""What each kind is made of; the last field says which kind it is where nothing else does."""
_OPEN = frozenset({"none", "aad", "managed_identity"})
"""Nothing of a secret in them."""
_OLD = {"sqlauth": "username_password", "userpassword": "username_password", "keys": "access_key"}
_TELLTALE = re.compile(
    r"(?i)(?:^|[;&?\s])(?:password|pwd|accountkey|sharedaccesssignature|sharedaccesskey|sig|"
    r"client_?secret|access_?token|api_?key)\s*="
)

_OPENERS = frozenset(
    """password passwd pwd accountkey sharedaccesssignature sharedaccesskey sig signature
    xamzsignature xamzsecuritytoken xgoogsignature xossignature xosssignature clientsecret secret
    accesstoken token authtoken xamzcredential awsaccesskeyid apikey accesskey secretkey
    authorization""".split()
)
"""Parameters of an address that let anybody in who has it."""
_WITHOUT_USERS = frozenset({"http", "https", "ftp"})
"""Here a name before the `@` opens something. Elsewhere it is a container, or says little."""


def _json_text(value: Any) -> Any:
    """A service account's key is a file of JSON; written as YAML it is a mapping."""
    return json.dumps(value) if isinstance(value, Mapping) else value


class Credentials(Spec):
    """What opens a datastore or a connection. The whole of it is kept sealed."""

    type: Annotated[_Type, spelled(_Type, **_OLD)] | None = None
    """Told by the other fields when left out."""
    authority_url: str | None = None
    resource_url: str | None = None
    tenant_id: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    certificate: str | None = None
    thumbprint: str | None = None
    resource_id: str | None = None
    account_key: str | None = None
    sas_token: str | None = None
    kerberos_realm: str | None = None
    kerberos_kdc_address: str | None = None
    kerberos_principal: str | None = None
    kerberos_password: str | None = None
    kerberos_keytab: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = None
    session_token: str | None = None
    service_account: Annotated[str | None, BeforeValidator(_json_text)] = None
    token: str | None = None
    username: str | None = None
    password: str | None = None
    pat: str | None = None
    key: str | None = None

    @staticmethod
    def kind_in(given: Any) -> str | None:
        """Which kind a mapping of credentials is; None where nothing tells, or parts of it are
        missing."""
        value = cast("Mapping[str, Any]", given)
        word = squashed(value.get("type"))
        told = _OLD.get(word) or next((kind for kind in FIELDS if squashed(kind) == word), None)
        if word == "sas":
            told = "sas_token"
        if told is not None:
            return told if all(value.get(field) for field in FIELDS[told]) else None
        if word in {squashed(kind) for kind in _OPEN}:
            return next(kind for kind in _OPEN if squashed(kind) == word)
        if word:
            return None
        return _by_fields(value)


def _by_fields(value: Mapping[str, Any]) -> str | None:
    given = {name for name, text in value.items() if text not in (None, "")}
    if not given:
        return "none"
    return next((kind for kind, fields in FIELDS.items() if given >= set(fields)), None)


def mapping(value: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def is_open(kind: str) -> bool:
    """Whether there is nothing to be kept secret."""
    return kind in _OPEN


def require(
    check: Check, value: Mapping[str, Any], fields: Iterable[str], path: Path, of: str
) -> None:
    for field in fields:
        if value.get(field) in (None, ""):
            check.error(f"`{field}` is missing: {of} needs it", (*path, field))


def refuse_secrets_in(check: Check, path: Path, value: Any) -> None:
    """An address is shown to everybody who may see the resource, and is logged."""
    if isinstance(value, Mapping):
        for name, text in cast("Mapping[str, Any]", value).items():
            refuse_secrets_in(check, (*path, str(name)), text)
    elif isinstance(value, str) and _has_secret(value):
        check.error(
            "there is a secret in it, which everybody would see",
            path,
            hint="Write it into `credentials`, which are kept sealed.",
        )


def refuse_secrets_at(check: Check, path: Path, value: Any) -> None:
    """As `refuse_secrets_in`, of where data are: only addresses have secrets, and folders may be
    called anything. Whoever may see the asset or the job sees them, and so does its history."""
    if isinstance(value, str) and "://" in value and _opens(value):
        check.error(
            "there is a password or a signature in this address, which everybody would see",
            path,
            hint="Make a datastore of the place (lazur datastore create), whose credentials are "
            "kept sealed, and write azureml://datastores/<name>/paths/<path>.",
        )


def _opens(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    user, _, _ = parts.netloc.rpartition("@")
    if ":" in user or (user and parts.scheme.lower() in _WITHOUT_USERS):
        return True
    given = f"{parts.query}&{parts.fragment.rpartition('?')[2]}".replace(";", "&")
    return any(squashed(name) in _OPENERS for name, _ in parse_qsl(given))


def _has_secret(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return ":" in parts.netloc.rpartition("@")[0] or _TELLTALE.search(text) is not None
