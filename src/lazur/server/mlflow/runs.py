"""Runs: create, get, update, delete, restore."""

from __future__ import annotations

from lazur.server.mlflow.call import Handler

ROUTES: dict[tuple[str, str], Handler] = {}
