"""Upstream's web interface, in a browser that holds our session."""

from __future__ import annotations

CSP = (
    b"default-src 'none'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    b"img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; "
    b"worker-src 'self' blob:; frame-src 'self' blob:; media-src 'self' blob:; "
    b"manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Its own scripts only, and nothing from elsewhere. Its charts compile what they draw, and its
styles are made by its scripts."""

_OURS = b'<script src="/static/mlflow.js"></script>'


def is_page(path: str) -> bool:
    """Upstream's files, none of which a person wrote. Everything else is data: a browser shows it
    inert, or saves it."""
    return path == "/" or path.startswith("/static-files/")


def with_ours(page: bytes) -> bytes:
    """Upstream's one page, after a script of ours."""
    return page.replace(b"<head>", b"<head>" + _OURS, 1)
