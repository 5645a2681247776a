"""TensorBoards: where one is found, and which ones run."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from lazur.errors import LazurError
from lazur.server.deps import Call, Object, action
from lazur.server.tensorboard.boards import Boards, require_tensorboard
from lazur.services.base.site import Context
from lazur.services.base.workspaces import open_workspace
from lazur.services.results import tensorboards
from lazur.services.results.tensorboards import Board

routes = APIRouter(prefix="/api/v1/workspaces/{workspace}/tensorboards", tags=["tensorboards"])

READ = tensorboards.READ


@routes.post("", **action(READ))
async def show(call: Call, workspace: str, body: Object) -> Response:
    """Where `{"jobs": […]}` are shown, by their names or their runs' ids. The address stays good;
    what runs behind it comes and goes. `empty`: there are no event files yet."""
    require_tensorboard()

    def find() -> tuple[Board, bool]:
        with call.site.context(call.who, write=False) as context:
            board = tensorboards.find(context, workspace, body.get("jobs"))
        return board, tensorboards.is_empty(board)

    board, empty = await run_in_threadpool(find)
    return JSONResponse(_view(call, board) | {"empty": empty})


@routes.get("", **action(READ))
async def running(call: Call, workspace: str) -> Response:
    """Those that run on this server, as far as the caller may see them."""
    boards = _boards(call).running()

    def seen() -> list[Board]:
        with call.site.context(call.who, write=False) as context:
            name = open_workspace(context, workspace, READ).name
            return [b for b in boards if b.workspace == name and _may_see(context, b)]

    found = await run_in_threadpool(seen)
    return JSONResponse({"value": [_view(call, board) for board in found], "next": None})


@routes.delete("/{board}", status_code=204, **action(READ))
async def stop(call: Call, workspace: str, board: str) -> Response:
    """Stop what runs. Nothing is lost: the next look at the address starts it again."""

    def find() -> Board:
        with call.site.context(call.who, write=False) as context:
            return tensorboards.named(context, workspace, board)

    await _boards(call).close(await run_in_threadpool(find))
    return Response(status_code=204)


def _boards(call: Call) -> Boards:
    return call.request.app.state.boards


def _view(call: Call, board: Board) -> dict[str, Any]:
    return tensorboards.view(call.site, board, running=_boards(call).is_running(board))


def _may_see(context: Context, board: Board) -> bool:
    try:
        tensorboards.find(context, board.workspace, list(board.names))
    except LazurError:
        return False
    return True
