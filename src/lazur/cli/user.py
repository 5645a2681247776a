"""`lazur user …`"""

from __future__ import annotations

from lazur.cli import principals

COMMANDS = principals.commands("user")
ARGUMENTS = principals.arguments("user")
HELP = principals.texts(
    "user",
    "bea",
    [
        {
            "name": "A colleague, whom the team's provider knows by this address",
            "text": "lazur user create -n bea --email bea@example.org",
        },
        {
            "name": "And what they may do",
            "text": "lazur role assignment create --assignee bea --role Contributor",
        },
    ],
)

create = principals.create_of("user")
list_ = principals.list_of("user")
show = principals.show_of("user")
update = principals.update_of("user")
delete = principals.delete_of("user")
