"""Runs: what is told about them, their parameters and tags."""

from __future__ import annotations

from sqlalchemy import Connection

from lazur.store.mlflow import sql


def exists(db: Connection, run_id: str) -> bool:
    """In any workspace: ids are one space for all of them."""
    return sql.row(db, _EXISTS, {"id": run_id}) is not None


_EXISTS = """
SELECT 1 FROM runs WHERE run_uuid = :id UNION ALL SELECT 1 FROM lazur_jobs WHERE run_id = :id
"""
