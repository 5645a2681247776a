"""What the dispatcher passes over."""

from __future__ import annotations

from lazur.engine.dispatch import Queued, choose
from lazur.engine.plan import Demand
from lazur.loops.dispatch import possible

CAPACITY = Demand(cpus=2, memory=8, gpus=0)


def queued(number: int, demand: Demand) -> Queued:
    return Queued(number, "ann", 2, demand)


class TestPossible:
    def test_a_job_larger_than_the_machine_holds_nobody_up(self) -> None:
        jobs = [
            queued(1, Demand(1, memory=9)),
            queued(2, Demand(1, gpus=1)),
            queued(3, Demand(1)),
        ]
        assert [p.id for p in choose(possible(jobs, CAPACITY), CAPACITY, [], {})] == [3]

    def test_more_cores_than_there_are_are_a_wish(self) -> None:
        jobs = [queued(1, Demand(4)), queued(2, Demand(1))]
        assert [p.id for p in choose(possible(jobs, CAPACITY), CAPACITY, [], {})] == [1]
