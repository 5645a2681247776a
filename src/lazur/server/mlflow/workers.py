"""Upstream's job workers, in its child process, started by the first request that needs them."""

from __future__ import annotations

from typing import Any


def on_demand(_app: Any) -> None:
    """Upstream answers for now that jobs are not enabled."""
