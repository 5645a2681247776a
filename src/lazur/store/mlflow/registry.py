"""MLflow's registered models and their versions: upstream's tables, written as upstream writes
them. Prompts are in the same tables, and none of ours."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from sqlalchemy import Connection

from lazur.store.mlflow import sql

ARCHIVED = "Archived"
NONE = "None"
_DELETED = "Deleted_Internal"


class Version(NamedTuple):
    name: str
    number: int
    created: int
    """Milliseconds, as all times here."""
    description: str | None
    user: str | None
    stage: str
    source: str
    place: str
    """Where its files lie, if that is another address than its source."""
    run: str | None


def versions(db: Connection, space: str, names: Collection[str] | None = None) -> list[Version]:
    """Those that are not deleted, of all models or of some, in their order."""
    listed, values = sql.listed("n", names or [])
    wanted = "" if names is None else f"AND v.name IN ({listed})"
    found = sql.rows(db, _VERSIONS.format(wanted=wanted), {"space": space, **values})
    return [Version(*row) for row in found]


def tags(
    db: Connection, space: str, names: Collection[str]
) -> dict[tuple[str, int], dict[str, str]]:
    listed, values = sql.listed("n", names)
    found: dict[tuple[str, int], dict[str, str]] = {}
    statement = f"{_TAGS} AND name IN ({listed})"
    for name, number, key, value in sql.rows(db, statement, {"space": space, **values}):
        found.setdefault((name, number), {})[key] = value or ""
    return found


def aliases(db: Connection, space: str, names: Collection[str]) -> dict[tuple[str, str], int]:
    """Versions by a model's name and an alias."""
    listed, values = sql.listed("n", names)
    statement = f"{_ALIASES} AND name IN ({listed})"
    found = sql.rows(db, statement, {"space": space, **values})
    return {(name, alias): number for name, alias, number in found}


def is_prompt(db: Connection, space: str, name: str) -> bool:
    return sql.row(db, _IS_PROMPT, {"space": space, "name": name}) is not None


def is_there(db: Connection, space: str, name: str) -> bool:
    return sql.row(db, _IS_THERE, {"space": space, "name": name}) is not None


def highest(db: Connection, space: str, name: str) -> int:
    """Of those too that are deleted: their numbers are not given again."""
    found = sql.row(db, _HIGHEST, {"space": space, "name": name})
    return int(found[0]) if found and found[0] is not None else 0


def put(db: Connection, space: str, version: Version, now: int) -> None:
    """Add it, and its model where there is none; over what is left of a deleted one."""
    key = {"space": space, "name": version.name, "number": version.number}
    sql.execute(db, ADD_MODEL, {"space": space, "name": version.name, "now": now})
    sql.execute(db, TOUCH_MODEL, {"space": space, "name": version.name, "now": now})
    forget(db, space, version.name, version.number)
    sql.execute(db, _DROP_VERSION, key)
    values = {field: value or None for field, value in version._asdict().items()}
    sql.execute(db, ADD_VERSION, {**values, "space": space, "now": now})


def change(
    db: Connection,
    space: str,
    name: str,
    number: int,
    stage: str,
    description: str | None,
    now: int,
) -> None:
    values = {"stage": stage, "description": description, "now": now}
    sql.execute(db, _CHANGE, {**values, "space": space, "name": name, "number": number})


def place(db: Connection, space: str, name: str, number: int, uri: str) -> None:
    """Its files lie there."""
    values = {"space": space, "name": name, "number": number, "place": uri}
    sql.execute(db, _PLACE, values)


def put_tags(
    db: Connection, space: str, name: str, number: int, wanted: Mapping[str, str]
) -> None:
    """These, and no others."""
    key = {"space": space, "name": name, "number": number}
    sql.execute(db, _DROP_TAGS, key)
    sql.execute_many(db, ADD_TAG, [{**key, "key": k, "value": v} for k, v in wanted.items()])


def put_alias(db: Connection, space: str, name: str, alias: str, number: int) -> None:
    """It moves from where it was."""
    key = {"space": space, "name": name, "alias": alias}
    sql.execute(db, _DROP_ALIAS, key)
    sql.execute(db, _ADD_ALIAS, {**key, "number": number})


def drop_alias(db: Connection, space: str, name: str, alias: str) -> None:
    sql.execute(db, _DROP_ALIAS, {"space": space, "name": name, "alias": alias})


