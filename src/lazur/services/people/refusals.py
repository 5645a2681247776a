"""What was refused, and to whom, in the audit log before anybody is told.

Who is known is noted each time. Nobody in particular could fill the disk: of those so many are
noted in a minute, and the next row says how many were not.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable

from lazur.services.base.access import Denial, Principal
from lazur.services.base.site import Site
from lazur.spec.names import fold
from lazur.store import audit, workspaces
from lazur.store.audit import Entry
from lazur.store.db import Connection

_NOBODYS = 60
"""In a minute."""


class Refusals:
    def __init__(self, site: Site, clock: Callable[[], float] = time.monotonic) -> None:
        self._site = site
        self._clock = clock
        self._lock = threading.Lock()
        self._minute = (0, 0)
        self._left_out = 0

    def record(
        self, who: Principal | None, source: str, request: str, status: int, denial: Denial | None
    ) -> None:
        """Durable on return. May block. `request` is the method and the path."""
        left_out = 0
        if who is None:
            left_out = self._counted()
            if left_out is None:
                return
        told = {
            "request": request,
            "status": status,
            **({"left_out": left_out} if left_out else {}),
        }
        with self._site.db.write() as db:
            audit.add(
                db,
                [
                    Entry(
                        chain=_chain(db, denial),
                        at=self._site.now(),
                        who=who.name if who else "",
                        who_kind=who.kind if who else "nobody",
                        source=source,
                        action=denial.action if denial else "",
                        kind=(denial.resource.kind or "") if denial else "",
                        name=(denial.resource.name or "") if denial else "",
                        outcome="refused",
                        data=json.dumps(told, sort_keys=True, ensure_ascii=False),
                    )
                ],
            )

    def _counted(self) -> int | None:
        """None: this one is left out. Else how many were before it."""
        with self._lock:
            minute = int(self._clock() // 60)
            count = self._minute[1] if self._minute[0] == minute else 0
            self._minute = (minute, count + 1)
            if count >= _NOBODYS:
                self._left_out += 1
                return None
            left_out, self._left_out = self._left_out, 0
            return left_out


def _chain(db: Connection, denial: Denial | None) -> int:
    """The workspace's own, where there is one: its owners shall see who tried."""
    name = denial.resource.workspace if denial else None
    row = workspaces.by_name(db, fold(name)) if name else None
    return row.id if row is not None else audit.SERVER
