"""What a parent's rounds read anew of its children, and what they remember."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import delete, update

from lazur.engine.states import State
from lazur.loops.children import Children
from lazur.services.base.site import Site
from lazur.services.jobs import jobs as service
from lazur.store import parents
from lazur.store.tables import jobs
from tests.site import Server, TestSite, call

STEP = {"command": "true", "environment": {"image": "python"}}


@pytest.fixture
def parent(site: TestSite) -> int:
    spec: dict[str, Any] = {"type": "pipeline", "name": "p"}
    spec["jobs"] = {f"s{number}": STEP for number in range(4)}
    call(site, service.submit, "default", spec)
    Server(site).settle()
    with site.db.read() as db:
        found = db.execute(jobs.select().where(jobs.c.name == "p")).one()
    return found.id


def steps_read(site: Site, known: Children) -> list[str]:
    with site.db.read() as db:
        return [row.step for row in known.read(db)]


def end(site: Site, step: str, state: State = State.COMPLETED) -> None:
    with site.db.write() as db:
        db.execute(update(jobs).where(jobs.c.step == step).values(state=state.value))


class TestChildren:
    def test_who_has_ended_is_read_once(self, site: Site, parent: int) -> None:
        known = Children(parent)
        assert steps_read(site, known) == ["s0", "s1", "s2", "s3"]
        end(site, "s1")
        assert steps_read(site, known) == ["s0", "s1", "s2", "s3"]
        end(site, "s3", State.FAILED)
        assert steps_read(site, known) == ["s0", "s2", "s3"]
        assert steps_read(site, known) == ["s0", "s2"]
        states = {step: view.state for step, view in known.views().items()}
        assert list(states) == ["s0", "s1", "s2", "s3"]
        assert (states["s1"], states["s3"]) == (State.COMPLETED, State.FAILED)

    def test_of_many_at_work_all_since_the_first_are_read(
        self, site: Site, parent: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(parents, "_MOST_NAMED", 1)
        known = Children(parent)
        end(site, "s0")
        assert len(steps_read(site, known)) == 4
        end(site, "s2")
        assert steps_read(site, known) == ["s1", "s2", "s3"]
        assert known.views()["s2"].state is State.COMPLETED

    def test_it_agrees_with_who_reads_all(self, site: Site, parent: int) -> None:
        known = Children(parent)
        for step in ("s2", "s0", "s3", "s1"):
            steps_read(site, known)
            end(site, step)
            steps_read(site, known)
            fresh = Children(parent)
            steps_read(site, fresh)
            assert known.views() == fresh.views()

    def test_who_was_deleted_is_forgotten(self, site: Site, parent: int) -> None:
        known = Children(parent)
        steps_read(site, known)
        with site.db.write() as db:
            db.execute(delete(jobs).where(jobs.c.step == "s3"))
        assert steps_read(site, known) == ["s0", "s1", "s2"]
        assert list(known.views()) == ["s0", "s1", "s2"]

    def test_reports_of_who_has_ended_stay(self, site: Site, parent: int) -> None:
        known = Children(parent)
        known.keep_reports({"s0": [[1.0, 0.5]]})
        known.keep_reports({"s1": [[2.0, 0.25]]})
        assert known.reports() == {"s0": [[1.0, 0.5]], "s1": [[2.0, 0.25]]}
