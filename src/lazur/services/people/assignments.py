"""Who has which role where, and the roles that an administrator made."""

from __future__ import annotations

from typing import Any, cast

from lazur.errors import Conflict, Forbidden, Invalid, NotFound
from lazur.services.base import checks, events, roles
from lazur.services.base.access import Grant, Principal, Resource
from lazur.services.base.events import Change
from lazur.services.base.roles import Role
from lazur.services.base.site import Context
from lazur.services.base.times import iso
from lazur.services.base.workspaces import open_workspace
from lazur.services.people import people
from lazur.services.resources.registries import open_registry
from lazur.services.resources.shelves import Registry, Shelf
from lazur.spec.names import check_title, fold
from lazur.spec.suggestions import did_you_mean
from lazur.store import people as store
from lazur.store.db import AnyRow, Connection, Taken
from lazur.store.pages import Query

_READ = "authorization/roleAssignments/read"
_WRITE = "authorization/roleAssignments/write"
_DELETE = "authorization/roleAssignments/delete"
_MOST_ACTIONS = 1000
_ABOVE = {None: "/", "workspace": "/workspaces/", "registry": "/registries/"}


def principal(
    db: Connection, row: AnyRow, role: str | None = None, workspace: str | None = None
) -> Principal:
    """A user or service as it acts: with all its roles, or with what is left of them under a
    ceiling."""
    ceiling = None
    if role is not None or workspace is not None:
        found = _find(db, role or "Owner") or Role(role or "", ())
        ceiling = Grant(found, fold(workspace) if workspace else None)
    return Principal(row.name, row.kind, _grants(db, row.id), ceiling)


def create(context: Context, place: Shelf | None, spec: dict[str, Any]) -> dict[str, Any]:
    """`{"principal", "role"}`: in a workspace, in a registry, or on the whole server. Twice is
    once."""
    home = _open(context, place, _WRITE)
    name, role = spec.get("principal"), spec.get("role")
    if not isinstance(name, str) or not isinstance(role, str):
        raise Invalid('The body must be {"principal": "…", "role": "…"}.')
    check_may_give(context, role, place)
    return view(give(context, people.find_row(context, name), role, home))


def give(context: Context, who: AnyRow, role: str, home: AnyRow | None) -> AnyRow:
    """In the place of this row, or on the whole server. Whoever calls may."""
    room = home.id if home is not None else None
    wanted = named(context.db, role).name
    there = store.assigned(context.db, who.id, wanted, room)
    if there is not None:
        return there
    values = {
        "principal_id": who.id,
        "role": wanted,
        "workspace_id": room,
        "created_at": context.now(),
        "created_by": context.who.name,
    }
    store.assign(context.db, values)
    events.record(context, home, "assignments", who.name, "created", role=wanted)
    made = store.assigned(context.db, who.id, wanted, room)
    assert made is not None
    return made


def find(context: Context, place: Shelf | None, query: Query) -> dict[str, Any]:
    """Of one place, without those of the server, which hold in it too; or all."""
    home = _open(context, place, _READ)
    filters = {**query.filters}
    if "principal" in filters:
        filters["principal"] = fold(filters["principal"])
    if (role := _find(context.db, filters.get("role", ""))) is not None:
        filters["role"] = role.name
    asked = Query(query.limit, query.cursor, query.order_by, filters)
    page = store.page_of_assignments(
        context.db,
        asked,
        everywhere=home is None,
        workspace_id=home.id if home is not None else None,
    )
    return {"value": [view(row) for row in page.rows], "next": page.next}


def delete(context: Context, place: Shelf | None, number: str) -> None:
    """Acts within a second."""
    home = _open(context, place, _DELETE)
    known = number.isascii() and number.isdigit() and len(number) < 19
    row = store.assignment(context.db, int(number)) if known else None
    if row is None or row.workspace_id != (home.id if home is not None else None):
        raise NotFound(f"There is no role assignment {number[:50]!r}.")
    store.unassign(context.db, row.id)
    people.keep_an_owner(context)
    events.record(context, home, "assignments", row.principal, "deleted", role=row.role)


def check_may_give(context: Context, role: str, place: Shelf | None) -> None:
    """Nobody gives more than they have there themselves."""
    wanted = named(context.db, role)
    who = context.who
    if not _holds(who, wanted, _resource(place)):
        raise Forbidden(
            f"{who.name} may not give the role {wanted.name!r} here.",
            hint="Nobody gives more than they have themselves. Ask an owner.",
        )


def check_may_become(context: Context, row: AnyRow) -> None:
    """Whoever sets somebody's password or secret can come in as them: nobody does that for who
    may do what they may not."""
    who = context.who
    for grant in _grants(context.db, row.id):
        if not _holds(who, grant.role, Resource(grant.workspace, registry=grant.registry)):
            raise Forbidden(
                f"{row.name} may do what {who.name} may not ({grant.role.name}).",
                hint="Whoever sets a password can use it. Ask an owner of the server.",
            )


def named(db: Connection, role: str) -> Role:
    found = _find(db, role)
    if found is None:
        known = [*roles.BUILT_IN, *(row.name for row in store.all_roles(db))]
        raise Invalid(
            f"There is no role {role!r}.",
            hint=did_you_mean(role, known) or f"Known: {', '.join(known)}.",
        )
    return found


def _holds(who: Principal, role: Role, place: Resource) -> bool:
    """Whether they may do there all that the role allows."""

    def is_enough(mine: Grant) -> bool:
        return mine.covers(place) and roles.includes(mine.role, role)

    return any(map(is_enough, who.grants)) and (who.ceiling is None or is_enough(who.ceiling))


def _resource(place: Shelf | None) -> Resource:
    return Resource(registry=place.name) if isinstance(place, Registry) else Resource(place)


