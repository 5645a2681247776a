"""What a job's way asks of the database costs the same however many jobs there were before: no
statement reads a table that grows with them from its first row to its last."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from lazur.engine.plan import Demand
from lazur.services.jobs import jobs
from lazur.services.results import uses
from lazur.testing.fakes import Engine
from tests.site import Clock, Server, TestSite, call, command

_SMALL = (
    "lazur_builds lazur_build_uses lazur_clusters lazur_computes lazur_datastores lazur_facts "
    "lazur_principals lazur_assignments lazur_members lazur_quotas lazur_schedules "
    "lazur_workspaces lazur_schema experiments"
).split()
"""Tables that are as long as the list of what people set up."""
_SCAN = re.compile(r"^SCAN (\S+)(?: USING (?:COVERING )?INDEX (\S+))?")
_STORY = {
    "type": "pipeline",
    "jobs": {
        "one": command(),
        "two": command(depends_on=["one"]),
        "search": {
            "type": "sweep",
            "trial": command(command="echo ${{search_space.n}}"),
            "sampling_algorithm": "random",
            "search_space": {"n": {"type": "randint", "upper": 9}},
            "objective": {"goal": "maximize", "primary_metric": "m"},
            "limits": {"max_total_trials": 5, "max_concurrent_trials": 2},
        },
    },
}


@pytest.fixture
def engine(clock: Clock) -> Engine:
    return Engine(clock, Demand(cpus=2))


@contextmanager
def listened(site: TestSite) -> Iterator[set[str]]:
    """Every statement that the database is given meanwhile, with its values in place."""
    said: set[str] = set()

    def listen(connection: Any, *_: Any) -> None:
        connection.set_trace_callback(said.add)

    engines = {site.db.engine, site.db._unsynced}
    site.db.close()
    for engine in engines:
        event.listen(engine, "connect", listen)
    try:
        yield said
    finally:
        for engine in engines:
            event.remove(engine, "connect", listen)
        site.db.close()


def scans(site: TestSite, statement: str) -> list[str]:
    """The large tables that it reads from end to end. An index of a part is a short list."""
    with site.db.read() as db:
        driver: Any = db.connection.driver_connection
        steps = [row[3] for row in driver.execute(f"EXPLAIN QUERY PLAN {statement}")]
        asked = "SELECT name, type, coalesce(sql, '') FROM sqlite_master"
        known = {name: (kind, sql) for name, kind, sql in driver.execute(asked)}
    called = {
        alias: table for table, alias in re.findall(r"(?:FROM|JOIN) (\w+) AS (\w+)", statement)
    }
    found: list[str] = []
    for match in filter(None, map(_SCAN.match, steps)):
        table = called.get(match[1], match[1])
        is_short = table in _SMALL or known.get(table, ("", ""))[0] != "table"
        if not is_short and " WHERE " not in known.get(match[2], ("", ""))[1]:
            found.append(table)
    return found


def _story(site: TestSite, server: Server, clock: Clock) -> None:
    """A pipeline with a sweep in it, to its end, beside who looks at it."""
    name = call(site, jobs.submit, "default", _STORY)["name"]
    while server.show(name)["status"] not in ("Completed", "Failed"):
        server.settle()
        for key in list(site.engine.attempts):
            site.engine.run(key)
            site.engine.end(key)
        clock.time += 1
    # Its trials log nothing, so the sweep has no best one.
    assert server.show(name)["error"]["steps"] == ["search"]
    assert uses.weigh(site)


class TestQueries:
    def test_none_reads_all_jobs(self, site: TestSite, clock: Clock) -> None:
        if not site.db.sqlite:
            pytest.skip("PostgreSQL chooses by what it has counted")
        server = Server(site)
        with listened(site) as said:
            _story(site, server, clock)
        asked = [one for one in said if one.startswith(("SELECT", "UPDATE", "DELETE"))]
        assert len(asked) > 100
        bad = {one: found for one in sorted(asked) if (found := scans(site, one))}
        assert not bad, "\n".join(f"{found}: {one}" for one, found in bad.items())
