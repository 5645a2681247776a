"""What is asked of a provider, and how its answers are read."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Protocol, cast
from urllib.parse import quote_plus, urlencode, urlsplit

from lazur.errors import BackendError, Invalid, LazurError, Unauthenticated
from lazur.services.people.oidc.settings import Provider
from lazur.spec import json


class Answer(Protocol):
    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def body(self) -> bytes: ...


class Fetch(Protocol):
    """`lazur.outbound.Client.fetch`: checks where it connects to, bounds time and size, raises
    BackendError when nobody answers, and Forbidden where the rule for addresses says no."""

    def __call__(
        self,
        url: str,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer: ...


class Refusal(Unauthenticated):
    """The provider's own `error`, as OAuth writes it (RFC 6749 §5.2)."""

    def __init__(self, error: str, description: str, **details: Any) -> None:
        said = f": {description}" if description else ""
        super().__init__(f"The provider refused to sign you in ({error}{said}).", **details)
        self.error = error


def get_json(fetch: Fetch, url: str, token: str | None = None) -> dict[str, Any]:
    headers = {"Accept": "application/json"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    answer = fetch(url, headers=headers)
    if answer.status != 200:
        raise BackendError(
            f"{_shown(url)} answered {answer.status}.",
            hint="Is the issuer right? Its /.well-known/openid-configuration must be there.",
        )
    return _object(url, answer)


def post_form(
    fetch: Fetch, provider: Provider, url: str, form: Mapping[str, str], methods: tuple[str, ...]
) -> dict[str, Any]:
    """As this client, which proves itself in the way that the provider takes. Raises Refusal."""
    headers = {
        "Accept": "application/json",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    sent = {**form, "client_id": provider.client_id}
    if provider.client_secret is not None:
        if "client_secret_basic" in methods or "client_secret_post" not in methods:
            headers["Authorization"] = _basic(provider.client_id, provider.client_secret)
            del sent["client_id"]
        else:
            sent["client_secret"] = provider.client_secret
    answer = fetch(url, method="POST", headers=headers, body=urlencode(sent).encode())
    if 400 <= answer.status < 500:
        raise _refusal(url, answer)
    if answer.status != 200:
        raise BackendError(f"{_shown(url)} answered {answer.status}.")
    return _object(url, answer)


def refusal(given: Mapping[str, Any]) -> Refusal:
    """What a provider says beside `error` is shown, as far as it is plain text."""
    return Refusal(
        _plain(given.get("error"), 60) or "error", _plain(given.get("error_description"))
    )


def text(given: Mapping[str, Any], field: str, longest: int = 16 << 10) -> str:
    value = given.get(field)
    if not isinstance(value, str) or not value or len(value) > longest:
        raise BackendError(f"The provider's answer has no {field}.")
    return value


def _refusal(url: str, answer: Answer) -> LazurError:
    try:
        given = _object(url, answer)
    except BackendError:
        return BackendError(f"{_shown(url)} answered {answer.status}.")
    return refusal(given)


def _object(url: str, answer: Answer) -> dict[str, Any]:
    try:
        value = json.decode(answer.body)
    except Invalid as error:
        raise BackendError(f"{_shown(url)} did not answer with JSON: {error.message}") from None
    if not isinstance(value, dict):
        raise BackendError(f"{_shown(url)} did not answer with an object.")
    return cast("dict[str, Any]", value)


def _basic(client_id: str, secret: str) -> str:
    """Each is form-encoded first (RFC 6749 §2.3.1): a colon in an id would end it."""
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def _plain(value: Any, longest: int = 300) -> str:
    if not isinstance(value, str):
        return ""
    return "".join(c if c.isprintable() else " " for c in value[:longest]).strip()


def _shown(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"
