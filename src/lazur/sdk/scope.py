"""Where an operation happens: a workspace of a server. Paths and pages are the same for every
noun."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lazur.sdk.http import Http


@dataclass(frozen=True)
class Scope:
    http: Http
    workspace: str
    home: Path

    def path(self, *parts: str) -> str:
        return "/".join(
            [
                "/api/v1/workspaces",
                quote(self.workspace, safe=""),
                *(quote(p, safe="") for p in parts),
            ]
        )

    def file(self, *parts: str, path: str) -> str:
        """As `path`, with a file's own path behind it, whose slashes stay."""
        return f"{self.path(*parts)}/{quote(path)}"

    def pages(
        self, path: str, query: Mapping[str, Any], limit: int | None = None
    ) -> Iterator[dict[str, Any]]:
        return pages(self.http, path, query, limit)


def pages(
    http: Http, path: str, query: Mapping[str, Any] | None = None, limit: int | None = None
) -> Iterator[dict[str, Any]]:
    """All items of a list, page after page as they are asked for; at most `limit`."""
    asked: dict[str, Any] = {"limit": min(limit, 100) if limit else 100, **(query or {})}
    given = 0
    while True:
        page = http.request("GET", path, query=asked).json()
        for item in page["value"]:
            yield item
            given += 1
            if given == limit:
                return
        if not page.get("next"):
            return
        asked["cursor"] = page["next"]
