from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from lazur.services.base.throttle import PER_NAME, Throttle, origin, tried, wait


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


class TestWait:
    def test_so_many_are_allowed_and_the_next_waits_for_the_oldest(self, clock: Clock) -> None:
        throttle = Throttle(((3, 60.0),), clock)
        for _ in range(3):
            assert throttle.wait("ada") == 0
            clock.now += 10
        assert throttle.wait("ada") == 30
        clock.now += 30
        assert throttle.wait("ada") == 0
        assert throttle.wait("ada") == 10

    def test_what_was_refused_does_not_count(self, clock: Clock) -> None:
        throttle = Throttle(((1, 60.0),), clock)
        throttle.wait("ada")
        assert [throttle.wait("ada") for _ in range(5)] == [60.0] * 5

    def test_waits_grow_for_who_goes_on(self, clock: Clock) -> None:
        throttle = Throttle(PER_NAME, clock)
        seen: list[float] = []
        for _ in range(80):
            while seconds := throttle.wait("ada"):
                seen.append(seconds)
                clock.now += seconds
        assert seen[0] == 60
        assert any(1000 < seconds < 3600 for seconds in seen)
        assert max(seen) > 10_000

    def test_a_day_has_sixty(self, clock: Clock) -> None:
        throttle = Throttle(PER_NAME, clock)
        made = 0
        end = clock.now + 86400
        while clock.now < end:
            seconds = throttle.wait("ada")
            made += not seconds
            clock.now += seconds
        assert made == 60

    def test_keys_are_apart(self, clock: Clock) -> None:
        throttle = Throttle(((1, 60.0),), clock)
        assert throttle.wait("ada") == 0
        assert throttle.wait("bob") == 0
        assert throttle.wait("ada") > 0

    def test_the_right_person_is_forgiven(self, clock: Clock) -> None:
        throttle = Throttle(((1, 60.0),), clock)
        throttle.wait("ada")
        throttle.forgive("ada")
        throttle.forgive("nobody")
        assert throttle.wait("ada") == 0

    def test_many_at_once_are_no_way_around(self, clock: Clock) -> None:
        throttle = Throttle(((5, 60.0),), clock)
        with ThreadPoolExecutor(8) as pool:
            waits = list(pool.map(lambda _: throttle.wait("ada"), range(200)))
        assert waits.count(0.0) == 5

    def test_memory_is_bounded(self, clock: Clock) -> None:
        throttle = Throttle(((2, 60.0),), clock, most=10)
        for n in range(1000):
            throttle.wait(str(n))
        assert len(throttle._tries) == 10
        assert throttle.wait("999") == 0
        assert throttle.wait("999") > 0


class TestPure:
    def test_nothing_tried_waits_for_nothing(self) -> None:
        assert wait(PER_NAME, (), 5.0) == 0

    def test_what_is_too_old_to_matter_is_dropped(self) -> None:
        assert tried(((2, 10.0), (3, 20.0)), (1.0, 75.0, 85.0, 90.0), 95.0) == (85.0, 90.0, 95.0)
        assert tried(((2, 10.0),), (1.0, 2.0), 95.0) == (95.0,)


class TestOrigin:
    @pytest.mark.parametrize(
        "address, key",
        [
            ("192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("fe80::1%eth0", "fe80::/64"),
            ("unix", "unix"),
        ],
    )
    def test_one_key_for_all_addresses_of_one(self, address: str, key: str) -> None:
        assert origin(address) == key
