"""Users, groups and services; roles and who has them where; the caller's own tokens."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Depends
from starlette.responses import Response

from lazur.server import sign_in
from lazur.server.deps import Call, Listing, Object, action
from lazur.server.native import shelves
from lazur.services.people import assignments, people, tokens
from lazur.services.resources.shelves import Shelf

_PEOPLE = "authorization/principals"
_ROLES = "authorization/roleDefinitions"
_GIVEN = "authorization/roleAssignments"

routes = APIRouter(prefix="/api/v1", tags=["people"])


def _principals(kind: str) -> APIRouter:
    """The routes of users, of groups and of services are the same."""
    made = APIRouter(prefix=f"/{kind}s")

    @made.get("", **action(f"{_PEOPLE}/read"))
    def find(call: Call, listing: Listing) -> Response:
        return call.read(lambda context: people.find(context, kind, listing.query()))

    @made.post("", status_code=201, **action(f"{_PEOPLE}/write"))
    def create(call: Call, spec: Object) -> Response:
        return call.create(lambda context: people.create(context, kind, spec), spec)

    @made.get("/{name}", **action(f"{_PEOPLE}/read"))
    def show(call: Call, name: str) -> Response:
        return call.read(lambda context: people.get(context, kind, name))

    @made.patch("/{name}", **action(f"{_PEOPLE}/write"))
    def update(call: Call, name: str, changes: Object) -> Response:
        """`display_name`, `email`, and `disabled`, which shuts them out at once."""
        return call.write(lambda context: people.update(context, kind, name, changes))

    @made.delete("/{name}", status_code=204, **action(f"{_PEOPLE}/delete"))
    def delete(call: Call, name: str) -> Response:
        """With their tokens and roles. What they made stays."""
        return call.write(lambda context: people.delete(context, kind, name))

    return made


for _kind in people.KINDS:
    routes.include_router(_principals(_kind))


@routes.put("/groups/{name}/members/{member}", **action(f"{_PEOPLE}/write"))
def add_member(call: Call, name: str, member: str) -> Response:
    return call.write(lambda context: people.add_member(context, name, member))


@routes.delete("/groups/{name}/members/{member}", **action(f"{_PEOPLE}/write"))
def remove_member(call: Call, name: str, member: str) -> Response:
    return call.write(lambda context: people.remove_member(context, name, member))


@routes.get("/roles", **action(f"{_ROLES}/read"))
def find_roles(call: Call) -> Response:
    return call.read(assignments.definitions)


@routes.post("/roles", **action(f"{_ROLES}/write"))
def define_role(call: Call, spec: Object) -> Response:
    """A custom role, as Azure's JSON says it. The same name again replaces it."""
    return call.write(lambda context: assignments.define(context, spec))


@routes.delete("/roles/{name}", status_code=204, **action(f"{_ROLES}/delete"))
def undefine_role(call: Call, name: str) -> Response:
    return call.write(lambda context: assignments.undefine(context, name))


def _assignments(prefix: str, place: Callable[..., Shelf | None]) -> APIRouter:
    """Who has which role: on the server, in a workspace, in a registry."""
    made = APIRouter(prefix=f"{prefix}/role-assignments")
    there = Depends(place)

    @made.get("", **action(f"{_GIVEN}/read"))
    def find(call: Call, listing: Listing, place: Shelf | None = there) -> Response:
        """Of a place; of the server: all of them, everywhere."""
        query = listing.query("principal", "role")
        return call.read(lambda context: assignments.find(context, place, query))

    @made.post("", status_code=201, **action(f"{_GIVEN}/write"))
    def assign(call: Call, spec: Object, place: Shelf | None = there) -> Response:
        """`{"principal", "role"}`."""
        return call.create(lambda context: assignments.create(context, place, spec), spec)

    @made.delete("/{number}", status_code=204, **action(f"{_GIVEN}/delete"))
    def unassign(call: Call, number: str, place: Shelf | None = there) -> Response:
        return call.write(lambda context: assignments.delete(context, place, number))

    return made


routes.include_router(_assignments("", shelves.server))
routes.include_router(_assignments("/workspaces/{workspace}", shelves.workspace))
routes.include_router(_assignments("/registries/{registry}", shelves.registry))


@routes.get("/me/tokens", **action("me/read"))
def my_tokens(call: Call) -> Response:
    return call.read(tokens.mine)


@routes.post("/me/tokens", status_code=201, **action("me/tokens/write"))
def make_token(call: Call, spec: Object) -> Response:
    """`{"label", "days", "role", "workspace"}`, all optional: with a role or a workspace it is
    good for no more than that. The secret is shown this once."""
    return call.write(lambda context: tokens.create(context, spec), status=201)


@routes.delete("/me/tokens/{token}", status_code=204, **action("me/tokens/write"))
def revoke_token(call: Call, token: str) -> Response:
    """By its id; `current` is the one that this call is made with."""
    secret = sign_in.bearer_secret(call.request.scope["headers"])
    return call.write(lambda context: tokens.revoke_mine(context, token, secret))
