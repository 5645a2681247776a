"""Secrets of 256 random bits, and how they are kept and compared."""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable

Random = Callable[[int], bytes]
"""`secrets.token_bytes`."""
_ENCODED = re.compile(r"[A-Za-z0-9_-]*")


def fresh(random: Random) -> str:
    """43 characters that may stand in a URL."""
    return encoded(random(32))


def digest(code: str) -> str:
    """What is kept of one. Random bits cannot be guessed, so this need not be slow."""
    return hashlib.sha256(_bytes(code)).hexdigest()


def challenge(verifier: str) -> str:
    """S256 (RFC 7636)."""
    return encoded(hashlib.sha256(_bytes(verifier)).digest())


def same(given: str, wanted: str) -> bool:
    """In constant time."""
    return hmac.compare_digest(_bytes(given), _bytes(wanted))


def encoded(data: bytes) -> str:
    """base64url without padding."""
    return urlsafe_b64encode(data).decode().rstrip("=")


def decoded(text: str) -> bytes:
    """Raises ValueError. The lenient decoder would skip what does not belong there."""
    if not _ENCODED.fullmatch(text):
        raise ValueError("this is not base64url")
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _bytes(text: str) -> bytes:
    """Of any text that a wire may bring; half a character is just another wrong code."""
    return text.encode("utf-8", "surrogatepass")
