"""A server's home out of a backup: made whole beside its place, then put there in one step."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from lazur.engine import paths
from lazur.errors import Conflict, Invalid
from lazur.services.base.home import Home
from lazur.services.keeping.backup_files import Listed, Source, alone, opened
from lazur.services.keeping.backups import DATABASE
from lazur.store import backups as store
from lazur.store import homecoming, schema
from lazur.store.db import Database, sqlite_url
from lazur.store.mlflow import schema as mlflow_schema

_TOPS = frozenset({"blobs", "workspaces", "jobs", "builds", "keys", DATABASE})
_FILES = frozenset({"config.toml", "vault.toml", "storage.toml"})


def verify(place: Path) -> dict[str, Any]:
    """Reads all of it. Raises where something is missing or has changed."""
    with opened(place) as source:
        for listed in source.listing():
            _check(listed)
            source.copy(listed, None)
        return source.manifest


def restore(place: Path, home: Path, database: str | None) -> dict[str, Any]:
    """Into an empty home, and an empty database where it was PostgreSQL. Killed at any line, there
    is nothing in either's place, or all."""
    _check_empty(home)
    home.parent.mkdir(parents=True, exist_ok=True)
    beside = home.parent / f".{home.name}.restoring"
    unpacked = home.parent / f".{home.name}.unpacked"
    with opened(place, unpacked) as source, alone(beside) as made:
        _check_fits(source.manifest, database)
        for listed in source.listing():
            _put(source, listed, made)
        _begin(source.manifest, made, home, database)
        made.replace(home)
        _sync(home.parent)
        return source.manifest


def _put(source: Source, listed: Listed, made: Path) -> None:
    _check(listed)
    path = made / listed.path
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("xb") as file:
        source.copy(listed, file)
    path.chmod(listed.mode & 0o777)
    if listed.modified:
        os.utime(path, (listed.modified, listed.modified))


def _begin(manifest: dict[str, Any], made: Path, home: Path, database: str | None) -> None:
    """Rows of another place, made to live here."""
    (made / "id").write_text(manifest["identity"] + "\n")
    (made / "id").chmod(0o600)
    copied = made / DATABASE
    if manifest["database"] == "sqlite":
        (copied / store.FILE).replace(made / store.FILE)
        db = Database(sqlite_url(made / store.FILE))
    else:
        assert database is not None
        db = Database(database)
    try:
        if not db.sqlite:
            _make_tables(db)
        with db.write() as connection:
            if not db.sqlite:
                store.load(connection, copied)
            store.settle(connection, manifest["home"], str(home))
            for own in manifest.get("outputs", ()):
                folder = Home(home).datastore(own["workspace"], own["name"])
                homecoming.come_home(connection, own["workspace_id"], own["name"], str(folder))
        schema.bring_up(db)
    finally:
        db.close()
    shutil.rmtree(copied)
    os.sync()


def _make_tables(db: Database) -> None:
    """Empty ones. An earlier try may have made them; rows of a server are not touched."""
    with db.read() as connection:
        if not store.is_unused(connection):
            raise Conflict(
                "The database has tables with rows in it.",
                hint="Restore into an empty one: --database URL. Nothing was changed.",
            )
    schema.bring_up(db)
    mlflow_schema.bring_up(db)


def _check_fits(manifest: dict[str, Any], database: str | None) -> None:
    if manifest["schema"] not in schema.KNOWN:
        raise Conflict(
            f"The backup was made by Lazur {manifest['lazur']}, whose tables (schema "
            f"{manifest['schema']}) are newer than this Lazur knows ({schema.HEAD}).",
            hint="Install that version, or a newer one. Nothing was changed.",
        )
    if manifest["database"] == "sqlite":
        if database is not None:
            raise Invalid(
                "The backup is of a server with SQLite, and goes into its home.",
                hint="Leave out --database, and `database` in LAZUR_DATABASE.",
            )
        return
    if database is None:
        raise Invalid(
            "The backup is of a server with PostgreSQL.",
            hint="Name an empty database: --database postgresql+psycopg://…",
        )
    if manifest["schema"] != schema.HEAD or manifest["mlflow"] != mlflow_schema.installed():
        raise Conflict(
            f"The backup's rows fit Lazur {manifest['lazur']} with MLflow {manifest['mlflow']}.",
            hint="Install these, restore, start the server once, and upgrade then.",
        )


def _check(listed: Listed) -> None:
    """Nothing gets anywhere else, nor becomes a file that tells who may come in."""
    paths.check(listed.path)
    top, _, rest = listed.path.partition("/")
    if not (top in _TOPS and rest) and listed.path not in _FILES:
        raise Invalid(f"The backup is damaged: {listed.path[:80]!r} belongs to no home.")


def _check_empty(home: Path) -> None:
    if home.exists() and (not home.is_dir() or any(home.iterdir())):
        raise Conflict(
            f"{home} is not empty: a server's home may be there.",
            hint="Name another folder: --home FOLDER. Or move that one away, once its server is "
            "stopped. Nothing was changed.",
        )


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
