"""Reading what was logged: a metric's history, and curves of long runs and of many."""

from __future__ import annotations

import contextlib
import http.client
import re
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from bench._mlflow import API, OURS, Side, seconds, sides
from bench._tables import curve
from bench._turns import QUICK, several, times, within
from bench.harness import Result

LONG = 100_000 if QUICK else 1_000_000
HISTORY = 10_000 if QUICK else 100_000
RUNS = 50 if QUICK else 500
EACH = 2_000
_PAGE = 25_000
"""Points of a history that upstream's client asks for at once."""
_DRAWN = "/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval"
"""What MLflow's pages draw curves from."""


def measure() -> list[Result]:
    with (
        tempfile.TemporaryDirectory(prefix="lazur-bench-") as name,
        sides(Path(name)) as present,
    ):
        return [*_of_one_run(present), *_exact(present[0])]


def _of_one_run(present: Sequence[Side]) -> list[Result]:
    """One client, so that one worker of upstream's is as good as four."""
    short = {side.name: curve(side, HISTORY) for side in present}
    long = {side.name: curve(side, LONG) for side in present}

    def sampled(side: Side) -> float:
        asked = f"?run_ids={long[side.name]}&metric_key=loss&max_results={EACH}"
        return seconds(side, "GET", _DRAWN + asked)

    return [
        times(
            f"History of {HISTORY:,} points, page by page",
            lambda side: _history(side, short[side.name]),
            present,
            10.0,
        ),
        within(
            f"A curve of {LONG:,} points, as MLflow's pages ask for it",
            {side.name: several(partial(sampled, side)) for side in reversed(present)},
            0.3,
        ),
    ]


def _exact(side: Side) -> list[Result]:
    """Buckets with exact least, greatest and last values: upstream has nothing like it."""
    native = replace(side, url=side.url.removesuffix("/mlflow"))

    def asked(runs: list[str], buckets: int) -> float:
        body = {"runs": runs, "metrics": ["loss"], "buckets": buckets}
        return seconds(native, "POST", "/api/v1/workspaces/default/runs/curves", body)

    long = curve(side, LONG)
    many = [curve(side, EACH) for _ in range(RUNS)]
    return [
        within(
            f"A curve of {LONG:,} points in {EACH:,} exact buckets",
            {OURS: several(partial(asked, [long], EACH))},
            0.3,
        ),
        within(
            f"The curves of {RUNS} runs, {EACH:,} points each, in one call",
            {OURS: several(partial(asked, many, 200))},
        ),
    ]


def _history(side: Side, run: str) -> float:
    """All pages, as upstream's client asks for them; what is answered is not parsed."""
    where = urlsplit(side.url)
    path = f"{where.path}{API}/metrics/get-history?run_uuid={run}&metric_key=loss&run_id={run}"
    headers = {"Authorization": f"Bearer {side.token}"}
    token: str | None = ""
    began = time.perf_counter()
    with contextlib.closing(http.client.HTTPConnection(where.netloc, timeout=120)) as connection:
        while token is not None:
            page = f"&max_results={_PAGE}" + (f"&page_token={token}" if token else "")
            connection.request("GET", path + page, headers=headers)
            answer = connection.getresponse()
            data = answer.read()
            assert answer.status == 200, data[:300]
            found = re.search(rb'"next_page_token": "([^"]+)"', data[-500:] + data[:500])
            token = found[1].decode() if found else None
    return time.perf_counter() - began
