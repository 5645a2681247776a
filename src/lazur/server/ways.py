"""The ways in that this server's settings allow."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lazur.server.settings import Settings
from lazur.services.sign_ins import Brakes


@dataclass
class Ways:
    passwords: bool = False
    contact: str = ""
    brakes: Brakes = field(default_factory=Brakes)

    @classmethod
    def of(cls, settings: Settings) -> Ways:
        return cls(settings.password_sign_in, settings.sign_in_contact)

    def shown(self) -> dict[str, Any]:
        """To everybody, for the sign-in page."""
        return {"password": self.passwords, "providers": [], "contact": self.contact}
