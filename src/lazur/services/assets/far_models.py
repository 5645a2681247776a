"""What the files of a model say that lies in a datastore elsewhere: bounded in size, and parsed as
plain YAML and no more."""

from __future__ import annotations

import logging
from contextlib import suppress
from itertools import islice
from typing import Any

from lazur.errors import Invalid, LazurError, NotFound
from lazur.services.assets import model_facts
from lazur.services.assets.model_facts import Facts
from lazur.services.base.site import Context, Site
from lazur.services.content import far, remotes
from lazur.services.content.far import Far
from lazur.spec import references
from lazur.spec.references import DatastorePath, Uri
from lazur.store import workspaces
from lazur.store.db import AnyRow
from lazur.store.jobs import JobRow
from lazur.store.workspaces import REGISTRY

log = logging.getLogger(__name__)

_MOST = 100_000
_READ_HERE = frozenset({"mlflow_model", "triton_model"})
"""Types of which the files are looked at."""


class FarFiles(Facts):
    def __init__(self, found: Far) -> None:
        self._far = found

    def names(self) -> list[str]:
        cut = len(self._far.path) + 1 if self._far.path else 0
        return [one.path[cut:] for one in islice(self._far.store.list(self._far.path), _MOST)]

    def read(self, name: str, most: int) -> bytes | None:
        try:
            file, _ = self._far.opened(name)
        except NotFound:
            return None
        with file:
            return file.read(most + 1)


def of(context: Context, home: AnyRow, spec: dict[str, Any]) -> Far | None:
    """Where the model lies, if that is elsewhere and its files are worth a look; who asks needs
    the right to see the datastore. Asks nobody yet."""
    if home.kind == REGISTRY or spec.get("type") not in _READ_HERE:
        return None
    found = references.parse(str(spec.get("path") or "."))
    if isinstance(found, Uri):
        with suppress(LazurError):
            found = references.parse(remotes.source(context, home, found, "path") or found.uri)
    if not isinstance(found, DatastorePath) or far.is_here(context, home.id, found.datastore):
        return None
    try:
        return far.at(context, home, found)
    except Invalid:
        raise
    except LazurError as error:
        log.info("the files of a model at %s are not looked at: %s", found, error.message)
        return None


def told(spec: dict[str, Any], found: Far | None) -> tuple[dict[str, Any], list[str]]:
    """The spec with what the files say, and warnings. A store that is away keeps nobody from
    registering what lies there. Takes the network: call it outside of a transaction."""
    if found is None:
        return spec, []
    try:
        return model_facts.told(spec, FarFiles(found)), []
    except Invalid:
        raise
    except LazurError as error:
        # Not the reason: whoever may make a datastore chooses where it leads.
        log.info("the files of a model could not be read: %s", error.message)
        return spec, ["What the model's files say is not known: its datastore could not be read."]


def of_outputs(site: Site, row: JobRow) -> list[dict[str, Any]] | None:
    """The job's outputs with what is known of models among them that lie elsewhere; None where
    there are none. Takes the network."""
    outputs: list[dict[str, Any]] = row.resolved["outputs"]
    far_ones = [o for o in outputs if o.get("remote") and o["type"] in _READ_HERE]
    if not far_ones:
        return None
    return [{**o, "model": _of_output(site, row, o)} if o in far_ones else o for o in outputs]


def _of_output(site: Site, row: JobRow, output: dict[str, Any]) -> dict[str, Any]:
    """`{"told": …}`, or `{"fault": …}` of one that is none."""
    plain = {"type": output["type"], "path": output["uri"]}
    try:
        with site.context(write=False) as context:
            home = workspaces.by_id(context.db, row.workspace_id)
            found = of(context, home, plain) if home is not None else None
        made, warnings = told(plain, found)
    except Invalid as error:
        return {"fault": error.message}
    said = {key: value for key, value in made.items() if key not in plain}
    return {"told": said, "warnings": warnings}
