"""Where the server and what it starts may connect to: public addresses, and what its owner allows
(security checks S52, S53).

The rule judges addresses, never names: a name says nothing until it is resolved, and may say
something else the next time. So it is asked where a connection is made, by an audit hook that
sees the address which the system is about to connect to, whichever library asked for it. The hook
holds for sockets of Python; a library with sockets of its own (a database's driver) passes it by.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from lazur.errors import Invalid

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_INNER = [
    ipaddress.ip_network(text)
    for text in ("::/96", "::ffff:0:0:0/96", "64:ff9b:1::/48", "fec0::/10")
]
"""Private too, or leading to what may be, though Python takes them for global."""
_CONNECTS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_NAME = re.compile(r"(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z][a-z0-9-]*")


class Refused(PermissionError):
    """An address that may not be connected to. An OSError, so that every library takes it for a
    connection that failed."""


@dataclass(frozen=True)
class _Entry:
    network: Network | None
    name: str
    port: int | None

    def written(self) -> str:
        if self.network is None:
            return self.name if self.port is None else f"{self.name}:{self.port}"
        if self.port is None:
            return str(self.network)
        host = f"[{self.network}]" if self.network.version == 6 else str(self.network)
        return f"{host}:{self.port}"

    def has(self, address: Address, port: int) -> bool:
        if self.port not in (None, port):
            return False
        if self.network is None:
            return address in _resolved(self.name, port)
        return address.version == self.network.version and address in self.network


@dataclass(frozen=True)
class Rule:
    """Public addresses are permitted, and those that `entries` name. See `Rule.of`."""

    entries: tuple[_Entry, ...] = ()
    anywhere: bool = False
    setting: str = "egress_allow"
    """Where the server's owner allows more; named in refusals."""

    @classmethod
    def of(cls, allowed: Iterable[str], setting: str = "egress_allow") -> Rule:
        """`10.0.0.0/8`, `10.1.2.3`, `[fd00::1]:9000`, `minio.example.lan`, `localhost:9000`; `*`
        is everything. A name allows the addresses that it has when somebody connects. Raises
        Invalid for what is none of these."""
        texts = [text.strip() for text in allowed]
        entries = tuple(_entry(text, setting) for text in texts if text != "*")
        return cls(entries, "*" in texts, setting)

    def written(self) -> list[str]:
        """What `of` makes the same rule of, in another process."""
        return ["*"] if self.anywhere else [entry.written() for entry in self.entries]

    def permits(self, address: str, port: int) -> bool:
        """Of an address in numbers; anything else is refused, `127.1` and names alike."""
        if self.anywhere or is_public(address):
            return True
        known = _parsed(address)
        return known is not None and any(entry.has(known, port) for entry in self.entries)

    def check_host(self, host: str, port: int) -> None:
        """Every address that a name has now. It may have others when somebody connects: this only
        says no sooner than that, and to who would try again. Raises Refused, and OSError for a
        name that has none."""
        if not self.anywhere:
            for item in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
                self.check(str(item[4][0]), port)

    def check(self, address: str, port: int) -> None:
        """Raises Refused."""
        if not self.permits(address, port):
            raise Refused(
                f"{address} is not a public address. The server's owner can allow private ones: "
                f"{self.setting}."
            )


PUBLIC = Rule()
ANYWHERE = Rule(anywhere=True)


def is_public(address: str) -> bool:
    """Of an address in numbers. A name is not: whoever resolves it may answer anything."""
    known = _parsed(address)
    if known is None or any(
        known in network for network in _INNER if network.version == known.version
    ):
        return False
    return known.is_global and not known.is_multicast


def restrict(rule: Rule) -> None:
    """This whole process, from now on and for good."""

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _CONNECTS:
            _check(rule, arguments[0], arguments[1])

    if not rule.anywhere:
        sys.addaudithook(audit)


@dataclass
class Confinement:
    rule: Rule
    refused: Refused | None = None
    """What was refused last: libraries wrap it, or keep its words alone."""


def confine(rule: Rule) -> Confinement:
    """The thread that calls, from now on: for threads that do nothing but talk to places which
    members chose."""
    _watch_threads()
    _thread.confinement = Confinement(rule)
    return _thread.confinement


@contextmanager
def confined(rule: Rule) -> Iterator[Confinement]:
    """The thread that calls, for a while. Threads that it starts meanwhile are not confined."""
    before: Confinement | None = getattr(_thread, "confinement", None)
    mine = confine(rule)
    try:
        yield mine
    finally:
        _thread.confinement = before
        if before and mine.refused:
            before.refused = mine.refused


_thread = threading.local()


@cache
def _watch_threads() -> None:
    """Once a process, and not before it is needed: a hook is asked about every event there is."""
    thread, connects = _thread, _CONNECTS

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        if event in connects and (held := getattr(thread, "confinement", None)) is not None:
            try:
                _check(held.rule, arguments[0], arguments[1])
            except Refused as error:
                held.refused = error
                raise

    sys.addaudithook(audit)


def _check(rule: Rule, connecting: socket.socket, address: Any) -> None:
    if address is not None and connecting.family in {socket.AF_INET, socket.AF_INET6}:
        rule.check(str(address[0]), int(address[1]))


def _parsed(text: str) -> Address | None:
    """An IPv6 address that stands for an IPv4 one is taken for that."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        return address
    inner = address.ipv4_mapped or address.sixtofour
    if inner is None and address in _NAT64:
        inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return inner or address


def _entry(text: str, setting: str) -> _Entry:
    if (network := _network(text)) is not None:
        return _Entry(network, "", None)
    host, _, port = text.rpartition(":")
    if port.isascii() and port.isdecimal() and 0 < int(port) < 1 << 16:
        return _hosted(host.removeprefix("[").removesuffix("]"), int(port), text, setting)
    return _hosted(text, None, text, setting)


def _hosted(host: str, port: int | None, text: str, setting: str) -> _Entry:
    if (network := _network(host)) is not None:
        return _Entry(network, "", port)
    if _NAME.fullmatch(host.lower()):
        return _Entry(None, host.lower(), port)
    raise Invalid(
        f"{text[:80]!r} in {setting} is neither a network nor the name of a host.",
        hint="Write 10.0.0.0/8, 10.1.2.3, 10.1.2.3:9000, minio.example.lan or localhost:9000.",
    )


def _network(text: str) -> Network | None:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        return None


def _resolved(name: str, port: int) -> list[Address]:
    try:
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except OSError:
        return []
    return [known for item in found if (known := _parsed(str(item[4][0]))) is not None]
