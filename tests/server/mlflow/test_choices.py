"""`mlflow.set_experiment` in a job, as its client asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import text

from lazur.server.mlflow.choices import Choices
from lazur.services.base import workspaces
from lazur.services.base.access import Principal
from lazur.testing.fakes import Engine, FakeBuilder
from tests.site import Clock, Server, TestSite, call, open_site, submit

JOB = Principal.of_job("default", "j")
OTHER = Principal.of_job("default", "k")
ANN = Principal.of("ann", "user", "Owner")
BY_NAME, SEARCH, GET = "experiments/get-by-name", "runs/search", "runs/get"


@pytest.fixture
def site(home: Path, ready_database_url: str, tmp_path: Path) -> Iterator[TestSite]:
    engine, builder = Engine(Clock()), FakeBuilder(str(tmp_path / "envs"))
    made = open_site(home, ready_database_url, engine, builder)
    submit(made, name="j", experiment_name="first")
    submit(made, name="k", experiment_name="wine")
    yield made
    made.db.close()


@pytest.fixture
def choices(site: TestSite) -> Choices:
    return Choices(site)


def ask(choices: Choices, what: str, who: Principal = JOB, **query: str) -> None:
    path = f"2.0/mlflow/{what}"
    asyncio.run(choices.heed(who, 1, path, urlencode(query).encode()))


def experiment(site: TestSite, name: str = "j") -> tuple[Any, Any]:
    """As the job has it, and as its run."""
    with site.db.read() as db:
        found = db.execute(
            text(
                """SELECT experiments.name FROM runs JOIN experiments
                   ON experiments.experiment_id = runs.experiment_id WHERE run_uuid = :id"""
            ),
            {"id": name},
        ).scalar()
    return Server(site).show(name)["experiment_name"], found


class TestSetExperiment:
    def test_the_run_goes_where_its_script_begins_it(
        self, site: TestSite, choices: Choices
    ) -> None:
        ask(choices, BY_NAME, experiment_name="wine")
        assert experiment(site) == ("first", "first")
        ask(choices, GET, run_id="j")
        assert experiment(site) == ("wine", "wine")

    def test_it_goes_once(self, site: TestSite, choices: Choices) -> None:
        ask(choices, BY_NAME, experiment_name="wine")
        ask(choices, GET, run_id="j")
        ask(choices, BY_NAME, experiment_name="first")
        ask(choices, GET, run_id="j")
        ask(choices, GET, run_id="j")
        assert experiment(site) == ("first", "first")

    def test_who_looks_for_runs_there_does_not_move(
        self, site: TestSite, choices: Choices
    ) -> None:
        ask(choices, BY_NAME, experiment_name="wine")
        ask(choices, SEARCH)
        ask(choices, GET, run_id="j")
        assert experiment(site) == ("first", "first")

    @pytest.mark.parametrize("who, run", [(OTHER, "j"), (ANN, "j"), (JOB, "k")])
    def test_nobody_moves_anothers_run(
        self, site: TestSite, choices: Choices, who: Principal, run: str
    ) -> None:
        before = experiment(site, run)
        ask(choices, BY_NAME, who, experiment_name="Default")
        ask(choices, GET, who, run_id=run)
        assert experiment(site, run) == before

    def test_a_job_of_the_same_name_elsewhere_stays(
        self, site: TestSite, choices: Choices
    ) -> None:
        call(site, workspaces.create, {"name": "other"})
        submit(site, "other", name="j", experiment_name="first")
        ask(choices, BY_NAME, Principal.of_job("other", "j"), experiment_name="Default")
        ask(choices, GET, Principal.of_job("other", "j"), run_id="j")
        assert experiment(site) == ("first", "first")

    def test_an_experiment_that_is_not_there_or_deleted_is_no_place(
        self, site: TestSite, choices: Choices
    ) -> None:
        with site.db.write() as db:
            db.execute(
                text("UPDATE experiments SET lifecycle_stage = 'deleted' WHERE name = 'wine'")
            )
        for name in ("nowhere", "wine"):
            ask(choices, BY_NAME, experiment_name=name)
            ask(choices, GET, run_id="j")
            assert experiment(site) == ("first", "first")
