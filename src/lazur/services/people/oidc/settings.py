"""An OpenID provider, as an administrator wrote it down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, cast
from urllib.parse import urlsplit

from lazur.errors import Invalid
from lazur.spec.names import check_name
from lazur.spec.suggestions import did_you_mean

ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
)
"""Signatures that only the provider can make. HS256 and its like are not among them: with those
the client's secret signs, so whoever knows it may be anybody."""
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True)
class Provider:
    name: str
    """Part of addresses: `entra`, `google`."""
    issuer: str
    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    """None: a public client, which PKCE alone protects."""
    title: str = ""
    """On the button."""
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    algorithms: tuple[str, ...] = ("RS256",)
    """Of ID tokens. Whatever a token says of itself, it is one of these."""
    name_claim: str = "name"
    login_claim: str = "preferred_username"
    email_claim: str = "email"
    groups_claim: str = "groups"
    trust_email: bool = False
    """The provider gives no `email_verified`, and lets nobody write an address of their own."""
    audiences: tuple[str, ...] = ()
    """Others that may stand in a token beside `client_id`."""
    required: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """Claims that must have one of these values: `hd: [example.com]` keeps all other customers of
    a provider out."""


def read(written: Mapping[str, Any]) -> Provider:
    """Raises Invalid, saying which field and why."""
    known = {f.name for f in fields(Provider)}
    for name in written:
        if name not in known:
            raise Invalid(f"A provider has no setting {name!r}.", hint=did_you_mean(name, known))
    texts = {name: _text(written, name) for name in ("name", "issuer", "client_id")}
    try:
        check_name(texts["name"])
    except ValueError as error:
        raise Invalid(f"name: {error}.") from None
    _check_issuer(texts["issuer"])
    return Provider(
        **texts,
        client_secret=_text(written, "client_secret", None),
        title=_text(written, "title", "") or texts["name"].capitalize(),
        scopes=_scopes(_texts(written, "scopes", ("openid", "profile", "email"))),
        algorithms=_algorithms(_texts(written, "algorithms", ("RS256",))),
        **{
            name: _text(written, name, default)
            for name, default in (
                ("name_claim", "name"),
                ("login_claim", "preferred_username"),
                ("email_claim", "email"),
                ("groups_claim", "groups"),
            )
        },
        trust_email=_flag(written, "trust_email"),
        audiences=_texts(written, "audiences", ()),
        required=_required(written.get("required", {})),
    )


def is_safe(url: str, issuer: str) -> bool:
    """https; on this machine http too, where the issuer itself is there."""
    try:
        parts, home = urlsplit(url), urlsplit(issuer)
        _ = parts.port, home.port
    except ValueError:
        return False
    if not parts.hostname or parts.username or parts.password or not url.isascii():
        return False
    if not url.isprintable() or "\\" in url or " " in url or parts.fragment:
        return False
    local = parts.hostname in _LOOPBACK and home.hostname in _LOOPBACK
    return parts.scheme == "https" or (parts.scheme == "http" and local)


def _check_issuer(issuer: str) -> None:
    if not is_safe(issuer, issuer) or "?" in issuer:
        raise Invalid(
            f"issuer: {issuer!r} is not the address of a provider.",
            hint="Write the `issuer` of its /.well-known/openid-configuration, with https.",
        )
    parts = urlsplit(issuer)
    if parts.hostname == "login.microsoftonline.com" and f"{parts.path}/".split("/")[1] in {
        "common",
        "organizations",
        "consumers",
    }:
        raise Invalid(
            f"issuer: {issuer!r} stands for every customer of that provider.",
            hint="Write your tenant's id in its place: https://login.microsoftonline.com/ID/v2.0",
        )


def _scopes(scopes: tuple[str, ...]) -> tuple[str, ...]:
    return scopes if "openid" in scopes else ("openid", *scopes)


def _algorithms(wanted: tuple[str, ...]) -> tuple[str, ...]:
    for name in wanted:
        if name not in ALGORITHMS:
            raise Invalid(
                f"algorithms: {name!r} is not one that only the provider can sign with.",
                hint=f"There are: {', '.join(ALGORITHMS)}.",
            )
    if not wanted:
        raise Invalid("algorithms: name at least one.", hint="Most providers sign with RS256.")
    return wanted


def _required(value: Any) -> dict[str, tuple[str, ...]]:
    if not isinstance(value, Mapping):
        raise Invalid("required: must be a mapping of claims to lists of values.")
    given = cast("Mapping[str, Any]", value)
    return {claim: _texts(given, claim, ()) for claim in given}


def _text(written: Mapping[str, Any], name: str, *default: Any) -> Any:
    value = written.get(name)
    if value is None and default:
        return default[0]
    if not isinstance(value, str) or not value.strip() or len(value) > 4096:
        raise Invalid(f"{name}: must be a text.")
    return value


def _texts(written: Mapping[str, Any], name: str, default: tuple[str, ...]) -> tuple[str, ...]:
    value = written.get(name, default)
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list | tuple):
        raise Invalid(f"{name}: must be a list of texts.")
    given = cast("list[Any]", value)
    return tuple(_text({name: part}, name) for part in given)


def _flag(written: Mapping[str, Any], name: str) -> bool:
    value = written.get(name, False)
    if not isinstance(value, bool):
        raise Invalid(f"{name}: must be true or false.")
    return value
