"""A workspace as plain files: `workspace_export` writes them, `workspace_import` reads them.

workspace.json                     what it is called, what there is, and what could not go along
<kind>/<name>/<version>.yml        an asset, as one writes it; its files in `<version>/` beside it
datastores/, connections/          <name>.yml each, without credentials
schedules/<name>.yml               disabled: nothing is to run here and there
jobs/<name>.yml                    what was asked for, to be submitted again
content/<hash>/                    code and inputs of jobs, and of what components hold inside
code/<name>-<version>/             code, where it came from Azure
runs/<number>.zip                  what was tracked (`lazur run export`); what it is put together
                                   under stands in workspace.json

Assets keep their names and versions. Every file can be used by itself: `lazur model create -f …`.
"""

from __future__ import annotations

from collections.abc import Callable

from lazur.errors import Invalid, NotFound, Unsupported
from lazur.sdk.assets import Assets
from lazur.sdk.client import Client

FORMAT, VERSION = "lazur-workspace", 1
HEAD = "workspace.json"
ASSETS = ("environments", "data", "models", "components")
"""Each may name what comes before it."""
PARTS = (*ASSETS, "datastores", "connections", "schedules", "jobs", "runs")
BAD = (Invalid, NotFound, Unsupported)
"""Of one thing: the others can go on."""
Note = Callable[[str], object]


def assets(client: Client, kind: str) -> Assets:
    if kind not in ASSETS:
        raise Invalid(f"There are no assets of the kind {kind!r}.")
    return getattr(client, kind)
