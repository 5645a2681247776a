"""Edges are found from both ends by an index, however many there are."""

from __future__ import annotations

import pytest
from sqlalchemy import event, text

from lazur.engine.lineage import Edge, Node
from lazur.store import lineage
from lazur.store.db import Database

ENVIRONMENT = Node(0, "environments", "e", "1")
JOBS = [Node(1, "jobs", f"j{number}") for number in range(300)]


@pytest.fixture
def full(db: Database) -> Database:
    with db.write() as connection:
        edges = [Edge(ENVIRONMENT, job, "environment") for job in JOBS]
        lineage.add(connection, edges, 1.0, "ann")
    return db


class TestEdges:
    def test_twice_is_once_and_the_first_is_kept(self, full: Database) -> None:
        with full.write() as connection:
            edges = [Edge(ENVIRONMENT, job, "environment") for job in JOBS]
            lineage.add(connection, edges, 2.0, "bea")
            found = lineage.of(connection, [ENVIRONMENT], up=False, most=1000)
        assert [edge.target for edge in found] == JOBS
        assert {(edge.at, edge.who) for edge in found} == {(1.0, "ann")}

    def test_of_too_many_there_is_one_more_than_was_asked_for(self, full: Database) -> None:
        with full.read() as connection:
            assert len(lineage.of(connection, [ENVIRONMENT], up=False, most=10)) == 11
            assert len(lineage.of(connection, JOBS, up=True, most=150)) == 151
            assert len(lineage.of(connection, JOBS, up=True, most=1000)) == 300

    def test_no_table_is_read_whole(self, full: Database) -> None:
        statements: list[tuple[str, object]] = []

        def note(_c: object, _u: object, statement: str, values: object, *_: object) -> None:
            statements.append((statement, values))

        nodes = JOBS[:30]
        assets = [node._replace(kind="data", version="1") for node in nodes]
        with full.read() as connection:
            event.listen(connection, "before_cursor_execute", note)
            lineage.of(connection, nodes, up=True, most=100)
            lineage.of(connection, nodes, up=False, most=100)
            lineage.jobs_of(connection, nodes)
            lineage.assets_of(connection, assets)
            lineage.purges_of(connection, nodes)
            event.remove(connection, "before_cursor_execute", note)
            if not full.sqlite:
                connection.execute(text("SET LOCAL enable_seqscan = off"))
            for statement, values in statements:
                explain = "EXPLAIN QUERY PLAN " if full.sqlite else "EXPLAIN "
                plan = connection.exec_driver_sql(explain + statement, values)  # pyright: ignore[reportArgumentType]
                lines = [str(row) for row in plan]
                assert not [line for line in lines if "SCAN lazur" in line or "Seq Scan" in line]
