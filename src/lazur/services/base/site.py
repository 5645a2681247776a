"""What a server consists of, and the context that every service is called with."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from lazur.egress import PUBLIC, Rule
from lazur.engine.contracts import Backend, Blobs, Builder
from lazur.registry import find
from lazur.sealing import Keyring
from lazur.services.base import access, keyrings
from lazur.services.base.access import Principal, Resource
from lazur.services.base.bus import Bus
from lazur.services.base.home import Home
from lazur.services.base.lent import Lent
from lazur.services.base.stores import Storage
from lazur.services.base.throttle import Limits, Throttle
from lazur.store import audit as audits
from lazur.store.audit import Entry
from lazur.store.db import Connection, Database

SOURCE = ContextVar("SOURCE", default="")
"""Where a request came from, for the audit log; empty for what the server does by itself."""

_PROBES: Limits = ((6, 60.0), (60, 3600.0))


@dataclass(frozen=True)
class Keep:
    """How long is kept what nobody uses: environments, and content that was uploaded and then
    not registered or submitted."""

    days: float = 60.0
    bytes: int = 50 << 30
    uploads: float = 86400.0


@dataclass
class Site:
    """The parts, put together once by the server's composition root."""

    home: Home
    db: Database
    blobs: Blobs
    builder: Builder
    runner: str
    """This machine: which local attempts are ours to look after."""
    server: str = "server"
    """This server, the same after it was killed and started again, and unlike any other: what it
    held a lease on is its own to take back. At most eight characters."""
    bus: Bus = field(default_factory=Bus)
    now: Callable[[], float] = time.time
    url: Callable[[], str] = lambda: ""
    """Where people and jobs reach this server."""
    keep: Keep = Keep()
    workspace_days: float = 14.0
    """How long deleted workspaces can be recovered."""
    unknown_compute: str = "local"
    """What a compute name that does not exist here stands for; empty: it is an error."""
    vault: str = "file"
    """Whose root key wraps secrets; see `keyrings`."""
    cache_bytes: int = 50 << 30
    """What a machine keeps of data from elsewhere."""
    storage: Storage | None = None
    """Where content lies that is not in the home."""
    copies_bytes: int = 50 << 30
    """What a machine keeps here of content that lies elsewhere."""
    egress: Rule = PUBLIC
    """Where datastores and connections may lead."""
    openlineage_url: str = ""
    """Who is told of jobs; empty: nobody."""
    openlineage_token: Path | None = None
    """The file with what lets the server in there."""
    ambient_datastores: frozenset[str] = frozenset()
    """`workspace/name` of those that may use this machine's own identity, in folded letters."""
    probes: Throttle = field(default_factory=lambda: Throttle(_PROBES))
    """Of tests of connections, by who asks."""
    _backends: dict[str, Backend] = field(default_factory=dict[str, Backend])

    @cached_property
    def keyring(self) -> Keyring:
        return keyrings.of(self.home, self.vault)

    def backend(self, kind: str, settings: dict[str, Any]) -> Backend:
        """The backend of a compute; one instance per type and settings, so that it can keep
        watches."""
        key = f"{kind}:{sorted(settings.items())}"
        if key not in self._backends:
            self._backends[key] = find("backends", kind, Backend)(settings)
        return self._backends[key]

    @contextmanager
    def context(
        self, who: Principal = access.SYSTEM, *, write: bool = True, synced: bool = True
    ) -> Generator[Context]:
        """One use case: one transaction, committed at the end, then what it wants said."""
        with ExitStack() as stack:
            begin = partial(self.db.write, synced=synced) if write else self.db.read
            context = Context(self, who, begin, stack)
            yield context
            context.settle()
        context.speak()


class Context:
    """Who calls, and the transaction of this call. It begins when `db` is first touched, so that
    checking what was
    sent does not hold up other writers."""

    def __init__(
        self,
        site: Site,
        who: Principal,
        begin: Callable[[], AbstractContextManager[Connection]],
        stack: ExitStack,
    ) -> None:
        self.site = site
        self.who = who
        self._begin = begin
        self._stack = stack
        self._db: Connection | None = None
        self._words: dict[tuple[str, str], None] = {}
        self._audited: list[Entry] = []
        self.source = SOURCE.get()
        self.lent: Lent | None = None
        """Of a plan, whose content need not be here. None: it must."""

    @property
    def db(self) -> Connection:
        if self._db is None:
            self._db = self._stack.enter_context(self._begin())
        return self._db

    @contextmanager
    def looking(self) -> Generator[Context]:
        """The same caller, reading only, before this call's own transaction begins: what takes
        long to find out is found out without holding up other writers."""
        if self._db is not None:
            raise RuntimeError("the transaction of this call has begun already")
        with self.site.context(self.who, write=False) as context:
            yield context

    def now(self) -> float:
        return self.site.now()

    def require(self, action: str, resource: Resource) -> None:
        access.require(self.who, action, resource)

    def audit(self, entry: Entry) -> None:
        """Written last of all, so that the chain it belongs to is locked for a moment only."""
        self._audited.append(entry)

    def settle(self) -> None:
        """Before the commit."""
        if self._audited:
            audits.add(self.db, self._audited)

    def publish(self, topic: str, key: str) -> None:
        """Say it on the bus once this call is committed."""
        self._words[topic, key] = None

    def speak(self) -> None:
        for topic, key in self._words:
            self.site.bus.publish(topic, key)
