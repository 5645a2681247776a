"""Testing a connection without telling more than yes or no (security check S53).

Whoever may make a datastore may choose its address. An answer that differs, in words or in time,
between a closed port, a filtered one and one that the rule refuses would make the server a scanner
of the network it stands in. So every no takes the same time and says the same.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

log = logging.getLogger("lazur.reach")

PATIENCE = 10.0
"""Seconds after which a no is said, whatever the reason, and no sooner."""
REFUSAL = "It cannot be reached or read with these settings and credentials."


def is_reachable(
    check: Callable[[], None],
    patience: float = PATIENCE,
    wait: Callable[[threading.Event, float], bool] = threading.Event.wait,
) -> bool:
    """A yes comes at once. The reason of a no goes to the server's log, for its owner. `check` may
    go on for a while in a thread of its own: callers bound how many there are at once, and how
    often one person asks."""
    reached = threading.Event()

    def work() -> None:
        try:
            check()
        except Exception as error:  # noqa: BLE001 - whatever it is, the answer is no
            log.info("A connection was tested and did not work: %s", error)
        else:
            reached.set()

    threading.Thread(target=work, name="lazur-reach", daemon=True).start()
    return wait(reached, patience)
