"""Page tokens as upstream makes them: where the next page begins."""

from __future__ import annotations

import base64
import binascii
import json
import re

from lazur.server.mlflow.call import Punt

_LAST = 1 << 62
_WRITTEN = re.compile(rb'\{"offset": ([1-9][0-9]{0,17})\}')


def make(offset: int) -> str:
    return base64.b64encode(json.dumps({"offset": offset}).encode()).decode()


def read(token: str) -> int:
    """Only as they are made."""
    if not token:
        return 0
    try:
        found = _WRITTEN.fullmatch(base64.b64decode(token, validate=True))
    except (binascii.Error, ValueError):
        raise Punt from None
    if found is None:
        raise Punt
    return min(int(found[1]), _LAST)
