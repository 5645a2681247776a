"""Signing in at an OpenID provider, and whom here that is."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from lazur.errors import Conflict, Forbidden, LazurError, NotFound, Unauthenticated
from lazur.services.base import events
from lazur.services.base.access import Principal
from lazur.services.base.site import Context, Site
from lazur.services.people import people, sign_ins
from lazur.services.people.oidc import codes, jwts
from lazur.services.people.oidc.client import Client
from lazur.services.people.oidc.code_flow import Attempt
from lazur.services.people.oidc.logout_tokens import Logout
from lazur.services.people.oidc.people import Identity
from lazur.services.people.oidc.settings import Provider
from lazur.services.people.oidc.wire import Fetch
from lazur.services.people.sign_ins import Brakes, denied
from lazur.spec.names import check_person_name, fold
from lazur.store import people as rows
from lazur.store import sign_ins as store
from lazur.store.db import AnyRow, Taken

_KIND = "attempt"
_LEFT = "logout"
_OWN_PATH = re.compile(r"/(?![/\\])[!-\[\]-~]*")


class Stranger(Forbidden):
    """Who is known to the provider, and to nobody here."""


@dataclass(frozen=True)
class Door:
    """A provider, and what its word is worth here."""

    provider: Provider
    create_users: bool = False
    """Who is not known here becomes a user, without any role."""
    groups: Mapping[str, str] = field(default_factory=dict[str, str])
    """Groups as the provider names them, and the groups here that follow them."""


class Providers:
    def __init__(self, doors: Sequence[Door], fetch: Callable[[Door], Fetch], site: Site) -> None:
        self._site = site
        self._doors = {door.provider.name: door for door in doors}
        self._clients = {
            name: Client(door.provider, fetch(door), site.now)
            for name, door in self._doors.items()
        }

    @property
    def shown(self) -> list[dict[str, str]]:
        doors = (door.provider for door in self._doors.values())
        return [{"name": p.name, "title": p.title or p.name} for p in doors]

    def begin(self, brakes: Brakes, name: str, redirect_uri: str, wanted: str) -> tuple[str, str]:
        """Where to send the browser, and the secret that its own cookie keeps."""
        brakes.press()
        if name not in self._clients:
            raise NotFound("There is no such provider here.", hint="Begin at /sign-in.")
        url, attempt = self._clients[name].begin(redirect_uri)
        secret = codes.fresh(secrets.token_bytes)
        kept = {"attempt": asdict(attempt), "wanted": own_path(wanted)}
        values = {
            "kind": _KIND,
            "digest": codes.digest(secret),
            "payload": json.dumps(kept),
            "expires_at": attempt.expires_at,
        }
        with self._site.context() as context:
            store.add(context.db, values)
        return url, secret

    def finish(self, secret: str | None, query: Mapping[str, str]) -> tuple[str, str]:
        """The new session's secret, and the page that was wanted."""
        attempt, wanted = self._taken(secret)
        door = self._doors.get(attempt.provider)
        if door is None:
            raise denied(_lost(), "oidc")
        way = f"oidc/{attempt.provider}"
        try:
            identity = self._clients[attempt.provider].finish(attempt, query)
        except LazurError as error:
            raise denied(error, way) from None
        with self._site.context(Principal(attempt.provider, "provider", ())) as context:
            name = _found(context, door, identity).name
        with self._site.context(Principal(name, "user", ())) as context:
            return sign_ins.begin(context, sign_ins.able(context, name), way), wanted

    def sign_out(self, token: str) -> None:
        """Somebody left at the provider, which tells so: every browser of theirs is signed out
        here. Twice is once."""
        try:
            left = self._client_of(token).signed_out(token)
        except Unauthenticated as error:
            raise denied(error, "oidc") from None
        with self._site.context(Principal(left.issuer, "provider", ())) as context:
            row = rows.by_subject(context.db, left.issuer, left.subject)
            if row is None or not _is_new(context, left):
                return
            rows.drop_sessions_of(context.db, row.name)
            events.record(context, None, "sign-ins", row.name, "signed out", way="provider")

    def _client_of(self, token: str) -> Client:
        """By what it says of itself, which is looked at anew once it is verified."""
        said = jwts.unproved(token) if token.count(".") == 2 else {}
        for client in self._clients.values():
            known = client.provider
            if said.get("iss") == known.issuer and known.client_id in jwts.audience(said):
                return client
        raise Unauthenticated(
            "The logout token is from no provider of this server.",
            hint="Are issuer and client_id in config.toml those of the provider?",
        )

    def _taken(self, secret: str | None) -> tuple[Attempt, str]:
        row = None
        if secret:
            with self._site.context() as context:
                row = store.take(context.db, _KIND, codes.digest(secret))
        if row is None:
            raise denied(_lost(), "oidc")
        kept = json.loads(row.payload)
        return Attempt(**kept["attempt"]), kept["wanted"]


