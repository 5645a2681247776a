"""`lazur datastore …`"""

from __future__ import annotations

from typing import Any

from lazur.cli import resources, session

COMMANDS = {
    **resources.commands("datastore"),
    "datastore check": ("check", {}),
}
ARGUMENTS = resources.arguments("datastore")
HELP = {
    **resources.texts("datastore", "datastores"),
    "datastore check": {
        "short-summary": "Whether the server can reach and read it.",
        "long-summary": "A no takes ten seconds, and its reason is in the server's log.",
        "examples": [{"name": "Check", "text": "lazur datastore check -n NAME"}],
    },
}

create = resources.create_of("datastores")
show = resources.show_of("datastores")
update = resources.update_of("datastores")
delete = resources.delete_of("datastores")
list_secrets = resources.list_secrets_of("datastores")


def list_(max_results: int | None = None) -> Any:
    found = session.client().datastores.list(max_results=max_results)
    return [datastore.to_dict() for datastore in found]


def check(name: str) -> Any:
    return {"name": name, "reachable": session.client().datastores.check(name)}
