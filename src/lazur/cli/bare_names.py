"""A name without its option: `lazur job retry NAME` is `lazur job retry -n NAME`. So it is with
every command that takes one name, unless it has another use for a bare word."""

from __future__ import annotations

from typing import Any

from knack.arguments import CLICommandArgument
from knack.commands import CLICommand

_BARE = "_bare_name"
"""Knack keeps what begins so from the command's function."""
_FROM_A_FILE = ("create", "import")


def offer(command: CLICommand) -> None:
    """Before the command line is read."""
    arguments: dict[str, Any] = command.arguments
    named = arguments.get("name")
    if named is None or named.options.get("nargs") or any(map(_is_positional, arguments.values())):
        return
    required = named.options.get("required")
    if not required and command.name.split()[-1].startswith(_FROM_A_FILE):
        return  # whoever writes a bare word there may mean the file
    told = "As --name, which need not be written." + (
        " One of them is needed." if required else ""
    )
    bare = CLICommandArgument(_BARE, nargs="?", metavar="NAME", help=told, required=required)
    bare.type.settings["options_list"] = []  # a positional one, in Knack's words
    arguments[_BARE] = bare
    named.required = False


def take(app: Any, command: str, args: Any) -> None:
    """After it was read, and before anything else looks at it."""
    if not hasattr(args, _BARE):
        return
    bare = getattr(args, _BARE)
    if bare is not None and args.name not in (None, bare):
        args._parser.error(f"two names are given: {bare} and {args.name}")
    args.name = args.name if bare is None else bare
    if args.name is None and args.func.arguments[_BARE].options["required"]:
        args._parser.error("the following arguments are required: NAME, or --name/-n")


def _is_positional(argument: Any) -> bool:
    return not argument.options_list
