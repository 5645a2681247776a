"""Datagrams that tell the servers of this node to look now. They may be lost: polling finds out anyway."""

from __future__ import annotations

import os

from lazur.runtime.plan import Plan


def send(plan: Plan) -> None:
    folder = plan.hints
    if not folder or not os.path.isdir(folder):
        return
    # Here and not on top: the user's first line comes before it. The C module alone is ten times lighter.
    import _socket  # noqa: PLC0415

    sender = _socket.socket(_socket.AF_UNIX, _socket.SOCK_DGRAM)
    sender.setblocking(False)
    message = (plan.workspace + "/" + plan.job).encode("utf-8")
    for name in os.listdir(folder):
        try:
            sender.sendto(message, folder + "/" + name)
        except OSError:  # nobody listens there any more, or the queue is full
            continue
    sender.close()
