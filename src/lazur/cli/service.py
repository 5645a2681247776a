"""`lazur service …`"""

from __future__ import annotations

from lazur.cli import principals

COMMANDS = principals.commands("service")
ARGUMENTS = principals.arguments("service")
HELP = principals.texts(
    "service",
    "nightly",
    [
        {"name": "For a script", "text": "lazur service create -n nightly"},
        {
            "name": "And a token for it",
            "text": "lazur token create --for nightly --role Contributor --scope research",
        },
    ],
)

create = principals.create_of("service")
list_ = principals.list_of("service")
show = principals.show_of("service")
update = principals.update_of("service")
delete = principals.delete_of("service")
