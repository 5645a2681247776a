"""Which vaults this server's secrets are wrapped by: one that wraps, and those before it.

The setting `vault` names the first. What vaults need to know is in `vault.toml` in the home, a
section for each, named like the vault; sections of others are of former ones, which still unwrap
what they wrapped, until rotation is over.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from lazur.engine.contracts import Vault
from lazur.errors import Invalid
from lazur.registry import find, names
from lazur.sealing import Keyring
from lazur.services.base.home import Home

FILE = "vault.toml"


def of(home: Home, name: str) -> Keyring:
    """Asks nobody yet. Raises Invalid and BackendError for what is set up wrongly."""
    sections = _read(home.path / FILE)
    for known in (name, *sections):
        _check(known, home.path / FILE)
    former = [known for known in sections if known != name]
    if name != "file" and "file" not in former and (home.path / "keys" / "root").exists():
        former.append("file")
    vaults = [_made(home, known, sections.get(known, {})) for known in (name, *former)]
    return Keyring(vaults[0], tuple(vaults[1:]))


def _made(home: Home, name: str, settings: dict[str, Any]) -> Vault:
    if name == "file":
        settings = {"folder": str(home.path / "keys"), **settings}
    try:
        return find("vaults", name, Vault)(settings)
    except KeyError as error:
        raise Invalid(
            f"The vault {name!r} lacks {error.args[0]!r}.",
            hint=f"Write it into {home.path / FILE}, below [{name}].",
        ) from error


def _check(name: str, file: Path) -> None:
    if name not in names("vaults"):
        raise Invalid(
            f"There is no vault {name!r}.",
            hint=f"Known: {', '.join(names('vaults'))}. The setting `vault` and the sections of "
            f"{file} are named like them.",
        )


def _read(file: Path) -> dict[str, dict[str, Any]]:
    try:
        found: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Invalid(f"{file} cannot be read: {error}.", hint="Correct the file.") from error
    if wrong := [name for name, section in found.items() if not isinstance(section, dict)]:
        raise Invalid(f"{file}: {wrong[0]!r} stands outside of a section, such as [hashicorp].")
    return found
