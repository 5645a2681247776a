"""Envelope encryption of secrets: a key for each, which a vault's root key wraps (S47, S51).

A sealed secret is text, `lz1.<key id>.<wrapped data key>.<nonce and AES-256-GCM of the value>`,
its parts in base64 for URLs. It is bound to its place: moved to another workspace, name or version
it does not open. Rotation changes the middle parts only, one secret at a time, in any order, again
after a crash: a secret is wrapped by the one key or by the other, and both open meanwhile.
"""

from __future__ import annotations

import base64
import importlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

from lazur.engine.contracts import Vault, Wrapped
from lazur.engine.secret import Secret
from lazur.errors import BackendError, LazurError, MissingExtra

FORMAT = "lz1"
_NONCE = 12
_KEY = 32


@dataclass(frozen=True)
class Place:
    """Where a secret belongs. `version` changes with its value, so that an old value put back in
    the place of a new one does not open."""

    workspace: str
    name: str
    version: str

    def to_bytes(self) -> bytes:
        return json.dumps(["lazur", FORMAT, self.workspace, self.name, self.version]).encode()


@dataclass(frozen=True)
class Keyring:
    """The vault that wraps, and those that wrapped before it."""

    current: Vault
    former: tuple[Vault, ...] = field(default=())

    def unwrap(self, wrapped: Wrapped) -> bytes:
        for vault in (self.current, *self.former):
            if vault.knows(wrapped.key_id):
                return vault.unwrap(wrapped)
        raise BackendError(
            f"The root key {wrapped.key_id} is not here, and a secret was wrapped by it.",
            hint="Give the server that key again, beside the current one, until rotation is over.",
        )


def seal(secret: Secret, place: Place, keyring: Keyring) -> str:
    """May block, as vaults do."""
    key, nonce = os.urandom(_KEY), os.urandom(_NONCE)
    wrapped = keyring.current.wrap(key)
    text = aead(key).encrypt(nonce, secret.reveal().encode(), place.to_bytes())
    return _written(wrapped, nonce + text)


def unseal(sealed: str, place: Place, keyring: Keyring) -> Secret:
    """May block. Raises LazurError for what was altered or belongs to another place."""
    found = _read(sealed)
    key = keyring.unwrap(found.wrapped)
    return Secret(opened(key, found.box, place.to_bytes(), f"The secret {place.name}").decode())


def rewrap(sealed: str, keyring: Keyring) -> str | None:
    """The same secret under the current root key; None when it is already. May block. The value
    stays as it is: only its data key is unwrapped and wrapped again."""
    found = _read(sealed)
    if found.wrapped.key_id == keyring.current.key_id():
        return None
    return _written(keyring.current.wrap(keyring.unwrap(found.wrapped)), found.box)


def key_id(sealed: str) -> str:
    """Of the root key that a sealed secret needs, for a column that finds what to rotate."""
    return _read(sealed).wrapped.key_id


def key_ids(sealed: Iterable[str]) -> set[str]:
    return {key_id(text) for text in sealed}


def boxed(key: bytes, data: bytes, bound: bytes) -> bytes:
    """Nonce and AES-GCM of `data`: for vaults that hold their root key themselves."""
    nonce = os.urandom(_NONCE)
    return nonce + aead(key).encrypt(nonce, data, bound)


def opened(key: bytes, box: bytes, bound: bytes, what: str) -> bytes:
    invalid: type[Exception] = _cryptography("cryptography.exceptions").InvalidTag
    try:
        return aead(key).decrypt(box[:_NONCE], box[_NONCE:], bound)
    except (invalid, ValueError) as error:
        raise LazurError(
            f"{what} does not open: it was altered, or it belongs to another place.",
            hint="Set it anew. If nobody moved rows by hand, look at the audit log.",
        ) from error


def aead(key: bytes) -> Any:
    return _cryptography("cryptography.hazmat.primitives.ciphers.aead").AESGCM(key)


class _Sealed(NamedTuple):
    wrapped: Wrapped
    box: bytes


def _written(wrapped: Wrapped, box: bytes) -> str:
    return ".".join((FORMAT, *map(_text, (wrapped.key_id.encode(), wrapped.data, box))))


def _read(sealed: str) -> _Sealed:
    parts = sealed.split(".")
    if parts[0] != FORMAT or len(parts) != 4:
        raise LazurError(
            "A secret is stored in a form that this version does not know.",
            hint="A newer version of Lazur has written it: run that one.",
        )
    try:
        name, data, box = map(_bytes, parts[1:])
        return _Sealed(Wrapped(name.decode(), data), box)
    except ValueError as error:
        raise LazurError("A stored secret cannot be read: it was altered.") from error


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    """Only what `_text` writes: one secret has one spelling."""
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if _text(data) != text:
        raise ValueError(text)
    return data


@cache
def _cryptography(name: str) -> Any:
    """It takes long to import, and most servers never hold a secret."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise MissingExtra("cryptography is needed to keep secrets.", extra="server") from error
