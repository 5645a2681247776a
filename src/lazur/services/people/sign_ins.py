"""Signing in with a password, and what all ways have in common.

A use case here is several transactions: what takes long (a provider's answer, a password's
digest) is never inside one. What the second finds is looked at anew.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lazur.errors import Conflict, Forbidden, Invalid, LazurError, TooManyTries, Unauthenticated
from lazur.services.base import events
from lazur.services.base.access import Denial, Principal, Resource
from lazur.services.base.site import SOURCE, Context, Site
from lazur.services.base.throttle import PER_ADDRESS, PER_NAME, Throttle, origin
from lazur.services.people import assignments, passwords, people, tokens
from lazur.spec.names import fold
from lazur.store import people as store
from lazur.store.db import AnyRow

_SECRET = "authorization/tokens/write"  # noqa: S105 - an action's name
_LONGEST_NAME = 255
_LONGEST = 2000


@dataclass
class Brakes:
    """Tries of this server, by address and by name. Several servers have one each."""

    addresses: Throttle = field(default_factory=lambda: Throttle(PER_ADDRESS))
    names: Throttle = field(default_factory=lambda: Throttle(PER_NAME))

    def press(self, name: str | None = None) -> None:
        """Raise when it is too soon for another try from this address, or of this name."""
        wait = self.addresses.wait(origin(SOURCE.get()))
        if not wait and name is not None:
            wait = self.names.wait(fold(name))
        if wait:
            raise too_many(wait)


def by_password(site: Site, brakes: Brakes, name: str, password: str) -> str:
    """The new session's secret. Raises one error for everything that may be wrong."""
    name = name[:_LONGEST_NAME]
    brakes.press(name)
    row, kept = _kept(site, name)
    verdict = passwords.verify(kept, password)
    if row is None or not verdict.good:
        raise _refused(row)
    renewed = passwords.protect(password) if verdict.stale else None
    brakes.names.forgive(fold(name))
    with site.context(Principal(row.name, row.kind, ())) as context:
        now = able(context, row.name)
        if now.password != kept:
            raise _refused(now)
        if renewed:
            store.change(context.db, now.id, password=renewed)
        return begin(context, now, "password")


def change_password(site: Site, who: Principal, brakes: Brakes, spec: dict[str, Any]) -> None:
    """`{"current", "new"}`: their own, by the one that they have. All of their browsers are signed
    out."""
    with site.context(who, write=False) as context:
        context.require("me/password/write", Resource())
        _check_whole(who)
        current, new = texts(spec, "current", "new")
        row = people.find_row(context, who.name)
    if row.password is None:
        raise Conflict(
            "You have no password yet.",
            hint=f"An administrator sets the first one: lazur user set-password --name {who.name}",
        )
    brakes.press(who.name)
    if not passwords.verify(row.password, current).good:
        raise _refused(row, "The present password is another one.")
    brakes.names.forgive(fold(who.name))
    kept = _chosen(new, row)
    with site.context(who) as context:
        if people.find_row(context, who.name).password != row.password:
            raise Conflict("The password was changed just now.", hint="Sign in again.")
        _keep(context, row, kept)


def set_password(site: Site, who: Principal, name: str, spec: dict[str, Any]) -> None:
    """`{"password"}` of a user, by an administrator. None: they sign in some other way."""
    with site.context(who, write=False) as context:
        context.require(_SECRET, Resource())
        row = people.find_row(context, name, "user")
        assignments.check_may_become(context, row)
    gone = "password" in spec and spec["password"] is None
    kept = None if gone else _chosen(texts(spec, "password")[0], row)
    with site.context(who) as context:
        row = people.find_row(context, name, "user")
        assignments.check_may_become(context, row)
        _keep(context, row, kept)


def begin(context: Context, row: AnyRow, way: str) -> str:
    """A browser session of who has just proved to be this person."""
    secret = tokens.begin_session(context, row.name)
    events.record(context, None, "sign-ins", row.name, "signed in", way=way)
    return secret


def able(context: Context, name: str) -> AnyRow:
    """Who may sign in now. Raises Forbidden for who was locked out in between."""
    row = store.by_name(context.db, fold(name))
    if row is None or row.disabled:
        raise denied(
            Forbidden("You are locked out here.", hint="Ask an owner of this server."),
            "locked-out",
            name,
        )
    return row


def texts(body: dict[str, Any], *names: str) -> list[str]:
    """The fields of a body that must be texts."""
    found = [body.get(name) for name in names]
    good = [text for text in found if isinstance(text, str) and 0 < len(text) <= _LONGEST]
    if len(good) < len(names):
        raise Invalid(f"The body must have {', '.join(names)}, each a text.")
    return good


def too_many(seconds: float) -> TooManyTries:
    return TooManyTries(
        "There were too many attempts to sign in.",
        hint=f"Wait {max(1, round(seconds))} seconds, then try again.",
        retry_after=round(max(1.0, seconds), 1),
    )


def denied(error: LazurError, way: str, name: str = "") -> LazurError:
    """With what the audit log shall tell: which way, and who it was about."""
    error.denial = Denial(f"sign-in/{way}", Resource(kind="sign-ins", name=name or None))
    return error


def _kept(site: Site, name: str) -> tuple[AnyRow | None, str | None]:
    with site.context(write=False) as context:
        row = store.by_name(context.db, fold(name))
    if row is None or row.kind != "user" or row.disabled:
        return row, None
    return row, row.password


def _chosen(password: str, row: AnyRow) -> str:
    passwords.check(password, row.name, row.display_name or "", row.email or "")
    return passwords.protect(password)


def _keep(context: Context, row: AnyRow, kept: str | None) -> None:
    store.change(context.db, row.id, password=kept)
    store.drop_sessions_of(context.db, row.name)
    events.record(
        context, None, "principals", row.name, "password set" if kept else "password removed"
    )


def _check_whole(who: Principal) -> None:
    if who.ceiling is not None or who.kind != "user":
        raise Forbidden(
            "This token cannot change a password.", hint="Sign in as the person themselves."
        )


def _refused(row: AnyRow | None, said: str = "The name or the password is wrong.") -> LazurError:
    """A name that there is not is left out of the log: it may be a password, typed into the wrong
    box."""
    error = Unauthenticated(said, hint="Ask an owner of this server if you cannot remember it.")
    return denied(error, "password", row.name if row is not None else "")
