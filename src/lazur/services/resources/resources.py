"""What datastores and connections have in common: an address that readers see, and credentials
that are sealed and leave only for who may see secrets.

Credentials stay with the address that they were given for. Who may change a resource and not see
its secrets would otherwise have them sent to an address of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lazur.engine.secret import Secret
from lazur.errors import Conflict, Invalid, NotFound, PreconditionFailed
from lazur.kinds.resources.common import FIELDS
from lazur.services.base import checks, events
from lazur.services.base.access import Resource
from lazur.services.base.events import Change
from lazur.services.base.home import BLOBSTORE
from lazur.services.base.site import Context
from lazur.services.base.times import iso
from lazur.services.base.workspaces import open_workspace
from lazur.services.resources import resource_specs, secrets
from lazur.services.resources.secrets import Sealed
from lazur.spec.names import fold
from lazur.store import resources as store
from lazur.store.db import AnyRow, Taken
from lazur.store.pages import Query


@dataclass(frozen=True)
class Family:
    kind: str
    """Of its routes, actions and tables: `datastores`."""
    noun: str

    def action(self, verb: str) -> str:
        return f"workspaces/{self.kind}/{verb}"

    def place(self, name: str) -> str:
        return f"{self.kind}/{fold(name)}"

    def absent(self, workspace: str, name: str) -> NotFound:
        return NotFound(
            f"There is no {self.noun} {name!r} in workspace {workspace!r}.",
            hint=f"See: lazur {self.noun} list",
        )


DATASTORES = Family("datastores", "datastore")
CONNECTIONS = Family("connections", "connection")


def get(context: Context, family: Family, workspace: str, name: str) -> dict[str, Any]:
    home = open_workspace(context, workspace, family.action("read"), family.kind, name)
    return view(family, home, find_row(context, family, home, name))


def find(context: Context, family: Family, workspace: str, query: Query) -> dict[str, Any]:
    home = open_workspace(context, workspace, family.action("read"), family.kind)
    page = store.page(context.db, family.kind, home.id, query)
    return {"value": [view(family, home, row) for row in page.rows], "next": page.next}


def put(
    context: Context,
    family: Family,
    workspace: str,
    name: str,
    spec: dict[str, Any],
    etag: str | None = None,
) -> dict[str, Any]:
    """Make it, or replace all of it: credentials that are not written are gone."""
    action = family.action("write")
    context.require(action, Resource(workspace, family.kind, name))
    name = checks.name(name)
    if fold(str(spec.get("name") or name)) != fold(name):
        raise Invalid(f"The name is {spec['name']!r} in the body and {name!r} in the address.")
    checked = resource_specs.check(family.noun, {**spec, "name": name})
    with context.looking() as looking:
        home = open_workspace(looking, workspace, action, family.kind, name)
        _refuse_built_in(family, store.by_name(looking.db, family.kind, home.id, fold(name)))
    sealed = _sealed(context, family, home, name, checked)
    row = store.by_name(context.db, family.kind, home.id, fold(name))
    _check_etag(family, name, row, etag)
    values = _values(context, home, checked, sealed)
    if row is None:
        _add(context, family, home, name, values)
    else:
        _replace(context, family, row, values)
    _tell(context, family, home, row, name, sealed is not None)
    return {
        **view(family, home, find_row(context, family, home, name)),
        "warnings": checked.warnings,
    }


def update(
    context: Context,
    family: Family,
    workspace: str,
    name: str,
    changes: dict[str, Any],
    etag: str | None = None,
) -> dict[str, Any]:
    """Only what is given; null takes a field away."""
    action = family.action("write")
    context.require(action, Resource(workspace, family.kind, name))
    with context.looking() as looking:
        home = open_workspace(looking, workspace, action, family.kind, name)
        row = find_row(looking, family, home, name)
    _check_etag(family, name, row, etag)
    if family is DATASTORES and changes.keys() == {"is_default"}:
        return _make_default(context, home, row, chosen=bool(changes["is_default"]))
    _refuse_built_in(family, row)
    checked, anew = resource_specs.merged(family.noun, row, changes)
    sealed = _sealed(context, family, home, name, checked)
    values = _values(context, home, checked, sealed)
    if not anew:
        values |= {"credential": row.credential, "secret_id": row.secret_id}
    _replace(context, family, row, values, keep_secret=not anew)
    _tell(context, family, home, row, row.name, sealed is not None)
    return {
        **view(family, home, find_row(context, family, home, name)),
        "warnings": checked.warnings,
    }


def delete(context: Context, family: Family, workspace: str, name: str) -> None:
    """With its secrets."""
    home = open_workspace(context, workspace, family.action("delete"), family.kind, name)
    row = find_row(context, family, home, name)
    _refuse_built_in(family, row)
    if row.is_default:
        raise Conflict(
            f"{row.name!r} is the default datastore.",
            hint="Make another one the default first: lazur datastore update --name "
            "workspaceblobstore --set is_default=true",
        )
    if not store.drop(context.db, family.kind, row):
        raise _changed(family, row.name)
    secrets.drop(context, row.secret_id)
    events.record(context, home, family.kind, row.name, "deleted", Change(_seen(row), None))


def list_secrets(context: Context, family: Family, workspace: str, name: str) -> dict[str, Any]:
    """The credentials, for who may see secrets; that they did is in the audit log."""
    action = family.action("listsecrets/action")
    context.require(action, Resource(workspace, family.kind, name))
    home, row, values = opened(context, family, workspace, name, action)
    events.record(context, home, family.kind, row.name, "secrets read")
    return {
        "name": row.name,
        "type": row.type,
        "credentials": {
            "type": row.credential,
            **{field: value.reveal() for field, value in values.items()},
        },
    }


def opened(
    context: Context, family: Family, workspace: str, name: str, action: str
) -> tuple[AnyRow, AnyRow, dict[str, Secret]]:
    """The workspace's row, the resource's, and its credentials; the vault is asked after what was
    read."""
    with context.looking() as looking:
        home = open_workspace(looking, workspace, action, family.kind, name)
        row = find_row(looking, family, home, name)
        secret = secrets.find(looking, row.secret_id)
    if secret is None:
        return home, row, {}
    return home, row, secrets.unseal(context.site, home, family.place(row.name), secret)


def find_row(context: Context, family: Family, home: AnyRow, name: str) -> AnyRow:
    row = store.by_name(context.db, family.kind, home.id, fold(name))
    if row is None:
        raise family.absent(home.name, name)
    return row


def view(family: Family, home: AnyRow, row: AnyRow) -> dict[str, Any]:
    """Of the credentials no more than their kind."""
    made = {
        "id": f"/workspaces/{home.name}/{family.kind}/{row.name}",
        "name": row.name,
        "type": row.type,
        **row.settings,
        "credentials": {"type": row.credential},
        "description": row.description,
        "tags": row.tags,
        "properties": row.properties,
        "creation_context": {
            "created_at": iso(row.created_at),
            "created_by": row.created_by,
            "created_by_type": "User",
            "last_modified_at": iso(row.changed_at or row.created_at),
        },
        "etag": str(row.version),
    }
    if family is DATASTORES:
        return {**made, "is_default": row.is_default}
    return {**made, "in_jobs": forms(row.name, row.credential)}


def forms(name: str, credential: str) -> list[str]:
    """What a job may write among its variables to be given parts of a connection."""
    parts = [f"credentials/{field}" for field in FIELDS.get(credential, ())]
    return [f"${{{{azureml://connections/{name}/{part}}}}}" for part in (*parts, "target")]


def _make_default(context: Context, home: AnyRow, row: AnyRow, *, chosen: bool) -> dict[str, Any]:
    """There is always one: what is it no more makes place for the workspace's own."""
    if chosen or row.is_default:
        store.make_default(context.db, home.id, row.folded if chosen else BLOBSTORE)
        what = "made default" if chosen else "no longer default"
        events.record(context, home, DATASTORES.kind, row.name, what)
    return view(DATASTORES, home, find_row(context, DATASTORES, home, row.name))


