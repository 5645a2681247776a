"""HTTPS beside plain HTTP, from when it is first asked for, and then at each start: Azure's
clients speak nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import socket
from collections.abc import Awaitable, Callable

from lazur.errors import Invalid, LazurError
from lazur.server.settings import Settings

STATE = "lazur.secure"
"""In the state of every request: the server's `Secure`."""
_BACKLOG = 2048
_PORT = re.compile(r":\d+\Z")
_PORTS = 1 << 16

log = logging.getLogger("lazur.server")

Listen = Callable[[socket.socket, tuple[str, str]], Awaitable[None]]


class Secure:
    def __init__(self, settings: Settings, listen: Listen) -> None:
        self._settings = settings
        self._listen = listen
        self._port = 0
        self._opening = asyncio.Lock()
        self._remembered = settings.home / "tls" / "port"

    async def resume(self) -> None:
        """What was asked for once is there after a restart."""
        if self._settings.tls or not self._remembered.exists():
            return
        try:
            await self._open()
        except (LazurError, OSError) as error:
            log.warning("no HTTPS for Azure's clients: %s", error)

    async def url(self, own: str, host: str) -> str:
        """Where this server is reached by HTTPS. `own` is its address, and `host` the name that
        the caller knows it by, with or without a port."""
        if self._settings.tls:
            return own
        proxies = [one for one in self._settings.allowed_origins if one.startswith("https://")]
        if proxies:
            asked = f"https://{host}"
            return asked if asked in proxies else proxies[0]
        await self._open()
        return f"https://{_PORT.sub('', host)}:{self._port}"

    async def _open(self) -> None:
        async with self._opening:
            if self._port:
                return
            sock = self._bound()
            try:
                await self._listen(sock, await asyncio.to_thread(_certificate, self._settings))
            except BaseException:
                sock.close()
                raise
            port = int(sock.getsockname()[1])
            self._remembered.write_text(f"{port}\n")
            self._port = port
            log.info("HTTPS at port %d, for Azure's clients", port)

    def _bound(self) -> socket.socket:
        """Where it was before, so that what people exported still holds."""
        host, before = self._settings.host, self._before()
        for port in (before, 0) if before else (0,):
            sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind((host, port))
                sock.listen(_BACKLOG)
            except OSError as error:
                sock.close()
                log.warning("no HTTPS at %s, port %s: %s", host, port or "any", error)
                continue
            return sock
        raise Invalid(f"No port is free at {host} for HTTPS.", hint="Or set tls = true.")

    def _before(self) -> int:
        """0 where it was nowhere, or nobody knows any more."""
        with contextlib.suppress(OSError, ValueError):
            port = int(self._remembered.read_text())
            return port if 0 < port < _PORTS else 0
        return 0


def _certificate(settings: Settings) -> tuple[str, str]:
    from lazur.server import tls  # noqa: PLC0415 - cryptography takes long, and few need it

    return tls.certificate(settings)
