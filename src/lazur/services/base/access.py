"""Who may do what, and where. Deny unless a role allows that the caller has there.

A grant is a role in a place: the whole server, one workspace or one registry. Roles add up. A
token may be good for less than the person: then it has a ceiling, a grant of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lazur.errors import Forbidden, LazurError, NotFound
from lazur.services.base import roles
from lazur.services.base.roles import Role
from lazur.spec.names import fold


@dataclass(frozen=True)
class Resource:
    """What an action is about. Without workspace and registry it is the whole server."""

    workspace: str | None = None
    kind: str | None = None
    name: str | None = None
    registry: str | None = None


@dataclass(frozen=True)
class Denial:
    action: str
    resource: Resource


@dataclass(frozen=True)
class Grant:
    """`workspace` and `registry` are folded names; without either it holds everywhere."""

    role: Role
    workspace: str | None = None
    registry: str | None = None

    def covers(self, resource: Resource) -> bool:
        if self.workspace is not None:
            return resource.workspace is not None and fold(resource.workspace) == self.workspace
        if self.registry is not None:
            return resource.registry is not None and fold(resource.registry) == self.registry
        return True


@dataclass(frozen=True)
class Principal:
    """Who is calling: a user, a service, a job, a schedule's key, or the system itself."""

    name: str
    kind: str
    grants: tuple[Grant, ...]
    ceiling: Grant | None = None
    job: str | None = None
    hook: str | None = None
    """The schedule that the caller has a key of, in folded letters."""

    @classmethod
    def of(cls, name: str, kind: str, role: str, workspace: str | None = None) -> Principal:
        """With one built-in role; of no other name does anything follow."""
        found = roles.BUILT_IN.get(role) or Role(role, ())
        return cls(name, kind, (Grant(found, fold(workspace) if workspace else None),))

    @classmethod
    def of_job(cls, workspace: str, job: str) -> Principal:
        """Good for one job, in its workspace."""
        name = f"{workspace}/{job}"
        return cls(name, "job", (Grant(roles.JOB, fold(workspace)),), job=job)

    @classmethod
    def of_hook(cls, workspace: str, schedule: str) -> Principal:
        """Good for firing one schedule, in its workspace."""
        name = f"{workspace}/{schedule}"
        return cls(name, "hook", (Grant(roles.HOOK, fold(workspace)),), hook=fold(schedule))

    @property
    def workspace(self) -> str | None:
        """The only one that the caller knows, folded; None where there is none, or more."""
        known = {grant.workspace for grant in ((self.ceiling,) if self.ceiling else self.grants)}
        return known.pop() if len(known) == 1 else None

    def may(self, action: str, resource: Resource) -> bool:
        everywhere = roles.JOB_EVERYWHERE if self.job else roles.EVERYBODY
        if self.hook is None and roles.allows(everywhere, action):
            return True
        return self.knows(resource) and self._is_granted(
            lambda grant: grant.covers(resource) and roles.allows(grant.role, action)
        )

    def keeps(self, before: Principal) -> bool:
        """Whether all that this one was let in with, `before`, still holds."""
        return set(before.grants) <= set(self.grants) and self.ceiling == before.ceiling

    def knows(self, resource: Resource) -> bool:
        """Any role there will do. A job knows of no other job, a key of its schedule alone."""
        if self.hook is not None and (resource.kind, fold(resource.name or "")) != (
            "schedules",
            self.hook,
        ):
            return False
        about_a_job = resource.kind == "jobs" and resource.name is not None
        if self.job is not None and about_a_job and resource.name != self.job:
            return False
        return self._is_granted(lambda grant: grant.covers(resource))

    def workspaces(self, action: str) -> frozenset[str] | None:
        """Where the action is allowed, by folded names; None: everywhere."""
        return self._places(action, lambda grant: grant.workspace)

    def registries(self, action: str) -> frozenset[str] | None:
        return self._places(action, lambda grant: grant.registry)

    def _is_granted(self, test: Callable[[Grant], bool]) -> bool:
        return any(map(test, self.grants)) and (self.ceiling is None or test(self.ceiling))

    def _places(self, action: str, place: Callable[[Grant], str | None]) -> frozenset[str] | None:
        found = _allowed(self.grants, action, place)
        if self.ceiling is None:
            return found
        limit = _allowed((self.ceiling,), action, place)
        if found is None or limit is None:
            return limit if found is None else found
        return found & limit


SYSTEM = Principal.of("lazur", "system", "Owner")
"""The server's own loops."""


def acting_for(name: str) -> Principal:
    """A loop that goes on with what `name` was allowed to begin."""
    return Principal(name, "system", SYSTEM.grants)


def require(who: Principal, action: str, resource: Resource) -> None:
    """Raise unless `who` may. Where even the existence is not theirs to know, it is NotFound."""
    if not who.may(action, resource):
        error = _denied(who, action, resource)
        error.denial = Denial(action, resource)
        raise error


def _denied(who: Principal, action: str, resource: Resource) -> LazurError:
    if resource.workspace is None and resource.registry is None:
        return Forbidden(
            f"{action} is about the whole server.",
            hint=f"{who.name} may not do it: it takes a role on the server. {_roles(who)}",
        )
    if not who.knows(resource):
        return NotFound(_absent(resource))
    place = "registry" if resource.registry else "workspace"
    return Forbidden(
        f"{who.name} may not do {action} here.",
        hint=f"{_roles(who)} Ask an owner of the {place}.",
    )


def _roles(who: Principal) -> str:
    names = sorted({grant.role.name for grant in who.grants})
    held = f"Roles: {', '.join(names)}." if names else "No role was assigned yet."
    if who.ceiling is None:
        return held
    place = f" in {who.ceiling.workspace}" if who.ceiling.workspace else ""
    return f"{held} This token is good for {who.ceiling.role.name}{place} and no more."


def _allowed(
    grants: tuple[Grant, ...], action: str, place: Callable[[Grant], str | None]
) -> frozenset[str] | None:
    found: set[str] = set()
    for grant in grants:
        if not roles.allows(grant.role, action):
            continue
        if grant.workspace is None and grant.registry is None:
            return None
        if (name := place(grant)) is not None:
            found.add(name)
    return frozenset(found)


def _absent(resource: Resource) -> str:
    if resource.name is not None:
        return f"There is no {(resource.kind or 'resource').rstrip('s')} {resource.name!r}."
    if resource.registry is not None:
        return f"There is no registry {resource.registry!r}."
    return f"There is no workspace {resource.workspace!r}."
