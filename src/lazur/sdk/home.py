"""The folder that holds a person's server, defaults and tokens: LAZUR_HOME, else `~/.lazur`."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from typing import Any

from lazur.errors import Invalid

Section = dict[str, Any]


def find(home: str | os.PathLike[str] | None = None) -> Path:
    """The folder, which may not be there yet."""
    chosen = home or os.environ.get("LAZUR_HOME") or Path.home() / ".lazur"
    return Path(chosen).expanduser().absolute()


def make(home: Path) -> Path:
    """The folder, closed to others: a token will lie in it."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    return home


def defaults(home: Path) -> dict[str, Section]:
    """What `lazur configure` and `lazur login` wrote: sections of plain values."""
    return _read(home / "defaults.toml")


def save_defaults(home: Path, sections: dict[str, Section]) -> None:
    lines: list[str] = []
    for name, section in sections.items():
        lines.append(f"[{name}]")
        # A JSON string, number or boolean is written the same way in TOML.
        lines += [f"{json.dumps(key)} = {json.dumps(value)}" for key, value in section.items()]
        lines.append("")
    write_private(make(home) / "defaults.toml", "\n".join(lines))


def token_for(home: Path, url: str) -> str | None:
    """The token saved by `lazur login` for that server, and no other."""
    return _read(home / "credentials.toml").get("tokens", {}).get(url.rstrip("/"))


def save_token(home: Path, url: str, token: str | None) -> None:
    tokens = _read(home / "credentials.toml").get("tokens", {})
    tokens.pop(url.rstrip("/"), None)
    if token:
        tokens[url.rstrip("/")] = token
    lines = [f"{json.dumps(key)} = {json.dumps(value)}" for key, value in tokens.items()]
    write_private(make(home) / "credentials.toml", "\n".join(["[tokens]", *lines, ""]))


def write_private(path: Path, text: str) -> None:
    """Whole or not at all, and readable by its owner only from the first byte on."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)


def _read(path: Path) -> dict[str, Section]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Invalid(
            f"{path} cannot be read: {error}.", hint="Correct or remove that file."
        ) from error
