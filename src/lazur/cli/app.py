"""The program: knack, with our settings, errors and help. Knack is the library under Azure's own
command line."""

from __future__ import annotations

import os
import sys
from difflib import get_close_matches
from itertools import takewhile
from typing import Any, NoReturn, cast

from knack.cli import CLI
from knack.commands import CLICommandsLoader
from knack.config import CLIConfig
from knack.events import EVENT_INVOKER_POST_PARSE_ARGS, EVENT_PARSER_GLOBAL_CREATE
from knack.help import CLIHelp, CommandHelpFile, GroupHelpFile, HelpFile
from knack.log import CLILogging, get_logger
from knack.parser import CLICommandParser

import lazur
from lazur.cli import bare_names, nouns, session, terminal
from lazur.cli.failures import PARSER, report
from lazur.cli.fitting import Output
from lazur.sdk.home import defaults, find

log = get_logger(__name__)


class Config(CLIConfig):
    """Our own defaults file. Knack's looks into the working directory too: there, a repository
    that somebody else wrote could name the server that gets our token."""

    def __init__(self, **_: Any) -> None:
        self.config_dir = str(find())
        self.config_path = str(find() / "defaults.toml")
        self.defaults_section_name = "defaults"
        self.use_local_config = False
        self._sections: dict[str, dict[str, Any]] | None = None

    def get(self, section: str, option: str, fallback: Any = None) -> Any:
        told = os.environ.get(f"LAZUR_{section}_{option}".upper())
        if told is not None:
            return told
        if self._sections is None:
            self._sections = defaults(find())
        return self._sections.get(section, {}).get(option, fallback)

    def getboolean(self, section: str, option: str, fallback: Any = None) -> Any:
        value = self.get(section, option, fallback)
        return (
            self._BOOLEAN_STATES.get(value.lower(), fallback) if isinstance(value, str) else value
        )

    def set_value(self, section: str, option: str, value: str) -> None:
        """Knack would note its first run here."""


class Logging(CLILogging):
    """`ERROR: …` and `WARNING: …` keep their level name, coloured or not."""

    def _get_console_log_formats(self) -> dict[str, str]:
        formats = super()._get_console_log_formats()
        prefix = "" if formats["cli"].startswith("%(levelname)s") else "%(levelname)s: "
        return {key: prefix + value for key, value in formats.items()}


class Parser(CLICommandParser):
    def load_command_table(self, command_loader: CLICommandsLoader) -> None:
        """Nouns whose file was not loaded are there as empty groups: for help, and for "did you
        mean"."""
        super().load_command_table(command_loader)
        for noun in nouns.GROUPS:
            self._get_subparser([noun, ""])

    def error(self, message: str) -> NoReturn:
        """One line and where help is, instead of a usage as long as the help."""
        command = _command_in(self, sys.argv[1:])
        log.error("%s: %s", self.prog, message)
        known = [o for o in _options(self, command) if o.startswith("--")]
        unknown = [] if "required" in message else message.rsplit(": ", maxsplit=1)[-1].split()
        for word in unknown:
            if word.startswith("--") and (close := _close(word, known)):
                terminal.note(f"Did you mean {close}?", "cyan")
        # A command's own parser knows its name, and no other command.
        place = " ".join(["lazur", *command]) if command else self.prog
        terminal.note(f"See: {place} -h", "cyan")
        sys.exit(PARSER)


def _close(word: str, known: list[str]) -> str:
    """The option that has the word in it, such as `--max-total-trials` for `--total`, or that is
    written alike."""
    holds = [option for option in known if word[2:] in option[2:].split("-")]
    return next(iter(holds or get_close_matches(word, known, 1)), "")


def _command_in(parser: Parser, arguments: list[str]) -> list[str]:
    """The words that are a command, or the beginning of one."""
    groups: dict[tuple[str, ...], Any] = {**parser.subparsers}
    known: list[str] = []
    for word in takewhile(lambda word: not word.startswith("-"), arguments):
        if tuple(known) not in groups or word.lower() not in groups[tuple(known)].choices:
            break
        known.append(word.lower())
    return known


def _options(parser: Parser, command: list[str]) -> list[str]:
    """Those of the command; argparse reports what it does not know on the topmost parser."""
    groups: dict[tuple[str, ...], Any] = {**parser.subparsers}
    leaf = groups[tuple(command[:-1])].choices[command[-1]] if command else parser
    return list(leaf._option_string_actions)


