"""Ids that Azure's clients expect and that mean nothing here: the same for a home and a name."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from lazur.services.base.home import Home
from lazur.spec.names import fold

SUBSCRIPTION = "00000000-0000-0000-0000-000000000"
"""On the list of subscriptions for which Azure's client sends no telemetry from notebooks."""
GROUP = "lazur"
LOCATION = "local"


def tenant(home: Home) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"lazur:{home.identity()}"))


def of(home: Home, kind: str, name: str) -> str:
    """Of a person, a workspace, an experiment."""
    return among(home, kind)(name)


def among(home: Home, kind: str) -> Callable[[str], str]:
    """As `of`, for many names: the home is looked at once."""
    top = uuid.UUID(tenant(home))
    return lambda name: str(uuid.uuid5(top, f"{kind}:{fold(name)}"))
