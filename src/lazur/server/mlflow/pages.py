"""Upstream's web interface, in a browser that holds our session."""

from __future__ import annotations

from html import escape

from lazur.errors import LazurError
from lazur.server.asgi import Scope

CSP = (
    b"default-src 'none'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    b"img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; "
    b"worker-src 'self' blob:; frame-src 'self' blob:; media-src 'self' blob:; "
    b"manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Its own scripts only, and nothing from elsewhere. Its charts compile what they draw, and its
styles are made by its scripts."""

_TROUBLE = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>MLflow · Lazur</title>
  <link rel="icon" href="/static/favicon.svg" type="image/svg+xml">
  <link rel="stylesheet" href="/static/base.css">
</head>
<body class="centred">
  <main id="main" class="card">
    <h1>MLflow</h1>
    <p>{message}</p>
    <p class="note">{hint}</p>
    <p><a href="/">Jobs</a></p>
  </main>
</body>
</html>
"""
_OURS = b'<script src="/static/mlflow.js"></script>'


def is_page(path: str) -> bool:
    """Upstream's files, none of which a person wrote. Everything else is data: a browser shows it
    inert, or saves it."""
    return path == "/" or path.startswith("/static-files/")


def with_ours(page: bytes) -> bytes:
    """Upstream's one page, after a script of ours."""
    return page.replace(b"<head>", b"<head>" + _OURS, 1)


def is_opened(scope: Scope, path: str) -> bool:
    """By a person: upstream's one page, in a browser."""
    accept = next((value for name, value in scope["headers"] if name == b"accept"), b"")
    return path == "/" and scope["method"] == "GET" and b"text/html" in accept


def trouble(error: LazurError) -> bytes:
    """Why it cannot be shown."""
    return _TROUBLE.format(message=escape(error.message), hint=escape(error.hint or "")).encode()
