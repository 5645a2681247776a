"""Parts of connections in a job's variables: `${{azureml://connections/NAME/credentials/key}}`,
Azure's form of it, and `/target` and `/metadata/KEY`.

A job's row has the reference alone. Whoever submits needs the right to see that secret, since
their command gets it; it is opened when the job starts and goes to its supervisor in private.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from lazur.engine.secret import Secret
from lazur.errors import Forbidden, Invalid, NotFound
from lazur.kinds.resources.common import FIELDS
from lazur.services.base import events
from lazur.services.base.access import Resource
from lazur.services.base.site import Context, Site
from lazur.services.resources import resources
from lazur.services.resources.resources import CONNECTIONS
from lazur.store.db import AnyRow
from lazur.store.jobs import JobRow

SECRETS = CONNECTIONS.action("listsecrets/action")
_REFERENCE = re.compile(r"\$\{\{\s*azureml://connections/(?P<rest>[^{}\s]*)\s*\}\}")
_FORMS = (
    "Known forms: ${{azureml://connections/NAME/credentials/KEY}}, "
    "${{azureml://connections/NAME/target}}, ${{azureml://connections/NAME/metadata/KEY}}."
)
_BESIDE = ("session_token", "authority_url", "resource_url", "certificate", "resource_id")
"""What credentials of several kinds may have."""


class Part(NamedTuple):
    connection: str
    section: str
    """`credentials`, `target` or `metadata`."""
    key: str


def parts(text: str) -> list[Part]:
    """Raises Invalid for what looks like a reference to a connection and is none."""
    return [_part(found["rest"]) for found in _REFERENCE.finditer(text)]


def split(variables: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Those that are known now, and those that name a connection."""
    later = {name: text for name, text in variables.items() if _REFERENCE.search(text)}
    return {name: text for name, text in variables.items() if name not in later}, later


def check(context: Context, home: AnyRow, variables: Mapping[str, str]) -> None:
    """When a job is submitted: the connections are there, and the person may see their secrets."""
    for name, text in variables.items():
        for part in parts(text):
            _check(context, home, f"environment_variables.{name}", part)


def record(context: Context, home: AnyRow, job: str, variables: Mapping[str, str]) -> None:
    """As each look at a secret is: in the audit log."""
    named = (part.connection for text in variables.values() for part in parts(text))
    for connection in sorted(set(named)):
        what = "secrets given to a job"
        events.record(context, home, CONNECTIONS.kind, connection, what, job=job)


def opened(site: Site, row: JobRow) -> tuple[dict[str, str], list[str]]:
    """The variables, and what of them must not be in a log. May block, as vaults do."""
    templates: Mapping[str, str] = row.resolved.get("secret_variables") or {}
    known: dict[str, _Opened] = {}
    for part in [part for text in templates.values() for part in parts(text)]:
        if part.connection not in known:
            known[part.connection] = _open(site, row.workspace, part.connection)
    made = {name: _filled(text, known) for name, text in templates.items()}
    used = [part for text in templates.values() for part in parts(text)]
    hidden = {_value(known, part) for part in used if part.section == "credentials"}
    return made, sorted(hidden)


class _Opened(NamedTuple):
    row: AnyRow
    values: dict[str, Secret]


def _open(site: Site, workspace: str, name: str) -> _Opened:
    with site.context(write=False) as context:
        _, row, values = resources.opened(context, CONNECTIONS, workspace, name, SECRETS)
    return _Opened(row, values)


def _filled(text: str, known: Mapping[str, _Opened]) -> str:
    return _REFERENCE.sub(lambda found: _value(known, _part(found["rest"])), text)


def _value(known: Mapping[str, _Opened], part: Part) -> str:
    row, values = known[part.connection]
    if part.section == "credentials":
        if part.key in values:
            return values[part.key].reveal()
        raise NotFound(
            f"The credentials of the connection {row.name!r} have no {part.key!r} any more.",
            hint=_has(values),
        )
    if part.section == "target":
        return _text(row.settings, _addresses(row), row.name)
    return _text(row.settings.get("metadata") or {}, (part.key,), row.name)


def _text(settings: Mapping[str, Any], fields: Iterable[str], name: str) -> str:
    found = next((settings[field] for field in fields if settings.get(field)), None)
    if found is None:
        raise NotFound(f"The connection {name!r} has no {' or '.join(fields)}.")
    return str(found)


def _addresses(row: AnyRow) -> tuple[str, ...]:
    return ("target", "api_base", "endpoint", "azure_endpoint", "url")


def _part(rest: str) -> Part:
    match rest.split("/"):
        case [name, "target"] if name:
            return Part(name, "target", "")
        case [name, ("credentials" | "metadata") as section, key] if name and key:
            return Part(name, section, key)
        case _:
            raise Invalid(
                f"'azureml://connections/{rest[:80]}' names no part of a connection.", hint=_FORMS
            )


def _check(context: Context, home: AnyRow, field: str, part: Part) -> None:
    resource = Resource(home.name, CONNECTIONS.kind, part.connection)
    try:
        context.require(SECRETS, resource)
    except Forbidden as error:
        error.details.setdefault("field", field)
        raise
    row = resources.find_row(context, CONNECTIONS, home, part.connection)
    if part.section != "credentials":
        return
    keys = (*FIELDS.get(row.credential, ()), *_BESIDE)
    if row.secret_id is None or part.key not in keys:
        raise Invalid(
            f"{field}: the credentials of the connection {row.name!r} have no {part.key!r}.",
            hint=_has(FIELDS.get(row.credential, ())),
            field=field,
        )


def _has(keys: Iterable[str]) -> str:
    return f"They have: {', '.join(keys) or 'nothing'}."
