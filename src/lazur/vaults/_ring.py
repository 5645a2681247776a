"""Root keys that this process holds itself: the first wraps, all of them unwrap."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os

from lazur.engine.contracts import Wrapped
from lazur.errors import BackendError
from lazur.sealing import boxed, opened

SIZE = 32


def new_key() -> str:
    return text_of(os.urandom(SIZE))


def text_of(key: bytes) -> str:
    return base64.b64encode(key).decode()


def read_key(text: str, where: str) -> bytes:
    """32 bytes in base64 or hex; the message names the place and not the key."""
    text = text.strip()
    try:
        key = (
            bytes.fromhex(text) if len(text) == 2 * SIZE else base64.b64decode(text, validate=True)
        )
    except (ValueError, binascii.Error):
        key = b""
    if len(key) != SIZE:
        raise BackendError(
            f"{where} is not a root key: {SIZE} random bytes in base64 are.",
            hint="`openssl rand -base64 32` makes one. Keep the old one: it wrapped secrets.",
        )
    return key


def id_of(key: bytes, room: str) -> str:
    """Tells keys apart, and nothing about them."""
    return f"{room}:{hashlib.sha256(b'lazur root key' + key).hexdigest()[:16]}"


def wrap(key_id: str, key: bytes, data: bytes) -> Wrapped:
    return Wrapped(key_id, boxed(key, data, key_id.encode()))


def unwrap(keys: dict[str, bytes], wrapped: Wrapped) -> bytes:
    key = keys.get(wrapped.key_id)
    if key is None:
        raise BackendError(
            f"The root key {wrapped.key_id} is gone.",
            hint="Put it back from a backup: what it wrapped cannot be read without it.",
        )
    return opened(key, wrapped.data, wrapped.key_id.encode(), "A data key")
