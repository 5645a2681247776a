"""Time zones: what a clock on the wall shows, and which moments that means.

When clocks go forward an hour is missing, and when they go back one comes twice. A time that is
asked for by the day (`at 02:30`) happens once on each: in the missing hour at its end, in the
hour that comes twice the first time. What is asked for all day long (`every 15 minutes`) goes on
as time itself does: nothing for the hour that is missing, twice in the one that comes twice.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache, lru_cache
from zoneinfo import ZoneInfo, available_timezones

from lazur.engine.windows_zones import WINDOWS
from lazur.errors import Invalid
from lazur.spec.suggestions import did_you_mean

_BY_FOLDED = {name.lower(): iana for name, iana in WINDOWS.items()}


@cache
def zone(name: str) -> ZoneInfo:
    """By Windows' name for it, as Azure has them, or by that of the IANA database."""
    iana = _BY_FOLDED.get(name.strip().lower()) or _iana(name.strip())
    if iana is None:
        known = sorted(available_timezones())
        near = next((zone for zone in known if zone.lower().endswith(f"/{name.lower()}")), None)
        hint = f"Did you mean {near!r}?" if near else did_you_mean(name, [*WINDOWS, *known])
        raise Invalid(
            f"there is no time zone {name[:80]!r}",
            hint=hint or "Write it as Windows does (Pacific Standard Time) or Europe/Berlin.",
        )
    return ZoneInfo(iana)


def moments(wall: datetime, place: ZoneInfo, *, all_day: bool = False) -> list[float]:
    """When a clock in the zone shows `wall`, which has no zone of its own."""
    first, second = (wall.replace(tzinfo=place, fold=fold).timestamp() for fold in (0, 1))
    if first == second:
        return [first]
    if _shown(first, place) == wall:
        return [first, second] if all_day else [first]
    return [] if all_day else [_end_of_gap(second, first, place)]


def on_the_wall(moment: float, place: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(moment, place)


def utc(moment: float) -> datetime:
    return datetime.fromtimestamp(moment, UTC)


def _shown(moment: float, place: ZoneInfo) -> datetime:
    return on_the_wall(moment, place).replace(tzinfo=None, fold=0)


def _end_of_gap(early: float, late: float, place: ZoneInfo) -> float:
    """The moment at which the clocks were put forward, which lies between these two."""
    before = on_the_wall(early, place).utcoffset()
    low, high = round(early), round(late)
    while low < high:
        middle = (low + high) // 2
        if on_the_wall(middle, place).utcoffset() == before:
            low = middle + 1
        else:
            high = middle
    return float(low)


@lru_cache(maxsize=1000)
def _iana(name: str) -> str | None:
    folded = name.lower()
    return next((known for known in available_timezones() if known.lower() == folded), None)
