"""The process of every rank but 0: it looks after the workers of its node, as the coordinator
asks it to."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import time

from lazur.runtime.parallel import reporter, settings
from lazur.runtime.parallel.channels import Channel
from lazur.runtime.parallel.paths import Paths
from lazur.runtime.parallel.settings import Wrong
from lazur.runtime.parallel.team import Team

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LOOK = 0.1
_PATIENCE = 120.0


def main(argv: list[str]) -> int:
    try:
        asked = settings.read(argv[3:])
        paths = Paths()
        paths.make()
        where = _find(paths.rendezvous, asked.init_timeout)
    except Wrong as error:
        reporter.say(str(error))
        return 1
    team = Team(asked, paths, argv[1], bool(argv[2]))
    control = join(where, {"node": team.node})
    try:
        return _obey(control, team, where)
    finally:
        team.end()


def join(where: dict[str, Any], hello: dict[str, Any]) -> Channel:
    sock = socket.create_connection((where["host"], where["port"]), timeout=_PATIENCE)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    channel = Channel(sock)
    channel.send({"key": where["key"], **hello})
    return channel


def _obey(control: Channel, team: Team, where: dict[str, Any]) -> int:
    while True:
        readable, _, _ = select.select([control], [], [], _LOOK)
        for message in control.read() if readable else ():
            if "over" in message:
                return 0
            if "start" in message:
                _start(team, message["start"], where)
        if control.closed:
            return _await_the_end(team)
        ended = team.look()
        if ended:
            control.send(*ended)


def _start(team: Team, place: int, where: dict[str, Any]) -> None:
    """The worker inherits a connection on which it has been named already."""
    name = team.name(place)
    channel = join(where, {"node": team.node, "worker": name, "log": team.log_of(place)})
    channel.socket.settimeout(None)
    team.start(name, place, channel.socket)
    channel.close()


def _find(path: str, patience: float) -> dict[str, Any]:
    """Where the coordinator listens, once it does."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        if os.path.exists(path):  # it is renamed to that, so it is whole
            with open(path, encoding="utf-8") as file:
                return json.load(file)
        time.sleep(_LOOK)
    raise Wrong("the coordinator on the first node did not begin within %g s" % patience)


def _await_the_end(team: Team) -> int:
    """The coordinator is gone. How *its* process ended is the job's end, so this one waits until
    it is ended, too."""
    team.end()
    signal.alarm(int(_PATIENCE))
    while os.getppid() != 1:
        time.sleep(_LOOK)
    return 1
