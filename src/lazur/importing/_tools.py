"""What all sources need."""

from __future__ import annotations

import importlib
import re
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

_EVERY = 5.0
_PAIR = re.compile(r"\s*([^=;]+?)\s*=\s*([^;]*)")


class Failed(Exception):
    """What went wrong, and what to do; never with a credential in it."""


@dataclass(frozen=True)
class Address:
    """Of a database, out of one of the forms in which people write them."""

    scheme: str = ""
    host: str = ""
    port: int | None = None
    database: str = ""
    options: Mapping[str, str] | None = None


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Progress:
    def __init__(self, what: str) -> None:
        self._what = what
        self._began = self._last = time.monotonic()

    def __call__(self, count: int) -> None:
        if time.monotonic() - self._last >= _EVERY:
            self._last = time.monotonic()
            say(f"{count:,} {self._what}, {count / (self._last - self._began):,.0f} a second")


def need(module: str, package: str, what: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError:
        raise Failed(
            f"{what} needs the package '{package}', which this environment lacks. Import without"
            f" `environment`, or add it there: pip install {package}"
        ) from None


def address(target: str) -> Address:
    """`scheme://host:port/database?option=…`, also behind `jdbc:`, or
    `Server=tcp:host,port;Database=…`, or `host:port/database`."""
    text = target.strip().removeprefix("jdbc:")
    if "=" in text and "://" not in text:
        return _pairs(text)
    parts = urlsplit(text if "://" in text else f"//{text}")
    if parts.username or parts.password:
        raise Failed("The connection's target has a user in it; give that as its credentials.")
    query = dict(_PAIR.findall(parts.query.replace("&", ";")))
    return Address(
        parts.scheme.partition("+")[0],
        parts.hostname or "",
        parts.port,
        unquote(parts.path.removeprefix("/")),
        query,
    )


def _pairs(text: str) -> Address:
    found = {re.sub(r"\s", "", key).lower(): value.strip() for key, value in _PAIR.findall(text)}
    server = found.get("server") or found.get("datasource") or found.get("host") or ""
    host, _, port = server.removeprefix("tcp:").partition(",")
    number = port or found.get("port") or ""
    database = found.get("database") or found.get("initialcatalog") or found.get("dbname") or ""
    return Address("", host, int(number) if number.isdigit() else None, database, found)
