"""The ways in that this server's settings allow."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lazur.egress import Rule
from lazur.outbound import Client
from lazur.server import doors
from lazur.server.settings import Settings
from lazur.services.base.site import Site
from lazur.services.people.oidc.wire import Fetch
from lazur.services.people.providers import Door, Providers
from lazur.services.people.sign_ins import Brakes

_SECONDS = 15.0


@dataclass
class Ways:
    providers: Providers
    passwords: bool = False
    contact: str = ""
    brakes: Brakes = field(default_factory=Brakes)

    @classmethod
    def of(cls, settings: Settings, site: Site) -> Ways:
        providers = Providers(doors.read(settings.oidc), _fetch, site)
        return cls(providers, settings.password_sign_in, settings.sign_in_contact)

    def shown(self) -> dict[str, Any]:
        """To everybody, for the sign-in page."""
        return {
            "password": self.passwords,
            "providers": self.providers.shown,
            "contact": self.contact,
        }


def _fetch(door: Door) -> Fetch:
    return Client(Rule.of(doors.reached(door)), seconds=_SECONDS).fetch
