"""The first migration, written from the tables. Until the first release the schema has one
revision, which may change; from then on each change gets a revision of its own, written by hand.

python -m tools.migration            exit 1 when 0001 and the tables differ
python -m tools.migration --write
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from lazur.store.schema import MIGRATIONS
from lazur.store.tables import metadata

FILE = MIGRATIONS / "versions" / "0001_first.py"
_RELEASES = Path(__file__).resolve().parent.parent / "tests" / "releases"
HEADING = '''"""The first schema: jobs, assets, builds, and who may what."""

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
'''

_NAMED = {
    "sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True, "
    "astext_type=Text()), 'postgresql')": "Json",
    "sa.BigInteger().with_variant(sa.Integer(), 'sqlite')": "Serial",
}
"""Types that the tables have a name for, as Alembic spells them."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    if released():
        print("There is a release: write a migration by hand (contributing/migrations.md).")
        return 1 if arguments.write else 0
    wanted = formatted(HEADING + body())
    if arguments.write:
        FILE.write_text(wanted)
    elif not FILE.exists() or FILE.read_text() != wanted:
        print("The first migration is behind the tables: python -m tools.migration --write")
        return 1
    return 0


def released() -> bool:
    """Whether a release is frozen: the first revision stays what it was then."""
    return any(_RELEASES.glob("*/rows.jsonl"))


def formatted(text: str) -> str:
    argv = [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(FILE), "-"]
    done = subprocess.run(argv, input=text, capture_output=True, text=True, check=True)
    return done.stdout


def body() -> str:
    """What makes every table in an empty database, as Alembic writes it."""
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"target_metadata": metadata})
        upgrade = produce_migrations(context, metadata).upgrade_ops
        assert upgrade is not None
        text = render_python_code(upgrade, render_as_batch=False)
    engine.dispose()
    for spelled, name in _NAMED.items():
        text = text.replace(spelled, name)
    return (
        "\n".join(f"    {line.strip()}" for line in text.splitlines() if "# " not in line) + "\n"
    )


if __name__ == "__main__":
    sys.exit(main())
