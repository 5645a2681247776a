"""The TensorBoards that run: one process for each board that is looked at."""

from __future__ import annotations

import asyncio
import importlib.util
from typing import Any

from lazur.errors import MissingExtra, Unavailable
from lazur.server.asgi import Receive, Send
from lazur.server.children import Child, Diary, Recipe
from lazur.server.proxy import Outgoing, Proxy
from lazur.server.settings import Settings
from lazur.services.site import Site
from lazur.services.tensorboards import Board

NAME = "tensorboard"
QUIET = 60.0
"""A board that nobody asked for so many seconds makes room for another one."""
_ENVIRON = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


class Boards:
    """Belongs to one event loop."""

    def __init__(self, site: Site, settings: Settings) -> None:
        self._home = site.home.path
        self._settings = settings
        self._diary = Diary(self._home, NAME)
        self._running: dict[Board, Running] = {}
        self._opening = asyncio.Lock()

    async def answer(self, board: Board, request: Outgoing, receive: Receive, send: Send) -> None:
        """By its own TensorBoard, which is started where it does not run. Raises Unavailable."""
        running = self._running.get(board) or await self._open(board)
        await running.proxy.forward(request, receive, send)

    def is_running(self, board: Board) -> bool:
        running = self._running.get(board)
        return running is not None and running.child.running is not None

    def running(self, workspace: str) -> list[Board]:
        """The last one opened last."""
        return [b for b in self._running if b.workspace == workspace and self.is_running(b)]

    async def close(self, board: Board) -> None:
        """Its address stays good: the next request starts it again."""
        if (running := self._running.pop(board, None)) is not None:
            await running.stop()

    async def stop(self) -> None:
        for board in list(self._running):
            await self.close(board)
        self._diary.close()

    async def _open(self, board: Board) -> Running:
        require_tensorboard()
        async with self._opening:
            if board not in self._running:
                await self._make_room(board)
                self._running[board] = Running(self._child(board))
            return self._running[board]

    async def _make_room(self, wanted: Board) -> None:
        """Those go that stopped by themselves, that showed `wanted` when its files lay elsewhere,
        and, where there are too many, the one that nobody asked for longest."""
        for board, running in list(self._running.items()):
            same = (board.workspace, board.names) == (wanted.workspace, wanted.names)
            if same or running.child.is_off:
                await self.close(board)
        if len(self._running) >= self._settings.tensorboard_processes:
            longest = max(self._running, key=lambda board: self._running[board].child.idle)
            if self._running[longest].child.idle < QUIET:
                raise _full(len(self._running))
            await self.close(longest)

    def _child(self, board: Board) -> Child:
        recipe = Recipe(
            NAME, "lazur.server.tensorboard.child", lambda: self._told(board), _ENVIRON
        )
        idle = self._settings.tensorboard_idle_minutes * 60.0
        return Child(recipe, self._home, idle, diary=self._diary, revive=False)

    def _told(self, board: Board) -> dict[str, Any]:
        mounts = [(s.path, str(s.folder.root), s.folder.inside) for s in board.shown]
        return {"mounts": mounts, "megabytes": self._settings.tensorboard_megabytes}


class Running:
    def __init__(self, child: Child) -> None:
        self.child = child
        self.proxy = Proxy(child)

    async def stop(self) -> None:
        await self.proxy.close()
        await self.child.stop()


def require_tensorboard() -> None:
    if importlib.util.find_spec("tensorboard") is None:
        raise MissingExtra("TensorBoard is not installed where the server runs.", extra=NAME)


def _full(count: int) -> Unavailable:
    return Unavailable(
        f"{count} TensorBoards are being looked at, and the server runs no more at once.",
        hint="Close the page of one and wait a minute, or raise tensorboard_processes in "
        "config.toml.",
        retry_after=QUIET,
    )
