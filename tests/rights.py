"""What a role allows, by its name, together with what everybody may."""

from __future__ import annotations

from lazur.services.base import roles
from lazur.services.base.roles import Role


def allows(role: str, action: str) -> bool:
    if role == "Job":
        return roles.allows(roles.JOB, action) or roles.allows(roles.JOB_EVERYWHERE, action)
    found = roles.BUILT_IN.get(role)
    return roles.allows(found or Role(role, ()), action) or roles.allows(roles.EVERYBODY, action)
