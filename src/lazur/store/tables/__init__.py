"""Every table. Times are seconds since the epoch (UTC); JSON columns hold what people wrote,
unchanged."""

from __future__ import annotations

from lazur.store.tables.accounts import prices, quotas, stored, uses
from lazur.store.tables.assets import assets, containers, labels, trees
from lazur.store.tables.base import metadata, workspaces
from lazur.store.tables.people import (
    assignments,
    credentials,
    members,
    principals,
    roles,
    sign_ins,
    tokens,
)
from lazur.store.tables.records import (
    audit,
    audit_heads,
    events,
    facts,
    idempotency,
    lineage,
    lineage_posts,
)
from lazur.store.tables.resources import connections, datastores, secrets
from lazur.store.tables.schedules import schedules, ticks
from lazur.store.tables.work import build_uses, builds, clusters, computes, frozen, jobs

__all__ = [
    "assets",
    "assignments",
    "audit",
    "audit_heads",
    "build_uses",
    "builds",
    "clusters",
    "computes",
    "connections",
    "containers",
    "credentials",
    "datastores",
    "events",
    "facts",
    "frozen",
    "idempotency",
    "jobs",
    "labels",
    "lineage",
    "lineage_posts",
    "members",
    "metadata",
    "prices",
    "principals",
    "quotas",
    "roles",
    "schedules",
    "secrets",
    "sign_ins",
    "stored",
    "ticks",
    "tokens",
    "trees",
    "uses",
    "workspaces",
]