def delete(db: Connection, space: str, name: str, number: int, now: int) -> None:
    """As upstream does it: its row stays, so that its number is not given again."""
    key = {"space": space, "name": name, "number": number}
    sql.execute(db, _DROP_ALIASES, key)
    sql.execute(db, TOUCH_MODEL, {"space": space, "name": name, "now": now})
    sql.execute(db, _DELETE, {**key, "now": now})


def forget(db: Connection, space: str, name: str, number: int) -> None:
    """What upstream keeps of a deleted one, but for its number."""
    sql.execute(db, _DROP_TAGS, {"space": space, "name": name, "number": number})


def drop_model(db: Connection, space: str, name: str) -> None:
    """With all that is left of its versions. Silent where there is none."""
    for table in _OF_MODEL:
        statement = f"DELETE FROM {table} WHERE workspace = :space AND name = :name"
        sql.execute(db, statement, {"space": space, "name": name})


_OF_MODEL = (
    "model_version_tags",
    "registered_model_aliases",
    "model_versions",
    "registered_model_tags",
    "registered_models",
)
_NO_PROMPT = """NOT EXISTS (SELECT 1 FROM registered_model_tags t
  WHERE t.workspace = v.workspace AND t.name = v.name
    AND t.key = 'mlflow.prompt.is_prompt' AND LOWER(t.value) = 'true')"""
_VERSIONS = f"""
SELECT v.name, v.version, v.creation_time, v.description, v.user_id,
  COALESCE(v.current_stage, 'None'), COALESCE(v.source, ''), COALESCE(v.storage_location, ''),
  v.run_id
FROM model_versions v
WHERE v.workspace = :space AND COALESCE(v.current_stage, 'None') <> '{_DELETED}'
  AND {_NO_PROMPT} {{wanted}}
ORDER BY v.creation_time, v.name, v.version
"""
_TAGS = "SELECT name, version, key, value FROM model_version_tags WHERE workspace = :space"
_ALIASES = "SELECT name, alias, version FROM registered_model_aliases WHERE workspace = :space"
_IS_PROMPT = """
SELECT 1 FROM registered_model_tags WHERE workspace = :space AND name = :name
  AND key = 'mlflow.prompt.is_prompt' AND LOWER(value) = 'true'
"""
_IS_THERE = "SELECT 1 FROM registered_models WHERE workspace = :space AND name = :name"
_HIGHEST = "SELECT MAX(version) FROM model_versions WHERE workspace = :space AND name = :name"
ADD_MODEL = """
INSERT INTO registered_models (workspace, name, creation_time, last_updated_time)
VALUES (:space, :name, :now, :now) ON CONFLICT DO NOTHING
"""
TOUCH_MODEL = """
UPDATE registered_models SET last_updated_time = :now WHERE workspace = :space AND name = :name
"""
_DROP_VERSION = """
DELETE FROM model_versions WHERE workspace = :space AND name = :name AND version = :number
"""
ADD_VERSION = """
INSERT INTO model_versions (workspace, name, version, creation_time, last_updated_time,
  description, user_id, current_stage, source, storage_location, run_id, status)
VALUES (:space, :name, :number, :created, :now, :description, :user, :stage, :source, :place, :run,
  'READY')
"""
_CHANGE = """
UPDATE model_versions SET current_stage = :stage, description = :description,
  last_updated_time = :now
WHERE workspace = :space AND name = :name AND version = :number
"""
_PLACE = """
UPDATE model_versions SET storage_location = :place
WHERE workspace = :space AND name = :name AND version = :number
"""
_DELETE = f"""
UPDATE model_versions SET current_stage = '{_DELETED}', last_updated_time = :now,
  description = NULL, user_id = NULL, source = 'REDACTED-SOURCE-PATH', run_id = 'REDACTED-RUN-ID',
  run_link = 'REDACTED-RUN-LINK', status_message = NULL
WHERE workspace = :space AND name = :name AND version = :number
"""
_DROP_TAGS = """
DELETE FROM model_version_tags WHERE workspace = :space AND name = :name AND version = :number
"""
ADD_TAG = """
INSERT INTO model_version_tags (workspace, name, version, key, value)
VALUES (:space, :name, :number, :key, :value)
"""
_DROP_ALIAS = """
DELETE FROM registered_model_aliases
WHERE workspace = :space AND name = :name AND alias = :alias
"""
_DROP_ALIASES = """
DELETE FROM registered_model_aliases
WHERE workspace = :space AND name = :name AND version = :number
"""
_ADD_ALIAS = """
INSERT INTO registered_model_aliases (workspace, name, alias, version)
VALUES (:space, :name, :alias, :number)
"""