def _is_new(context: Context, left: Logout) -> bool:
    """Each is believed once."""
    values = {
        "kind": _LEFT,
        "digest": hashlib.sha256(f"{left.issuer} {left.id}".encode()).hexdigest(),
        "payload": "",
        "expires_at": left.expires_at,
    }
    try:
        with context.db.begin_nested():
            store.add(context.db, values)
    except Taken:
        return False
    return True


def own_path(wanted: str) -> str:
    """Only a page of this server: browsers read `//x` and `/\\x` as another host."""
    if len(wanted) > 2000 or not _OWN_PATH.fullmatch(wanted) or wanted.startswith("/sign-in?"):
        return "/"
    return "/" if wanted == "/sign-in" else wanted


def _found(context: Context, door: Door, identity: Identity) -> AnyRow:
    """The user: by issuer and subject; else by an address that an administrator wrote down and
    the provider has verified; else a new one, where that is allowed."""
    row = rows.by_subject(context.db, identity.issuer, identity.subject)
    row = row or _linked(context, identity) or _created(context, door, identity)
    if row.disabled:
        raise denied(
            Forbidden("You are locked out here.", hint="Ask an owner of this server."),
            "locked-out",
            row.name,
        )
    if door.groups and identity.groups is not None:
        _follow(context, door, row, identity.groups)
    return row


def _linked(context: Context, identity: Identity) -> AnyRow | None:
    if identity.email is None:
        return None
    found = store.by_email(context.db, identity.email)
    if len(found) > 1:
        raise denied(
            Conflict("Several users here have this address.", hint="Ask an owner of this server."),
            "oidc",
        )
    if not found or not store.link(context.db, found[0].id, identity.issuer, identity.subject):
        return None
    told = {"issuer": identity.issuer, "subject": identity.subject}
    events.record(context, None, "principals", found[0].name, "linked", **told)
    return people.find_row(context, found[0].name)


def _created(context: Context, door: Door, identity: Identity) -> AnyRow:
    if not door.create_users:
        error = Stranger(
            f"{door.provider.title or door.provider.name} knows you, but nobody wrote you down "
            "here.",
            hint="Ask an owner of this server to make a user with your e-mail address.",
        )
        raise denied(error, "stranger")
    notes = {"display_name": identity.name, "email": identity.email}
    return people.add(
        context,
        "user",
        _free_name(context, identity),
        issuer=identity.issuer,
        subject=identity.subject,
        **{key: value for key, value in notes.items() if value},
    )


def _free_name(context: Context, identity: Identity) -> str:
    """As they are called there, unless somebody here is."""
    mark = hashlib.sha256(f"{identity.issuer} {identity.subject}".encode()).hexdigest()[:8]
    for wanted in (identity.login, identity.email, identity.subject):
        try:
            name = check_person_name(wanted or "")
        except ValueError:
            continue
        if rows.by_name(context.db, fold(name)) is None:
            return name
        return f"{name[:200]}-{mark}"
    return f"user-{mark}"


def _follow(context: Context, door: Door, row: AnyRow, claimed: tuple[str, ...]) -> None:
    """Into the groups that the provider names, and out of those that it put them into. What an
    administrator did stays."""
    wanted = {fold(door.groups[name]) for name in claimed if name in door.groups}
    governed = {fold(name) for name in door.groups.values()}
    now = {group.folded: group for group in rows.groups_of(context.db, row.id)}
    for folded in sorted(wanted - now.keys()):
        group = rows.by_name(context.db, folded)
        if group is not None and group.kind == "group":
            rows.add_member(context.db, group.id, row.id, claimed=True)
            events.record(context, None, "principals", group.name, "member added", member=row.name)
    for folded, group in now.items():
        if group.claimed and folded in governed - wanted:
            _leave(context, group, row)


def _leave(context: Context, group: AnyRow, row: AnyRow) -> None:
    """Unless nobody would own the server then: a provider's settings must not lose it."""
    rows.drop_member(context.db, group.id, row.id)
    if not rows.owners(context.db):
        rows.add_member(context.db, group.id, row.id, claimed=True)
        return
    events.record(context, None, "principals", group.name, "member removed", member=row.name)


def _lost() -> Unauthenticated:
    return Unauthenticated(
        "This is not a sign-in that this browser began, or it took too long.",
        hint="Begin again, in the same browser.",
    )
