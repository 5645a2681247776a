"""Plugs by name: a plug's name is its file's name, and it is imported when first used.

`find("backends", "local", Backend)` imports `lazur.backends.local` and returns the one subclass of
`Backend` that it defines. Other distributions add plugs by an entry point in the group
`lazur.<room>`, named like the plug.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import TypeVar

from lazur.errors import LazurError, MissingExtra, NotFound

T = TypeVar("T")


@cache
def find(room: str, name: str, contract: type[T]) -> type[T]:
    """The class in `lazur.<room>.<name>`, or behind the entry point of that name, that fulfils
    `contract`."""
    if name in built_in(room):
        module = _import(f"lazur.{room}.{name}", extra=name)
    elif entry := _entries(room).get(name):
        module = entry.load()
        if inspect.isclass(module):
            return _checked(module, contract)
    else:
        raise NotFound(
            f"There is no {name!r} among the {room.replace('.', ' ')}.",
            hint=f"Present: {', '.join(names(room)) or 'none'}.",
        )
    return _checked(_only_class(module, contract), contract)


def names(room: str) -> list[str]:
    return sorted({*built_in(room), *_entries(room)})


@cache
def built_in(room: str) -> tuple[str, ...]:
    package = importlib.import_module(f"lazur.{room}")
    return tuple(
        m.name for m in pkgutil.iter_modules(package.__path__) if not m.name.startswith("_")
    )


def _entries(room: str) -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=f"lazur.{room}")}


def _import(module: str, extra: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name and error.name.startswith("lazur"):
            raise
        raise MissingExtra(
            f"{module} needs {error.name}, which is not installed.", extra=extra
        ) from error


def _only_class(module: ModuleType, contract: type[T]) -> type[T]:
    found = [
        value
        for value in vars(module).values()
        if inspect.isclass(value)
        and issubclass(value, contract)
        and value.__module__ == module.__name__
        and not inspect.isabstract(value)
    ]
    if len(found) != 1:
        raise LazurError(
            f"{module.__name__} must define exactly one {contract.__name__}, it has {len(found)}."
        )
    return found[0]


def _checked(value: type, contract: type[T]) -> type[T]:
    if not issubclass(value, contract):
        raise LazurError(f"{value.__module__}.{value.__qualname__} is not a {contract.__name__}.")
    return value
