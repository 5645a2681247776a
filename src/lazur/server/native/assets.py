"""Environments, data, models, components and code: one set of routes for all of them, in
workspaces and in registries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal, get_args

from fastapi import APIRouter, Depends, Query
from starlette.convertors import Convertor, register_url_convertor
from starlette.responses import JSONResponse, Response

from lazur.server.deps import Call, Listing, Object, action
from lazur.server.native import shelves
from lazur.server.native.bodies import whole
from lazur.services.assets import asset_files, assets, shares, sharing
from lazur.services.content.far import Far
from lazur.services.resources.shelves import Shelf
from lazur.services.results import asset_trash

_PATIENCE = 20.0
"""Seconds that a request waits for files to be copied."""
Offset = Annotated[int, Query(ge=0, le=1 << 62)]
Kind = Literal["environments", "data", "models", "components", "codes"]


class _Asset(Convertor[str]):
    """An address of another kind is none of these routes, and not one of them with a bad kind."""

    regex = "|".join(get_args(Kind))

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("asset", _Asset())

routes = APIRouter(prefix="/api/v1", tags=["assets"])
_STAGE = {"models": ("stage",)}
"""What else lists of a kind are filtered by."""


def _shelves(prefix: str, shelf: Callable[..., Shelf], right: str) -> APIRouter:
    """`right` is an action without its verb."""
    made = APIRouter(prefix=prefix)
    there = Depends(shelf)

    @made.get("/trash/{kind:asset}", **action(f"{right}/read"))
    def trash(call: Call, kind: Kind, place: Shelf = there) -> Response:
        return call.read(lambda context: asset_trash.find(context, place, kind))

    @made.post("/trash/{kind:asset}/purge", **action(f"{right}/delete"))
    def purge(call: Call, kind: Kind, asked: Object, place: Shelf = there) -> Response:
        """Free what is in the trash: `{"names": […], "older_than_days", "dry_run",
        "force"}`."""
        return call.write(lambda context: asset_trash.purge(context, place, kind, asked))

    @made.get("/{kind:asset}", **action(f"{right}/read"))
    def find(call: Call, kind: Kind, listing: Listing, place: Shelf = there) -> Response:
        """The newest version of each; of models, with `stage`, the newest in that stage. With
        `tag=key=value`, as often as wanted, those that have these tags."""
        query = listing.query("archived", "tag", *_STAGE.get(kind, ()))
        return call.read(lambda context: assets.find(context, place, kind, query))

    @made.post("/{kind:asset}", status_code=201, **action(f"{right}/write"))
    def create(call: Call, kind: Kind, spec: Object, place: Shelf = there) -> Response:
        """A new version: the one that the body names, or the next number. The same content again
        is the same version."""
        return call.create(lambda context: assets.create(context, place, kind, spec), spec)

    @made.get("/{kind:asset}/{name}", **action(f"{right}/read"))
    def show_latest(call: Call, kind: Kind, name: str, place: Shelf = there) -> Response:
        return call.read(lambda context: assets.get(context, place, kind, name, "@latest"))

    @made.patch("/{kind:asset}/{name}", **action(f"{right}/write"))
    def archive(
        call: Call, kind: Kind, name: str, changes: Object, place: Shelf = there
    ) -> Response:
        """Archive or restore all versions: `{"archived": true}`."""
        return call.write(
            lambda context: assets.archive_container(context, place, kind, name, changes)
        )

    @made.delete("/{kind:asset}/{name}", **action(f"{right}/delete"))
    def delete_all(call: Call, kind: Kind, name: str, place: Shelf = there) -> Response:
        """All versions into the trash."""
        return call.write(lambda context: asset_trash.delete(context, place, kind, name))

    @made.get("/{kind:asset}/{name}/versions", **action(f"{right}/read"))
    def versions(
        call: Call, kind: Kind, name: str, listing: Listing, place: Shelf = there
    ) -> Response:
        query = listing.query("archived", "tag", *_STAGE.get(kind, ()))
        return call.read(lambda context: assets.versions(context, place, kind, name, query))

    @made.get("/{kind:asset}/{name}/versions/{version}", **action(f"{right}/read"))
    def show(call: Call, kind: Kind, name: str, version: str, place: Shelf = there) -> Response:
        """`version` may be a label: `@latest`."""
        return call.read(lambda context: assets.get(context, place, kind, name, version))

    @made.get("/{kind:asset}/{name}/versions/{version}/files", **action(f"{right}/read"))
    def files(call: Call, kind: Kind, name: str, version: str, place: Shelf = there) -> Response:
        """Paths and sizes of what it holds."""
        with call.site.context(call.who, write=False) as context:
            found = asset_files.find(context, place, kind, name, version)
        if isinstance(found, Far):
            found = {"value": found.listed(), "next": None}
        return JSONResponse(found)

    @made.get(
        "/{kind:asset}/{name}/versions/{version}/files/{path:path}", **action(f"{right}/read")
    )
    def file(
        call: Call,
        kind: Kind,
        name: str,
        version: str,
        path: str,
        offset: Offset = 0,
        place: Shelf = there,
    ) -> Response:
        """The bytes of one file, from `offset` on."""
        with call.site.context(call.who, write=False) as context:
            found = asset_files.opened(context, place, kind, name, version, path)
        file, size = found.opened(path) if isinstance(found, Far) else found
        return whole(file, size, offset)

    @made.patch("/{kind:asset}/{name}/versions/{version}", **action(f"{right}/write"))
    def update(
        call: Call, kind: Kind, name: str, version: str, changes: Object, place: Shelf = there
    ) -> Response:
        """Description, tags, properties, labels, a model's stage, and whether it is archived."""
        return call.write(
            lambda context: assets.update(
                context, place, kind, name, version, changes, call.if_match
            )
        )

    @made.delete("/{kind:asset}/{name}/versions/{version}", **action(f"{right}/delete"))
    def delete(call: Call, kind: Kind, name: str, version: str, place: Shelf = there) -> Response:
        """Into the trash."""
        return call.write(lambda context: asset_trash.delete(context, place, kind, name, version))

    @made.post("/{kind:asset}/{name}/restore", **action(f"{right}/write"))
    def restore_all(call: Call, kind: Kind, name: str, place: Shelf = there) -> Response:
        """Out of the trash: all versions that are in it."""
        return call.write(lambda context: asset_trash.restore(context, place, kind, name))

    @made.post("/{kind:asset}/{name}/versions/{version}/restore", **action(f"{right}/write"))
    def restore(call: Call, kind: Kind, name: str, version: str, place: Shelf = there) -> Response:
        return call.write(lambda context: asset_trash.restore(context, place, kind, name, version))

    return made


@routes.post(
    "/workspaces/{workspace}/{kind:asset}/{name}/versions/{version}/share",
    status_code=201,
    **action("workspaces/{kind}/read"),
)
def share(
    call: Call, workspace: str, kind: Kind, name: str, version: str, asked: Object
) -> Response:
    """Into a registry: `{"registry", "name", "version"}`. It takes the right to write there,
    too. 202 while files of a store elsewhere are being copied: ask again until it is 201."""
    with call.site.context(call.who) as context:
        made = sharing.share(context, workspace, kind, name, version, asked)
    if made.get("state") == "copying":
        made = shares.wait(call.site, made["share"], _PATIENCE)
    if made.get("state") == "copying":
        return JSONResponse(made, 202)
    return JSONResponse(made, 201, {"ETag": f'"{made["etag"]}"'})


routes.include_router(_shelves("/workspaces/{workspace}", shelves.workspace, "workspaces/{kind}"))
routes.include_router(_shelves("/registries/{registry}", shelves.registry, "registries/assets"))
