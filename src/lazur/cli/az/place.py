"""Which subscription, resource group and workspace a command names. Workspaces are Lazur's own; of
the other two any name is taken, and named back: there is one server."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from lazur.cli.az import settings

SUBSCRIPTION = "00000000-0000-0000-0000-000000000"
"""As the server's: for this one, Azure's client sends no telemetry."""
GROUP = "lazur"
_OWN = "lazur"
"""The section of Azure's settings that only we know."""


@dataclass(frozen=True)
class Place:
    subscription: str = SUBSCRIPTION
    group: str = GROUP

    @property
    def group_id(self) -> str:
        return f"/subscriptions/{_part(self.subscription)}/resourceGroups/{_part(self.group)}"

    def id(self, *parts: str) -> str:
        """Of a resource: `workspaces`, its name, `jobs`, …"""
        provider = f"{self.group_id}/providers/Microsoft.MachineLearningServices"
        return "/".join([provider, *map(_part, parts)])


current = Place()


def begin(subscription: str | None, group: str | None) -> None:
    global current
    current = Place(
        subscription or chosen_subscription(), group or settings.get("defaults", "group") or GROUP
    )


def chosen_subscription() -> str:
    """As `az account set` left it."""
    return settings.get(_OWN, "subscription") or SUBSCRIPTION


def choose_subscription(name: str) -> None:
    settings.change(_OWN, {"subscription": name})


def _part(name: str) -> str:
    return quote(name, safe=" ()@,;=+$&!'*~.-_:")
