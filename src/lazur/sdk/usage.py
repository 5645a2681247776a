"""What was used, and what it costs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from lazur.sdk.http import Http
from lazur.sdk.scope import Scope
from lazur.sdk.views import View

_PRICES = "/api/v1/prices"


class Usage:
    """Of the client's workspace, or with `everywhere` of all together: your own, and everybody's
    for owners."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def show(
        self,
        by: str = "person",
        *,
        since: str | None = None,
        until: str | None = None,
        person: str | None = None,
        everywhere: bool = False,
    ) -> View:
        """`value` has a line for each person, experiment, workspace, job or asset; `total` is all
        together. Without `since` it is of 30 days."""
        asked = {"by": by, "since": since, "until": until, "person": person}
        query = {key: value for key, value in asked.items() if value is not None}
        path = "/api/v1/usage" if everywhere else self._scope.path("usage")
        return View(self._scope.http.request("GET", path, query=query).json())

    @property
    def prices(self) -> Prices:
        return Prices(self._scope.http)


class Prices:
    """For one compute or for all, each valid from a moment on."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def list(self) -> Iterator[View]:
        for item in self._http.request("GET", _PRICES).json()["value"]:
            yield View(item)

    def set(self, **price: Any) -> None:
        """`currency`, `core_hour`, `gpu_hour`, `memory_hour` (by the GB), `storage_month` (by the
        GB), `compute`, `valid_from`. A rate that is not named is 0."""
        given = {key: value for key, value in price.items() if value is not None}
        self._http.request("PUT", _PRICES, json=given)

    def delete(self, price: str) -> None:
        """By its id."""
        self._http.request("DELETE", f"{_PRICES}/{quote(price, safe='')}")
