"""What holds for the one command that this process runs: the global options, and the client made
from them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lazur.sdk.client import Client


@dataclass(frozen=True)
class Session:
    workspace: str | None = None
    url: str | None = None
    output: str | None = None
    """The format asked for; None when nobody asked."""
    query: bool = False
    only_errors: bool = False
    always_answers: bool = False
    """Also where somebody has watched: Azure's command line does."""

    @property
    def is_read_by_machine(self) -> bool:
        """stdout holds the result and nothing else."""
        return self.query or self.output not in {None, "none"}


current = Session()


def begin(
    *, workspace: str | None, url: str | None, output: str | None, query: bool, only_errors: bool
) -> None:
    global current
    current = Session(workspace, url, output, query, only_errors)


def change(**fields: Any) -> None:
    """For what is known later than the options are."""
    global current
    current = replace(current, **fields)


def client(workspace: str | None = None) -> Client:
    """For this workspace, or for the one that was asked for."""
    # Help, completion and wrong arguments must not wait for what talks to servers.
    from lazur.sdk.client import connect  # noqa: PLC0415

    return connect(url=current.url, workspace=workspace or current.workspace)
