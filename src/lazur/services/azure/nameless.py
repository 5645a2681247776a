"""What was written where it is used, registered for Azure's clients: they know it by an id, and
ask for what has that."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from lazur.errors import LazurError, NotFound
from lazur.services.assets import assets, versions
from lazur.services.base.access import SYSTEM
from lazur.services.base.site import Site
from lazur.services.resources.shelves import Shelf

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
        fresh = [one for one in found if not _is_there(context, shelf, names[one[0]], *one)]
    for kind, version in fresh:
        spec = {**found[kind, version], "name": names[kind], "version": version}
        try:
            with site.context(SYSTEM) as context:
                assets.create(context, shelf, kind, spec)
        except LazurError as error:
            log.info("%s %s is not registered: %s", names[kind], version, error.message)


def _is_there(context: Any, shelf: Shelf, name: str, kind: str, version: str) -> bool:
    try:
        versions.find_row(context, shelf, kind, name, version)
    except NotFound:
        return False
    return True
