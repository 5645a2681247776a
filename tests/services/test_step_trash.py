"""What a job consists of is deleted, restored and purged with it; what others use stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lazur.errors import Conflict
from lazur.services.jobs import jobs
from lazur.services.tracking import trash
from lazur.testing.fakes import Engine, FakeBuilder
from tests.site import ENVIRONMENT, Clock, Server, TestSite, call, open_site

_STEP = {"command": "true", "environment": ENVIRONMENT}


@pytest.fixture
def site(home: Path, ready_database_url: str, tmp_path: Path) -> Any:
    engine = Engine(Clock())
    made = open_site(home, ready_database_url, engine, FakeBuilder(str(tmp_path / "envs")))
    yield made
    made.db.close()


def ended(site: TestSite, name: str) -> None:
    """A pipeline with a step and a nested one, run to its end."""
    inner = {"type": "pipeline", "jobs": {"leaf": _STEP}}
    spec = {"type": "pipeline", "name": name, "jobs": {"a": _STEP, "b": inner}}
    call(site, jobs.submit, "default", spec)
    server = Server(site)
    server.settle()
    for key in (f"default/{name}_a/1", f"default/{name}_b_leaf/1"):
        if key in site.engine.attempts:
            site.engine.run(key)
            site.engine.finalize(key)
            site.engine.end(key)
        server.settle()
    assert server.show(name)["status"] == "Completed"


def stage(site: TestSite, name: str) -> bool:
    return call(site, jobs.get, "default", name)["archived"]


class TestSteps:
    def test_go_into_the_trash_and_come_back_with_the_whole(self, site: TestSite) -> None:
        ended(site, "p")
        names = ["p", "p_a", "p_b", "p_b_leaf"]
        call(site, trash.delete, "default", {"runs": ["p"]})
        assert [stage(site, name) for name in names] == [True] * 4
        call(site, trash.restore, "default", {"runs": ["p"]})
        assert [stage(site, name) for name in names] == [False] * 4

    def test_are_purged_with_the_whole(self, site: TestSite) -> None:
        ended(site, "p")
        call(site, trash.delete, "default", {"runs": ["p"]})
        freed = call(site, trash.purge, "default", {"runs": ["p"]})
        assert len(freed["runs"]) == 4
        assert trash.finish(site)
        with site.db.read() as db:
            for table in ("lazur_jobs", "lazur_frozen", "runs"):
                assert db.exec_driver_sql(f"SELECT COUNT(*) FROM {table}").scalar() == 0

    def test_whose_outputs_others_use_keep_the_whole(self, site: TestSite) -> None:
        ended(site, "p")
        ended(site, "q")
        call(site, trash.delete, "default", {"runs": ["p"]})
        with pytest.raises(Conflict, match="which reuses it"):
            call(site, trash.purge, "default", {"runs": ["p"]})
        assert call(site, trash.purge, "default", {})["runs"] == []
        call(site, trash.delete, "default", {"runs": ["q"]})
        assert len(call(site, trash.purge, "default", {})["runs"]) == 8
