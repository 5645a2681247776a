"""Datastores and connections, and what opens them."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from lazur.store.tables.base import Json, Name, Serial, metadata

secrets = Table(
    "lazur_secrets",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("workspace_id", Serial, ForeignKey("lazur_workspaces.id"), nullable=False),
    Column("sealed", Text, nullable=False),
    Column("key_id", String(500), nullable=False),
    Column("created_at", Float, nullable=False),
    Index("ix_lazur_secrets_key", "key_id"),
    Index("ix_lazur_secrets_workspace", "workspace_id"),
    comment="Sealed by lazur.sealing; `key_id` finds what a rotation has to wrap anew.",
)


def _resources(name: str) -> Table:
    """Addresses outside of the server. `settings` is what is shown to readers."""
    return Table(
        name,
        metadata,
        Column("id", Serial, primary_key=True),
        Column("workspace_id", Serial, ForeignKey("lazur_workspaces.id"), nullable=False),
        Column("name", Name, nullable=False),
        Column("folded", Name, nullable=False),
        Column("type", String(64), nullable=False),
        Column("settings", Json, nullable=False),
        Column("credential", String(64), nullable=False),
        Column("secret_id", String(32), ForeignKey("lazur_secrets.id")),
        Column("is_default", Boolean, nullable=False),
        Column("description", Text),
        Column("tags", Json, nullable=False),
        Column("properties", Json, nullable=False),
        Column("created_at", Float, nullable=False),
        Column("created_by", Name, nullable=False),
        Column("changed_at", Float),
        Column("version", Integer, nullable=False),
        UniqueConstraint("workspace_id", "folded"),
    )


datastores = _resources("lazur_datastores")

connections = _resources("lazur_connections")
