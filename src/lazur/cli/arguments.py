"""Options that several commands share, with the short forms of Azure's command line."""

from __future__ import annotations

from typing import Any

Options = dict[str, Any]


def option(*names: str, help: str, **more: Any) -> Options:  # noqa: A002 - knack's word
    return {"options_list": list(names), "help": help, **more}


def count(text: str) -> int:
    """argparse names it in its error."""
    if (number := int(text)) < 1:
        raise ValueError
    return number


def name(of: str, **more: Any) -> Options:
    return option("--name", "-n", help=f"Name of the {of}.", **more)


FILE = option("--file", "-f", help="The YAML file.")
SET = option(
    "--set",
    help=(
        "Change the spec before it is used: --set a.b[0].c=value. Repeatable; it wins over flags"
        " and the file."
    ),
    action="append",
    nargs="+",
    metavar="PATH=VALUE",
)
VERSION = option("--version", "-v", help="Version. Without it and --label: the latest.")
LABEL = option("--label", "-l", help="Label, such as `latest`.")
REGISTRY = option(
    "--registry-name", "-r", help="Look into this registry; `azureml` is the built-in one."
)
DESCRIPTION = option("--description", help="A sentence about it.")
TAGS = option("--tags", help="Space-separated: key=value.", nargs="+", metavar="KEY=VALUE")
MAX_RESULTS = option("--max-results", "-r", help="At most so many.", type=count)
INCLUDE_ARCHIVED = option(
    "--include-archived", help="Show archived ones too.", action="store_true"
)
ARCHIVED_ONLY = option("--archived-only", help="Show archived ones only.", action="store_true")
WEB = option("--web", "-e", help="Open its page in the browser.", action="store_true")
SKIP_VALIDATION = option(
    "--skip-validation",
    help="Accepted for Azure's scripts: the server always checks.",
    action="store_true",
)
NO_WAIT = option("--no-wait", help="Do not wait until it is done.", action="store_true")
YES = option("--yes", "-y", help="Do not ask.", action="store_true")
