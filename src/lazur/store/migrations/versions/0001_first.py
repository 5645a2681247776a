"""The first schema: jobs, assets, builds, and who may what."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

Json = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
Serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "lazur_audit",
        sa.Column("chain", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("place", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("who", sa.String(length=255), nullable=False),
        sa.Column("who_kind", sa.String(length=16), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("action", sa.String(length=128), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("chain", "place", name=op.f("pk_lazur_audit")),
        comment="Each row's hash covers the one before it in its chain.",
    )
    op.create_index("ix_lazur_audit_at", "lazur_audit", ["at"], unique=False)
    op.create_index("ix_lazur_audit_who", "lazur_audit", ["who", "at"], unique=False)
    op.create_table(
        "lazur_audit_heads",
        sa.Column("chain", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("chain", name=op.f("pk_lazur_audit_heads")),
        comment="The last row of each chain.",
    )
    op.create_table(
        "lazur_builds",
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("builder", sa.String(length=32), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("recipe", Json, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("built", Json, nullable=True),
        sa.Column("error", Json, nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("started_at", sa.Float(), nullable=True),
        sa.Column("ended_at", sa.Float(), nullable=True),
        sa.Column("used_at", sa.Float(), nullable=False),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("due_at", sa.Float(), nullable=True),
        sa.Column("lease_token", sa.String(length=64), nullable=True),
        sa.Column("lease_until", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_lazur_builds")),
    )
    op.create_index(
        "ix_lazur_builds_due",
        "lazur_builds",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_table(
        "lazur_computes",
        sa.Column("id", Serial, nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("settings", Json, nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lazur_computes")),
        sa.UniqueConstraint("name", name=op.f("uq_lazur_computes_name")),
    )
    op.create_table(
        "lazur_facts",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lazur_facts")),
        comment="What there is one of: `home` is the home that this database belongs to.",
    )
    op.create_table(
        "lazur_idempotency",
        sa.Column("principal", sa.String(length=255), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("request", sa.String(length=64), nullable=False),
        sa.Column("answer", Json, nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("workspace", sa.String(length=255), nullable=True),
        sa.PrimaryKeyConstraint("principal", "key", name=op.f("pk_lazur_idempotency")),
    )
    op.create_index("ix_lazur_idempotency_at", "lazur_idempotency", ["at"], unique=False)
    op.create_table(
        "lazur_lineage",
        sa.Column("id", Serial, nullable=False),
        sa.Column("source_home", sa.BigInteger(), nullable=False),
        sa.Column("source_kind", sa.String(length=16), nullable=False),
        sa.Column("source_name", sa.String(length=600), nullable=False),
        sa.Column("source_version", sa.Text(), nullable=False),
        sa.Column("target_home", sa.BigInteger(), nullable=False),
        sa.Column("target_kind", sa.String(length=16), nullable=False),
        sa.Column("target_name", sa.String(length=600), nullable=False),
        sa.Column("target_version", sa.Text(), nullable=False),
        sa.Column("role", sa.String(length=300), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("who", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lazur_lineage")),
        comment="What came of what. Homes are workspaces and registries (0: what comes with Lazur). It outlives what it names.",
    )
    op.create_index(
        "ix_lazur_lineage_down",
        "lazur_lineage",
        [
            "source_home",
            "source_kind",
            "source_name",
            "source_version",
            "target_home",
            "target_kind",
            "target_name",
            "target_version",
            "role",
        ],
        unique=True,
    )
    op.create_index(
        "ix_lazur_lineage_up",
        "lazur_lineage",
        ["target_home", "target_kind", "target_name", "target_version"],
        unique=False,
    )
    op.create_table(
        "lazur_prices",
        sa.Column("id", Serial, nullable=False),
        sa.Column("compute", sa.String(length=255), nullable=False),
        sa.Column("valid_from", sa.Float(), nullable=False),
        sa.Column("currency", sa.String(length=8), nullable=False),
        sa.Column("core_hour", sa.Float(), nullable=False),
        sa.Column("gpu_hour", sa.Float(), nullable=False),
        sa.Column("memory_hour", sa.Float(), nullable=False),
        sa.Column("storage_month", sa.Float(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lazur_prices")),
        sa.UniqueConstraint(
            "compute", "valid_from", name=op.f("uq_lazur_prices_compute_valid_from")
        ),
        comment="`compute`: empty for all that have none of their own.",
    )
    op.create_table(
        "lazur_principals",
        sa.Column("id", Serial, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("folded", sa.String(length=255), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("issuer", sa.String(length=500), nullable=True),
        sa.Column("subject", sa.String(length=255), nullable=True),
        sa.Column("password", sa.Text(), nullable=True),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lazur_principals")),
        sa.UniqueConstraint("folded", name=op.f("uq_lazur_principals_folded")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_lazur_principals_issuer_subject")),
        sa.UniqueConstraint("name", name=op.f("uq_lazur_principals_name")),
        comment="`issuer` and `subject`: who they are where they sign in.",
    )
    op.create_table(
        "lazur_roles",
        sa.Column("id", Serial, nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("folded", sa.String(length=255), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("actions", Json, nullable=False),
        sa.Column("not_actions", Json, nullable=False),
        sa.Column("scopes", Json, nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lazur_roles")),
        sa.UniqueConstraint("folded", name=op.f("uq_lazur_roles_folded")),
        comment="Custom ones; those that are built in are in the code.",
    )
    op.create_table(
        "lazur_sign_ins",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("user_code", sa.String(length=16), nullable=True),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_lazur_sign_ins")),
        sa.UniqueConstraint("user_code", name=op.f("uq_lazur_sign_ins_user_code")),
        comment="Remembered between two requests of a sign-in. `digest`: of what only they know.",
    )
    op.create_index("ix_lazur_sign_ins_expires_at", "lazur_sign_ins", ["expires_at"], unique=False)
    op.create_table(
        "lazur_tokens",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("principal", sa.String(length=255), nullable=False),
        sa.Column("label", sa.Text(), nullable=True),
        sa.Column("role", sa.String(length=255), nullable=True),
        sa.Column("workspace", sa.String(length=255), nullable=True),
        sa.Column("job", sa.String(length=255), nullable=True),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_lazur_tokens")),
        sa.UniqueConstraint("id", name=op.f("uq_lazur_tokens_id")),
        comment="`role` and `workspace`: all that it is good for.",
    )
    op.create_index("ix_lazur_tokens_job", "lazur_tokens", ["workspace", "job"], unique=False)
    op.create_index("ix_lazur_tokens_principal", "lazur_tokens", ["principal"], unique=False)
    op.create_table(
        "lazur_trees",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("files", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("whole", sa.Boolean(), nullable=False),
        sa.Column("used_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_lazur_trees")),
        comment="Trees whose every blob was seen in the store (`whole`), or is being looked for.",
    )
    op.create_table(
        "lazur_workspaces",
        sa.Column("id", Serial, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("folded", sa.String(length=255), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("tags", Json, nullable=False),
        sa.Column("settings", Json, nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=False),
        sa.Column("deleted_at", sa.Float(), nullable=True),
        sa.Column("purge_at", sa.Float(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lazur_workspaces")),
        sa.UniqueConstraint("kind", "folded", name=op.f("uq_lazur_workspaces_kind_folded")),
        comment="And registries: they hold assets only. No `id` is given twice.",
        sqlite_autoincrement=True,
    )
    op.create_table(
        "lazur_assignments",
        sa.Column("id", Serial, nullable=False),
        sa.Column("principal_id", Serial, nullable=False),
        sa.Column("role", sa.String(length=255), nullable=False),
        sa.Column("workspace_id", Serial, nullable=True),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(
            ["principal_id"],
            ["lazur_principals.id"],
            name=op.f("fk_lazur_assignments_principal_id_lazur_principals"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["lazur_workspaces.id"],
            name=op.f("fk_lazur_assignments_workspace_id_lazur_workspaces"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lazur_assignments")),
        sa.UniqueConstraint(
            "principal_id",
            "role",
            "workspace_id",
            name=op.f("uq_lazur_assignments_principal_id_role_workspace_id"),
        ),
        comment="Without a workspace it holds on the whole server.",
    )
    op.create_index(
        "ix_lazur_assignments_server",
        "lazur_assignments",
        ["principal_id", "role"],
        unique=True,
        sqlite_where=sa.text("workspace_id IS NULL"),
        postgresql_where=sa.text("workspace_id IS NULL"),
    )
    op.create_index(
        "ix_lazur_assignments_workspace", "lazur_assignments", ["workspace_id"], unique=False
    )
    op.create_table(
        "lazur_build_uses",
        sa.Column("workspace_id", Serial, nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["key"],
            ["lazur_builds.key"],
            name=op.f("fk_lazur_build_uses_key_lazur_builds"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["lazur_workspaces.id"],
            name=op.f("fk_lazur_build_uses_workspace_id_lazur_workspaces"),
        ),
        sa.PrimaryKeyConstraint("workspace_id", "key", name=op.f("pk_lazur_build_uses")),
        comment="Which workspaces asked for a build, and by what name: nobody else is told of it.",
    )
    op.create_index("ix_lazur_build_uses_key", "lazur_build_uses", ["key"], unique=False)
    op.create_table(
        "lazur_clusters",
        sa.Column("id", Serial, nullable=False),
        sa.Column("workspace_id", Serial, nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("folded", sa.String(length=255), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("settings", Json, nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("tags", Json, nullable=False),
        sa.Column("compute_id", Serial, nullable=False),
        sa.Column("nodes", sa.Integer(), nullable=False),
        sa.Column("stopped", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=False),
        sa.Column("changed_at", sa.Float(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["compute_id"],
            ["lazur_computes.id"],
            name=op.f("fk_lazur_clusters_compute_id_lazur_computes"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["lazur_workspaces.id"],
            name=op.f("fk_lazur_clusters_workspace_id_lazur_workspaces"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lazur_clusters")),
        sa.UniqueConstraint(
            "workspace_id", "folded", name=op.f("uq_lazur_clusters_workspace_id_folded")
        ),
    )
    op.create_table(
        "lazur_containers",
        sa.Column("id", Serial, nullable=False),
        sa.Column("workspace_id", Serial, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("next_version", sa.Integer(), nullable=False),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["lazur_workspaces.id"],
            name=op.f("fk_lazur_containers_workspace_id_lazur_workspaces"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lazur_containers")),
        sa.UniqueConstraint(
            "workspace_id", "kind", "name", name=op.f("uq_lazur_containers_workspace_id_kind_name")
        ),
    )
    op.create_table(
        "lazur_credentials",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("principal_id", Serial, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("hint", sa.Text(), nullable=True),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["principal_id"],
            ["lazur_principals.id"],
            name=op.f("fk_lazur_credentials_principal_id_lazur_principals"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lazur_credentials")),
        comment="Of services. `value`: a secret's digest, or a public key.",
    )
    op.create_index(
        "ix_lazur_credentials_principal", "lazur_credentials", ["principal_id"], unique=False
    )
    op.create_table(
        "lazur_events",
        sa.Column("id", Serial, nullable=False),
        sa.Column("workspace_id", Serial, nullable=True),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("data", Json, nullable=False),
        sa.Column("who", sa.String(length=255), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["lazur_workspaces.id"],
            name=op.f("fk_lazur_events_workspace_id_lazur_workspaces"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lazur_events")),
    )
    op.create_index(
        "ix_lazur_events_subject",
        "lazur_events",
        ["workspace_id", "kind", "name", "id"],
        unique=False,
    )
    op.create_table(
        "lazur_jobs",
        sa.Column("id", Serial, nullable=False),
        sa.Column("workspace_id", Serial, nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("run_id", sa.String(length=32), nullable=False),
        sa.Column("parent_id", Serial, nullable=True),
        sa.Column("step", sa.String(length=255), nullable=True),
        sa.Column("notes", Json, nullable=True),
        sa.Column("reuse_key", sa.String(length=64), nullable=True),
        sa.Column("reused_id", Serial, nullable=True),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("experiment_name", sa.String(length=255), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("tags", Json, nullable=False),
        sa.Column("properties", Json, nullable=False),
        sa.Column("spec", Json, nullable=False),
        sa.Column("resolved", Json, nullable=False),
        sa.Column("warnings", Json, nullable=False),
        sa.Column("compute_id", Serial, nullable=False),
        sa.Column("cluster", sa.String(length=255), nullable=False),
        sa.Column("nodes", sa.Integer(), nullable=False),
        sa.Column("at_once", sa.Integer(), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("cpus", sa.Integer(), nullable=False),
        sa.Column("memory", sa.BigInteger(), nullable=False),
        sa.Column("gpus", sa.Integer(), nullable=False),
        sa.Column("build_key", sa.String(length=128), nullable=True),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("waiting_for", sa.Text(), nullable=True),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("canceled_for", sa.Text(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("placed", sa.Boolean(), nullable=False),
        sa.Column("runner", sa.String(length=255), nullable=True),
        sa.Column("gpu_ids", Json, nullable=False),
        sa.Column("handle", Json, nullable=True),
        sa.Column("phases", Json, nullable=False),
        sa.Column("error", Json, nullable=True),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=False),
        sa.Column("updated_at", sa.Float(), nullable=False),
        sa.Column("started_at", sa.Float(), nullable=True),
        sa.Column("ended_at", sa.Float(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.Float(), nullable=True),
        sa.Column("lease_token", sa.String(length=64), nullable=True),
        sa.Column("lease_until", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["compute_id"],
            ["lazur_computes.id"],
            name=op.f("fk_lazur_jobs_compute_id_lazur_computes"),
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"],
            ["lazur_jobs.id"],
            name=op.f("fk_lazur_jobs_parent_id_lazur_jobs"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["reused_id"],
            ["lazur_jobs.id"],
            name=op.f("fk_lazur_jobs_reused_id_lazur_jobs"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["lazur_workspaces.id"],
            name=op.f("fk_lazur_jobs_workspace_id_lazur_workspaces"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lazur_jobs")),
        sa.UniqueConstraint("run_id", name=op.f("uq_lazur_jobs_run_id")),
        sa.UniqueConstraint("workspace_id", "name", name=op.f("uq_lazur_jobs_workspace_id_name")),
    )
    op.create_index(
        "ix_lazur_jobs_build",
        "lazur_jobs",
        ["build_key"],
        unique=False,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(
        "ix_lazur_jobs_created", "lazur_jobs", ["workspace_id", "created_at", "id"], unique=False
    )
    op.create_index(
        "ix_lazur_jobs_due",
        "lazur_jobs",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index(
        "ix_lazur_jobs_experiment",
        "lazur_jobs",
        ["workspace_id", "experiment_name", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_lazur_jobs_list", "lazur_jobs", ["workspace_id", "archived", "id"], unique=False
    )
    op.create_index(
        "ix_lazur_jobs_live",
        "lazur_jobs",
        ["workspace_id", "created_by", "placed"],
        unique=False,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(
        "ix_lazur_jobs_parent",
        "lazur_jobs",
        ["parent_id"],
        unique=False,
        sqlite_where=sa.text("parent_id IS NOT NULL"),
        postgresql_where=sa.text("parent_id IS NOT NULL"),
    )
    op.create_index(
        "ix_lazur_jobs_placed",
        "lazur_jobs",
        ["compute_id", "runner"],
        unique=False,
        sqlite_where=sa.text("placed"),
        postgresql_where=sa.text("placed"),
    )
    op.create_index(
        "ix_lazur_jobs_queue",
        "lazur_jobs",
        ["compute_id", "priority", "created_by", "workspace_id", "cluster", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'Queued'"),
        postgresql_where=sa.text("state = 'Queued'"),
    )
    op.create_index(
        "ix_lazur_jobs_reuse",
        "lazur_jobs",
        ["workspace_id", "reuse_key", "id"],
        unique=False,
        sqlite_where=sa.text("reuse_key IS NOT NULL"),
        postgresql_where=sa.text("reuse_key IS NOT NULL"),
    )
    op.create_index(
        "ix_lazur_jobs_reused",
        "lazur_jobs",
        ["reused_id"],
        unique=False,
        sqlite_where=sa.text("reused_id IS NOT NULL"),
        postgresql_where=sa.text("reused_id IS NOT NULL"),
    )
    op.create_index(
        "ix_lazur_jobs_state",
        "lazur_jobs",
        ["workspace_id", "state", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_lazur_jobs_step",
        "lazur_jobs",
        ["parent_id", "step"],
        unique=True,
        sqlite_where=sa.text("step IS NOT NULL"),
        postgresql_where=sa.text("step IS NOT NULL"),
    )
    op.create_index(
        "ix_lazur_jobs_steps",
        "lazur_jobs",
        ["workspace_id", "step", "id"],
        unique=False,
        sqlite_where=sa.text("reuse_key IS NOT NULL"),
        postgresql_where=sa.text("reuse_key IS NOT NULL"),
    )
    op.create_table(
        "lazur_lineage_posts",
        sa.Column("id", Serial, nullable=False),
        sa.Column("workspace_id", Serial, nullable=False),
        sa.Column("job", sa.String(length=255), nullable=False),
        sa.Column("type", sa.String(length=16), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.Float(), nullable=True),
        sa.Column("lease_token", sa.String(length=64), nullable=True),
        sa.Column("lease_until", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["lazur_workspaces.id"],
            name=op.f("fk_lazur_lineage_posts_workspace_id_lazur_workspaces"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lazur_lineage_posts")),
        comment="OpenLineage events that are still to be sent.",
    )
    op.create_index("ix_lazur_lineage_posts_due", "lazur_lineage_posts", ["due_at"], unique=False)
    op.create_index(
        "ix_lazur_lineage_posts_workspace", "lazur_lineage_posts", ["workspace_id"], unique=False
    )
    op.create_table(
        "lazur_members",
        sa.Column("group_id", Serial, nullable=False),
        sa.Column("member_id", Serial, nullable=False),
        sa.Column("claimed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["lazur_principals.id"],
            name=op.f("fk_lazur_members_group_id_lazur_principals"),
        ),
        sa.ForeignKeyConstraint(
            ["member_id"],
            ["lazur_principals.id"],
            name=op.f("fk_lazur_members_member_id_lazur_principals"),
        ),
        sa.PrimaryKeyConstraint("group_id", "member_id", name=op.f("pk_lazur_members")),
        comment="`claimed`: the provider of the sign-in said so, and takes it back as well.",
    )
    op.create_index("ix_lazur_members_member", "lazur_members", ["member_id"], unique=False)
    op.create_table(
        "lazur_quotas",
        sa.Column("id", Serial, nullable=False),
        sa.Column("workspace_id", Serial, nullable=True),
        sa.Column("principal", sa.String(length=255), nullable=False),
        sa.Column("level", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("most", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["lazur_workspaces.id"],
            name=op.f("fk_lazur_quotas_workspace_id_lazur_workspaces"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lazur_quotas")),
        sa.UniqueConstraint(
            "workspace_id",
            "principal",
            "level",
            "name",
            name=op.f("uq_lazur_quotas_workspace_id_principal_level_name"),
        ),
        comment="`principal`: whose; empty: of all together; `*`: of each. `level`: who set it.",
    )
    op.create_index(
        "ix_lazur_quotas_server",
        "lazur_quotas",
        ["principal", "name"],
        unique=True,
        sqlite_where=sa.text("workspace_id IS NULL"),
        postgresql_where=sa.text("workspace_id IS NULL"),
    )
    op.create_table(
        "lazur_schedules",
        sa.Column("id", Serial, nullable=False),
        sa.Column("workspace_id", Serial, nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("folded", sa.String(length=255), nullable=False),
        sa.Column("trigger_type", sa.String(length=16), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("spec", Json, nullable=False),
        sa.Column("listens", sa.String(length=32), nullable=True),
        sa.Column("display_name", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("tags", Json, nullable=False),
        sa.Column("properties", Json, nullable=False),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("acts_as", Json, nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=False),
        sa.Column("changed_at", sa.Float(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("decided", sa.Float(), nullable=False),
        sa.Column("due_at", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["lazur_workspaces.id"],
            name=op.f("fk_lazur_schedules_workspace_id_lazur_workspaces"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lazur_schedules")),
        sa.UniqueConstraint(
            "workspace_id", "folded", name=op.f("uq_lazur_schedules_workspace_id_folded")
        ),
        comment="Up to `decided` every tick has its row. Whose rights it has is in `acts_as`.",
    )
    op.create_index(
        "ix_lazur_schedules_due",
        "lazur_schedules",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index(
        "ix_lazur_schedules_listens", "lazur_schedules", ["workspace_id", "listens"], unique=False
    )
    op.create_table(
        "lazur_secrets",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("workspace_id", Serial, nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("key_id", sa.String(length=500), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["lazur_workspaces.id"],
            name=op.f("fk_lazur_secrets_workspace_id_lazur_workspaces"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lazur_secrets")),
        comment="Sealed by lazur.sealing; `key_id` finds what a rotation has to wrap anew.",
    )
    op.create_index("ix_lazur_secrets_key", "lazur_secrets", ["key_id"], unique=False)
    op.create_index("ix_lazur_secrets_workspace", "lazur_secrets", ["workspace_id"], unique=False)
    op.create_table(
        "lazur_stored",
        sa.Column("id", Serial, nullable=False),
        sa.Column("workspace_id", Serial, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("person", sa.String(length=255), nullable=False),
        sa.Column("experiment_name", sa.String(length=255), nullable=True),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("gone_at", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["lazur_workspaces.id"],
            name=op.f("fk_lazur_stored_workspace_id_lazur_workspaces"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lazur_stored")),
        comment="What takes up room, whose, and from when to when: trees, and what runs wrote.",
    )
    op.create_index("ix_lazur_stored_at", "lazur_stored", ["workspace_id", "at"], unique=False)
    op.create_index(
        "ix_lazur_stored_live",
        "lazur_stored",
        ["workspace_id", "kind", "name"],
        unique=True,
        sqlite_where=sa.text("gone_at IS NULL"),
        postgresql_where=sa.text("gone_at IS NULL"),
    )
    op.create_index(
        "ix_lazur_stored_person",
        "lazur_stored",
        ["person", "workspace_id", "bytes"],
        unique=False,
        sqlite_where=sa.text("gone_at IS NULL"),
        postgresql_where=sa.text("gone_at IS NULL"),
    )
    op.create_table(
        "lazur_uses",
        sa.Column("id", Serial, nullable=False),
        sa.Column("workspace_id", Serial, nullable=False),
        sa.Column("job", sa.String(length=255), nullable=False),
        sa.Column("run_id", sa.String(length=32), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("person", sa.String(length=255), nullable=False),
        sa.Column("experiment_name", sa.String(length=255), nullable=False),
        sa.Column("compute", sa.String(length=255), nullable=False),
        sa.Column("cpus", sa.Integer(), nullable=False),
        sa.Column("memory", sa.BigInteger(), nullable=False),
        sa.Column("gpus", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("started_at", sa.Float(), nullable=False),
        sa.Column("ended_at", sa.Float(), nullable=False),
        sa.Column("weighed", sa.Boolean(), nullable=False),
        sa.Column("measured", Json, nullable=True),
        sa.Column("outputs", Json, nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["lazur_workspaces.id"],
            name=op.f("fk_lazur_uses_workspace_id_lazur_workspaces"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lazur_uses")),
        sa.UniqueConstraint("run_id", "started_at", name=op.f("uq_lazur_uses_run_id_started_at")),
        comment="What each job held, and how long; `weighed`: its files are counted, too.",
    )
    op.create_index("ix_lazur_uses_person", "lazur_uses", ["person", "ended_at"], unique=False)
    op.create_index(
        "ix_lazur_uses_place", "lazur_uses", ["workspace_id", "ended_at"], unique=False
    )
    op.create_index(
        "ix_lazur_uses_unweighed",
        "lazur_uses",
        ["id"],
        unique=False,
        sqlite_where=sa.text("NOT weighed"),
        postgresql_where=sa.text("NOT weighed"),
    )
    op.create_table(
        "lazur_assets",
        sa.Column("id", Serial, nullable=False),
        sa.Column("container_id", Serial, nullable=False),
        sa.Column("version", sa.String(length=255), nullable=False),
        sa.Column("spec", Json, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("tags", Json, nullable=False),
        sa.Column("properties", Json, nullable=False),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("deleted_at", sa.Float(), nullable=True),
        sa.Column("deleted_by", sa.String(length=255), nullable=True),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("mlflow_created", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["container_id"],
            ["lazur_containers.id"],
            name=op.f("fk_lazur_assets_container_id_lazur_containers"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lazur_assets")),
        sa.UniqueConstraint(
            "container_id", "version", name=op.f("uq_lazur_assets_container_id_version")
        ),
        comment="`mlflow_created`: of a model that is in MLflow's registry, when it was made there.",
    )
    op.create_index(
        "ix_lazur_assets_newest", "lazur_assets", ["container_id", "archived", "id"], unique=False
    )
    op.create_table(
        "lazur_connections",
        sa.Column("id", Serial, nullable=False),
        sa.Column("workspace_id", Serial, nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("folded", sa.String(length=255), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("settings", Json, nullable=False),
        sa.Column("credential", sa.String(length=64), nullable=False),
        sa.Column("secret_id", sa.String(length=32), nullable=True),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("tags", Json, nullable=False),
        sa.Column("properties", Json, nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=False),
        sa.Column("changed_at", sa.Float(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["secret_id"],
            ["lazur_secrets.id"],
            name=op.f("fk_lazur_connections_secret_id_lazur_secrets"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["lazur_workspaces.id"],
            name=op.f("fk_lazur_connections_workspace_id_lazur_workspaces"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lazur_connections")),
        sa.UniqueConstraint(
            "workspace_id", "folded", name=op.f("uq_lazur_connections_workspace_id_folded")
        ),
    )
    op.create_table(
        "lazur_datastores",
        sa.Column("id", Serial, nullable=False),
        sa.Column("workspace_id", Serial, nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("folded", sa.String(length=255), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("settings", Json, nullable=False),
        sa.Column("credential", sa.String(length=64), nullable=False),
        sa.Column("secret_id", sa.String(length=32), nullable=True),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("tags", Json, nullable=False),
        sa.Column("properties", Json, nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=False),
        sa.Column("changed_at", sa.Float(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["secret_id"],
            ["lazur_secrets.id"],
            name=op.f("fk_lazur_datastores_secret_id_lazur_secrets"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["lazur_workspaces.id"],
            name=op.f("fk_lazur_datastores_workspace_id_lazur_workspaces"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lazur_datastores")),
        sa.UniqueConstraint(
            "workspace_id", "folded", name=op.f("uq_lazur_datastores_workspace_id_folded")
        ),
    )
    op.create_table(
        "lazur_frozen",
        sa.Column("job_id", Serial, nullable=False),
        sa.Column("plan", Json, nullable=False),
        sa.Column("retried_id", Serial, nullable=True),
        sa.ForeignKeyConstraint(
            ["job_id"],
            ["lazur_jobs.id"],
            name=op.f("fk_lazur_frozen_job_id_lazur_jobs"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["retried_id"],
            ["lazur_jobs.id"],
            name=op.f("fk_lazur_frozen_retried_id_lazur_jobs"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_lazur_frozen")),
        comment="What parents decide by: it never changes, so that a round need not read it again.",
    )
    op.create_table(
        "lazur_ticks",
        sa.Column("id", Serial, nullable=False),
        sa.Column("workspace_id", Serial, nullable=False),
        sa.Column("schedule_id", Serial, nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("cause", sa.String(length=16), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("until", sa.Float(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("job", sa.String(length=255), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("data", Json, nullable=False),
        sa.Column("chain", Json, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("ended_at", sa.Float(), nullable=True),
        sa.Column("due_at", sa.Float(), nullable=True),
        sa.Column("lease_token", sa.String(length=64), nullable=True),
        sa.Column("lease_until", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["schedule_id"],
            ["lazur_schedules.id"],
            name=op.f("fk_lazur_ticks_schedule_id_lazur_schedules"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["lazur_workspaces.id"],
            name=op.f("fk_lazur_ticks_workspace_id_lazur_workspaces"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lazur_ticks")),
        sa.UniqueConstraint("schedule_id", "key", name=op.f("uq_lazur_ticks_schedule_id_key")),
        comment="One for each that fires; one for a row of those that were left out.",
    )
    op.create_index(
        "ix_lazur_ticks_due",
        "lazur_ticks",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index("ix_lazur_ticks_ended", "lazur_ticks", ["ended_at"], unique=False)
    op.create_index("ix_lazur_ticks_job", "lazur_ticks", ["workspace_id", "job"], unique=False)
    op.create_index("ix_lazur_ticks_list", "lazur_ticks", ["schedule_id", "id"], unique=False)
    op.create_table(
        "lazur_labels",
        sa.Column("container_id", Serial, nullable=False),
        sa.Column("label", sa.String(length=255), nullable=False),
        sa.Column("asset_id", Serial, nullable=False),
        sa.ForeignKeyConstraint(
            ["asset_id"],
            ["lazur_assets.id"],
            name=op.f("fk_lazur_labels_asset_id_lazur_assets"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["container_id"],
            ["lazur_containers.id"],
            name=op.f("fk_lazur_labels_container_id_lazur_containers"),
        ),
        sa.PrimaryKeyConstraint("container_id", "label", name=op.f("pk_lazur_labels")),
        comment="Names for versions, that move from one to another. `latest` is none of them.",
    )
    op.create_index("ix_lazur_labels_asset", "lazur_labels", ["asset_id"], unique=False)
