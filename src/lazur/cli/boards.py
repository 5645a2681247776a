"""`lazur job tensorboard`"""

from __future__ import annotations

import webbrowser
from typing import Any

from knack.util import CLIError

from lazur.cli import session, terminal

_EMPTY = (
    "There are no event files yet: the page fills when they are written below ./outputs or ./logs."
)


def tensorboard(
    which: list[str] | None = None, names: list[str] | None = None, web: bool = False
) -> Any:
    chosen = [*(which or []), *(names or [])]
    if not chosen:
        raise CLIError("Which jobs? Give their names. See: lazur job list")
    client = session.client()
    board = client.jobs.tensorboard(*chosen)
    if web and not webbrowser.open(client.sign_in_url(board.endpoint)):
        terminal.note("No browser was found here.")
    if session.current.is_read_by_machine:
        return board.to_dict()
    print(board.endpoint)
    if board.empty:
        terminal.note(_EMPTY)
    return None
