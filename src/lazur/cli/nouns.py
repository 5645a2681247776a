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
    "environment": "The software that jobs run in.",
    "data": "Data assets: files and folders under a name and a version.",
    "model": "Registered models.",
    "component": "Reusable steps.",
    "compute": "Where jobs run.",
    "workspace": "Rooms that keep jobs and assets apart.",
    "server": "The server on this machine. It starts by itself when it is needed.",
}
SINGLE = ("login", "configure", "schema", "version", "completion")

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


def load(loader: CLICommandsLoader, noun: str) -> None:
    """Enter the noun's commands: COMMANDS maps a command to its function, with what knack should
    know beside it."""
    module = _module(noun)
    HELP.update(module.HELP)
    for command, (function, options) in module.COMMANDS.items():
        *group, verb = command.split()
        with CommandGroup(
            loader, " ".join(group), module.__name__ + "#{}", deprecate_info=None
        ) as commands:
            commands.command(verb, function, **options)


def load_arguments(loader: CLICommandsLoader, command: str) -> None:
    noun = command.split(maxsplit=1)[0] if command else ""
    if noun in GROUPS or noun in SINGLE:
        for scope, arguments in _module(noun).ARGUMENTS.items():
            with ArgumentsContext(loader, scope) as context:
                for name, options in arguments.items():
                    context.argument(name, **options)


def _module(noun: str) -> ModuleType:
    return import_module(f"lazur.cli.{noun}")
