"""A machine that is set up for pip is set up for uv too: pip's settings, told in uv's words."""

from __future__ import annotations

import configparser
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

_NAMES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "no-binary": "UV_NO_BINARY_PACKAGE",
    "only-binary": "UV_NO_BUILD_PACKAGE",
}
MACHINE = Path("/etc/pip.conf")
_SECTIONS = ("global", "install")


def as_uv(environ: Mapping[str, str]) -> dict[str, str]:
    """What uv's variables must say so that it finds what `pip install` of this user finds.
    Variables of uv that are set already win; find-links separated by commas, as uv wants them."""
    settings = _settings(environ)
    found: dict[str, str] = {}
    for name, value in settings.items():
        target = _NAMES.get(name)
        if target and not environ.get(target):
            found[target] = _told(name, value)
    if "UV_INDEX" in found and not environ.get("UV_INDEX_STRATEGY"):
        # pip looks for the best version over all indexes; uv stops at the first index that knows
        # the name.
        found["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    return {name: value for name, value in found.items() if value}


def as_lines(environ: Mapping[str, str]) -> list[str]:
    """What uv has no variable for, as lines of a requirements file."""
    value = _settings(environ).get("no-index", "").strip().lower()
    return ["--no-index"] if value in {"1", "true", "yes", "on"} else []


def _told(name: str, value: str) -> str:
    words = value.split()
    if name in {"find-links", "no-binary", "only-binary"}:
        return ",".join(words)
    return " ".join(words)


def _settings(environ: Mapping[str, str]) -> dict[str, str]:
    settings: dict[str, str] = {}
    for path in _files(environ):
        settings.update(_read(path))
    for name in (*_NAMES, "no-index"):
        value = environ.get("PIP_" + name.upper().replace("-", "_"))
        if value:
            settings[name] = value
    return settings


def _files(environ: Mapping[str, str]) -> Iterable[Path]:
    """In pip's order, later ones win."""
    named = environ.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return
    for folder in environ.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":"):
        yield Path(folder, "pip", "pip.conf")
    yield MACHINE
    home = environ.get("HOME")
    if home:
        yield Path(home, ".pip", "pip.conf")
        yield Path(environ.get("XDG_CONFIG_HOME") or Path(home, ".config"), "pip", "pip.conf")
    if named:
        yield Path(named)


def _read(path: Path) -> dict[str, str]:
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, configparser.Error):
        return {}  # pip itself will complain about it; a build with uv does not depend on it
    found: dict[str, str] = {}
    for section in _SECTIONS:
        if parser.has_section(section):
            found.update(parser.items(section))
    return {name.replace("_", "-"): value for name, value in found.items()}
