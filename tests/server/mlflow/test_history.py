"""Histories of metrics: as upstream's own server tells them."""

from __future__ import annotations

import base64
import random
from typing import Any

import pytest

from tests.server.mlflow.differential import API, Pair, Step, get, post

GREATEST = 1.7976931348623157e308
BULK = "metrics/get-history-bulk"
INTERVAL = "metrics/get-history-bulk-interval"


@pytest.fixture
def runs(pair: Pair, request: pytest.FixtureRequest) -> None:
    """Two runs in an experiment of this test's own."""
    pair.settled(post("experiments/create", {"name": request.node.nodeid}, "exp"))
    for keep in ("first", "second"):
        pair.settled(post("runs/create", {"experiment_id": "{exp}"}, keep))


def log(pair: Pair, run: str, points: list[tuple[Any, int, int]], key: str = "loss") -> None:
    metrics = [
        {"key": key, "value": value, "timestamp": time, "step": step}
        for value, time, step in points
    ]
    for begin in range(0, len(metrics), 1000):
        body = {"run_id": f"{{{run}}}", "metrics": metrics[begin : begin + 1000]}
        pair.settled(post("runs/log-batch", body))


def asked(path: str, *query: tuple[str, str], space: str = "ws-1") -> Step:
    return Step("GET", API + path, None, query, None, space)


