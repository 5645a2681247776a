"""`lazur connection …`"""

from __future__ import annotations

from typing import Any

from lazur.cli import resources, session
from lazur.cli.arguments import option

COMMANDS = resources.commands("connection")
ARGUMENTS = resources.arguments("connection")
ARGUMENTS["connection list"]["type_"] = option("--type", "-t", help="Of this type alone.")
HELP = resources.texts("connection", "connections")

create = resources.create_of("connections")
show = resources.show_of("connections")
update = resources.update_of("connections")
delete = resources.delete_of("connections")
list_secrets = resources.list_secrets_of("connections")


def list_(type_: str | None = None, max_results: int | None = None) -> Any:
    found = session.client().connections.list(type_, max_results=max_results)
    return [connection.to_dict() for connection in found]
