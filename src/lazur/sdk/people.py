"""Users, groups and services, and the roles that they have; tokens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from lazur.errors import NotFound
from lazur.sdk.http import Http
from lazur.sdk.places import SERVER, path_of, workspace_in
from lazur.sdk.scope import Scope, pages
from lazur.sdk.views import Principal, Role, RoleAssignment, Token

_API = "/api/v1"
_ROLES = f"{_API}/roles"
_MINE = f"{_API}/me/tokens"
_OF_ALL = f"{_API}/tokens"


class Principals:
    """Of one kind: users or services."""

    def __init__(self, http: Http, kind: str) -> None:
        self._http = http
        self._path = f"{_API}/{kind}"

    def list(self, *, max_results: int | None = None) -> Iterator[Principal]:
        for item in pages(self._http, self._path, limit=max_results):
            yield Principal(item)

    def get(self, name: str) -> Principal:
        """With the groups that it is in, or a group's members."""
        return Principal(self._http.request("GET", self._at(name)).json())

    def create(self, name: str, **fields: Any) -> Principal:
        """`fields`: display_name, email."""
        made = {"name": name, **fields}
        return Principal(self._http.request("POST", self._path, json=made).json())

    def update(self, name: str, **fields: Any) -> Principal:
        """`fields`: display_name, email, and disabled, which shuts them out at once."""
        return Principal(self._http.request("PATCH", self._at(name), json=fields).json())

    def delete(self, name: str) -> None:
        """With their tokens and roles. What they made stays."""
        self._http.request("DELETE", self._at(name))

    def _at(self, *names: str) -> str:
        return "/".join([self._path, *(quote(name, safe="") for name in names)])


class Groups(Principals):
    def add_member(self, group: str, member: str) -> Principal:
        """A user or a service. Twice is once."""
        return self._member("PUT", group, member)

    def remove_member(self, group: str, member: str) -> Principal:
        return self._member("DELETE", group, member)

    def _member(self, method: str, group: str, member: str) -> Principal:
        path = f"{self._at(group)}/members/{quote(member, safe='')}"
        return Principal(self._http.request(method, path).json())


class Roles:
    """What the names of roles stand for; custom ones are made here."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def list(self) -> Iterator[Role]:
        for item in self._http.request("GET", _ROLES).json()["value"]:
            yield Role(item)

    def get(self, name: str) -> Role:
        for role in self.list():
            if role.name.casefold() == name.casefold():
                return role
        raise NotFound(f"There is no role {name!r}.", hint="See: lazur role definition list")

    def create_or_update(self, definition: dict[str, Any]) -> Role:
        """A custom role, as Azure's JSON says it: Name, Description, Actions, NotActions."""
        return Role(self._http.request("POST", _ROLES, json=definition).json())

    def delete(self, name: str) -> None:
        self._http.request("DELETE", f"{_ROLES}/{quote(name, safe='')}")


class RoleAssignments:
    """Who has which role where. `scope` is a workspace, by its name or by an id of Azure's form,
    `/registries/NAME`, or `/`: the whole server. Without one it is the client's workspace."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def list(
        self,
        *,
        scope: str | None = None,
        everywhere: bool = False,
        principal: str | None = None,
        role: str | None = None,
    ) -> Iterator[RoleAssignment]:
        """Those of the place itself, or `everywhere`."""
        asked = {"principal": principal, "role": role}
        query = {key: value for key, value in asked.items() if value is not None}
        path = self._path(SERVER if everywhere else scope)
        for item in pages(self._scope.http, path, query):
            if everywhere or scope != SERVER or item["scope"] == SERVER:
                yield RoleAssignment(item)

    def create(self, principal: str, role: str, *, scope: str | None = None) -> RoleAssignment:
        """Twice is once."""
        body = {"principal": principal, "role": role}
        return RoleAssignment(
            self._scope.http.request("POST", self._path(scope), json=body).json()
        )

    def delete(self, assignment: str, *, scope: str | None = None) -> None:
        """By its id. It acts within a second."""
        path = f"{self._path(scope)}/{quote(assignment, safe='')}"
        self._scope.http.request("DELETE", path)

    def _path(self, scope: str | None) -> str:
        if scope is None:
            return self._scope.path("role-assignments")
        return f"{path_of(scope)}/role-assignments"


class Tokens:
    """The caller's own; and, for who looks after others, theirs."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def list(self, *, everybody: bool = False) -> Iterator[Token]:
        """The secrets themselves are kept nowhere."""
        path = _OF_ALL if everybody else _MINE
        for item in self._http.request("GET", path).json()["value"]:
            yield Token(item)

    def create(
        self,
        label: str | None = None,
        *,
        days: float | None = None,
        role: str | None = None,
        scope: str | None = None,
    ) -> Token:
        """With a role or a scope, good for no more than that. `token` is the secret; it is told
        this once."""
        workspace = None if scope is None else workspace_in(scope)
        asked = {"label": label, "days": days, "role": role, "workspace": workspace}
        given = {key: value for key, value in asked.items() if value is not None}
        return Token(self._http.request("POST", _MINE, json=given).json())

    def create_for(
        self,
        name: str,
        role: str,
        *,
        scope: str = "/",
        label: str | None = None,
        days: float | None = None,
    ) -> Token:
        """For somebody else: gives them the role there; who is not known yet becomes a user."""
        body: dict[str, Any] = {"name": name, "role": role, "workspace": workspace_in(scope)}
        noted = {"label": label, "days": days}
        body |= {key: value for key, value in noted.items() if value is not None}
        return Token(self._http.request("POST", _OF_ALL, json=body).json())

    def delete(self, token: str) -> None:
        """One of the caller's own, by its id. It acts within a second."""
        self._http.request("DELETE", f"{_MINE}/{quote(token, safe='')}")

    def delete_all_of(self, name: str) -> None:
        """Everything that lets this person in: tokens, and what browsers have."""
        self._http.request("DELETE", f"{_OF_ALL}/{quote(name, safe='')}")
