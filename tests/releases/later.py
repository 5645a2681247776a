"""A migration of days to come: it writes every row of the table of jobs anew (on SQLite, the table
itself), and may be killed on its way."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lazur.store import schema

REVISION = "9000"
_TEXT = '''
"""Of days to come."""

import os
import signal

import sqlalchemy as sa
from alembic import op

revision = {revision!r}
down_revision = {head!r}
branch_labels = None
depends_on = None


def upgrade() -> None:
    anew = "always" if op.get_bind().dialect.name == "sqlite" else "never"
    with op.batch_alter_table("lazur_jobs", recreate=anew) as table:
        table.add_column(sa.Column("later", sa.Integer(), nullable=False, server_default="7"))
    if os.environ.get("LATER_DIES"):
        os.kill(os.getpid(), signal.SIGKILL)
    op.execute("UPDATE lazur_jobs SET later = id")
{more}
'''


@contextmanager
def lazur_of_later(folder: Path, more: str = "") -> Iterator[None]:
    """A Lazur whose schema is newer by one revision. `more` are statements of it."""
    migrations = folder / "migrations"
    shutil.copytree(schema.MIGRATIONS, migrations, ignore=shutil.ignore_patterns("__pycache__"))
    lines = "".join(f"    {line}\n" for line in more.splitlines())
    text = _TEXT.format(revision=REVISION, head=schema.HEAD, more=lines)
    (migrations / "versions" / f"{REVISION}_later.py").write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schema, "KNOWN", {REVISION, *schema.KNOWN})
        patch.setattr(schema, "HEAD", REVISION)
        patch.setattr(schema, "MIGRATIONS", migrations)
        yield
