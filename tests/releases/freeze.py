"""Freezes the database and the API of the version that is to be released, once.

python -m tests.releases.freeze      writes tests/releases/<version>/, unless it is there
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from sqlalchemy import create_mock_engine

import lazur
from lazur.store import schema
from lazur.store.db import Database, sqlite_url
from lazur.store.mlflow import schema as mlflow_schema
from lazur.store.tables import metadata
from tests.releases import frozen, made
from tools import openapi

DIALECTS = ("sqlite", "postgresql")


def main() -> int:
    folder = frozen.FOLDER / lazur.__version__
    if folder.exists():
        print(f"{lazur.__version__} is frozen already, and stays what it was released as.")
        return 1
    freeze(folder)
    print(f"{lazur.__version__} is frozen: commit {folder.name}/, and change migrations no more.")
    return 0


def freeze(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        db = Database(sqlite_url(Path(name) / "made.db"))
        made.fill(db, Path(name))
        with db.read() as connection:
            found = list(frozen.rows(connection))
        db.close()
    frozen.write(folder, {dialect: statements(dialect) for dialect in DIALECTS}, found)
    told = frozen.api(json.loads(openapi.describe()))
    (folder / "api.json").write_text(json.dumps(told, indent=1, sort_keys=True) + "\n")


def statements(dialect: str) -> list[str]:
    """What makes today's tables: ours, and MLflow's as they come with us."""
    found: list[str] = []

    def told(statement: Any, *_: Any, **__: Any) -> None:
        found.append(str(statement.compile(dialect=engine.dialect)).strip())

    driver = "+psycopg" if dialect == "postgresql" else ""
    engine = create_mock_engine(f"{dialect}{driver}://", told)
    metadata.create_all(engine, checkfirst=False)
    theirs = [line for line in mlflow_schema.script(dialect) if not line.startswith("INSERT")]
    return [*found, schema.TABLE, *theirs, *mlflow_schema.indexes(dialect)]


if __name__ == "__main__":
    sys.exit(main())
