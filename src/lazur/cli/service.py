"""`lazur service …`"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from lazur.cli import principals, session
from lazur.cli.arguments import option

COMMANDS = {
    **principals.commands("service"),
    "service secret create": ("create_secret", {}),
    "service secret list": ("list_secrets", {}),
    "service secret delete": ("delete_secret", {}),
}
_SERVICE = {"name": option("--name", "-n", help="Name of the service.", required=True)}
ARGUMENTS: dict[str, dict[str, dict[str, Any]]] = {
    **principals.arguments("service"),
    "service secret": _SERVICE,
    "service secret create": {
        **_SERVICE,
        "days": option(
            "--days", help="How long it is good. Without it: until deleted.", type=float
        ),
    },
    "service secret delete": {
        **_SERVICE,
        "secret_id": option("--id", help="As `list` shows it.", required=True),
    },
}
HELP: dict[str, dict[str, Any]] = {
    **principals.texts(
        "service",
        "nightly",
        [
            {"name": "For a script", "text": "lazur service create -n nightly"},
            {"name": "And a secret for it", "text": "lazur service secret create -n nightly"},
        ],
    ),
    "service secret": {
        "type": "group",
        "short-summary": "What a service signs in with.",
    },
    "service secret create": {
        "short-summary": "Make a secret. It is shown this once.",
        "long-summary": "Two at a time let you change them without a gap.",
        "examples": [
            {
                "name": "For half a year",
                "text": "lazur service secret create -n nightly --days 180",
            }
        ],
    },
    "service secret list": {
        "short-summary": "List what a service signs in with; the secrets are kept nowhere.",
        "examples": [{"name": "List", "text": "lazur service secret list -n nightly"}],
    },
    "service secret delete": {
        "short-summary": "Delete a secret; every token of the service ends with it.",
        "examples": [
            {"name": "One", "text": "lazur service secret delete -n nightly --id 0123456789ab"}
        ],
    },
}

create = principals.create_of("service")
list_ = principals.list_of("service")
show = principals.show_of("service")
update = principals.update_of("service")
delete = principals.delete_of("service")


def create_secret(name: str, days: float | None = None) -> Any:
    spec = {} if days is None else {"days": days}
    return _asked("POST", name, json=spec)


def list_secrets(name: str) -> Any:
    return _asked("GET", name)["value"]


def delete_secret(name: str, secret_id: str) -> None:
    _asked("DELETE", name, secret_id)


def _asked(method: str, *names: str, json: Any = None) -> Any:
    service, *rest = (quote(name, safe="") for name in names)
    path = "/".join([f"/api/v1/services/{service}/secrets", *rest])
    return session.client().http.request(method, path, json=json).json()
