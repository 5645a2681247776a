"""Cookies and origins: what a browser sends along without being asked, and what may be believed of
it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Headers = Sequence[tuple[bytes, bytes]]
SAFE = frozenset({"GET", "HEAD"})
APPS = ("/mlflow/", "/tensorboard/")
"""Below these lie web apps of others."""
_SESSION, _ATTEMPT = "lazur-session", "lazur-sign-in"


def session_cookie(scope: Mapping[str, Any], secret: str, max_age: int) -> str:
    """Value of the `Set-Cookie` header that begins a session in the browser that sent this
    request."""
    return _cookie(scope, _SESSION, secret, max_age)


def ended_cookie(scope: Mapping[str, Any]) -> str:
    return session_cookie(scope, "", 0)


def attempt_cookie(scope: Mapping[str, Any], secret: str, max_age: int) -> str:
    """Of a sign-in that this browser has begun at a provider, and no other can end."""
    return _cookie(scope, _ATTEMPT, secret, max_age)


def attempt_secret(scope: Mapping[str, Any]) -> str | None:
    return _secret(scope, _ATTEMPT)


def cookie_name(scope: Mapping[str, Any], kind: str = _SESSION) -> str:
    """Browsers share cookies between the ports of a host, so two servers on one machine need two
    names."""
    host = scope["lazur.host"]
    port = host.rpartition(":")[2]
    name = f"{kind}-{port}" if port.isdigit() and not host.endswith("]") else kind
    return f"__Host-{name}" if own_origin(scope).startswith("https:") else name


def session_secret(scope: Mapping[str, Any]) -> str | None:
    return _secret(scope, _SESSION)


def _cookie(scope: Mapping[str, Any], kind: str, secret: str, max_age: int) -> str:
    name = cookie_name(scope, kind)
    secure = "; Secure" if name.startswith("__Host-") else ""
    return f"{name}={secret}; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Lax{secure}"


def _secret(scope: Mapping[str, Any], kind: str) -> str | None:
    wanted = cookie_name(scope, kind).encode()
    for name, value in scope["headers"]:
        if name == b"cookie":
            for pair in value.split(b";"):
                key, _, secret = pair.strip().partition(b"=")
                if key == wanted and secret:
                    return secret.decode("latin-1")
    return None


def bearer_secret(headers: Headers) -> str | None:
    """Raises nothing: two Authorization headers, or another scheme, are no token."""
    given = [value for name, value in headers if name == b"authorization"]
    if len(given) != 1:
        return None
    scheme, _, secret = given[0].partition(b" ")
    return (
        secret.strip().decode("latin-1")
        if scheme.lower() == b"bearer" and secret.strip()
        else None
    )


def own_origin(scope: Mapping[str, Any]) -> str:
    """The origin under which the browser sees us: the proxy's, when one is configured for this
    host."""
    host = scope["lazur.host"]
    if f"https://{host}" in scope["lazur.origins"]:
        return f"https://{host}"
    return f"{'https' if scope.get('scheme') in {'https', 'wss'} else 'http'}://{host}"


def foreign_origin(scope: Mapping[str, Any]) -> str | None:
    """Whose page sent this request, when it is not one of ours. Equality only; `null` is nobody of
    ours."""
    origin: bytes | None = None
    site: bytes = b""
    mode: bytes = b""
    for name, value in scope["headers"]:
        if name == b"origin":
            origin = value if origin is None else b"several"
        elif name == b"sec-fetch-site":
            site = value
        elif name == b"sec-fetch-mode":
            mode = value
    if origin is not None:
        text = origin.decode("latin-1")
        return None if text == own_origin(scope) or text in scope["lazur.origins"] else text
    if site in {b"cross-site", b"same-site"} and not (
        mode == b"navigate" and scope.get("method") in SAFE
    ):
        return site.decode()
    return None


def may_change(headers: Headers, path: str) -> bool:
    """A change with a cookie: the origin was compared already, so it only has to be there, with a
    header that no form can send and no foreign script may. Scripts of the apps behind us do not
    know that header: there the browser's word for it that the page is ours stands in, where the
    browser gives one."""
    if not has(headers, b"origin"):
        return False
    if path.startswith(APPS):
        sites = [value for name, value in headers if name == b"sec-fetch-site"]
        return sites in ([], [b"same-origin"])
    return has(headers, b"x-lazur-csrf")


def has(headers: Headers, wanted: bytes) -> bool:
    return any(name == wanted for name, _ in headers)
