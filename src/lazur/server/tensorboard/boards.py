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
from lazur.services.base.site import Site
from lazur.services.results.tensorboards import Board

NAME = "tensorboard"
QUIET = 60.0
"""A board that nobody asked for so many seconds makes room for another one."""
_NEEDED = ("tensorboard", "werkzeug", "google_crc32c")
_ENVIRON = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


class Boards:
    """Belongs to one event loop."""

    def __init__(self, site: Site, settings: Settings) -> None:
        self._home = site.home.path
        self._settings = settings
        self._diary = Diary(self._home, NAME)
        self._running: dict[str, Running] = {}
        self._opening = asyncio.Lock()

    async def answer(self, board: Board, request: Outgoing, receive: Receive, send: Send) -> None:
        """By its own TensorBoard, which is started where it does not run. Raises Unavailable."""
        running = self._shown_by(board) or await self._open(board)
        await running.proxy.forward(request, receive, send)

    def is_running(self, board: Board) -> bool:
        running = self._running.get(board.page)
        return running is not None and running.child.running is not None

    def running(self) -> list[Board]:
        """The last one opened last."""
        return [r.board for r in self._running.values() if self.is_running(r.board)]

    async def close(self, board: Board) -> None:
        """Its address stays good: the next request starts it again."""
        if (running := self._running.pop(board.page, None)) is not None:
            await running.stop()

    async def stop(self) -> None:
        for running in list(self._running.values()):
            await self.close(running.board)
        self._diary.close()

    def _shown_by(self, board: Board) -> Running | None:
        """None also where one runs that knows other folders: what a job wrote was moved since."""
        running = self._running.get(board.page)
        return running if running is not None and running.board == board else None

    async def _open(self, board: Board) -> Running:
        require_tensorboard()
        async with self._opening:
            if (running := self._shown_by(board)) is None:
                await self.close(board)
                await self._make_room()
                running = self._running[board.page] = Running(board, self._child(board))
            return running

    async def _make_room(self) -> None:
        """Those go that stopped by themselves, and, where there are too many, the one that nobody
        asked for longest."""
        for running in list(self._running.values()):
            if running.child.is_off:
                await self.close(running.board)
        if len(self._running) >= self._settings.tensorboard_processes:
            longest = max(self._running.values(), key=lambda running: running.child.idle)
            if longest.child.idle < QUIET:
                raise _full(len(self._running))
            await self.close(longest.board)

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
    def __init__(self, board: Board, child: Child) -> None:
        self.board = board
        self.child = child
        self.proxy = Proxy(child)

    async def stop(self) -> None:
        await self.proxy.close()
        await self.child.stop()


def require_tensorboard() -> None:
    if any(importlib.util.find_spec(name) is None for name in _NEEDED):
        raise MissingExtra("TensorBoard is not installed where the server runs.", extra=NAME)


def _full(count: int) -> Unavailable:
    return Unavailable(
        f"{count} TensorBoards are being looked at, and the server runs no more at once.",
        hint="Close the page of one and wait a minute, or raise tensorboard_processes in "
        "config.toml.",
        retry_after=QUIET,
    )
