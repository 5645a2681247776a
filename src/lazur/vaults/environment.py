"""Root keys in the variable `LAZUR_ROOT_KEY`: 32 bytes in base64, or several with commas between.

The first wraps; the others open what they wrapped before. Settings: `variable`, another name.
"""

from __future__ import annotations

import os
from typing import Any

from lazur.engine.contracts import Vault, Wrapped
from lazur.errors import BackendError
from lazur.vaults import _ring

VARIABLE = "LAZUR_ROOT_KEY"


class Environment(Vault):
    def __init__(self, settings: dict[str, Any]) -> None:
        super().__init__(settings)
        variable = str(settings.get("variable") or VARIABLE)
        texts = [text for text in os.environ.get(variable, "").split(",") if text.strip()]
        if not texts:
            raise BackendError(
                f"There is no root key in {variable}.",
                hint=f"Set {variable} to what `openssl rand -base64 32` prints, and keep a copy.",
            )
        keys = [_ring.read_key(text, variable) for text in texts]
        self._keys = {_ring.id_of(key, "environment"): key for key in keys}

    def key_id(self) -> str:
        return next(iter(self._keys))

    def wrap(self, data: bytes) -> Wrapped:
        return _ring.wrap(self.key_id(), self._keys[self.key_id()], data)

    def unwrap(self, wrapped: Wrapped) -> bytes:
        return _ring.unwrap(self._keys, wrapped)

    def knows(self, key_id: str) -> bool:
        return key_id in self._keys
