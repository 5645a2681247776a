"""Where the content of a server lies that is not kept in its home: an object store.

The setting `storage` names it. What is needed to get in is in `storage.toml` in the home, which is
its owner's alone. The database remembers where the content is, and the store whose content it
has, so that neither a wrong setting nor a second server is found out by what is missing.
"""

from __future__ import annotations

import secrets
import stat
import tomllib
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from lazur.blobs.local import Local
from lazur.blobs.objects import Objects
from lazur.engine.contracts import Blobs, Datastore, Writes
from lazur.engine.secret import Secret
from lazur.engine.tree import is_digest
from lazur.errors import Conflict, Invalid, NotFound, Unavailable
from lazur.services.base.home import Home
from lazur.services.base.stores import Storage
from lazur.services.content import remotes
from lazur.store import records, resources
from lazur.store.db import Connection, Database

FILE = "storage.toml"
HOME = "home"
"""What says so that content lies there."""
_PLACE, _SITE, _OUTPUTS = "content.place", "content.site", "outputs.place"
_OWNER = "owner"
_SETTINGS = frozenset({"endpoint", "region", "addressing", "protocol"})
_CREDENTIALS = frozenset(
    "access_key_id secret_access_key session_token account_key sas_token tenant_id client_id "
    "client_secret authority_url service_account".split()
)


def read(home: Home, uri: str) -> Storage | None:
    """None for one that is empty: content lies in the home. Raises Invalid."""
    if not uri:
        return None
    address = remotes.parse(uri)
    if address is None:
        raise Invalid(
            f"storage: {uri[:200]!r} is no address of an object store.",
            hint="s3://BUCKET/FOLDER, gs://BUCKET/FOLDER, "
            "wasbs://CONTAINER@ACCOUNT.blob.core.windows.net/FOLDER; empty: in the home.",
        )
    written = _read(home.path / FILE, uri.rstrip("/"))
    return Storage(
        uri.rstrip("/"),
        address.type,
        {**address.settings, **written["settings"]},
        address.path,
        {name: Secret(text) for name, text in written["credentials"].items()},
        written["ambient"],
    )


def blobs(home: Home, storage: Storage | None) -> Blobs:
    """Asks nobody yet."""
    local = Local(home.blobs)
    if storage is None:
        return local
    return Objects(storage.datastore(), storage.prefix, local)


def settle(db: Database, home: Home, storage: Storage | None) -> None:
    """At a server's start: the content is where the settings say, and nobody else's; of a new
    server it is from now on. Raises Conflict where it is not."""
    if storage is not None and place(db) == HOME and _is_empty(home):
        check_outputs(db, storage.uri)
        own(db, storage)
        with db.write() as connection:
            lies_in(connection, storage)
        return
    check(db, storage)
    if storage is not None:
        _check_owner(db, storage)


def check(db: Database, storage: Storage | None) -> None:
    """As `settle`, as far as nobody has to be asked."""
    known, said = place(db), HOME if storage is None else storage.uri
    if known != said:
        raise _elsewhere(known, said)


def place(db: Database) -> str:
    with db.read() as connection:
        return records.fact(connection, _PLACE) or HOME


def remembered(db: Database) -> str:
    """As the setting would be."""
    found = place(db)
    return "" if found == HOME else found


def check_outputs(db: Database, said: str) -> None:
    """What jobs wrote is named by where it lies: it stays where its workspace was made. Raises
    Conflict where that is not the place that is said."""
    with db.read() as connection:
        lies = records.fact(connection, _OUTPUTS)
        rooms = resources.rooms_of_type(connection, resources.STORAGE)
    if rooms and lies not in (None, said):
        raise Conflict(
            f"Outputs of the jobs of {len(rooms)} workspaces ({', '.join(rooms[:5])}) lie in "
            f"{lies}.",
            hint=f"Take them along, while no server runs: lazur admin storage --to {said}",
        )


def outputs(db: Database, home: Home) -> Storage | None:
    """Where they lie, of the workspaces that have them in the server's own store."""
    with db.read() as connection:
        lies = records.fact(connection, _OUTPUTS)
    return read(home, lies or "")


