"""Many models at once, in a workspace or in a registry."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Depends
from starlette.responses import Response

from lazur.server.deps import Call, Object, action
from lazur.server.native import shelves
from lazur.services.resources.shelves import Shelf
from lazur.services.results import many_models

routes = APIRouter(prefix="/api/v1", tags=["assets"])


def _shelf(prefix: str, shelf: Callable[..., Shelf], right: str) -> APIRouter:
    made = APIRouter(prefix=prefix)
    there = Depends(shelf)

    @made.post("/register/models", **action(right))
    def register(call: Call, asked: Object, place: Shelf = there) -> Response:
        """A model for each file of a folder, all or none: `{"path", "files":
        "{Shop}/{Product}.json", "name": "sales-{Shop}-{Product}"}`, or `{"models": [{"name",
        "path"}, …]}`. Of all: `type`, `description`, `tags`, `properties`; `metrics_of` a parallel
        job, `dry_run`. What is there with the same content stays as it is. Tells how many, and the
        first hundred of them."""
        return call.create(
            lambda context: many_models.register(context, place, asked), asked, status=200
        )

    return made


routes.include_router(
    _shelf("/workspaces/{workspace}", shelves.workspace, "workspaces/models/write")
)
routes.include_router(
    _shelf("/registries/{registry}", shelves.registry, "registries/assets/write")
)
