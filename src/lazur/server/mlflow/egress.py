"""Where upstream's code may connect to: public addresses, unless the server's owner allows others.

Webhooks, the gateway's endpoints and judges go to addresses that members choose. Upstream looks at
most of them; this looks at every connection, after names were resolved and redirects followed.
It holds for sockets of Python: the database's driver has its own.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
from typing import Any

SETTING = "LAZUR_MLFLOW_EGRESS"
ANYWHERE = "anywhere"
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_INNER = [
    ipaddress.ip_network(text)
    for text in ("::/96", "::ffff:0:0:0/96", "64:ff9b:1::/48", "fec0::/10")
]
"""Private too, or leading to what may be, though Python takes them for global."""
_CONNECTS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})


def restrict(*allowed: tuple[str, int]) -> None:
    """From now on, for this process and for good. `allowed` are private and still reached."""
    if os.environ.get(SETTING) == ANYWHERE:
        return

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _CONNECTS and arguments[1] is not None:
            _check(arguments[0].family, arguments[1], allowed)

    sys.addaudithook(audit)


def is_public(host: str) -> bool:
    """Of an address in numbers. A name is not: whoever resolves it may answer anything."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is None and any(address in network for network in _INNER):
            return False
        address = inner or address
    return address.is_global and not address.is_multicast


def _check(family: int, address: Any, allowed: tuple[tuple[str, int], ...]) -> None:
    if family not in {socket.AF_INET, socket.AF_INET6}:
        return
    host, port = str(address[0]), int(address[1])
    if (host, port) not in allowed and not is_public(host):
        raise PermissionError(
            f"{host} is not a public address. The server's owner can allow private ones: "
            "mlflow_private_urls."
        )