def own(db: Database, storage: Storage) -> None:
    """Nobody else puts content there from now on. Raises Conflict where another server does."""
    with db.write() as connection:
        records.swap_fact(connection, _SITE, None, secrets.token_hex(8))
    path, text = _path(storage), (_site(db) or "").encode()
    store = storage.datastore()
    if not isinstance(store, Writes):
        raise Invalid(f"{storage.uri} takes no files.")
    if _owner(store, path) is None:
        cast("Writes", store).put(path, iter([text]), len(text))
    _check_owner(db, storage)


def lies_in(connection: Connection, storage: Storage | None) -> None:
    """All of the content is there from now on; without one, in the home."""
    if storage is None:
        records.drop_fact(connection, _PLACE)
        records.drop_fact(connection, _OUTPUTS)
    else:
        records.put_fact(connection, _PLACE, storage.uri)
        records.put_fact(connection, _OUTPUTS, storage.uri)


def _is_empty(home: Home) -> bool:
    return not any(is_digest(path.name) for path in home.blobs.glob("??/*"))


def _check_owner(db: Database, storage: Storage) -> None:
    found = _owner(storage.datastore(), _path(storage))
    if found is None:
        raise Unavailable(
            f"{storage.uri} has lost the file {_OWNER!r}, which says whose content it is.",
            hint="Is it the right bucket, and all of it? Copy content that is elsewhere with: "
            f"lazur admin storage --to {storage.uri}",
        )
    if found != _site(db):
        raise Conflict(
            f"{storage.uri} has the content of another server, which would delete ours.",
            hint="Name another folder: each server has one of its own.",
        )


def _owner(store: Datastore, path: str) -> str | None:
    with suppress(NotFound), store.open(path) as file:
        return file.read(100).decode("utf-8", "replace")
    return None


def _path(storage: Storage) -> str:
    return f"{storage.prefix}/{_OWNER}".lstrip("/")


def _site(db: Database) -> str | None:
    with db.read() as connection:
        return records.fact(connection, _SITE)


def _elsewhere(known: str, said: str) -> Conflict:
    was = "" if known == HOME else known
    return Conflict(
        f"The content of this server lies in {_shown(known)}, and the setting `storage` says "
        f"{_shown(said)}.",
        hint=f"Write storage = {was!r}, or copy all of it, while no server runs: "
        f"lazur admin storage --to {said}",
    )


def _shown(place: str) -> str:
    return "its home" if place == HOME else place


def _read(file: Path, uri: str) -> dict[str, Any]:
    """Of a file for its owner's eyes only: credentials stand in it. What stands below an address
    is of that store, and what stands at the top of all others."""
    try:
        mode = file.stat().st_mode
        found: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {"settings": {}, "credentials": {}, "ambient": False}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Invalid(f"{file} cannot be read: {error}.", hint="Correct the file.") from error
    if stat.S_IMODE(mode) & 0o077:
        raise Invalid(
            f"{file} can be read by others of this machine.", hint=f"Do: chmod 600 {file}"
        )
    of_stores = {name: found.pop(name) for name in list(found) if "://" in name}
    found = _mapping(of_stores[uri], uri, file) if uri in of_stores else found
    ambient = found.pop("ambient", False)
    settings = _section(found, "settings", _SETTINGS, file)
    credentials = _section(found, "credentials", _CREDENTIALS, file)
    if found or not isinstance(ambient, bool):
        raise Invalid(
            f"{file}: {next(iter(found), 'ambient')!r} is not known there.",
            hint="[settings], [credentials] and, above these, `ambient = true` are.",
        )
    return {"settings": settings, "credentials": credentials, "ambient": ambient}


def _mapping(found: Any, name: str, file: Path) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise Invalid(f"{file}: {name!r} is no section.", hint=f'Write ["{name}".credentials].')
    return dict(cast("dict[str, Any]", found))


def _section(
    found: dict[str, Any], name: str, known: frozenset[str], file: Path
) -> dict[str, str]:
    section = found.pop(name, {})
    texts = isinstance(section, dict) and all(
        isinstance(value, str) for value in cast("dict[str, Any]", section).values()
    )
    wrong = sorted(set(cast("dict[str, str]", section)) - known) if texts else [name]
    if wrong:
        raise Invalid(
            f"{file}: {wrong[0]!r} in [{name}] is not known, or is no text.",
            hint=f"Known: {', '.join(sorted(known))}.",
        )
    return cast("dict[str, str]", section)
