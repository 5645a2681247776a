"""Quotas: how much a workspace, a person, or a person in a workspace may hold at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lazur.sdk.scope import Scope
from lazur.sdk.views import Quota


class Quotas:
    """Of the client's workspace, or with `everywhere` of the whole server. `user` is a name, or
    `*` for each person; without one it is of all together."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def list(self, *, everywhere: bool = False) -> Iterator[Quota]:
        """Those that hold in the workspace, those of the server too; or all there are."""
        for item in self._scope.http.request("GET", self._path(everywhere)).json()["value"]:
            yield Quota(item)

    def set(
        self, limits: Mapping[str, Any], *, user: str | None = None, everywhere: bool = False
    ) -> list[Quota]:
        """`{"running-jobs": 4, "bytes": "50GB"}`. Answers all that hold there then."""
        body = {"limits": dict(limits), **({"user": user} if user is not None else {})}
        answer = self._scope.http.request("PUT", self._path(everywhere), json=body)
        return [Quota(item) for item in answer.json()["value"]]

    def delete(
        self, names: Iterable[str], *, user: str | None = None, everywhere: bool = False
    ) -> None:
        self.set(dict.fromkeys(names), user=user, everywhere=everywhere)

    def _path(self, everywhere: bool) -> str:
        return "/api/v1/quotas" if everywhere else self._scope.path("quotas")
