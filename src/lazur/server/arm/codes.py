"""Code: asked for by its hash, uploaded to an area of its own, registered."""

from __future__ import annotations

from lazur.server.arm import addresses, listing, rooms
from lazur.server.arm.calls import Call
from lazur.server.arm.replies import Reply, listed
from lazur.server.arm.rooms import ROOMS, rights
from lazur.server.arm.routes import Routes
from lazur.server.arm.translate import codes as translate
from lazur.server.arm.translate.places import Blobs
from lazur.services.assets import assets
from lazur.services.azure import codes, uploads
from lazur.services.base.site import Context
from lazur.services.resources.shelves import open_shelf
from lazur.services.results import asset_trash

routes = Routes()


def find(call: Call, name: str) -> Reply:
    """By the hash that Azure's client makes of the files: whatever the name."""
    if (sha256 := call.query.get("hash")) is not None:
        found = call.read(lambda context: codes.with_hash(context, call.shelf, sha256))
        return listed([_body(call, one) for one in found])
    query = listing.query(call)
    page = call.read(lambda context: assets.versions(context, call.shelf, "codes", name, query))
    return listed([_body(call, one) for one in page["value"]], listing.next_link(call, page))


def show(call: Call, name: str, version: str) -> Reply:
    found = call.read(lambda context: codes.get(context, call.shelf, name, version))
    return Reply(_body(call, found))


def begin(call: Call, name: str, version: str) -> Reply:
    """Where the files may be put."""

    def check(context: Context) -> None:
        open_shelf(context, call.shelf, "codes", "write")

    call.read(check)
    return Reply(addresses.pending_upload(call, f"codes/{name}/{version}"))


def put(call: Call, name: str, version: str) -> Reply:
    spec, place = translate.from_arm(call.json(), addresses.here(call))
    at = addresses.place_of(place) if isinstance(place, Blobs) else None
    made = call.write(lambda context: codes.put(context, call.shelf, name, version, spec, at))
    if at is not None:
        uploads.clear(call.site, call.who, at)
    return rooms.put(call, _body(call, made), new=True)


def delete(call: Call, name: str, version: str) -> Reply:
    call.write(lambda context: asset_trash.delete(context, call.shelf, "codes", name, version))
    return Reply(status=204)


for _room in ROOMS:
    _read, _write, _delete = rights(_room, "codes")
    _one = f"{_room}/codes/{{name}}/versions/{{version}}"
    routes.get(f"{_room}/codes/{{name}}/versions", _read)(find)
    routes.get(_one, _read)(show)
    routes.put(_one, _write)(put)
    routes.delete(_one, _delete)(delete)
    routes.post(f"{_one}/startPendingUpload", _write)(begin)


def _body(call: Call, view: dict[str, object]) -> dict[str, object]:
    return translate.to_arm(view, addresses.here(call))
