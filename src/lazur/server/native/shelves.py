"""Which place a route is about, by what its address has."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path

from lazur.services.resources.shelves import Registry, Shelf


def server() -> Shelf | None:
    return None


def workspace(workspace: Annotated[str, Path()]) -> Shelf:
    return workspace


def registry(registry: Annotated[str, Path()]) -> Shelf:
    return Registry(registry)
