"""Reading a datastore's fields and credentials, and saying which is missing."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from typing import Any

from lazur.engine.secret import revealed
from lazur.errors import Invalid, MissingExtra

_HOST = re.compile(r"(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?")
_NAME = re.compile(r"[A-Za-z0-9$](?:[A-Za-z0-9._ -]*[A-Za-z0-9_-])?")


def name(settings: Mapping[str, Any], field: str) -> str:
    """Of a container, bucket or account: it becomes a part of a host or path, and nothing more."""
    found = str(settings.get(field) or "")
    if not _NAME.fullmatch(found) or ".." in found or len(found) > 255:
        what = f"{found[:80]!r} cannot be one" if found else "it is missing"
        raise Invalid(f"The datastore needs its {field}: {what}.")
    return found


def choice(settings: Mapping[str, Any], field: str, *allowed: str) -> str:
    """The first is the default."""
    found = str(settings.get(field) or allowed[0])
    if found not in allowed:
        raise Invalid(f"{field}: {found[:80]!r} is not known here; {' or '.join(allowed)} is.")
    return found


def host(text: str, field: str) -> str:
    """A host name, with a port perhaps; no user, path or query can be in it."""
    if not _HOST.fullmatch(text):
        raise Invalid(f"{field}: {text[:80]!r} is not the name of a host.")
    return text.lower()


def secret(credentials: Mapping[str, Any], field: str) -> str:
    """Empty where there is none."""
    return revealed(credentials.get(field))


def needed(credentials: Mapping[str, Any], *fields: str) -> tuple[str, ...]:
    """All of them. Raises Invalid naming those that are missing."""
    if missing := [field for field in fields if not secret(credentials, field)]:
        raise Invalid(f"The datastore's credentials lack {', '.join(missing)}.")
    return tuple(secret(credentials, field) for field in fields)


def library(module: str, extra: str) -> Any:
    """Of a vendor: heavy, and needed by those alone who have such a datastore."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name and not module.startswith(error.name):
            raise
        raise MissingExtra(f"{module} is not installed where this runs.", extra=extra) from error
