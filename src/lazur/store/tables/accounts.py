"""What may be held, what was used, and what it costs."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
    text,
)

from lazur.store.tables.base import Json, Name, Serial, metadata

quotas = Table(
    "lazur_quotas",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("workspace_id", Serial, ForeignKey("lazur_workspaces.id")),
    Column("principal", Name, nullable=False),
    Column("level", String(16), nullable=False),
    Column("name", String(32), nullable=False),
    Column("most", BigInteger, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("created_by", Name, nullable=False),
    UniqueConstraint("workspace_id", "principal", "level", "name"),
    Index(
        "ix_lazur_quotas_server",
        "principal",
        "name",
        unique=True,
        sqlite_where=text("workspace_id IS NULL"),
        postgresql_where=text("workspace_id IS NULL"),
    ),
    comment="`principal`: whose; empty: of all together; `*`: of each. `level`: who set it.",
)

uses = Table(
    "lazur_uses",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("workspace_id", Serial, ForeignKey("lazur_workspaces.id"), nullable=False),
    Column("job", Name, nullable=False),
    Column("run_id", String(32), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("person", Name, nullable=False),
    Column("experiment_name", Name, nullable=False),
    Column("compute", Name, nullable=False),
    Column("cpus", Integer, nullable=False),
    Column("memory", BigInteger, nullable=False),
    Column("gpus", Integer, nullable=False),
    Column("state", String(32), nullable=False),
    Column("started_at", Float, nullable=False),
    Column("ended_at", Float, nullable=False),
    Column("weighed", Boolean, nullable=False),
    Column("measured", Json),
    Column("outputs", Json, nullable=False),
    UniqueConstraint("run_id", "started_at"),
    Index(
        "ix_lazur_uses_unweighed",
        "id",
        sqlite_where=text("NOT weighed"),
        postgresql_where=text("NOT weighed"),
    ),
    Index("ix_lazur_uses_place", "workspace_id", "ended_at"),
    Index("ix_lazur_uses_person", "person", "ended_at"),
    comment="What each job held, and how long; `weighed`: its files are counted, too.",
)

stored = Table(
    "lazur_stored",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("workspace_id", Serial, ForeignKey("lazur_workspaces.id"), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("name", Name, nullable=False),
    Column("person", Name, nullable=False),
    Column("experiment_name", Name),
    Column("bytes", BigInteger, nullable=False),
    Column("at", Float, nullable=False),
    Column("gone_at", Float),
    Index(
        "ix_lazur_stored_live",
        "workspace_id",
        "kind",
        "name",
        unique=True,
        sqlite_where=text("gone_at IS NULL"),
        postgresql_where=text("gone_at IS NULL"),
    ),
    Index(
        "ix_lazur_stored_person",
        "person",
        "workspace_id",
        "bytes",
        sqlite_where=text("gone_at IS NULL"),
        postgresql_where=text("gone_at IS NULL"),
    ),
    Index("ix_lazur_stored_at", "workspace_id", "at"),
    comment="What takes up room, whose, and from when to when: trees, and what runs wrote.",
)

prices = Table(
    "lazur_prices",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("compute", Name, nullable=False),
    Column("valid_from", Float, nullable=False),
    Column("currency", String(8), nullable=False),
    Column("core_hour", Float, nullable=False),
    Column("gpu_hour", Float, nullable=False),
    Column("memory_hour", Float, nullable=False),
    Column("storage_month", Float, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("created_by", Name, nullable=False),
    UniqueConstraint("compute", "valid_from"),
    comment="`compute`: empty for all that have none of their own.",
)
