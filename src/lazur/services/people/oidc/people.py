"""Who an ID token is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from lazur.errors import Forbidden
from lazur.services.people.oidc.settings import Provider

_MOST_GROUPS = 1000


@dataclass(frozen=True)
class Identity:
    """Issuer and subject together are the person, for ever. Names and addresses are what they are
    called today: never look somebody up by them, except by `email` where an administrator wrote
    that address down for them beforehand."""

    issuer: str
    subject: str
    login: str | None
    name: str | None
    email: str | None
    """Only one that the provider has verified."""
    groups: tuple[str, ...] | None
    """None: the provider did not say, which is not the same as none."""


def identify(provider: Provider, said: Mapping[str, Any]) -> Identity:
    """Raises Forbidden for who is real, but none of ours."""
    for claim, accepted in provider.required.items():
        if not set(_list(said.get(claim)) or ()) & set(accepted):
            raise Forbidden(
                f"{provider.title or provider.name} knows you, but its {claim!r} of you is not "
                "one that may sign in here.",
                hint="Sign in with another account, or ask the owner of this server.",
            )
    return Identity(
        issuer=provider.issuer,
        subject=said["sub"],
        login=_text(said.get(provider.login_claim)),
        name=_text(said.get(provider.name_claim)),
        email=_email(provider, said),
        groups=_list(said.get(provider.groups_claim)),
    )


def lacks(provider: Provider, said: Mapping[str, Any]) -> bool:
    """Whether asking the provider once more may tell more."""
    wanted = {provider.name_claim, provider.login_claim, provider.groups_claim, *provider.required}
    if "email" in provider.scopes:
        wanted.add(provider.email_claim)
    return bool(wanted - said.keys())


def merged(said: Mapping[str, Any], userinfo: Mapping[str, Any]) -> dict[str, Any]:
    """What the signed token says comes first, and the word on an address stays with that
    address."""
    made = {**userinfo, **said}
    if "email_verified" not in said and made.get("email") != userinfo.get("email"):
        made.pop("email_verified", None)
    return made


def _email(provider: Provider, said: Mapping[str, Any]) -> str | None:
    """Somebody may write any address into their profile: without the provider's word that it is
    theirs they would be whoever has it here. The word is about `email` and no other claim."""
    word = said.get("email_verified") if provider.email_claim == "email" else None
    verified = provider.trust_email if word is None else word is True or word == "true"
    text = _text(said.get(provider.email_claim))
    return text if text and "@" in text and verified else None


def _text(value: Any) -> str | None:
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        return None
    return value.strip()[:255]


def _list(value: Any) -> tuple[str, ...] | None:
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list):
        return None
    given = cast("list[Any]", value)[:_MOST_GROUPS]
    return tuple(part for part in given if isinstance(part, str) and len(part) <= 255)
