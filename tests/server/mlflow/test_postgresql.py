"""Upstream's own code on a PostgreSQL server."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect, make_url

from lazur.store import schema
from lazur.store.db import Database
from lazur.store.mlflow import schema as mlflow_schema
from lazur.testing.server import Server
from tests.security.wire import Wire, serving

API = "/mlflow/api/2.0/mlflow/"
PASSWORD = "sesame-database"

pytestmark = pytest.mark.needs_postgresql


@pytest.fixture
def url(postgresql: str) -> str:
    """With a password, which the server does not ask for."""
    return make_url(postgresql).set(password=PASSWORD).render_as_string(hide_password=False)


@pytest.fixture
def db(url: str) -> Iterator[Database]:
    made = Database(url)
    yield made
    made.close()


class TestUrl:
    def test_it_names_the_driver_that_mlflow_is_made_for(self, db: Database) -> None:
        assert mlflow_schema.url(db).startswith(f"postgresql+psycopg2://lazur:{PASSWORD}@/")

    def test_where_that_is_missing_it_names_ours(
        self, db: Database, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(mlflow_schema, "find_spec", lambda _name: None)
        assert mlflow_schema.url(db) == url


class TestUpgrade:
    def test_upstreams_tool_brings_tables_up_that_were_there(self, db: Database) -> None:
        schema.bring_up(db)
        with db.write() as connection:
            for statement in mlflow_schema.script("postgresql"):
                connection.exec_driver_sql(statement)
        mlflow_schema.bring_up(db)
        indexes = inspect(db.engine).get_indexes("metrics")
        assert "lazur_metrics_curve" in {index["name"] for index in indexes}


class TestChild:
    @pytest.fixture
    def owner(self, tmp_path: Path, url: str) -> Iterator[Wire]:
        with ExitStack() as stack:
            server = Server(tmp_path / "home", port="0", database=url)
            stack.enter_context(serving(server))
            yield stack.enter_context(Wire(server, server.token))

    def test_a_new_version_archives_those_before_it(self, owner: Wire) -> None:
        ask(owner, "registered-models/create", name="net")
        for version in ("1", "2"):
            ask(owner, "model-versions/create", name="net", source="s3://bucket/net")
            ask(
                owner,
                "model-versions/transition-stage",
                name="net",
                version=version,
                stage="Production",
                archive_existing_versions=True,
            )
        found = owner.get(f"{API}model-versions/search").json["model_versions"]
        stages = {version["version"]: version["current_stage"] for version in found}
        assert stages == {"1": "Archived", "2": "Production"}

    def test_no_process_shows_the_password(self, owner: Wire) -> None:
        assert owner.get("/mlflow/health").status == 200
        argv = ["ps", "-A", "-ww", "-o", "args="]
        shown = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
        assert "lazur.server.mlflow.child" in shown
        assert PASSWORD not in shown


def ask(owner: Wire, path: str, **body: Any) -> None:
    answer = owner.ask("POST", API + path, body, content_type="application/json")
    assert answer.status == 200, answer
