"""Quotas: who set which, what is held under them, and whether there is room for more.

Nothing is counted twice and nothing can drift: what is held is summed up from the jobs themselves,
in the transaction that admits one more. See contributing/quotas.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, cast

from lazur.engine import quotas as rules
from lazur.engine.plan import Demand
from lazur.engine.quotas import Ledger, Quota, Shortage
from lazur.errors import Conflict, Invalid, NotFound, QuotaExceeded
from lazur.services.base import events
from lazur.services.base.access import Denial, Principal, Resource
from lazur.services.base.events import Change
from lazur.services.base.site import Context
from lazur.services.base.times import iso
from lazur.services.base.workspaces import open_workspace
from lazur.services.people import people, quota_texts
from lazur.spec.resources import parse_size
from lazur.store import quotas as store
from lazur.store.db import AnyRow, Connection, Taken
from lazur.store.jobs import JobRow

WRITE = "authorization/quotas/write"
_MOST = 1 << 62


def put(context: Context, workspace: str | None, spec: Mapping[str, Any]) -> dict[str, Any]:
    """`{"user", "limits"}`: of a workspace, or everywhere. Without a user it is of all together,
    `*` is each person. A limit of null takes the quota away. What owners of the server set, owners
    of the workspace may only narrow."""
    home = _open(context, workspace, WRITE)
    level = _level(context.who)
    whose = _whose(context, spec.get("user"))
    limits = _limits(spec)
    room = home.id if home is not None else None
    before: dict[str, int | None] = {}
    for name, most in limits.items():
        row = store.one(context.db, room, whose, level, name)
        before[name] = row.most if row is not None else None
        if most is None:
            _drop(context, room, whose, level, name)
        else:
            _check_within(context, home, whose, level, name, most)
            _put(context, room, whose, level, name, most)
    change = Change(before, limits)
    events.record(context, home, "quotas", whose or "all", "updated", change, level=level)
    for compute in store.computes_waited_for(context.db):
        context.publish("queue", compute)
    return find(context, workspace)


def find(context: Context, workspace: str | None, *, everywhere: bool = False) -> dict[str, Any]:
    """Those that hold in a workspace, with what is held; or those of the server, or all. Who owns
    neither sees their own, and those of everybody."""
    home = _open(context, workspace, "workspaces/quotas/read" if workspace else _READ)
    may_see_all = context.who.may(WRITE, Resource(workspace))
    found = [
        row
        for row in store.rows(context.db, home, everywhere=everywhere)
        if may_see_all or row.principal in ("", rules.EACH, context.who.name)
    ]
    ledger = _ledger_of_all(context.db) if found else Ledger([])
    return {"value": [_view(row, ledger, context.who.name) for row in found]}


_READ = "authorization/quotas/read"


def admit(context: Context, home: AnyRow, demand: Demand, *, waits: bool = True) -> None:
    """A job was just added: raise QuotaExceeded where it is one too many to wait, or could never
    run. Called after the insert, so that locks are taken in the dispatcher's order. `waits`:
    whether it counts among those that wait; steps do not, since what they are part of was let
    in."""
    person = context.who.name
    names = (rules.QUEUED, *rules.OF_RUNNING)
    known = store.of(context.db, names, home.id, person)
    if not known:
        return
    lack = Ledger(known).shortage(home.id, person, rules.wanted(demand))
    if lack is not None and lack.is_final:
        raise exceeded(context, home.name, person, lack)
    if waits:
        _admit_waiting(context, home, person)


def _admit_waiting(context: Context, home: AnyRow, person: str) -> None:
    waiting = store.of(context.db, (rules.QUEUED,), home.id, person, lock=True)
    if not waiting:
        return
    ledger = Ledger(waiting)
    inside = all(quota.workspace_id is not None for quota in waiting)
    for row in store.waiting(context.db, home.id if inside else None):
        ledger.hold(row.workspace_id, row.created_by, {rules.QUEUED: row.jobs})
    ledger.hold(home.id, person, {rules.QUEUED: -1})  # the one that asks
    if lack := ledger.shortage(home.id, person, {rules.QUEUED: 1}):
        raise exceeded(context, home.name, person, lack)


def ledger_of_running(db: Connection, *, lock: bool = False) -> Ledger:
    """What runs now under every quota of running jobs. With `lock` nobody else starts any until
    this transaction ends."""
    known = store.of(db, rules.OF_RUNNING, lock=lock)
    ledger = Ledger(known)
    for row in store.running(db) if known else ():
        ledger.hold(row.workspace_id, row.created_by, _amounts(row))
    return ledger


def reasons(context: Context, rows: Iterable[JobRow]) -> dict[int, str]:
    """Why queued jobs wait, by their ids, where it is for a quota."""
    queued = [row for row in rows if row.state == "Queued"]
    if not queued or not store.of(context.db, rules.OF_RUNNING):
        return {}
    ledger = ledger_of_running(context.db)
    found: dict[int, str] = {}
    for row in queued:
        amounts = rules.wanted(Demand(row.cpus, row.memory, row.gpus))
        if lack := ledger.shortage(row.workspace_id, row.created_by, amounts):
            asked = _owners(context, lack.quota)
            found[row.id] = quota_texts.waits(lack, row.workspace, row.created_by, asked)
    return found


def exceeded(context: Context, workspace: str, person: str, lack: Shortage) -> QuotaExceeded:
    """Which quota, how much of it is used, and whom to ask."""
    quota = lack.quota
    error = QuotaExceeded(
        quota_texts.refusal(lack, workspace, person),
        hint=quota_texts.advice(lack, _owners(context, quota)),
        quota=quota.name,
        used=lack.used,
        limit=quota.most,
        wanted=lack.wanted,
    )
    error.denial = Denial(f"quotas/{quota.name}", Resource(workspace, "quotas", person))
    return error


def _owners(context: Context, quota: Quota) -> list[str]:
    room = quota.workspace_id if quota.level == rules.WORKSPACE else None
    return store.owners(context.db, room, 3) or store.owners(context.db, None, 3)


def _amounts(row: AnyRow) -> dict[str, int]:
    return {
        rules.RUNNING: row.jobs,
        rules.CORES: int(row.cpus),
        rules.MEMORY: int(row.memory),
        rules.GPUS: int(row.gpus),
    }


def _ledger_of_all(db: Connection) -> Ledger:
    ledger = Ledger(store.of(db, rules.NAMES))
    for row in store.running(db):
        ledger.hold(row.workspace_id, row.created_by, _amounts(row))
    for row in store.waiting(db):
        ledger.hold(row.workspace_id, row.created_by, {rules.QUEUED: row.jobs})
    for row in store.keeping(db):
        ledger.hold(row.workspace_id, row.person, {rules.BYTES: int(row.bytes)})
    return ledger


def _open(context: Context, workspace: str | None, action: str) -> AnyRow | None:
    if workspace is not None:
        return open_workspace(context, workspace, action)
    context.require(action, Resource())
    return None


def _level(who: Principal) -> str:
    return rules.SERVER if who.may(WRITE, Resource()) else rules.WORKSPACE


def _whose(context: Context, user: Any) -> str:
    if user is None or user == rules.EACH:
        return user or ""
    if not isinstance(user, str):
        raise Invalid('user must be a name, or "*" for each person.')
    row = people.find_row(context, user)
    if row.kind == "group":
        raise Invalid(
            f"{row.name!r} is a group: quotas are of users and services.",
            hint="Give each of its members one, or the workspace.",
        )
    return row.name


def _limits(spec: Mapping[str, Any]) -> dict[str, int | None]:
    given = spec.get("limits")
    if set(spec) - {"user", "limits"} or not isinstance(given, dict) or not given:
        raise Invalid('The body must be {"user": "…", "limits": {"running-jobs": 4}}.')
    limits = cast("dict[str, Any]", given)
    return {_known(name): _amount(name, most) for name, most in sorted(limits.items())}


def _known(name: str) -> str:
    if name not in rules.NAMES:
        raise Invalid(
            f"There is no quota {name[:50]!r}.", hint=f"Known: {', '.join(rules.NAMES)}."
        )
    return name


def _amount(name: str, most: Any) -> int | None:
    if most is None:
        return None
    try:
        number = parse_size(most) if name in rules.SIZES else _whole(most)
    except ValueError as error:
        raise Invalid(f"{name}: {error}.", hint="Such as: running-jobs=4, memory=64GB.") from None
    if not 0 <= number < _MOST:
        raise Invalid(f"{name} must be 0 or more, and less than {_MOST}.")
    return number


def _whole(most: Any) -> int:
    """Of text, too, as it comes from a command line."""
    if isinstance(most, bool) or not re.fullmatch(r"\s*[+-]?[0-9]{1,40}\s*", str(most)):
        raise ValueError(f"{str(most)[:50]!r} is no whole number")
    return int(most)


def _check_within(
    context: Context, home: AnyRow | None, whose: str, level: str, name: str, most: int
) -> None:
    if level == rules.SERVER or home is None:
        return
    above = store.one(context.db, home.id, whose, rules.SERVER, name)
    if above is not None and most > above.most:
        raise Conflict(
            f"The owners of the server allow {quota_texts.amount(name, above.most)} here.",
            hint="Set no more than that, or ask them: "
            + ", ".join(store.owners(context.db, None, 3)),
        )


def _put(context: Context, room: int | None, whose: str, level: str, name: str, most: int) -> None:
    values = {"most": most, "created_at": context.now(), "created_by": context.who.name}
    try:
        store.put(context.db, room, whose, level, name, values)
    except Taken:
        raise Conflict("Somebody has just set this quota.", hint="Try again.") from None


def _drop(context: Context, room: int | None, whose: str, level: str, name: str) -> None:
    """An owner of the server takes away what owners of the workspace set, too."""
    levels = (rules.SERVER, rules.WORKSPACE) if level == rules.SERVER else (level,)
    dropped = [store.drop(context.db, room, whose, each, name) for each in levels]
    if not any(dropped):
        raise NotFound(f"There is no such quota of {name} to take away.", hint=_SEE)


_SEE = "See: lazur quota list"


def _view(row: AnyRow, ledger: Ledger, asker: str) -> dict[str, Any]:
    quota = Quota(row.id, row.workspace_id, row.principal, row.level, row.name, row.most)
    return {
        "workspace": row.workspace,
        "user": row.principal or None,
        "name": row.name,
        "limit": row.most,
        "used": None if row.name == rules.ENDPOINTS else ledger.used(quota, asker),
        "set_by": row.level,
        "creation_context": {
            "created_at": iso(row.created_at),
            "created_by": row.created_by,
            "created_by_type": "User",
        },
    }
