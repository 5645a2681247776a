"""From every release to today: no row is lost, whatever is killed, and its clients still work.

Until there is a release, what would be frozen today stands for it.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

import lazur
from lazur.errors import Conflict
from lazur.store import schema
from lazur.store.db import Database
from lazur.store.mlflow import schema as mlflow_schema
from tests.releases import freeze, frozen, made
from tests.releases.frozen import Row
from tests.releases.later import REVISION, lazur_of_later
from tools import openapi


@pytest.fixture(scope="session")
def release_of_today(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("releases") / "today"
    freeze.freeze(folder)
    return folder


@pytest.fixture(params=[*(path.name for path in frozen.releases()), "today"])
def release(request: pytest.FixtureRequest, release_of_today: Path) -> Path:
    return release_of_today if request.param == "today" else frozen.FOLDER / request.param


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    made_here = Database(database_url)
    yield made_here
    made_here.close()


class TestReleases:
    def test_every_row_is_there_and_equal(self, release: Path, db: Database) -> None:
        frozen.load(db, release)
        assert _rows(db) == frozen.read(release), "it is loaded as it was frozen"
        schema.bring_up(db)
        mlflow_schema.bring_up(db)
        assert _lost(frozen.read(release), _rows(db)) == []

    def test_its_clients_find_what_they_know(self, release: Path) -> None:
        before = json.loads((release / "api.json").read_text())
        assert len(before) > 100
        assert frozen.broken(before, frozen.api(json.loads(openapi.describe()))) == []

    def test_every_table_has_rows(self, release: Path) -> None:
        tables = {table for table, _ in frozen.read(release)}
        script = (release / "sqlite.sql").read_text()
        ours = [name for name in tables if name.startswith("lazur_")]
        assert script.count("CREATE TABLE lazur_") == len(ours)

    def test_the_first_revision_is_not_changed_any_more(self) -> None:
        """What it makes is what the first release had."""
        released = frozen.releases()
        if not released:
            assert lazur.__version__.startswith("0.1"), (
                "a release is frozen before the next begins"
            )
            return
        assert schema.HEAD != "0001" or freeze.statements("sqlite") == frozen.statements(
            released[0], "sqlite"
        ), "a change of the tables takes a migration of its own"


class TestFreezing:
    def test_a_release_is_frozen_once(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(frozen, "FOLDER", tmp_path)
        assert freeze.main() == 0
        first = (tmp_path / lazur.__version__ / "rows.jsonl").read_text()
        assert freeze.main() == 1
        assert "frozen already" in capsys.readouterr().out
        assert (tmp_path / lazur.__version__ / "rows.jsonl").read_text() == first

    def test_what_a_client_would_miss_is_told(self) -> None:
        before = {"GET /a": {"query x": "optional"}, "GET /b": {}, "GET /c": {}}
        now = {"GET /a": {}, "GET /b": {"query y": "required"}}
        told = ["GET /a: query x is gone", "GET /b: query y must be given", "GET /c is gone"]
        assert frozen.broken(before, now) == told


class TestLaterMigrations:
    @pytest.fixture
    def before(self, db: Database, tmp_path: Path) -> list[Row]:
        made.fill(db, tmp_path)
        return _rows(db)

    def test_a_table_that_is_made_anew_keeps_its_rows_and_those_that_refer_to_it(
        self, db: Database, before: list[Row], tmp_path: Path
    ) -> None:
        with lazur_of_later(tmp_path):
            schema.bring_up(db)
            assert _lost(before, _rows(db)) == []
        jobs = [row for table, row in _rows(db) if table == "lazur_jobs"]
        assert [row["later"] for row in jobs] == [row["id"] for row in jobs]
        if db.sqlite:
            for _ in range(2):
                with db.read() as connection:
                    keys = connection.exec_driver_sql("PRAGMA foreign_keys").scalar()
                    assert keys == 1, "and keys are in force again"

    def test_killed_in_the_middle_nothing_has_changed_and_the_next_start_does_it(
        self, db: Database, database_url: str, before: list[Row], tmp_path: Path
    ) -> None:
        victim = multiprocessing.get_context("spawn").Process(
            target=_die, args=(database_url, tmp_path / "killed")
        )
        victim.start()
        victim.join(60)
        assert victim.exitcode == -signal.SIGKILL
        assert _rows(db) == before
        with lazur_of_later(tmp_path):
            schema.bring_up(db)
            assert _lost(before, _rows(db)) == []

    def test_one_that_loses_what_others_refer_to_is_undone(
        self, db: Database, before: list[Row], tmp_path: Path
    ) -> None:
        with lazur_of_later(tmp_path, 'op.execute("DELETE FROM lazur_workspaces")'):
            with pytest.raises(Exception, match=r"refer|foreign key") as caught:
                schema.bring_up(db)
            assert isinstance(caught.value, Conflict) or not db.sqlite
        assert _rows(db) == before

    def test_the_lazur_before_refuses_what_the_later_one_has_migrated(
        self, db: Database, before: list[Row], tmp_path: Path
    ) -> None:
        with lazur_of_later(tmp_path):
            schema.bring_up(db)
        migrated = _rows(db)
        assert len(migrated) == len(before)
        with pytest.raises(Conflict, match=f"schema {REVISION}, which is newer"):
            schema.bring_up(db)
        assert _rows(db) == migrated


def _die(url: str, folder: Path) -> None:
    folder.mkdir()
    os.environ["LATER_DIES"] = "1"
    with lazur_of_later(folder):
        schema.bring_up(Database(url))


def _rows(db: Database) -> list[Row]:
    with db.read() as connection:
        return list(frozen.rows(connection))


def _lost(before: list[Row], after: list[Row]) -> list[Row]:
    """Rows of before that are not there any more as they were; columns may have been added, and
    the revision is another."""
    has: dict[str, list[Row]] = {}
    for row in after:
        has.setdefault(row[0], []).append(row)
    return [
        (table, row)
        for table, row in before
        if table != "lazur_schema"
        and not any(row.items() <= found.items() for _, found in has.get(table, []))
    ]
