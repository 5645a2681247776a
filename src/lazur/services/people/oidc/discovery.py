"""Where a provider is asked for what (OpenID Connect Discovery 1.0)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from lazur.errors import BackendError
from lazur.services.people.oidc.settings import Provider, is_safe
from lazur.services.people.oidc.wire import Fetch, get_json


@dataclass(frozen=True)
class Endpoints:
    authorization: str
    token: str
    keys: str
    userinfo: str | None
    device: str | None
    end_session: str | None
    token_methods: tuple[str, ...]
    """How clients may prove themselves there."""
    names_itself: bool
    """It puts its `iss` beside each code (RFC 9207)."""


def discover(provider: Provider, fetch: Fetch) -> Endpoints:
    url = provider.issuer.rstrip("/") + "/.well-known/openid-configuration"
    return read(provider, get_json(fetch, url))


def read(provider: Provider, document: Mapping[str, Any]) -> Endpoints:
    """Raises BackendError for a document of somebody else, or that leads elsewhere than https."""
    if document.get("issuer") != provider.issuer:
        raise BackendError(
            f"{provider.issuer} says that it is {document.get('issuer')!r}.",
            hint="Write the issuer as the provider does, to the last slash.",
        )
    _check_algorithms(provider, _texts(document, "id_token_signing_alg_values_supported"))
    return Endpoints(
        authorization=_needed(provider, document, "authorization_endpoint"),
        token=_needed(provider, document, "token_endpoint"),
        keys=_needed(provider, document, "jwks_uri"),
        userinfo=_url(provider, document, "userinfo_endpoint"),
        device=_url(provider, document, "device_authorization_endpoint"),
        end_session=_url(provider, document, "end_session_endpoint"),
        token_methods=_texts(document, "token_endpoint_auth_methods_supported"),
        names_itself=document.get("authorization_response_iss_parameter_supported") is True,
    )


def _check_algorithms(provider: Provider, offered: tuple[str, ...]) -> None:
    if offered and not set(offered) & set(provider.algorithms):
        raise BackendError(
            f"{provider.issuer} signs with {', '.join(offered)}, and only "
            f"{', '.join(provider.algorithms)} is accepted here.",
            hint="Set the provider's `algorithms` to what it signs your client's tokens with.",
        )


def _needed(provider: Provider, document: Mapping[str, Any], field: str) -> str:
    if (url := _url(provider, document, field)) is None:
        raise BackendError(f"{provider.issuer} names no {field}.")
    return url


def _url(provider: Provider, document: Mapping[str, Any], field: str) -> str | None:
    value = document.get(field)
    if value is None:
        return None
    if not isinstance(value, str) or not is_safe(value, provider.issuer):
        raise BackendError(f"{provider.issuer} names a {field} that is not an https address.")
    return value


def _texts(document: Mapping[str, Any], field: str) -> tuple[str, ...]:
    value = document.get(field)
    if not isinstance(value, list):
        return ()
    return tuple(part for part in cast("list[Any]", value) if isinstance(part, str))
