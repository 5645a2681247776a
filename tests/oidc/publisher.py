"""A key set on somebody's server, as far as `fetch` shows it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lazur.errors import BackendError
from lazur.outbound import Answer
from tests.oidc.forging import NOW


@dataclass
class Publisher:
    keys: list[dict[str, Any]]
    now: float = NOW
    is_away: bool = False
    asked: list[str] = field(default_factory=list[str])

    def __call__(
        self,
        url: str,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        self.asked.append(url)
        if self.is_away:
            raise BackendError(f"{url} is away")
        return Answer(200, {}, json.dumps({"keys": self.keys}).encode())

    def clock(self) -> float:
        return self.now
