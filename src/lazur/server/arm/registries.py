"""Registries: made, shown, found by clients, and filled from workspaces."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lazur.errors import Invalid, NotFound
from lazur.server.arm import addresses, ids, listing
from lazur.server.arm.calls import Call
from lazur.server.arm.ids import Ids
from lazur.server.arm.replies import POLL, Reply, listed
from lazur.server.arm.rooms import ROOMS
from lazur.server.arm.routes import Routes
from lazur.server.arm.translate import promises
from lazur.server.arm.translate import registries as translate
from lazur.server.arm.translate.cases import mapping
from lazur.services.assets import assets, shares, sharing
from lazur.services.azure import blobs, identity
from lazur.services.base import workspaces
from lazur.services.base.site import Context
from lazur.services.resources import registries
from lazur.services.resources.shelves import open_shelf
from lazur.store.pages import Query

routes = Routes()

_SOURCE = re.compile(
    r"azureml://locations/[^/]+/workspaces/(?P<workspace>[^/]+)/(?P<kind>[^/]+)/(?P<name>[^/]+)"
    r"/versions/(?P<version>[^/]+)"
)
_PATIENCE = 1.0
"""Seconds in which small files are copied before anybody has to ask again."""
_KINDS = ("models", "environments", "data", "components")


@routes.get("MLS/registries", "registries/read")
@routes.get("SUBMLS/registries", "registries/read")
def find(call: Call) -> Reply:
    asked = listing.query(call, "name")
    query = Query(asked.limit, asked.cursor, None, {})
    page = call.read(lambda context: registries.find(context, query))
    return listed([_body(call, one) for one in page["value"]], listing.next_link(call, page))


@routes.get("REG", "registries/read")
def show(call: Call) -> Reply:
    found = call.read(lambda context: registries.get(context, call.place.registry))
    return Reply(_body(call, found))


@routes.put("REG", "registries/write")
def put(call: Call) -> Reply:
    """Made; or where it is there, what is said of it."""
    name, body = call.place.registry, call.json()
    spec = translate.from_arm(name, body)
    try:
        call.read(lambda context: registries.get(context, name))
    except NotFound:
        made = call.write(lambda context: registries.create(context, spec))
        return Reply(_body(call, made), 201)
    return _noted(call, body)


@routes.patch("REG", "registries/write")
def change(call: Call) -> Reply:
    body = call.json()
    promises.check(mapping(body.get("properties")))
    return _noted(call, body)


@routes.delete("REG", "registries/delete")
def delete(call: Call) -> Reply:
    call.write(lambda context: registries.delete(context, call.place.registry))
    return Reply(status=204)


@routes.get("/registrymanagement/v1.0/registries/{registry}/discovery", "registries/read")
def discover(call: Call, registry: str) -> Reply:
    found = call.read(lambda context: registries.get(context, registry))
    place = replace(
        call.place, subscription=identity.SUBSCRIPTION, group=identity.GROUP, registry=registry
    )
    return Reply(translate.discovery(found["name"], Ids(place), call.base))


def begin_upload(call: Call, name: str, version: str) -> Reply:
    """Where the files of an asset may be put that is about to be registered."""
    _require(call, "write")
    asset = str(call.json().get("assetId") or "")
    return Reply(addresses.pending_upload(call, f"{asset}/{name}/{version}"))


def data_reference(call: Call, name: str, version: str) -> Reply:
    """An address by which the files of an asset can be fetched."""
    _require(call, "read")
    uri = str(call.json().get("blobUri") or "")
    found = addresses.here(call).blobs(uri)
    if found is None or found.container != blobs.SHARED:
        raise Invalid(f"{name}:{version} has no files at this address.")
    digest = found.path.partition("/")[0]
    url = f"{addresses.here(call).url(blobs.SHARED)}"
    query = addresses.signature(call, blobs.SHARED, digest)
    told = {"credentialType": "SAS", "sasUri": f"{url}?{query}"}
    return Reply({"blobReferenceForConsumption": {"blobUri": url, "credential": told}})


def take(call: Call) -> Reply:
    """An asset of a workspace, into the registry. The answer has no body: the client of Azure
    looks for the asset then."""
    given = mapping(call.json(of_any=True).get("properties"))
    source = str(given.get("sourceAssetId") or "")
    workspace, kind, name, version = call.read(lambda context: _source(context, source))
    asked = {
        "registry": call.place.registry,
        "name": given.get("destinationName") or name,
        "version": given.get("destinationVersion") or version,
    }
    made = call.write(lambda c: sharing.share(c, workspace, kind, name, version, asked))
    if made.get("state") != "copying":
        return Reply(status=200)
    wanted = {"kind": kind, "name": asked["name"], "version": asked["version"]}
    return _awaited(call, str(call.scope["path"]), made["share"], wanted, _PATIENCE)


def is_taken(call: Call, share: str) -> Reply:
    """Whether its files are here by now, where they are copied from a store elsewhere."""
    _require(call, "write")
    path = str(call.scope["path"]).rpartition("/")[0]
    return _awaited(call, path, share, call.query, 0.0)


def _awaited(
    call: Call, path: str, share: str, wanted: Mapping[str, str], seconds: float
) -> Reply:
    """What was told once is forgotten: then the asset itself is looked for."""
    made = shares.wait(call.site, share, seconds)
    if "bytes" in made:
        told = {name: wanted.get(name, "") for name in ("kind", "name", "version")}
        url = call.url(f"{path}/{share}", **told)
        return Reply(None, 202, {"Location": url, "Retry-After": POLL})
    if made.get("state") == "copying":
        kind, name, version = (wanted.get(part, "") for part in ("kind", "name", "version"))
        if kind not in _KINDS:
            raise Invalid(f"{kind[:50]!r} is no kind of asset.")
        call.read(lambda context: assets.get(context, call.shelf, kind, name, version))
    return Reply(status=200)


for _room in ROOMS[1:]:
    _version = "{name}/versions/{version}"
    routes.put(f"{_room}/tempdatarefs/{_version}", "registries/assets/write")(begin_upload)
    routes.post(f"{_room}/datarefs/{_version}", "registries/assets/read")(data_reference)
    routes.post(f"{_room}/datareferences/{_version}", "registries/assets/read")(data_reference)
    routes.post(f"{_room}/import", "registries/assets/write")(take)
    routes.get(f"{_room}/import/{{share}}", "registries/assets/write")(is_taken)
    for _kind in _KINDS:
        _begin = f"{_room}/{_kind}/{_version}/startPendingUpload"
        routes.post(_begin, "registries/assets/write")(begin_upload)


def _require(call: Call, verb: str) -> None:
    def check(context: Context) -> None:
        open_shelf(context, call.shelf, "models", verb)

    call.read(check)


def _noted(call: Call, body: Mapping[str, Any]) -> Reply:
    """With what is said of it; what is not mentioned stays."""
    notes = {note: body[note] for note in ("tags", "description") if body.get(note) is not None}
    made = call.write(lambda context: registries.update(context, call.place.registry, notes))
    return Reply(_body(call, made))


def _source(context: Context, asset_id: str) -> tuple[str, str, str, str]:
    """By the workspace's number, or its name, of those that the caller may see."""
    found = _SOURCE.fullmatch(asset_id)
    named = ids.parse(asset_id) if found is None else None
    if named is not None and named.workspace and named.version:
        return named.workspace, named.kind, named.name, named.version
    if found is None:
        raise Invalid(f"{asset_id[:200]!r} names no asset of a workspace.")
    rooms = workspaces.find(context, Query(1000, None, None, {}))["value"]
    home = context.site.home
    for room in rooms:
        if found["workspace"] in (room["name"], identity.of(home, "workspace", room["name"])):
            return room["name"], found["kind"], found["name"], found["version"]
    raise NotFound(f"There is no workspace {found['workspace'][:100]!r}.")


def _body(call: Call, view: dict[str, Any]) -> dict[str, Any]:
    return translate.to_arm(view, call.ids, call.base)
