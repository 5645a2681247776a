"""What use costs: a table of prices, each valid from a moment on, for one compute or for all."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from lazur.errors import Conflict, Invalid, NotFound
from lazur.services.base import checks, events
from lazur.services.base.access import Resource
from lazur.services.base.events import Change
from lazur.services.base.site import Context
from lazur.services.base.times import iso, moment
from lazur.store import usage as store
from lazur.store.db import AnyRow, Taken

_WRITE = "authorization/prices/write"
RATES = ("core_hour", "gpu_hour", "memory_hour", "storage_month")
"""Memory by the GB and hour, stored content by the GB and month of 30 days."""
_FIELDS = frozenset({"compute", "valid_from", "currency", *RATES})


class Table:
    """The prices there are."""

    def __init__(self, rows: Sequence[AnyRow]) -> None:
        self._rows = rows

    @property
    def currency(self) -> str | None:
        return self._rows[0].currency if self._rows else None

    def changes(self, start: float, end: float) -> list[float]:
        """Where one price ends and another begins."""
        return sorted({row.valid_from for row in self._rows if start < row.valid_from < end})

    def rate(self, name: str, compute: str, at: float) -> float:
        """That of the compute, else that of all; 0 before the first."""
        for asked in (compute, ""):
            found = [r for r in self._rows if r.compute == asked and r.valid_from <= at]
            if found:
                return getattr(found[-1], name)
        return 0.0


def load(context: Context) -> Table:
    return Table(store.all_prices(context.db))


def find(context: Context) -> dict[str, Any]:
    context.require("me/usage/read", Resource())
    return {"value": [_view(row) for row in store.all_prices(context.db)]}


def put(context: Context, spec: Mapping[str, Any]) -> dict[str, Any]:
    """`{"currency", "core_hour", "gpu_hour", "memory_hour", "storage_month"}`, of all computes or
    of `compute`, from `valid_from` on (else from now on)."""
    context.require(_WRITE, Resource())
    if unknown := sorted(set(spec) - _FIELDS):
        known = ", ".join(sorted(_FIELDS))
        raise Invalid(f"A price has no {unknown[0]!r}.", hint=f"Known: {known}.")
    compute = spec.get("compute") or ""
    if compute:
        checks.name(compute)
    valid_from = _valid_from(context, spec.get("valid_from"))
    values: dict[str, Any] = {name: _rate(name, spec.get(name, 0)) for name in RATES}
    values["currency"] = _currency(context, spec.get("currency"))
    made = {"created_at": context.now(), "created_by": context.who.name}
    try:
        store.put_price(context.db, compute, valid_from, {**values, **made})
    except Taken:
        raise Conflict("Somebody has just set this price.", hint="Try again.") from None
    told = {**values, "valid_from": iso(valid_from)}
    events.record(context, None, "prices", compute or "all", "updated", Change(None, told))
    return find(context)


def delete(context: Context, number: str) -> None:
    context.require(_WRITE, Resource())
    known = number.isascii() and number.isdigit() and len(number) < 19
    rows = [row for row in store.all_prices(context.db) if known and row.id == int(number)]
    if not rows:
        raise NotFound(f"There is no price {number[:50]!r}.", hint="See: lazur usage prices list")
    store.drop_price(context.db, rows[0].id)
    change = Change(_view(rows[0]), None)
    events.record(context, None, "prices", rows[0].compute or "all", "deleted", change)


def _valid_from(context: Context, given: Any) -> float:
    if given is None:
        return context.now()
    try:
        return moment(str(given))
    except ValueError:
        raise Invalid(
            f"valid_from is {str(given)[:50]!r}.", hint="Write 2026-01-31 or 2026-01-31T12:00:00Z."
        ) from None


def _rate(name: str, given: Any) -> float:
    try:
        rate = float(given)
    except (TypeError, ValueError):
        rate = -1.0
    if isinstance(given, bool) or not math.isfinite(rate) or not 0 <= rate < 1e9:
        raise Invalid(f"{name} is {str(given)[:50]!r}, which is no price.")
    return rate


def _currency(context: Context, given: Any) -> str:
    """One for all, or sums would mean nothing."""
    there = load(context).currency
    wanted = given if given is not None else there
    if not isinstance(wanted, str) or not wanted.isalpha() or len(wanted) != 3:
        raise Invalid("currency is a code of three letters, such as EUR.")
    wanted = wanted.upper()
    if there is not None and there != wanted:
        raise Conflict(
            f"The prices there are, are in {there}.", hint="Delete them first, or keep to it."
        )
    return wanted


def _view(row: AnyRow) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "compute": row.compute or None,
        "valid_from": iso(row.valid_from),
        "currency": row.currency,
        **{name: getattr(row, name) for name in RATES},
        "creation_context": {
            "created_at": iso(row.created_at),
            "created_by": row.created_by,
            "created_by_type": "User",
        },
    }
