"""The program: Lazur's own, with Azure's names, settings, answers and errors."""

from __future__ import annotations

import os
import sys
from typing import Any, NoReturn, cast

from knack.commands import CLICommandsLoader
from knack.events import EVENT_INVOKER_POST_PARSE_ARGS, EVENT_INVOKER_TRANSFORM_RESULT
from knack.help import CLIHelp, CommandHelpFile, GroupHelpFile, HelpFile
from knack.parser import CLICommandParser

import lazur
from lazur.cli import nouns, session, terminal
from lazur.cli.app import App, Config
from lazur.cli.az import failures, groups, place, settings, shapes, version
from lazur.cli.failures import PARSER


class Settings(Config):
    """Azure's own; AZURE_CORE_OUTPUT before the file's."""

    def get(self, section: str, option: str, fallback: Any = None) -> Any:
        found = settings.get(section, option)
        return fallback if found is None else found


class Loader(CLICommandsLoader):
    """Loads the file of the command that was asked for, and no other."""

    def load_command_table(self, args: list[str]) -> Any:
        asked = groups.module([word.lower() for word in args])
        for found, before in [asked] if asked else groups.singles():
            nouns.load_commands(self, found, before)
        return super().load_command_table(args)

    def load_arguments(self, command: str) -> None:
        command = command.lower()
        cast("Any", self.cli_ctx).invocation.data["command_string"] = command
        asked = groups.module(command.split())
        if asked:
            nouns.load_options(self, *asked)
        super().load_arguments(command)


class Parser(CLICommandParser):
    def load_command_table(self, command_loader: CLICommandsLoader) -> None:
        """What was not loaded is there by its name: for help, and for "did you mean"."""
        super().load_command_table(command_loader)
        for name in groups.GROUPS:
            self._get_subparser([name, ""])
        for name in groups.ML:
            self._get_subparser(["ml", name, ""])

    def error(self, message: str) -> NoReturn:
        failures.say(message)
        # argparse reports what it does not know on the topmost parser.
        context = cast("Any", self.cli_ctx)
        command = context.invocation.data["command_string"] if context else ""
        place = f"{self.prog} {command}".strip() if self.prog == "az" else self.prog
        terminal.note(f"See: {place} -h", "cyan")
        sys.exit(PARSER)


class _OurTexts(HelpFile):
    def _load_from_file(self) -> None:
        self._load_from_data(groups.text_of(self.delimiters))


class CommandHelp(_OurTexts, CommandHelpFile):
    pass


class GroupHelp(_OurTexts, GroupHelpFile):
    pass


class Help(CLIHelp):
    def __init__(self, cli_ctx: Any = None) -> None:
        super().__init__(
            cli_ctx,
            welcome_message=groups.WELCOME,
            group_help_cls=GroupHelp,
            command_help_cls=CommandHelp,
            help_cls=_OurTexts,
            textwrap_width=terminal.width(100),
        )


class Az(App):
    def __init__(self) -> None:
        super().__init__(
            cli_name="az",
            config_cls=Settings,
            parser_cls=Parser,
            commands_loader_cls=Loader,
            help_cls=Help,
        )
        self.register_event(EVENT_INVOKER_POST_PARSE_ARGS, _begin)
        self.register_event(EVENT_INVOKER_TRANSFORM_RESULT, _shape)

    def get_cli_version(self) -> str:
        """In the form that scripts look into."""
        told = {"azure-cli": version.CLI, "core": version.CLI, "lazur": lazur.__version__}
        lines = [f"{name:<32}{number}" for name, number in told.items()]
        return "\n".join([*lines, "", "Extensions:", f"{'ml':<32}{version.ML}"])

    def exception_handler(self, ex: Exception) -> int:
        command = str(self.invocation.data["command_string"]) if self.invocation else ""
        return failures.report(ex, command, debug="--debug" in sys.argv)


def _begin(app: Az, command: str, args: Any) -> None:
    """The workspace of Azure's settings comes before the one of Lazur's. A tag needs no value."""
    place.begin(args._subscription, args._resource_group)
    workspace = args._workspace or settings.get(settings.DEFAULTS, "workspace")
    workspace = workspace or os.environ.get("LAZUR_WORKSPACE")
    session.change(workspace=workspace, always_answers=True)
    if getattr(args, "tags", None):
        args.tags = [tag if "=" in tag else f"{tag}=" for tag in args.tags if tag]


def _shape(app: Az, event_data: dict[str, Any]) -> None:
    """Tables are made from Lazur's own answers."""
    words = str(app.invocation.data["command_string"]).split() if app.invocation else []
    as_table = session.current.output == "table" and not session.current.query
    if words[:1] != ["ml"] or as_table or event_data["result"] is None:
        return
    url = session.client().url if words[1] == "workspace" else ""
    workspace = session.current.workspace or session.client().workspace_name
    event_data["result"] = shapes.shape(
        words[1], event_data["result"], place.current, workspace, url
    )
