"""The nouns there are, and how their files are loaded. A new noun is one line here and one file
beside this one."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any

from knack.arguments import ArgumentsContext
from knack.commands import CLICommandsLoader, CommandGroup

GROUPS = {
    "job": "Run jobs and watch them.",
    "run": "What was tracked: find, compare, keep and remove runs.",
    "experiment": "What runs are put together under.",
    "schedule": "Jobs by the clock, upon events, and upon requests.",
    "environment": "The software that jobs run in.",
    "data": "Data assets: files and folders under a name and a version.",
    "model": "Registered models.",
    "component": "Reusable steps.",
    "datastore": "Data that lies outside of the server, and what lets it in there.",
    "connection": "Other services, and what lets jobs in there.",
    "compute": "Where jobs run.",
    "workspace": "Rooms that keep jobs and assets apart.",
    "registry": "Assets that several workspaces use.",
    "user": "People who sign in.",
    "group": "Users and services that get roles together.",
    "service": "Programs that sign in.",
    "role": "Who may do what, where.",
    "token": "Secrets that programs sign in with.",
    "quota": "How much workspaces and people may hold at once.",
    "lineage": "What came of what: data, jobs, models; and who is affected.",
    "usage": "What was used, by whom and for what, and what it costs.",
    "audit": "What was done, by whom, and what was refused.",
    "azure": "What Azure's own tools need to work with Lazur.",
    "server": "The server on this machine. It starts by itself when it is needed.",
    "backup": "Copies of this machine's server, made while it runs. See also: restore.",
    "admin": "Help for the server of this machine when nobody can sign in.",
}
TOLD = (
    "run ",
    "data preview",
    "data profile",
    "job explain",
    "job tensorboard",
    "job graph",
    "lineage ",
    "mlflow-uri",
)
"""How commands begin that answer people in text, and in JSON whoever asks for that."""
SINGLE = (
    "login",
    "logout",
    "me",
    "configure",
    "schema",
    "version",
    "completion",
    "mlflow-uri",
    "restore",
)

WELCOME = """
Lazur runs Azure Machine Learning jobs on your own machines.

    lazur job create -f job.yml --stream     run a job and watch it
    lazur job list -o table                  what ran
    lazur job explain -n NAME                why it was slow, or failed
    lazur <noun> -h                          examples for each command
"""

HELP: dict[str, dict[str, Any]] = {
    name: {"type": "group", "short-summary": summary} for name, summary in GROUPS.items()
}
HELP[""] = {"type": "group", "short-summary": "Azure Machine Learning that you run yourself."}


def is_group(words: list[str]) -> bool:
    """`role`, `role assignment`: not a command yet."""
    if len(words) < 2 or words[0] not in GROUPS or words[1].startswith("-"):
        return len(words) == 1 and words[0] in GROUPS
    return module(words[0]).HELP.get(" ".join(words), {}).get("type") == "group"


def load(loader: CLICommandsLoader, noun: str) -> None:
    found = module(noun)
    HELP.update(found.HELP)
    load_commands(loader, found)


def load_commands(loader: CLICommandsLoader, found: ModuleType, before: str = "") -> None:
    """Enter a file's commands, all behind the words `before`: COMMANDS maps a command to its
    function, with what knack should know beside it."""
    for command, (function, options) in found.COMMANDS.items():
        *group, verb = (before + command).split()
        with CommandGroup(
            loader, " ".join(group), found.__name__ + "#{}", deprecate_info=None
        ) as commands:
            commands.command(verb, function, **options)


def load_arguments(loader: CLICommandsLoader, command: str) -> None:
    noun = command.split(maxsplit=1)[0] if command else ""
    if noun in GROUPS or noun in SINGLE:
        load_options(loader, module(noun))


def load_options(loader: CLICommandsLoader, found: ModuleType, before: str = "") -> None:
    for scope, arguments in found.ARGUMENTS.items():
        with ArgumentsContext(loader, before + scope) as context:
            for name, options in arguments.items():
                _enter(context, name, options)


def _enter(context: ArgumentsContext, name: str, options: dict[str, Any]) -> None:
    """Options have names; what has none is positional, and stands at one command alone. So does
    what begins with `_`: it is accepted, and no function is told."""
    if name.startswith("_"):
        context.extra(name, **options)  # noqa: S610 - not Django's
    elif options.get("options_list") == []:
        rest = {key: value for key, value in options.items() if key != "options_list"}
        context.positional(name, **rest)
    else:
        context.argument(name, **options)


def module(noun: str) -> ModuleType:
    return import_module(f"lazur.cli.{noun.replace('-', '_')}")
