"""Which paths are Azure's, and which workspace or registry they are about."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import parse_qsl, quote, urlencode

from lazur.server.sign_in import bearer_secret

_PROVIDER = r"/providers/Microsoft\.MachineLearningServices"
_GROUP = r"/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)"
_SHAPES = [
    (name, re.compile(shape + r"(?=/|$)", re.IGNORECASE))
    for name, shape in (
        ("WS", rf"{_GROUP}{_PROVIDER}/workspaces/(?P<workspace>[^/]+)"),
        ("REG", rf"{_GROUP}{_PROVIDER}/registries/(?P<registry>[^/]+)"),
        ("MLS", rf"{_GROUP}{_PROVIDER}"),
        ("RG", _GROUP),
        ("SUBMLS", rf"/subscriptions/(?P<subscription>[^/]+){_PROVIDER}"),
        ("SUB", r"/subscriptions/(?P<subscription>[^/]+)"),
    )
]
"""From the most special to the least: what they match is put in short."""
_BEGINNINGS = re.compile(
    r"/(?:subscriptions|providers|history|metric|data|dataset|modelregistry|mferp"
    r"|registrymanagement|execution|rp|metadata|msi|discovery|tenants|_blob"
    r"|(?:workspaces|registries)/[^/]+/(?:indexes|prompts|deploymenttemplates))(?:/|$)",
    re.IGNORECASE,
)
_TRACKING = re.compile(r"/mlflow/v\d\.0/subscriptions/", re.IGNORECASE)
_TOKENS = re.compile(r"/[^/]+/(?:v2\.0/\.well-known/openid-configuration|oauth2/v2\.0/token)")
_OPEN = re.compile(
    r"/metadata/endpoints|/discovery|/[^/]+/v2\.0/\.well-known/openid-configuration"
)
SIGNED = ("se", "si", "sig", "skoid", "sp", "sr", "sv")
_BLOBS = re.compile(r"/_blob/", re.IGNORECASE)


@dataclass(frozen=True)
class Place:
    subscription: str = ""
    group: str = ""
    workspace: str = ""
    registry: str = ""


def belongs(path: str) -> bool:
    return _BEGINNINGS.match(path) is not None or _TOKENS.fullmatch(path) is not None


def is_token_for_tracking(path: str, token: str) -> bool:
    """MLflow at the address that Azure's clients know it by: they show a token of theirs there,
    which has dots, and ours have none."""
    return "." in token and _TRACKING.match(path) is not None


def is_open(method: str, path: str) -> bool:
    """What clients ask before they have a token."""
    return method == "GET" and _OPEN.fullmatch(path) is not None


def is_sign_in(method: str, path: str) -> bool:
    """Where a secret in the body is given for a token."""
    return method == "POST" and _TOKENS.fullmatch(path) is not None


def secret(scope: Mapping[str, Any]) -> tuple[Literal["bearer", "azure", "sas"], str] | None:
    """By which a caller is known here. Files are asked for with a signed address; who asks as a
    machine's identity has a token of ours in a header."""
    if scope["path"].rstrip("/").lower() == "/msi/token":
        held = next((value for name, value in scope["headers"] if name == b"secret"), None)
        return ("bearer", held.decode("latin-1")) if held else None
    if is_blob(scope["path"]) and (signed := _signed(scope)):
        return "sas", signed
    token = bearer_secret(scope["headers"])
    return ("azure", token) if token else None


def _signed(scope: Mapping[str, Any]) -> str:
    """The parts of the query that a signature is about, and the signature."""
    given = parse_qsl(scope.get("query_string", b"").decode("latin-1"))
    parts = {name: value for name, value in given if name in SIGNED}
    return urlencode(sorted(parts.items())) if "sig" in parts else ""


def account_in_path(scope: MutableMapping[str, Any], host: str, hosts: AbstractSet[str]) -> str:
    """Of `account.blob.ml.example.org`, where `*.blob.ml.example.org` is a name of ours, the
    account goes to where it is otherwise. Returns the server's own name."""
    account, blob, rest = host.partition(".blob.")
    if not blob or host.partition(":")[0] in hosts or not has_blob_hosts(rest, hosts):
        return host
    raw = scope.get("raw_path") or quote(scope["path"]).encode()
    scope["path"] = f"/_blob/{account}{scope['path']}"
    scope["raw_path"] = f"/_blob/{account}".encode() + raw
    return rest


def has_blob_hosts(host: str, hosts: AbstractSet[str]) -> bool:
    """Whether accounts have names of their own."""
    return f"*.blob.{host.partition(':')[0]}" in hosts


def is_blob(path: str) -> bool:
    return _BLOBS.match(path) is not None


def short(path: str) -> tuple[Place, str]:
    """`/history/v1.0/subscriptions/s/…/workspaces/w/runs/r` is `/history/v1.0WS/runs/r`."""
    place, text = Place(), path
    if is_blob(path):
        return place, path
    for name, shape in _SHAPES:
        found = shape.search(text)
        if found is not None:
            place = replace(place, **found.groupdict())
            text = text[: found.start()] + name + text[found.end() :]
            break
    return place, text.rstrip("/") or "/"
