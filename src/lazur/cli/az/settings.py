"""Azure's own settings: an ini file in `~/.azure`, or AZURE_CONFIG_DIR, with variables before it.
A person who has Azure's command line too sees the same defaults in both."""

from __future__ import annotations

import os
from collections.abc import Mapping
from configparser import Error, RawConfigParser
from io import StringIO
from pathlib import Path

from lazur.errors import Invalid
from lazur.sdk import home

DEFAULTS = "defaults"
NOT_OF_A_FOLDER = (
    "Settings of a folder are not read here: whoever wrote it could choose your workspace."
)


def folder() -> Path:
    chosen = os.environ.get("AZURE_CONFIG_DIR") or Path.home() / ".azure"
    return Path(chosen).expanduser().absolute()


def path() -> Path:
    return folder() / "config"


def get(section: str, option: str) -> str | None:
    """AZURE_DEFAULTS_WORKSPACE before the file's; an empty one is none."""
    told = os.environ.get(_variable(section, option))
    if told is not None:
        return told or None
    return _read().get(section, option, fallback=None) or None


def listed(section: str) -> list[dict[str, str]]:
    """With where each is from, as `az configure --list-defaults` has it."""
    begin = _variable(section, "")
    told = {
        name.removeprefix(begin).lower(): (value, name)
        for name, value in os.environ.items()
        if name.startswith(begin)
    }
    file = _read()
    written = dict(file.items(section)) if file.has_section(section) else {}
    found = {**{name: (value, str(path())) for name, value in written.items()}, **told}
    return [
        {"name": name, "source": source, "value": value}
        for name, (value, source) in sorted(found.items())
        if value
    ]


def sections() -> list[str]:
    """Of the file."""
    return _read().sections()


def change(section: str, values: Mapping[str, str | None]) -> None:
    """None, or nothing, takes away. What else stands in the file stays."""
    file = _read()
    if not file.has_section(section):
        file.add_section(section)
    for name, value in values.items():
        if value:
            file.set(section, name, value)
        else:
            file.remove_option(section, name)
    text = StringIO()
    file.write(text)
    folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    home.write_private(path(), text.getvalue())


def _variable(section: str, option: str) -> str:
    return f"AZURE_{section}_{option}".upper()


def _read() -> RawConfigParser:
    file = RawConfigParser()
    try:
        file.read(path(), encoding="utf-8")
    except (Error, UnicodeDecodeError) as error:
        raise Invalid(
            f"{path()} cannot be read: {error}", hint="Correct or remove that file."
        ) from error
    return file
