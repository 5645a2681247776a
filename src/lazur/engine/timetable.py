"""When something falls due: a rule of days and times, a zone, a start and an end. Pure.

Moments are seconds since the epoch, whole ones. All that falls on one day is looked at together,
so that clocks that are put forward or back in between put nothing out of order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

from lazur.engine import zones
from lazur.engine.cron import Cron
from lazur.engine.recurrence import SECONDS, Recurrence

_HORIZON = timedelta(days=366 * 30)
"""What does not come within a lifetime of servers does not come."""
_DAY = timedelta(days=1)
_EDGE = 2 * 86400.0
"""No zone has ever put its clocks by more than a day."""


@dataclass(frozen=True)
class Timetable:
    rule: Cron | Recurrence
    place: ZoneInfo
    start: float
    """Nothing falls due before. Recurrences are counted from here."""
    end: float | None = None

    def after(self, moment: float) -> Iterator[float]:
        """All that fall due later than `moment`, in order."""
        found = self._passing(moment) if self._passes else self._calendar(moment)
        later = (tick for tick in found if tick > moment and tick >= self.start)
        return takewhile(lambda tick: self.end is None or tick <= self.end, later)

    def next(self, moment: float) -> float | None:
        return next(self.after(moment), None)

    def next_ticks(self, moment: float, count: int) -> list[float]:
        return list(islice(self.after(moment), count))

    def between(self, first: float, last: float) -> list[float]:
        """Later than `first`, and not later than `last`."""
        return list(takewhile(lambda tick: tick <= last, self.after(first)))

    @property
    def _passes(self) -> bool:
        return isinstance(self.rule, Recurrence) and self.rule.frequency in SECONDS

    def _passing(self, moment: float) -> Iterator[float]:
        assert isinstance(self.rule, Recurrence)
        step = SECONDS[self.rule.frequency] * self.rule.interval
        tick = self.start + max(0, int((moment - self.start) // step)) * step
        while True:
            yield tick
            tick += step

    def _calendar(self, moment: float) -> Iterator[float]:
        begin = max(moment, self.start)
        day = zones.on_the_wall(begin, self.place).date() - _DAY
        last, waiting = day + _HORIZON, set[float]()
        while day < last:
            waiting |= self._on(day)
            day += _DAY
            safe = self._midnight(day) - _EDGE / 2 if waiting else 0.0
            ready = sorted(tick for tick in waiting if tick < safe)
            waiting.difference_update(ready)
            yield from ready
        yield from sorted(waiting)

    def _on(self, day: date) -> set[float]:
        if not self.rule.falls_on(day):
            return set()
        all_day = isinstance(self.rule, Cron) and self.rule.all_day
        walls = (datetime.combine(day, at) for at in self.rule.times)
        return {
            moment for wall in walls for moment in zones.moments(wall, self.place, all_day=all_day)
        }

    def _midnight(self, day: date) -> float:
        return datetime.combine(day, time()).replace(tzinfo=self.place).timestamp()
