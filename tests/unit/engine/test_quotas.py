"""Which quotas hold, what is left of them, and who starts under them."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from lazur.engine.dispatch import Queued, choose
from lazur.engine.plan import Demand
from lazur.engine.quotas import CORES, EACH, GPUS, RUNNING, Ledger, Quota, governing, wanted

LAB, SHOP = 1, 2
PLENTY = Demand(cpus=100, memory=1 << 40, gpus=8)


def quota(
    most: int, person: str = "", workspace: int | None = LAB, name: str = RUNNING, **more: str
) -> Quota:
    number = hash((most, person, workspace, name, more.get("level", "server")))
    return Quota(number, workspace, person, more.get("level", "server"), name, most)


def job(id_: int, person: str = "ann", workspace: int = LAB, **demand: int) -> Queued:
    return Queued(id_, person, 2, Demand(**demand), workspace)


def started(queue: list[Queued], *quotas: Quota, held: dict[str, int] | None = None) -> list[int]:
    ledger = Ledger(quotas)
    for person, jobs in (held or {}).items():
        ledger.hold(LAB, person, {RUNNING: jobs})
    return [placed.id for placed in choose(queue, PLENTY, range(8), {}, ledger)]


class TestGoverning:
    def test_those_of_the_place_and_the_person_hold(self) -> None:
        mine, ours, bobs, elsewhere = (
            quota(1, "ann"),
            quota(2),
            quota(3, "bob"),
            quota(4, workspace=SHOP),
        )
        everywhere = quota(5, "ann", None)
        found = governing([mine, ours, bobs, elsewhere, everywhere], LAB, "ann")
        assert found == [mine, ours, everywhere]

    def test_ones_own_stands_in_for_that_of_each(self) -> None:
        each, own = quota(1, EACH), quota(5, "ann")
        assert governing([each, own], LAB, "ann") == [own]
        assert governing([each, own], LAB, "bob") == [each]

    def test_only_at_the_same_level_and_in_the_same_place(self) -> None:
        each = [quota(1, EACH), quota(1, EACH, None)]
        own = quota(5, "ann", level="workspace")
        assert governing([*each, own], LAB, "ann") == [*each, own]


class TestLedger:
    def test_each_person_is_counted_apart(self) -> None:
        ledger = Ledger([quota(1, EACH)])
        ledger.hold(LAB, "ann", {RUNNING: 1})
        assert ledger.shortage(LAB, "ann", {RUNNING: 1})
        assert ledger.shortage(LAB, "bob", {RUNNING: 1}) is None

    def test_a_shortage_says_what_is_used(self) -> None:
        ledger = Ledger([quota(4, name=CORES)])
        ledger.hold(LAB, "bob", {CORES: 3})
        lack = ledger.shortage(LAB, "ann", wanted(Demand(cpus=2)))
        assert lack is not None
        assert (lack.used, lack.wanted, lack.is_final) == (3, 2, False)

    def test_what_can_never_be_is_said_first(self) -> None:
        ledger = Ledger([quota(0, name=CORES), quota(8, name=GPUS)])
        lack = ledger.shortage(LAB, "ann", wanted(Demand(cpus=1, gpus=9)))
        assert lack is not None
        assert lack.is_final

    def test_what_is_not_asked_for_is_never_short(self) -> None:
        ledger = Ledger([quota(0, name=GPUS)])
        assert ledger.shortage(LAB, "ann", wanted(Demand(cpus=2))) is None


class TestDispatch:
    def test_no_more_start_than_may(self) -> None:
        assert started([job(1), job(2), job(3)], quota(2)) == [1, 2]
        assert started([job(1), job(2)], quota(2), held={"bob": 1}) == [1]

    def test_who_waits_for_a_quota_holds_up_nobody_else(self) -> None:
        queue = [job(1), job(2, "bob"), job(3, workspace=SHOP)]
        assert started(queue, quota(0, "ann")) == [2, 3]

    def test_who_waits_keeps_the_place_under_the_quota(self) -> None:
        queue = [job(1, cpus=4), job(2, cpus=1)]
        ledger = Ledger([quota(4, name=CORES)])
        ledger.hold(LAB, "bob", {CORES: 2})
        assert choose(queue, PLENTY, [], {}, ledger) == []

    def test_what_can_never_start_keeps_no_place(self) -> None:
        queue = [job(1, cpus=9), job(2, cpus=1)]
        assert started(queue, quota(4, name=CORES)) == [2]

    @given(
        st.lists(
            st.tuples(
                st.sampled_from("abc"),
                st.sampled_from((LAB, SHOP)),
                st.integers(1, 3),
                st.integers(0, 2),
            ),
            max_size=12,
        ),
        st.lists(
            st.builds(
                quota,
                st.integers(0, 6),
                st.sampled_from(("", EACH, "a")),
                st.sampled_from((None, LAB, SHOP)),
                st.sampled_from((RUNNING, CORES, GPUS)),
            ),
            max_size=4,
        ),
    )
    def test_no_quota_is_ever_exceeded(
        self, rows: list[tuple[str, int, int, int]], quotas: list[Quota]
    ) -> None:
        queue = [job(i, who, room, cpus=c, gpus=g) for i, (who, room, c, g) in enumerate(rows)]
        placed = {p.id for p in choose(queue, PLENTY, range(100), {}, Ledger(quotas))}
        for one in quotas:
            used: Counter[str] = Counter()
            for each in queue:
                held = governing(quotas, each.workspace_id, each.person)
                if each.id in placed and one in held:
                    key = each.person if one.person == EACH else ""
                    used[key] += wanted(each.demand)[one.name]
            assert all(count <= one.most for count in used.values())