def some(chance: random.Random, count: int) -> list[tuple[Any, int, int]]:
    """Times and steps that repeat and go back."""
    values = [0.0, -0.0, 1.0, 1e-7, 1e22, 0.1, "NaN", "Infinity", "-Infinity", GREATEST]
    return [
        (
            chance.choice([*values, chance.uniform(-1, 1)]),
            chance.randint(0, count),
            chance.randint(-3, count // 3),
        )
        for _ in range(count)
    ]


@pytest.mark.usefixtures("runs")
class TestHistory:
    def test_values_of_every_kind(self, pair: Pair) -> None:
        log(pair, "first", some(random.Random(1), 400))
        pair.settled(get("metrics/get-history", run_id="{first}", metric_key="loss"))
        pair.settled(get("metrics/get-history", run_uuid="{first}", metric_key="loss"))

    def test_pages(self, pair: Pair) -> None:
        log(pair, "first", [(float(n), n, n) for n in range(10)])
        for size in (1, 3, 9, 10, 11):
            offset = 0
            while True:
                step = get(
                    "metrics/get-history",
                    run_id="{first}",
                    metric_key="loss",
                    max_results=str(size),
                    **({"page_token": token(offset)} if offset else {}),
                )
                answer = pair.settled(step)
                offset += size
                if "next_page_token" not in answer.body:
                    break
        pair.settled(
            get(
                "metrics/get-history",
                run_id="{first}",
                metric_key="loss",
                page_token=token(4),
            )
        )

    @pytest.mark.parametrize(
        "query",
        [
            {"run_id": "{first}", "metric_key": "absent"},
            {"run_id": "{first}"},
            {"metric_key": "loss"},
            {"run_id": "", "metric_key": "loss"},
            {"run_id": "{first}", "metric_key": ""},
            {"run_id": "absent", "metric_key": "loss"},
            {"run_id": "{first}", "metric_key": "loss", "max_results": "0"},
            {"run_id": "{first}", "metric_key": "loss", "max_results": "-1"},
            {"run_id": "{first}", "metric_key": 'odd "\\ key é'},
        ],
    )
    def test_refused_or_empty(self, pair: Pair, query: dict[str, str]) -> None:
        pair.settled(get("metrics/get-history", **query))

    def test_odd_requests_are_left_to_upstream(self, pair: Pair) -> None:
        for more in ({"max_results": "x"}, {"page_token": "x"}, {"page_token": token(0)}):
            step = get("metrics/get-history", run_id="{first}", metric_key="loss", **more)
            assert pair.play(step) is None

    def test_of_another_workspace_is_not_found(self, pair: Pair) -> None:
        log(pair, "first", [(1.0, 1, 1)])
        query = (("run_id", "{first}"), ("run_ids", "{first}"), ("metric_key", "loss"))
        for path, names in (
            ("metrics/get-history", {"run_id", "metric_key"}),
            (BULK, {"run_id", "metric_key"}),
            (INTERVAL, {"run_ids", "metric_key"}),
        ):
            chosen = [pair_ for pair_ in query if pair_[0] in names]
            answer = pair.settled(asked(path, *chosen, space="ws-2"))
            assert "1.0" not in answer.body

    def test_of_a_deleted_run(self, pair: Pair) -> None:
        log(pair, "first", [(1.0, 1, 1)])
        pair.settled(post("runs/delete", {"run_id": "{first}"}))
        pair.settled(get("metrics/get-history", run_id="{first}", metric_key="loss"))


@pytest.mark.usefixtures("runs")
class TestBulk:
    def test_several_runs(self, pair: Pair) -> None:
        """Run ids differ on both sides, and so does their order: one run with points at a time."""
        log(pair, "first", [p for p in some(random.Random(2), 300) if p[0] != "NaN"])
        log(pair, "first", [("NaN", 7, 7)])
        both = (("run_id", "{first}"), ("run_id", "{second}"), ("run_id", "{first}"))
        for more in ((), (("max_results", "7"),), (("max_results", "0"),)):
            pair.settled(asked(BULK, *both, ("metric_key", "loss"), *more))

    @pytest.mark.parametrize(
        "query",
        [
            [("metric_key", "loss")],
            [("run_id", "{first}")],
            [("run_id", "absent"), ("metric_key", "loss")],
            [("run_id", "{first}"), ("metric_key", "")],
            [("metric_key", "loss"), *[("run_id", f"r{n}") for n in range(101)]],
        ],
    )
    def test_refused_or_empty(self, pair: Pair, query: list[tuple[str, str]]) -> None:
        pair.settled(asked(BULK, *query))


@pytest.mark.usefixtures("runs")
class TestInterval:
    @pytest.mark.parametrize("count", [0, 1, 2, 3, 99, 100, 101, 250])
    def test_samples(self, pair: Pair, count: int) -> None:
        log(pair, "first", some(random.Random(count), count))
        log(pair, "second", [(1.0, n, 0) for n in range(count)])
        runs = (("run_ids", "{first}"), ("run_ids", "{second}"), ("metric_key", "loss"))
        for size in ("1", "2", "7", "99", "100", "101", "2500"):
            pair.settled(asked(INTERVAL, *runs, ("max_results", size)))
        for start, end in (("0", "20"), ("-3", "-1"), ("5", "5"), ("900", "901")):
            steps = (("start_step", start), ("end_step", end))
            pair.settled(asked(INTERVAL, *runs, *steps, ("max_results", "3")))
            pair.settled(asked(INTERVAL, *runs, *steps))

    @pytest.mark.parametrize(
        "query",
        [
            [("metric_key", "loss")],
            [("run_ids", "{first}")],
            [("run_ids", "absent"), ("metric_key", "loss")],
            [("run_ids", "{first}"), ("metric_key", "loss"), ("start_step", "1")],
            [("run_ids", "{first}"), ("metric_key", "loss"), ("end_step", "1")],
            [("run_ids", "{first}"), ("metric_key", "loss"), ("max_results", "0")],
            [("run_ids", "{first}"), ("metric_key", "loss"), ("max_results", "2501")],
            [
                ("run_ids", "{first}"),
                ("metric_key", "loss"),
                ("start_step", "2"),
                ("end_step", "1"),
            ],
            [("metric_key", "loss"), *[("run_ids", f"r{n}") for n in range(101)]],
        ],
    )
    def test_refused_or_empty(self, pair: Pair, query: list[tuple[str, str]]) -> None:
        pair.settled(asked(INTERVAL, *query))


def token(offset: int) -> str:
    return base64.b64encode(b'{"offset": %d}' % offset).decode()
