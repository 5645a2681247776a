"""What happened, what came of what, and what is there one of."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Index, Integer, String, Table, Text

from lazur.store.tables.base import Json, Name, Serial, metadata

facts = Table(
    "lazur_facts",
    metadata,
    Column("name", Name, primary_key=True),
    Column("value", Text, nullable=False),
    comment="What there is one of: `home` is the home that this database belongs to.",
)

events = Table(
    "lazur_events",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("workspace_id", Serial, ForeignKey("lazur_workspaces.id")),
    Column("kind", String(32), nullable=False),
    Column("name", Name, nullable=False),
    Column("type", String(64), nullable=False),
    Column("data", Json, nullable=False),
    Column("who", Name, nullable=False),
    Column("at", Float, nullable=False),
    Index("ix_lazur_events_subject", "workspace_id", "kind", "name", "id"),
)

audit = Table(
    "lazur_audit",
    metadata,
    Column("chain", BigInteger, primary_key=True, autoincrement=False),
    Column("place", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Float, nullable=False),
    Column("who", Name, nullable=False),
    Column("who_kind", String(16), nullable=False),
    Column("source", Text, nullable=False),
    Column("action", String(128), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("name", Name, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("data", Text, nullable=False),
    Column("hash", String(64), nullable=False),
    Index("ix_lazur_audit_at", "at"),
    Index("ix_lazur_audit_who", "who", "at"),
    comment="Each row's hash covers the one before it in its chain.",
)

audit_heads = Table(
    "lazur_audit_heads",
    metadata,
    Column("chain", BigInteger, primary_key=True, autoincrement=False),
    Column("place", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
    comment="The last row of each chain.",
)

lineage = Table(
    "lazur_lineage",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("source_home", BigInteger, nullable=False),
    Column("source_kind", String(16), nullable=False),
    Column("source_name", String(600), nullable=False),
    Column("source_version", Text, nullable=False),
    Column("target_home", BigInteger, nullable=False),
    Column("target_kind", String(16), nullable=False),
    Column("target_name", String(600), nullable=False),
    Column("target_version", Text, nullable=False),
    Column("role", String(300), nullable=False),
    Column("at", Float, nullable=False),
    Column("who", Name, nullable=False),
    Index(
        "ix_lazur_lineage_down",
        "source_home",
        "source_kind",
        "source_name",
        "source_version",
        "target_home",
        "target_kind",
        "target_name",
        "target_version",
        "role",
        unique=True,
    ),
    Index("ix_lazur_lineage_up", "target_home", "target_kind", "target_name", "target_version"),
    comment="What came of what. Homes are workspaces and registries (0: what comes with Lazur). "
    "It outlives what it names.",
)

lineage_posts = Table(
    "lazur_lineage_posts",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("workspace_id", Serial, ForeignKey("lazur_workspaces.id"), nullable=False),
    Column("job", Name, nullable=False),
    Column("type", String(16), nullable=False),
    Column("at", Float, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("due_at", Float),
    Column("lease_token", String(64)),
    Column("lease_until", Float),
    Index("ix_lazur_lineage_posts_due", "due_at"),
    Index("ix_lazur_lineage_posts_workspace", "workspace_id"),
    comment="OpenLineage events that are still to be sent.",
)

idempotency = Table(
    "lazur_idempotency",
    metadata,
    Column("principal", Name, primary_key=True),
    Column("key", Name, primary_key=True),
    Column("request", String(64), nullable=False),
    Column("answer", Json, nullable=False),
    Column("at", Float, nullable=False),
    Column("workspace", Name),
    Index("ix_lazur_idempotency_at", "at"),
)
