"""Every table. Times are seconds since the epoch (UTC); JSON columns hold what people wrote,
unchanged."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
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

computes = Table(
    "lazur_computes",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("name", Name, nullable=False, unique=True),
    Column("type", String(64), nullable=False),
    Column("settings", Json, nullable=False),
    Column("description", Text),
    Column("created_at", Float, nullable=False),
    Column("version", Integer, nullable=False),
)

jobs = Table(
    "lazur_jobs",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("workspace_id", Serial, ForeignKey("lazur_workspaces.id"), nullable=False),
    Column("name", Name, nullable=False),
    Column("run_id", String(32), nullable=False, unique=True),
    Column("parent_id", Serial, ForeignKey("lazur_jobs.id")),
    Column("type", String(32), nullable=False),
    Column("experiment_name", Name, nullable=False),
    Column("display_name", Text),
    Column("description", Text),
    Column("tags", Json, nullable=False),
    Column("properties", Json, nullable=False),
    Column("spec", Json, nullable=False),
    Column("resolved", Json, nullable=False),
    Column("warnings", Json, nullable=False),
    Column("compute_id", Serial, ForeignKey("lazur_computes.id"), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("cpus", Integer, nullable=False),
    Column("memory", BigInteger, nullable=False),
    Column("gpus", Integer, nullable=False),
    Column("build_key", String(128)),
    Column("state", String(32), nullable=False),
    Column("waiting_for", Text),
    Column("cancel_requested", Boolean, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("placed", Boolean, nullable=False),
    Column("runner", Name),
    Column("gpu_ids", Json, nullable=False),
    Column("handle", Json),
    Column("phases", Json, nullable=False),
    Column("error", Json),
    Column("archived", Boolean, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("created_by", Name, nullable=False),
    Column("updated_at", Float, nullable=False),
    Column("started_at", Float),
    Column("ended_at", Float),
    Column("version", Integer, nullable=False),
    Column("due_at", Float),
    Column("lease_token", String(64)),
    Column("lease_until", Float),
    UniqueConstraint("workspace_id", "name"),
    Index("ix_lazur_jobs_list", "workspace_id", "archived", "id"),
    Index("ix_lazur_jobs_state", "workspace_id", "state", "id"),
    Index("ix_lazur_jobs_experiment", "workspace_id", "experiment_name", "id"),
    Index("ix_lazur_jobs_created", "workspace_id", "created_at", "id"),
    Index(
        "ix_lazur_jobs_queue",
        "compute_id",
        "priority",
        "created_by",
        "workspace_id",
        "id",
        sqlite_where=text("state = 'Queued'"),
        postgresql_where=text("state = 'Queued'"),
    ),
    Index(
        "ix_lazur_jobs_live",
        "workspace_id",
        "created_by",
        "placed",
        sqlite_where=text("ended_at IS NULL"),
        postgresql_where=text("ended_at IS NULL"),
    ),
    Index(
        "ix_lazur_jobs_placed",
        "compute_id",
        "runner",
        sqlite_where=text("placed"),
        postgresql_where=text("placed"),
    ),
    Index(
        "ix_lazur_jobs_due",
        "due_at",
        sqlite_where=text("due_at IS NOT NULL"),
        postgresql_where=text("due_at IS NOT NULL"),
    ),
    Index(
        "ix_lazur_jobs_build",
        "build_key",
        sqlite_where=text("ended_at IS NULL"),
        postgresql_where=text("ended_at IS NULL"),
    ),
    Index(
        "ix_lazur_jobs_parent",
        "parent_id",
        sqlite_where=text("parent_id IS NOT NULL"),
        postgresql_where=text("parent_id IS NOT NULL"),
    ),
)

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
    UniqueConstraint("container_id", "version"),
    Index("ix_lazur_assets_newest", "container_id", "archived", "id"),
)

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

builds = Table(
    "lazur_builds",
    metadata,
    Column("key", String(128), primary_key=True),
    Column("builder", String(32), nullable=False),
    Column("name", Text, nullable=False),
    Column("recipe", Json, nullable=False),
    Column("state", String(16), nullable=False),
    Column("built", Json),
    Column("error", Json),
    Column("size", BigInteger, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("started_at", Float),
    Column("ended_at", Float),
    Column("used_at", Float, nullable=False),
    Column("cancel_requested", Boolean, nullable=False),
    Column("due_at", Float),
    Column("lease_token", String(64)),
    Column("lease_until", Float),
    Index(
        "ix_lazur_builds_due",
        "due_at",
        sqlite_where=text("due_at IS NOT NULL"),
        postgresql_where=text("due_at IS NOT NULL"),
    ),
)

build_uses = Table(
    "lazur_build_uses",
    metadata,
    Column("workspace_id", Serial, ForeignKey("lazur_workspaces.id"), primary_key=True),
    Column(
        "key", String(128), ForeignKey("lazur_builds.key", ondelete="CASCADE"), primary_key=True
    ),
    Column("name", Text, nullable=False),
    Index("ix_lazur_build_uses_key", "key"),
    comment="Which workspaces asked for a build, and by what name: nobody else is told of it.",
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
    Column("measured", Json),
    Column("outputs", Json, nullable=False),
    UniqueConstraint("run_id", "started_at"),
    Index("ix_lazur_uses_place", "workspace_id", "ended_at"),
    Index("ix_lazur_uses_person", "person", "ended_at"),
    comment="What each job held, and how long. Kept when the job is purged.",
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
    Index("ix_lazur_idempotency_at", "at"),
)
