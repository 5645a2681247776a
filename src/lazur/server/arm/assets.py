"""Data, models, environments and components: one set of operations for all of them, in workspaces
and in registries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from lazur.server.arm import addresses, listing, rooms
from lazur.server.arm.calls import Call
from lazur.server.arm.ids import NAMELESS
from lazur.server.arm.replies import Reply, listed
from lazur.server.arm.rooms import ROOMS, rights
from lazur.server.arm.routes import Routes
from lazur.server.arm.translate import assets as translate
from lazur.server.arm.translate.assets import NOUNS, Noun
from lazur.server.arm.translate.places import Blobs, Here
from lazur.services.assets import assets
from lazur.services.azure import containers, uploads
from lazur.services.azure.containers import Wanted
from lazur.services.base.site import Context
from lazur.services.results import asset_trash
from lazur.store.pages import Query

routes = Routes()

_BUILT = "build"


def find(noun: Noun, call: Call) -> Reply:
    """What has no name of its own is in no list, as in Azure."""
    query = listing.query(call, "name")
    named = Query(query.limit, query.cursor, "name", query.filters)
    page = call.read(lambda c: containers.find(c, call.shelf, noun.kind, named))
    shown = [one for one in page["value"] if one["name"] != NAMELESS.get(noun.kind)]
    return _listed(call, {**page, "value": shown}, partial(translate.container, noun))


def show(noun: Noun, call: Call, name: str) -> Reply:
    found = call.read(lambda c: containers.get(c, call.shelf, noun.kind, name))
    return Reply(translate.container(noun, found, _here(call)))


def change(noun: Noun, call: Call, name: str) -> Reply:
    """Archived, or restored: all versions at once."""
    archived = translate.is_archived(call.json())
    found = call.write(
        lambda c: containers.change(c, call.shelf, noun.kind, name, archived=archived)
    )
    return rooms.put(call, translate.container(noun, found, _here(call)), new=False)


def delete_all(noun: Noun, call: Call, name: str) -> Reply:
    call.write(lambda c: asset_trash.delete(c, call.shelf, noun.kind, name))
    return Reply(status=204)


def versions(noun: Noun, call: Call, name: str) -> Reply:
    """None where there is no such name: that is how clients find out the first version."""
    query = listing.query(call)
    page = call.read(lambda c: containers.versions(c, call.shelf, noun.kind, name, query))
    return _listed(call, page, partial(translate.version, noun))


def version(noun: Noun, call: Call, name: str, version: str) -> Reply:
    found = call.read(lambda c: assets.get(c, call.shelf, noun.kind, name, version))
    here = _here(call)
    told = translate.version(noun, found, here)
    rooms.keep(call, here.ids)
    return Reply(told)


def put(noun: Noun, call: Call, name: str, version: str) -> Reply:
    """Made where it is not there; where it is, what is said about it is changed."""
    body = call.json()
    spec = translate.spec(noun, {**body, "name": name}, _here(call))
    wanted = Wanted(name, version, spec, translate.is_archived(body))
    same = partial(translate.is_same, noun, spec)
    made, new = call.write(
        lambda c: containers.put(c, call.shelf, noun.kind, wanted, same, _fetched)
    )
    for holder, key in _fetchable(spec):
        uploads.clear(call.site, call.who, addresses.place_of(holder[key]))
    here = _here(call)
    told = translate.version(noun, made, here)
    rooms.keep(call, here.ids)
    return rooms.put(call, told, new=new)


def delete(noun: Noun, call: Call, name: str, version: str) -> Reply:
    call.write(lambda c: asset_trash.delete(c, call.shelf, noun.kind, name, version))
    return Reply(status=204)


def _fetched(context: Context, spec: dict[str, Any]) -> dict[str, Any]:
    """With the content of what was put somewhere to be registered."""
    made = dict(spec)
    for holder, key in _fetchable(made):
        place, own = addresses.place_of(holder[key]), holder is made
        taken = uploads.take(context, place, named=own)
        if own:
            made[key] = taken.tree
        else:
            made[_BUILT] = {**holder, key: taken.tree}
    return made


def _fetchable(spec: Mapping[str, Any]) -> list[tuple[Mapping[str, Any], str]]:
    """Where in a spec such a place stands."""
    holders: list[Mapping[str, Any]] = [spec]
    if isinstance(spec.get(_BUILT), Mapping):
        holders.append(spec[_BUILT])
    return [(holder, "path") for holder in holders if isinstance(holder.get("path"), Blobs)]


def _listed(call: Call, page: Mapping[str, Any], body: Callable[[Any, Here], Any]) -> Reply:
    here = _here(call)
    told = [body(one, here) for one in page["value"]]
    rooms.keep(call, here.ids)
    return listed(told, listing.next_link(call, dict(page)))


def _here(call: Call) -> Here:
    return addresses.here(call)


for _noun in NOUNS.values():
    for _room in ROOMS:
        _read, _write, _delete = rights(_room, _noun.kind)
        _all = f"{_room}/{_noun.kind}"
        _one = f"{_all}/{{name}}/versions/{{version}}"
        routes.get(_all, _read)(partial(find, _noun))
        routes.get(f"{_all}/{{name}}", _read)(partial(show, _noun))
        routes.put(f"{_all}/{{name}}", _write)(partial(change, _noun))
        routes.delete(f"{_all}/{{name}}", _delete)(partial(delete_all, _noun))
        routes.get(f"{_all}/{{name}}/versions", _read)(partial(versions, _noun))
        routes.get(_one, _read)(partial(version, _noun))
        routes.put(_one, _write)(partial(put, _noun))
        routes.delete(_one, _delete)(partial(delete, _noun))
