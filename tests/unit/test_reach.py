"""Every no is the same (S53)."""

from __future__ import annotations

import threading

import pytest

from lazur.datastores.http import Http
from lazur.egress import PUBLIC, Rule
from lazur.errors import Forbidden, Unavailable
from lazur.reach import PATIENCE, is_reachable


class TestReachable:
    def test_yes(self) -> None:
        assert is_reachable(lambda: None)

    @pytest.mark.parametrize("error", [Forbidden("private"), Unavailable("closed"), OSError("x")])
    def test_a_no_waits_for_the_end_of_patience_whatever_the_reason(
        self, error: Exception
    ) -> None:
        waited: list[float] = []
        failed = threading.Event()

        def check() -> None:
            failed.set()
            raise error

        def wait(reached: threading.Event, seconds: float) -> bool:
            assert failed.wait(60)
            waited.append(seconds)
            return reached.is_set()

        assert not is_reachable(check, wait=wait)
        assert waited == [PATIENCE]

    def test_what_is_filtered_is_a_no_like_any_other(self) -> None:
        silent = threading.Event()

        def check() -> None:
            silent.wait(10)

        assert not is_reachable(check, patience=0.05)
        silent.set()

    @pytest.mark.parametrize("rule", [PUBLIC, Rule.of(["127.0.0.1"])])
    def test_private_and_closed_look_alike(self, rule: Rule) -> None:
        store = Http({"endpoint": "http://127.0.0.1:9"}, rule=rule)
        assert not is_reachable(store.check, patience=0.2)
