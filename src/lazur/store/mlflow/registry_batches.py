"""MLflow's registered models, many at once, as `registry` writes one. Each function is given some
hundreds of names."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection

from lazur.store.mlflow import registry, sql
from lazur.store.mlflow.registry import Version


def prompts(db: Connection, space: str, names: Collection[str]) -> list[str]:
    listed, values = sql.listed("n", names)
    found = sql.rows(db, f"{_PROMPTS} AND name IN ({listed})", {"space": space, **values})
    return [name for (name,) in found]


def highest(db: Connection, space: str, names: Collection[str]) -> dict[str, int]:
    """Of those too that are deleted: their numbers are not given again."""
    listed, values = sql.listed("n", names)
    statement = f"{_HIGHEST} AND name IN ({listed}) GROUP BY name"
    found = sql.rows(db, statement, {"space": space, **values})
    return {name: int(number) for name, number in found}


def put(
    db: Connection,
    space: str,
    versions: Sequence[Version],
    tags: Sequence[Mapping[str, str]],
    now: int,
) -> None:
    """Add them, whose numbers are new, and their models where there are none."""
    models = [{"space": space, "name": version.name, "now": now} for version in versions]
    sql.execute_many(db, registry.ADD_MODEL, models)
    sql.execute_many(db, registry.TOUCH_MODEL, models)
    told = [{field: value or None for field, value in v._asdict().items()} for v in versions]
    sql.execute_many(db, registry.ADD_VERSION, [{**v, "space": space, "now": now} for v in told])
    pairs = [
        {"space": space, "name": v.name, "number": v.number, "key": key, "value": value}
        for v, own in zip(versions, tags, strict=True)
        for key, value in own.items()
    ]
    sql.execute_many(db, registry.ADD_TAG, pairs)


_PROMPTS = """
SELECT name FROM registered_model_tags
WHERE workspace = :space AND key = 'mlflow.prompt.is_prompt' AND LOWER(value) = 'true'
"""
_HIGHEST = "SELECT name, MAX(version) FROM model_versions WHERE workspace = :space"
