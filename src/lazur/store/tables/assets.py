"""Assets, and the content that they and jobs are made of."""

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
    Text,
    UniqueConstraint,
)

from lazur.store.tables.base import Json, Name, Serial, metadata

containers = Table(
    "lazur_containers",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("workspace_id", Serial, ForeignKey("lazur_workspaces.id"), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("name", Name, nullable=False),
    Column("next_version", Integer, nullable=False),
    Column("archived", Boolean, nullable=False),
    Column("created_at", Float, nullable=False),
    UniqueConstraint("workspace_id", "kind", "name"),
)

assets = Table(
    "lazur_assets",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("container_id", Serial, ForeignKey("lazur_containers.id"), nullable=False),
    Column("version", Name, nullable=False),
    Column("spec", Json, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("description", Text),
    Column("tags", Json, nullable=False),
    Column("properties", Json, nullable=False),
    Column("archived", Boolean, nullable=False),
    Column("deleted_at", Float),
    Column("deleted_by", Name),
    Column("created_at", Float, nullable=False),
    Column("created_by", Name, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("mlflow_created", BigInteger),
    UniqueConstraint("container_id", "version"),
    Index("ix_lazur_assets_newest", "container_id", "archived", "id"),
    comment="`mlflow_created`: of a model that is in MLflow's registry, when it was made there.",
)

labels = Table(
    "lazur_labels",
    metadata,
    Column("container_id", Serial, ForeignKey("lazur_containers.id"), primary_key=True),
    Column("label", Name, primary_key=True),
    Column("asset_id", Serial, ForeignKey("lazur_assets.id", ondelete="CASCADE"), nullable=False),
    Index("ix_lazur_labels_asset", "asset_id"),
    comment="Names for versions, that move from one to another. `latest` is none of them.",
)

trees = Table(
    "lazur_trees",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("files", Integer, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("whole", Boolean, nullable=False),
    Column("used_at", Float, nullable=False),
    comment="Trees whose every blob was seen in the store (`whole`), or is being looked for.",
)