def _open(context: Context, place: Shelf | None, action: str) -> AnyRow | None:
    """None: it is the whole server."""
    if place is None:
        context.require(action, Resource())
        return None
    if isinstance(place, Registry):
        return open_registry(context, place.name, action)
    return open_workspace(context, place, action)


def view(row: AnyRow) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "principal": row.principal,
        "principal_kind": row.principal_kind,
        "role": row.role,
        "scope": f"{_ABOVE[row.place_kind]}{row.place or ''}",
        "workspace": row.place if row.place_kind == "workspace" else None,
        "registry": row.place if row.place_kind == "registry" else None,
        "creation_context": {"created_at": iso(row.created_at), "created_by": row.created_by},
    }


def definitions(context: Context) -> dict[str, Any]:
    """Built-in roles first."""
    context.require("authorization/roleDefinitions/read", Resource())
    built_in = [_definition(role) for role in roles.BUILT_IN.values()]
    return {"value": [*built_in, *map(_custom, store.all_roles(context.db))], "next": None}


def define(context: Context, spec: dict[str, Any]) -> dict[str, Any]:
    """A custom role, as Azure's JSON says it: `Name`, `Description`, `Actions`, `NotActions`,
    `AssignableScopes`. The same name again replaces it."""
    context.require("authorization/roleDefinitions/write", Resource())
    values = _defined(spec)
    if any(fold(values["name"]) == fold(known) for known in roles.BUILT_IN):
        raise Conflict(f"{values['name']!r} is a built-in role.", hint="Choose another name.")
    made = Role(values["name"], *roles.ours(values["actions"], values["not_actions"]))
    if not any(roles.includes(g.role, made) for g in context.who.grants if g.covers(Resource())):
        raise Forbidden(
            "A role may allow nothing that its maker may not do.",
            hint="Ask an owner of the server to define it.",
        )
    there = store.role(context.db, fold(values["name"]))
    if there is None:
        made_by = {"created_at": context.now(), "created_by": context.who.name}
        try:
            store.add_role(context.db, {**values, "folded": fold(values["name"]), **made_by})
        except Taken:
            raise Conflict(f"Somebody has just defined {values['name']!r}.") from None
    else:
        store.change_role(context.db, there.id, **values)
    before = _custom(there) if there is not None else None
    what = "created" if there is None else "updated"
    events.record(context, None, "roles", values["name"], what, Change(before, values))
    row = store.role(context.db, fold(values["name"]))
    assert row is not None
    return _custom(row)


def undefine(context: Context, name: str) -> None:
    context.require("authorization/roleDefinitions/delete", Resource())
    row = store.role(context.db, fold(name))
    if row is None:
        raise NotFound(
            f"There is no custom role {name!r}.", hint="See: lazur role definition list"
        )
    if uses := store.uses_of_role(context.db, row.name):
        raise Conflict(
            f"The role {row.name!r} is assigned {uses} times.",
            hint="Take it away first. See: lazur role assignment list --all",
        )
    store.drop_role(context.db, row.id)
    events.record(context, None, "roles", row.name, "deleted", Change(_custom(row), None))


def _grants(db: Connection, principal_id: int) -> tuple[Grant, ...]:
    found = ((row, _role(row)) for row in store.grants(db, principal_id))
    return tuple(
        Grant(
            role,
            row.folded if row.place == "workspace" else None,
            row.folded if row.place == "registry" else None,
        )
        for row, role in found
        if role is not None
    )


def _role(row: AnyRow) -> Role | None:
    if (built_in := roles.BUILT_IN.get(row.role)) is not None:
        return built_in
    if row.actions is None:
        return None
    return roles.custom(row.role, tuple(row.actions), tuple(row.not_actions))


def _find(db: Connection, name: str) -> Role | None:
    for role in roles.BUILT_IN.values():
        if fold(role.name) == fold(name):
            return role
    row = store.role(db, fold(name))
    return roles.custom(row.name, tuple(row.actions), tuple(row.not_actions)) if row else None


def _defined(spec: dict[str, Any]) -> dict[str, Any]:
    """Azure spells the fields in more than one way."""
    known = {"name", "description", "actions", "notactions", "assignablescopes"}
    given = {key.lower().replace("_", ""): value for key, value in spec.items()}
    if unknown := sorted(set(given) - known - {"iscustom", "id", "dataactions", "notdataactions"}):
        raise Invalid(f"A role has no {unknown[0]!r}.", hint=f"Known: {', '.join(sorted(known))}.")
    return {
        "name": checks.text("Name", given.get("name"), check_title),
        "description": checks.changes({"description": given.get("description")}, ("description",))[
            "description"
        ],
        "actions": _actions("Actions", given.get("actions")),
        "not_actions": _actions("NotActions", given.get("notactions") or []),
        "scopes": given.get("assignablescopes") or [],
    }


def _actions(field: str, value: Any) -> list[str]:
    items = cast("list[Any]", value) if isinstance(value, list) else []
    good = all(isinstance(item, str) and 0 < len(item) <= 255 for item in items)
    if not isinstance(value, list) or not good or len(items) > _MOST_ACTIONS:
        raise Invalid(f"{field} is a list of at most {_MOST_ACTIONS} actions, as text.")
    return items


def _definition(role: Role) -> dict[str, Any]:
    return {
        "name": role.name,
        "description": None,
        "is_custom": False,
        "actions": list(role.actions),
        "not_actions": list(role.not_actions),
        "scopes": ["/"],
    }


def _custom(row: AnyRow) -> dict[str, Any]:
    fields = ("name", "description", "actions", "not_actions", "scopes")
    return {**{field: getattr(row, field) for field in fields}, "is_custom": True}
