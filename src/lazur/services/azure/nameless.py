"""What was written where it is used, registered for Azure's clients: they know it by an id, and
ask for what has that."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from lazur.errors import LazurError
from lazur.services.assets import assets
from lazur.services.base.access import SYSTEM
from lazur.services.base.site import Context, Site
from lazur.services.resources.shelves import Shelf, open_shelf
from lazur.store import asset_batches as batches

log = logging.getLogger(__name__)


def keep(
    site: Site, shelf: Shelf, names: Mapping[str, str], found: Mapping[tuple[str, str], Any]
) -> None:
    """`found` is by kind and version, `names` by kind. What has a name is no secret: who sees the
    id sees what it was made of. What cannot be registered, such as a step whose code is gone,
    is shown all the same; its id leads nowhere."""
    if not found:
        return
    with site.context(SYSTEM, write=False) as context:
        kinds = {kind for kind, _ in found}
        known = {kind: _known(context, shelf, names, found, kind) for kind in kinds}
    for kind, version in found:
        if version in known[kind]:
            continue
        spec = {**found[kind, version], "name": names[kind], "version": version}
        try:
            # What is lost when the power fails is made again when it is shown again.
            with site.context(SYSTEM, synced=False) as context:
                assets.create(context, shelf, kind, spec)
        except LazurError as error:
            log.info("%s %s is not registered: %s", names[kind], version, error.message)


def _known(
    context: Context,
    shelf: Shelf,
    names: Mapping[str, str],
    found: Mapping[tuple[str, str], Any],
    kind: str,
) -> set[str]:
    """Versions that are there already."""
    home = open_shelf(context, shelf, kind, "read")
    wanted = [version for of, version in found if of == kind]
    known: set[str] = set()
    for at in range(0, len(wanted), batches.AT_ONCE):
        some = wanted[at : at + batches.AT_ONCE]
        known |= batches.there(context.db, home.id, kind, names[kind], some)
    return known
