"""Security headers of every answer, and the version that clients are told. Pages may load their
own scripts and styles; everything else may do nothing."""

from __future__ import annotations

from collections.abc import Iterable

import lazur
from lazur.errors import LazurError, Unavailable

PAGE_CSP = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    b"font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; "
    b"frame-ancestors 'none'"
)
INERT_CSP = (
    b"sandbox; default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_ALWAYS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (b"lazur-version", lazur.__version__.encode()),
]
_NO_STORE = (b"cache-control", b"no-store")
_ATTACHMENT = (b"content-disposition", b"attachment")
_FOR_PAGES = [*_ALWAYS, (b"content-security-policy", PAGE_CSP)]
_FOR_DATA = [*_ALWAYS, (b"content-security-policy", INERT_CSP)]
_OURS = frozenset(name for name, _ in _FOR_DATA)
_SHOWN = (b"application/json", b"text/plain", b"text/event-stream", b"image/png", b"image/jpeg")
"""Media types that a browser shows without running anything; the rest is saved."""
_PAGES = frozenset({"/", "/sign-in", "/sign-in/cli", "/sign-in/device", "/sign-in/password"})


def is_page(path: str) -> bool:
    """Of our own. What lies below a TensorBoard's page is its own."""
    board = path.startswith("/tensorboard/") and path.count("/") == 3
    return path in _PAGES or path.startswith(("/jobs/", "/static/")) or board


def is_visited(path: str) -> bool:
    """Where a browser is led to the sign-in page: pages of ours and of the apps behind us."""
    return is_page(path) or path.startswith(("/mlflow/", "/tensorboard/")) or path == "/mlflow"


def secured(
    path: str, given: Iterable[tuple[bytes, bytes]], csp: bytes | None = None
) -> list[tuple[bytes, bytes]]:
    """The answer's own headers with ours; an answer cannot weaken them, only its caching is its
    own matter. `csp` is for pages of the apps behind us: what their own scripts need."""
    page = csp is not None or is_page(path)
    headers = [pair for pair in given if pair[0] not in _OURS]
    names = dict(headers)
    if csp is not None:
        headers += [*_ALWAYS, (b"content-security-policy", csp)]
    else:
        headers += _FOR_PAGES if page else _FOR_DATA
    if b"cache-control" not in names:
        headers.append(_NO_STORE)
    if not page and b"content-disposition" not in names:
        kind = names.get(b"content-type")
        if kind is not None and not kind.startswith(_SHOWN):
            headers.append(_ATTACHMENT)
    return headers


def retry_after(error: LazurError) -> list[tuple[bytes, bytes]]:
    """When to ask again, where the error passes by itself."""
    if not isinstance(error, Unavailable):
        return []
    return [(b"retry-after", b"%d" % max(1, round(error.retry_after)))]