def _sealed(
    context: Context, family: Family, home: AnyRow, name: str, checked: resource_specs.Checked
) -> Sealed | None:
    if not checked.values:
        return None
    return secrets.seal(context.site, home, family.place(name), checked.values)


def _values(
    context: Context, home: AnyRow, checked: resource_specs.Checked, sealed: Sealed | None
) -> dict[str, Any]:
    secret_id = None if sealed is None else secrets.keep(context, home, sealed)
    blank: dict[str, Any] = {"description": None, "tags": {}, "properties": {}}
    if checked.notes["is_default"]:
        store.make_default(context.db, home.id, None)
    return {
        "type": checked.type,
        "settings": checked.settings,
        "credential": checked.credential,
        "secret_id": secret_id,
        **blank,
        **checked.notes,
    }


def _add(
    context: Context, family: Family, home: AnyRow, name: str, values: dict[str, Any]
) -> None:
    made = {
        **values,
        "workspace_id": home.id,
        "name": name,
        "folded": fold(name),
        "created_at": context.now(),
        "created_by": context.who.name,
        "version": 1,
    }
    try:
        store.add(context.db, family.kind, made)
    except Taken:
        raise Conflict(
            f"The {family.noun} {name!r} was made meanwhile.", hint="Look at it, and try again."
        ) from None


def _replace(
    context: Context,
    family: Family,
    row: AnyRow,
    values: dict[str, Any],
    *,
    keep_secret: bool = False,
) -> None:
    if row.is_default and not values["is_default"]:
        store.make_default(context.db, row.workspace_id, BLOBSTORE)
    made = {**values, "changed_at": context.now()}
    if not store.change(context.db, family.kind, row, made):
        raise _changed(family, row.name)
    if not keep_secret:
        secrets.drop(context, row.secret_id)


def _tell(
    context: Context,
    family: Family,
    home: AnyRow,
    before: AnyRow | None,
    name: str,
    sealed: bool,
) -> None:
    row = find_row(context, family, home, name)
    change = Change(None if before is None else _seen(before), _seen(row))
    what = "created" if before is None else "updated"
    events.record(context, home, family.kind, row.name, what, change, credentials_given=sealed)


def _seen(row: AnyRow) -> dict[str, Any]:
    return {
        "type": row.type,
        "credential": row.credential,
        "description": row.description,
        "tags": row.tags,
        **row.settings,
    }


def _check_etag(family: Family, name: str, row: AnyRow | None, etag: str | None) -> None:
    if etag is not None and (row is None or etag != str(row.version)):
        raise _changed(family, name)


def _changed(family: Family, name: str) -> PreconditionFailed:
    return PreconditionFailed(
        f"The {family.noun} {name!r} has changed since you read it.", hint="Read it again."
    )


def _refuse_built_in(family: Family, row: AnyRow | None) -> None:
    if row is not None and row.type in (store.LOCAL, store.STORAGE):
        raise Invalid(
            f"The {family.noun} {row.name!r} comes with each workspace and is not changed.",
            hint=f"Make one of your own: lazur {family.noun} create -f FILE",
        )
