"""What tables are made of, and the table that nearly all others point to."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
Serial = BigInteger().with_variant(Integer, "sqlite")
Name = String(255)

workspaces = Table(
    "lazur_workspaces",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("name", Name, nullable=False),
    Column("folded", Name, nullable=False),
    Column("display_name", Text),
    Column("description", Text),
    Column("tags", Json, nullable=False),
    Column("settings", Json, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("created_by", Name, nullable=False),
    Column("deleted_at", Float),
    Column("purge_at", Float),
    Column("version", Integer, nullable=False),
    UniqueConstraint("kind", "folded"),
    comment="And registries: they hold assets only. No `id` is given twice.",
    sqlite_autoincrement=True,
)
