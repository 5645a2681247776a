"""Artifacts as bytes that somebody keeps: refused where a quota is used up, and counted."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from anyio import CancelScope
from anyio.to_thread import run_sync

from lazur.server.asgi import Scope
from lazur.services.base.access import Principal
from lazur.services.base.site import Site
from lazur.services.content import stored
from lazur.services.tracking.artifacts import JOBS, Artifacts
from lazur.services.tracking.places import Place
from lazur.store.stored import PATH, RUN

_LONGEST = 255


@asynccontextmanager
async def counted(
    site: Site, who: Principal, place: Place, files: Artifacts, path: str, coming: int | None
) -> AsyncGenerator[None]:
    """What is at `path` after the block counts, and what was there before no longer does.
    `coming`: bytes that the block brings, None where it brings none."""

    def begin() -> int:
        if coming is not None:
            stored.check_upload(site, who, place.id, coming)
        return files.size(path)

    def end() -> None:
        kind, name = owner(path)
        with site.context(who, synced=False) as context:
            stored.grow(context, place.id, kind, name, files.size(path) - before)

    before = await run_sync(begin)
    yield
    with CancelScope(shield=True):
        await run_sync(end)


def length(scope: Scope) -> int:
    """0 where the sender does not say."""
    given = dict(scope["headers"]).get(b"content-length", b"")
    return int(given) if given.isdigit() and len(given) < 19 else 0


def owner(path: str) -> tuple[str, str]:
    """Whose it is by its path: a run's, a logged model's, or nobody's in particular."""
    parts = path.split("/")
    if len(parts) < 2 or not (parts[0] == JOBS or parts[0].isdigit()):
        return PATH, parts[0][:_LONGEST]
    is_model = parts[1] == "models" and len(parts) > 2
    return RUN, (parts[2] if is_model else parts[1].removeprefix("dcid."))[:_LONGEST]
