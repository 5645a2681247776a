"""What an administrator does on the server's own machine, beside the running server or without
one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lazur.builders.venv import Venv
from lazur.errors import NotFound
from lazur.server.settings import load
from lazur.services.base.home import Home
from lazur.services.base.site import SOURCE, Site
from lazur.services.content import storage as storages
from lazur.services.keeping import recovery
from lazur.store import schema
from lazur.store.db import Database, sqlite_url


def recover(folder: Path, name: str | None) -> dict[str, Any]:
    """Make somebody an owner again. The answer's `token`, where there is one, goes into the
    home."""
    site = open_site(folder)
    SOURCE.set("this machine")
    try:
        with site.context(recovery.ADMIN) as context:
            return recovery.recover(context, name, _token_in(site.home))
    finally:
        site.db.close()


def open_site(folder: Path, *, as_remembered: bool = False) -> Site:
    """The home's, whether or not its server runs; its content where it was last, whatever the
    settings say now, if that is asked for."""
    settings, home = load(folder), Home(folder)
    if not settings.database and not home.database.exists():
        raise NotFound(
            f"There is no database in {folder}: no server has run there yet.",
            hint="Start one, and it is yours: lazur server start. Is its database elsewhere? "
            "`database` in config.toml, or LAZUR_DATABASE, says where.",
        )
    db = Database(settings.database or sqlite_url(home.database))
    schema.bring_up(db)
    said = storages.remembered(db) if as_remembered else settings.storage
    storage = storages.read(home, said)
    return Site(
        home=home,
        db=db,
        blobs=storages.blobs(home, storage),
        storage=storage,
        builder=Venv(str(home.path)),
        runner="admin",
    )


def _token_in(home: Home) -> str | None:
    try:
        return home.token.read_text().strip()
    except FileNotFoundError:
        return None
