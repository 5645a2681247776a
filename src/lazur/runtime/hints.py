"""Datagrams that tell the servers of this node to look now. They may be lost: polling finds out
anyway."""

from __future__ import annotations

import os

from lazur.runtime.plan import Plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket


def send(plan: Plan) -> None:
    folder = plan.hints
    if not folder or not os.path.isdir(folder):
        return
    # Here and not on top: the user's first line comes before it. The C module alone is ten times
    # lighter.
    import _socket  # noqa: PLC0415

    sender = _socket.socket(_socket.AF_UNIX, _socket.SOCK_DGRAM)
    sender.setblocking(False)
    message = plan.word.encode("utf-8")
    for name in os.listdir(folder):
        _send(sender, message, folder + "/" + name)
    sender.close()


def _send(sender: _socket.socket, message: bytes, address: str) -> None:
    try:
        sender.sendto(message, address)
    except OSError:  # nobody listens there any more, or the queue is full
        return
