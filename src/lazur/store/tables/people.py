"""People, what they may do, and what they sign in with."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from lazur.store.tables.base import Json, Name, Serial, metadata

principals = Table(
    "lazur_principals",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("name", Name, nullable=False, unique=True),
    Column("folded", Name, nullable=False, unique=True),
    Column("display_name", Text),
    Column("email", Text),
    Column("issuer", String(500)),
    Column("subject", Name),
    Column("password", Text),
    Column("disabled", Boolean, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("created_by", Name, nullable=False),
    UniqueConstraint("issuer", "subject"),
    comment="`issuer` and `subject`: who they are where they sign in.",
)

members = Table(
    "lazur_members",
    metadata,
    Column("group_id", Serial, ForeignKey("lazur_principals.id"), primary_key=True),
    Column("member_id", Serial, ForeignKey("lazur_principals.id"), primary_key=True),
    Column("claimed", Boolean, nullable=False),
    Index("ix_lazur_members_member", "member_id"),
    comment="`claimed`: the provider of the sign-in said so, and takes it back as well.",
)

roles = Table(
    "lazur_roles",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("name", Name, nullable=False),
    Column("folded", Name, nullable=False, unique=True),
    Column("description", Text),
    Column("actions", Json, nullable=False),
    Column("not_actions", Json, nullable=False),
    Column("scopes", Json, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("created_by", Name, nullable=False),
    comment="Custom ones; those that are built in are in the code.",
)

assignments = Table(
    "lazur_assignments",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("principal_id", Serial, ForeignKey("lazur_principals.id"), nullable=False),
    Column("role", Name, nullable=False),
    Column("workspace_id", Serial, ForeignKey("lazur_workspaces.id")),
    Column("created_at", Float, nullable=False),
    Column("created_by", Name, nullable=False),
    UniqueConstraint("principal_id", "role", "workspace_id"),
    Index(
        "ix_lazur_assignments_server",
        "principal_id",
        "role",
        unique=True,
        sqlite_where=text("workspace_id IS NULL"),
        postgresql_where=text("workspace_id IS NULL"),
    ),
    Index("ix_lazur_assignments_workspace", "workspace_id"),
    comment="Without a workspace it holds on the whole server.",
)

tokens = Table(
    "lazur_tokens",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("id", String(16), nullable=False, unique=True),
    Column("kind", String(16), nullable=False),
    Column("principal", Name, nullable=False),
    Column("label", Text),
    Column("role", Name),
    Column("workspace", Name),
    Column("job", Name),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float),
    Index("ix_lazur_tokens_principal", "principal"),
    Index("ix_lazur_tokens_job", "workspace", "job"),
    comment="`role` and `workspace`: all that it is good for.",
)

sign_ins = Table(
    "lazur_sign_ins",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("user_code", String(16), unique=True),
    Column("payload", Text, nullable=False),
    Column("expires_at", Float, nullable=False),
    Index("ix_lazur_sign_ins_expires_at", "expires_at"),
    comment="Remembered between two requests of a sign-in. `digest`: of what only they know.",
)

credentials = Table(
    "lazur_credentials",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("principal_id", Serial, ForeignKey("lazur_principals.id"), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("value", Text, nullable=False),
    Column("hint", Text),
    Column("created_at", Float, nullable=False),
    Column("created_by", Name, nullable=False),
    Column("expires_at", Float),
    Index("ix_lazur_credentials_principal", "principal_id"),
    comment="Of services. `value`: a secret's digest, or a public key.",
)
