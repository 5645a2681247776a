"""`az account …`: who one is signed in as. Any subscription is taken; none has a meaning."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from lazur.cli import session
from lazur.cli.arguments import option
from lazur.cli.az import place, wire
from lazur.errors import Unsupported

COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {
    "account show": ("show", {}),
    "account list": ("list_", {}),
    "account set": ("set_", {}),
    "account get-access-token": ("get_access_token", {}),
}
_WORDS = {
    "arm": None,
    "aad-graph": "https://graph.windows.net",
    "batch": "https://batch.core.windows.net",
    "data-lake": "https://datalake.azure.net",
    "media": "https://rest.media.azure.net",
    "ms-graph": "https://graph.microsoft.com",
    "oss-rdbms": "https://ossrdbms-aad.database.windows.net",
}
"""Whom they mean. What is made for another than this server is good for nothing here, and so may
go where the script sends it."""
_SUBSCRIPTION = option("--name", "-n", "-s", help="Id or name of a subscription; --subscription.")
ARGUMENTS: dict[str, dict[str, dict[str, Any]]] = {
    "account": {"name": _SUBSCRIPTION},
    "account list": {
        "everything": option("--all", help="Accepted for Azure's scripts.", action="store_true"),
        "refresh": option("--refresh", help="Accepted for Azure's scripts.", action="store_true"),
    },
    "account get-access-token": {
        "resource": option("--resource", help="What it is for. Default: this server."),
        "resource_type": option(
            "--resource-type", help="As a word. Default: arm, this server.", choices=list(_WORDS)
        ),
        "scope": option("--scope", help="What it is for, with /.default behind it.", nargs="+"),
        "tenant": option("--tenant", "-t", help="Accepted for Azure's scripts."),
    },
}
HELP: dict[str, dict[str, Any]] = {
    "account show": {
        "short-summary": "Show who is signed in, and the subscription in use.",
        "examples": [{"name": "Its id", "text": "az account show --query id -o tsv"}],
    },
    "account list": {
        "short-summary": "List the subscription in use.",
        "examples": [{"name": "List", "text": "az account list -o table"}],
    },
    "account set": {
        "short-summary": "Use another subscription: it is named back, and means nothing here.",
        "examples": [{"name": "As scripts do", "text": "az account set -s main"}],
    },
    "account get-access-token": {
        "short-summary": "Get a token for this server's Azure addresses, good for an hour.",
        "examples": [
            {
                "name": "For curl",
                "text": "az account get-access-token --query accessToken -o tsv",
            }
        ],
    },
}
_NOBODYS = "00000000-0000-0000-0000-000000000000"


def show(name: str | None = None) -> Any:
    return described(name)


def list_(name: str | None = None, everything: bool = False, refresh: bool = False) -> Any:
    return [described(None)]


def set_(name: str | None = None) -> None:
    place.choose_subscription(name or place.current.subscription)


def get_access_token(
    name: str | None = None,
    resource: str | None = None,
    resource_type: str | None = None,
    scope: list[str] | None = None,
    tenant: str | None = None,
) -> Any:
    found = wire.find()
    named = resource or (scope[0] if scope else None) or _WORDS.get(resource_type or "arm")
    token = found.token(wire.audience(named))
    expires = int(token["expires_on"])
    local = datetime.fromtimestamp(expires, UTC).astimezone()
    return {
        "accessToken": token["access_token"],
        "expiresOn": local.strftime("%Y-%m-%d %H:%M:%S.%f"),
        "expires_on": expires,
        "subscription": name or place.current.subscription,
        "tenant": found.tenant,
        "tokenType": token["token_type"],
    }


def described(subscription: str | None) -> dict[str, Any]:
    me = session.client().me().to_dict()
    tenant = _tenant()
    return {
        "environmentName": "AzureCloud",
        "homeTenantId": tenant,
        "id": subscription or place.current.subscription,
        "isDefault": True,
        "managedByTenants": [],
        "name": "Lazur",
        "state": "Enabled",
        "tenantId": tenant,
        "user": {
            "name": me["name"],
            "type": "user" if me.get("kind") == "user" else "servicePrincipal",
        },
    }


def _tenant() -> str:
    try:
        return wire.find().tenant
    except Unsupported:
        return _NOBODYS
