"""All operations that are served."""

from __future__ import annotations

from lazur.server.arm import (
    assets,
    codes,
    computes,
    connections,
    datastores,
    groups,
    jobs,
    registries,
    schedules,
    sign_in,
    workspaces,
)
from lazur.server.arm.dataplane import (
    artifacts,
    blobs,
    experiments,
    history,
    metrics,
    resolved,
    run_lists,
)
from lazur.server.arm.routes import Table

PARTS = (
    sign_in,
    groups,
    workspaces,
    computes,
    connections,
    jobs,
    schedules,
    codes,
    datastores,
    blobs,
    history,
    experiments,
    run_lists,
    metrics,
    artifacts,
    assets,
    resolved,
    registries,
)


def table() -> Table:
    return Table.of(part.routes for part in PARTS)