class Loader(CLICommandsLoader):
    """Loads the file of the noun that was asked for, and no other."""

    def load_command_table(self, args: list[str]) -> Any:
        asked = args[0].lower() if args else ""
        for name in [asked] if asked in nouns.GROUPS else nouns.SINGLE:
            nouns.load(self, name)
        return super().load_command_table(args)

    def load_arguments(self, command: str) -> None:
        """Of `JOB Show` too: knack folds the words, but not what it gives here."""
        command = command.lower()
        cast("Any", self.cli_ctx).invocation.data["command_string"] = command
        nouns.load_arguments(self, command)
        super().load_arguments(command)
        if command in self.command_table:
            bare_names.offer(self.command_table[command])


class _OurTexts(HelpFile):
    """Help texts are plain data here, not YAML to be parsed at each start."""

    def _load_from_file(self) -> None:
        self._load_from_data(nouns.HELP.get(self.delimiters))


class CommandHelp(_OurTexts, CommandHelpFile):
    def load(self, options: Any) -> None:
        super().load(options)
        chosen = self.help_ctx.cli_ctx.config.get("core", "output")
        if self.delimiters.startswith(nouns.TOLD) and not chosen:
            output = next(p for p in self.parameters if p.name == "--output -o")
            output.default = "text to read"


class GroupHelp(_OurTexts, GroupHelpFile):
    pass


class Help(CLIHelp):
    def __init__(self, cli_ctx: Any = None) -> None:
        super().__init__(
            cli_ctx,
            welcome_message=nouns.WELCOME,
            group_help_cls=GroupHelp,
            command_help_cls=CommandHelp,
            help_cls=_OurTexts,
            textwrap_width=terminal.width(100),
        )


class App(CLI):
    wants_all = False
    """Where an error came from, too. (`job replay --debug` asks for something else.)"""

    def __init__(self, **others: Any) -> None:
        """`others`: parts in the place of ours."""
        parts = {
            "cli_name": "lazur",
            "config_cls": Config,
            "logging_cls": Logging,
            "parser_cls": Parser,
            "commands_loader_cls": Loader,
            "help_cls": Help,
            "output_cls": Output,
        }
        super().__init__(**{**parts, **others})
        self.register_event(EVENT_PARSER_GLOBAL_CREATE, _add_global_arguments)
        self.register_event(EVENT_INVOKER_POST_PARSE_ARGS, bare_names.take)
        self.register_event(EVENT_INVOKER_POST_PARSE_ARGS, _remember_global_arguments)

    # Knack's own return types are inferred from constants.
    def get_cli_version(self) -> str:  # pyright: ignore[reportIncompatibleMethodOverride]
        return f"lazur {lazur.__version__}"

    def exception_handler(self, ex: Exception) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        return report(ex, debug=self.wants_all and log.isEnabledFor(10))

    def invoke(self, args: list[str], *more: Any, **named: Any) -> Any:
        self.wants_all = "--debug" in args
        return super().invoke(args, *more, **named)

    def _should_enable_color(self) -> bool:
        return terminal.is_coloured(sys.stdout) and super()._should_enable_color()


def _add_global_arguments(app: App, arg_group: Any) -> None:
    add = arg_group.add_argument
    add(
        "--workspace-name",
        "-w",
        dest="_workspace",
        help=f"The workspace. Default: that of `{app.name} configure`.",
    )
    add(
        "--server",
        dest="_server",
        metavar="URL",
        help="Address of the server. Default: this machine's own.",
    )
    add(
        "--resource-group",
        "-g",
        dest="_resource_group",
        help="Accepted for Azure's scripts, and ignored.",
    )
    add("--subscription", dest="_subscription", help="Accepted for Azure's scripts, and ignored.")


def _remember_global_arguments(app: App, command: str, args: Any) -> None:
    session.begin(
        workspace=args._workspace,
        url=args._server,
        output=args._output_format if _output_was_chosen(app) else None,
        query=bool(app.invocation and app.invocation.data["query_active"]),
        only_errors=app.only_show_errors,
    )


def _output_was_chosen(app: App) -> bool:
    """Whether somebody wants the result in that form, here or in the defaults."""
    given = [word.partition("=")[0] for word in sys.argv[1:]]
    return bool(app.config.get("core", "output")) or any(
        word[:2] == "-o" or (len(word) > 3 and "--output".startswith(word)) for word in given
    )
