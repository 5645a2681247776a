"""What may be a name. One rule for everything that people name, so that a name is safe as a file,
a URL part and a key.

Names are ASCII, so no two of them look alike and there is only one way to write each; titles are
any readable text.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

MAX_LENGTH = 255
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_COMPONENT = re.compile(r"[a-z][a-z0-9_]*")
_PERSON = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]*")
_INPUT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_RESERVED = {"con", "prn", "aux", "nul"} | {
    f"{p}{n}" for p in ("com", "lpt") for n in range(1, 10)
}
_PLACEHOLDER = re.compile(r"<[^<>]{0,100}>|\{\{[^{}]{0,100}\}\}")


def check_name(name: str) -> str:
    """`name` itself, or ValueError with the reason."""
    _check_length(name)
    if _PLACEHOLDER.search(name):
        raise ValueError(f"{name!r} is a placeholder: put the real name in its place")
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"{name!r} is not a name: use letters, digits, '-', '_' and '.', "
            "and begin with a letter, digit or '_'"
        )
    _check_portable(name)
    return name


def check_component_name(name: str) -> str:
    """Azure's rule for new components; older ones have names like `TF-hello-world`."""
    if not _COMPONENT.fullmatch(name):
        raise ValueError(
            f"{name!r} is no component name: use lower-case letters, digits and '_', "
            "and begin with a letter"
        )
    return name


def check_person_name(name: str) -> str:
    """Of users, groups and services: a name, or an e-mail address."""
    _check_length(name)
    if not _PERSON.fullmatch(name) or ".." in name:
        raise ValueError(
            f"{name!r} is no name of a person or group: use letters, digits, '-', '_', '.', '@', "
            "'+', and begin with a letter, digit or '_'"
        )
    return name


def check_input_name(name: str) -> str:
    """Of inputs and outputs; dots make groups: `data.train`."""
    _check_length(name)
    if not _INPUT.fullmatch(name) or ".." in name or name.endswith("."):
        raise ValueError(
            f"{name!r} is no input or output name: use letters, digits, '_', '-' and '.'"
        )
    return name


def check_title(text: str) -> str:
    """Experiment names: readable text in one line, in NFC, which is safe to show but never used as
    a path."""
    text = unicodedata.normalize("NFC", text)
    _check_length(text)
    if text != text.strip() or text in {".", ".."}:
        raise ValueError(f"{text!r} may not be '.' or '..', nor begin or end with a blank")
    if not text.isprintable() or "/" in text or "\\" in text:
        raise ValueError(f"{text!r} may hold no slashes, control or invisible characters")
    return text


def fold(name: str) -> str:
    """Two names that a person could take for each other fold to the same text."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def _check_length(name: str) -> None:
    if not name:
        raise ValueError("a name may not be empty")
    if len(name.encode("utf-8", "replace")) > MAX_LENGTH:
        raise ValueError(
            f"a name is at most {MAX_LENGTH} bytes long, this one begins {name[:40]!r}"
        )


def _check_portable(name: str) -> None:
    if name.endswith("."):
        raise ValueError(f"{name!r} may not end with '.'")
    if name.lower().split(".")[0] in _RESERVED:
        raise ValueError(f"{name!r} is reserved by some operating systems")


def _version(value: object) -> object:
    """YAML reads `version: 1` as a number; Azure's client makes text of it, `1.0` stays "1.0"."""
    return str(value) if type(value) in {int, float} else value


_SCHEMA = {"type": "string", "pattern": "^[A-Za-z0-9_][A-Za-z0-9_.-]*$", "maxLength": MAX_LENGTH}

Name = Annotated[str, AfterValidator(check_name), WithJsonSchema(_SCHEMA)]
Title = Annotated[str, AfterValidator(check_title)]
Version = Annotated[
    str,
    BeforeValidator(_version),
    AfterValidator(check_name),
    WithJsonSchema({"type": ["string", "number"]}),
]
