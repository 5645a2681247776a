"""The dispatcher's choice: within what is free, by priority, fair, and nobody starves."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lazur.engine.dispatch import Queued, choose, fits, less
from lazur.engine.plan import Demand

DEMANDS = st.builds(Demand, st.integers(1, 4), st.integers(0, 8), st.integers(0, 2))
FREE = st.builds(Demand, st.integers(0, 8), st.integers(0, 16), st.integers(0, 4))
PEOPLE = st.sampled_from(["ann", "bob", "cid"])
QUEUES = st.lists(st.tuples(PEOPLE, st.integers(1, 3), DEMANDS), max_size=12).map(
    lambda rows: [Queued(i, who, priority, d) for i, (who, priority, d) in enumerate(rows)]
)


def one(id_: int, person: str = "ann", priority: int = 2, **demand: int) -> Queued:
    return Queued(id_, person, priority, Demand(**demand))


def chosen(queue: list[Queued], free: Demand, held: dict[str, int] | None = None) -> list[int]:
    return [p.id for p in choose(queue, free, range(free.gpus), held or {})]


class TestOrder:
    def test_first_come_first_served(self) -> None:
        assert chosen([one(2), one(1), one(3)], Demand(cpus=2)) == [1, 2]

    def test_priority_comes_first(self) -> None:
        queue = [one(1, priority=1), one(2, priority=2), one(3, priority=3)]
        assert chosen(queue, Demand(cpus=2)) == [3, 2]

    def test_the_person_who_holds_least_is_next(self) -> None:
        queue = [one(1, "ann"), one(2, "ann"), one(3, "bob"), one(4, "bob")]
        assert chosen(queue, Demand(cpus=4)) == [1, 3, 2, 4]
        assert chosen(queue, Demand(cpus=2), {"ann": 5}) == [3, 4]

    def test_a_large_job_keeps_what_it_waits_for(self) -> None:
        queue = [one(1, cpus=4), one(2, cpus=1)]
        assert chosen(queue, Demand(cpus=3)) == []
        assert chosen(queue, Demand(cpus=5)) == [1, 2]

    def test_what_a_large_job_leaves_over_is_used(self) -> None:
        queue = [one(1, cpus=1, gpus=2), one(2, cpus=1)]
        assert chosen(queue, Demand(cpus=4, gpus=1)) == [2]

    def test_gpus_are_given_by_number(self) -> None:
        queue = [one(1, gpus=2), one(2, gpus=1)]
        placed = choose(queue, Demand(cpus=4, gpus=3), [5, 1, 3], {})
        assert [p.gpu_ids for p in placed] == [[1, 3], [5]]


class TestClusters:
    def test_no_more_nodes_run_than_there_is_room_for(self) -> None:
        queue = [Queued(i, "ann", 2, Demand(cpus=1), 1, "c", nodes=2) for i in range(3)]
        rooms = {(1, "c"): 4}
        placed = choose(queue, Demand(cpus=9), [], {}, rooms=rooms)
        assert [p.id for p in placed] == [0, 1]

    def test_what_waits_for_room_keeps_its_place_there_and_nothing_else(self) -> None:
        queue = [
            Queued(1, "ann", 2, Demand(cpus=4), 1, "c", nodes=2),
            Queued(2, "ann", 2, Demand(cpus=1), 1, "c"),
            Queued(3, "ann", 2, Demand(cpus=4), 1),
            Queued(4, "ann", 2, Demand(cpus=1), 2, "c"),
        ]
        rooms = {(1, "c"): 1, (2, "c"): 1}
        placed = choose(queue, Demand(cpus=5), [], {}, rooms=rooms)
        assert [p.id for p in placed] == [3, 4]


class TestFamilies:
    def test_no_more_children_of_a_parent_run_than_it_wants(self) -> None:
        queue = [Queued(i, "ann", 2, Demand(cpus=1), family=7, at_once=3) for i in range(4)]
        placed = choose(queue, Demand(cpus=9), [], {}, families={7: 1})
        assert [p.id for p in placed] == [0, 1]

    def test_those_that_wait_for_each_other_hold_up_nobody(self) -> None:
        queue = [
            Queued(1, "ann", 2, Demand(cpus=4), family=7, at_once=1),
            Queued(2, "ann", 2, Demand(cpus=4)),
            Queued(3, "ann", 2, Demand(cpus=1), family=8, at_once=1),
        ]
        placed = choose(queue, Demand(cpus=5), [], {}, families={7: 1})
        assert [p.id for p in placed] == [2, 3]


class TestAlways:
    @given(QUEUES, FREE)
    def test_no_more_is_given_than_is_free(self, queue: list[Queued], free: Demand) -> None:
        by_id = {job.id: job for job in queue}
        placed = choose(queue, free, range(free.gpus), {})
        demands = [by_id[p.id].demand for p in placed]
        assert sum(d.cpus for d in demands) <= free.cpus
        assert sum(d.memory for d in demands) <= free.memory
        assert sum(d.gpus for d in demands) <= free.gpus
        assert len({p.id for p in placed}) == len(placed)
        gpus = [gpu for p in placed for gpu in p.gpu_ids]
        assert len(set(gpus)) == len(gpus) == sum(d.gpus for d in demands)

    @given(QUEUES, FREE, st.dictionaries(PEOPLE, st.integers(0, 9)))
    def test_the_first_in_line_is_placed_if_it_fits(
        self, queue: list[Queued], free: Demand, held: dict[str, int]
    ) -> None:
        if not queue or not free.cpus:
            return
        top = max(job.priority for job in queue)
        first = min(
            (job for job in queue if job.priority == top),
            key=lambda job: (held.get(job.person, 0), job.id),
        )
        assert (first.id in chosen(queue, free, held)) == fits(first.demand, free)

    @given(QUEUES, FREE)
    def test_the_order_of_the_rows_is_of_no_account(
        self, queue: list[Queued], free: Demand
    ) -> None:
        assert chosen(queue, free) == chosen(queue[::-1], free)

    @given(QUEUES)
    def test_nobody_starves(self, queue: list[Queued]) -> None:
        """Each turn one placed job ends; every job that fits the whole compute gets its turn."""
        whole = Demand(cpus=4, memory=8, gpus=2)
        waiting = {job.id: job for job in queue if fits(job.demand, whole)}
        running: list[Queued] = []
        for _ in range(3 * len(queue) + 3):
            free, taken, held = whole, 0, dict[str, int]()
            for job in running:
                free, taken = less(free, job.demand), taken + job.demand.gpus
                held[job.person] = held.get(job.person, 0) + job.demand.cpus
            gpus = range(whole.gpus - taken)
            placed = choose(waiting.values(), free, gpus, held)
            running = [*running, *(waiting.pop(p.id) for p in placed)][1:]
        assert not waiting

    @given(QUEUES, FREE)
    def test_a_lower_priority_never_takes_what_a_higher_one_waits_for(
        self, queue: list[Queued], free: Demand
    ) -> None:
        placed = set(chosen(queue, free))
        for job in queue:
            rivals = [j for j in queue if j.priority < job.priority and j.id in placed]
            if job.id not in placed and rivals:
                left = free
                for other in queue:
                    if other.id in placed and other.priority >= job.priority:
                        left = less(left, other.demand)
                assert not fits(job.demand, left)
