"""Ids that Azure's clients expect and that mean nothing here: the same for a home and a name."""

from __future__ import annotations

import uuid

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
    return str(uuid.uuid5(uuid.UUID(tenant(home)), f"{kind}:{fold(name)}"))
