"""How often something may be tried: at most so many times in so many seconds, by several counts at
once.

Counts of growing length are growing waits: with five a minute, twenty an hour and sixty a day, who
goes on guessing waits for a minute, then an hour, then a day, and who mistyped once for nothing.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv4Address, ip_address, ip_network

Limits = tuple[tuple[int, float], ...]
"""(how many, in how many seconds), in any order."""
Tries = tuple[float, ...]
"""When it was tried, oldest first."""

PER_NAME: Limits = ((5, 60.0), (20, 3600.0), (60, 86400.0))
"""Passwords of one person. Sixty a day find nothing among those that may be chosen."""
PER_ADDRESS: Limits = ((20, 60.0), (200, 3600.0))
"""Passwords from one address, behind which a whole office may sit."""


def wait(limits: Limits, tries: Tries, now: float) -> float:
    """Seconds until one more is allowed; 0 when it is now."""
    due = [tries[-count] + seconds - now for count, seconds in limits if len(tries) >= count]
    return max(0.0, *due) if due else 0.0


def tried(limits: Limits, tries: Tries, now: float) -> Tries:
    """The tries to keep after one more."""
    most = max(count for count, _ in limits)
    longest = max(seconds for _, seconds in limits)
    return (*(at for at in tries if at > now - longest), now)[-most:]


def origin(address: str) -> str:
    """What counts as one address: who has one of IPv6 has 2⁶⁴ of them."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, IPv4Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ip_network((found, 64), strict=False))


class Throttle:
    """Tries by key, in this process. Counted before they are made, so that many at once are no
    way around it.

    Where two apply, ask the address first: `addresses.wait(origin(ip)) or names.wait(name)`.
    """

    def __init__(
        self, limits: Limits, clock: Callable[[], float] = time.monotonic, most: int = 10_000
    ) -> None:
        self._limits = limits
        self._clock = clock
        self._most = most
        self._tries: OrderedDict[str, Tries] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, key: str = "") -> float:
        """Seconds to wait, 0 when it may go on (it is then counted)."""
        now = self._clock()
        with self._lock:
            tries = self._tries.get(key, ())
            if seconds := wait(self._limits, tries, now):
                return seconds
            self._tries[key] = tried(self._limits, tries, now)
            self._tries.move_to_end(key)
            self._forget_oldest()
        return 0.0

    def forgive(self, key: str) -> None:
        """It was the right person. Not for addresses: an account of their own would let somebody
        guess at the others for ever."""
        with self._lock:
            self._tries.pop(key, None)

    def _forget_oldest(self) -> None:
        while len(self._tries) > self._most:
            self._tries.popitem(last=False)
