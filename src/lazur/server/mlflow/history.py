"""The points of a metric: all, of several runs, or a sample."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence

from lazur.server.mlflow import fields, tokens
from lazur.server.mlflow.call import Call, Handler, Punt, Refusal
from lazur.server.mlflow.messages import EMPTY, number, quote
from lazur.services.base.site import Context
from lazur.store.mlflow import history as store
from lazur.store.mlflow.history import Point

BULK = 25_000
"""Points in one reply, at most."""
RUNS = 100
SAMPLE = 2500

_LINES = ",\n"
_MOST = sys.float_info.max

_WHOLE = re.compile(r"-?[0-9]{1,9}")


async def get(call: Call) -> bytes:
    asked = _single(call, "run_id", "run_uuid", "metric_key", "page_token", "max_results")
    if not asked:
        raise Punt  # upstream looks into the body then
    fields.require(asked, "run_id", "metric_key")
    run_id, key = fields.run_id(asked), asked["metric_key"]
    size = _integer(asked, "max_results")
    if size is not None and size <= 0:
        raise fields.invalid(
            f"Invalid value {size} for parameter 'max_results' supplied. "
            "It must be a positive integer."
        )
    offset = tokens.read(asked.get("page_token", ""))

    def part(context: Context) -> bytes:
        _require_run(context, call, run_id)
        limit = None if size is None else size + 1
        found = store.points(context.db, run_id, key, limit, offset)
        if size is None or len(found) <= size:
            return _reply(_points(key, found))
        return _reply(_points(key, found[:size]), tokens.make(offset + size))

    return await call.read(part)


async def bulk(call: Call) -> bytes:
    asked = call.parameters("run_id", "metric_key", "max_results")
    run_ids = asked.get("run_id", [])
    if not run_ids:
        raise fields.invalid("GetMetricHistoryBulk request must specify at least one run_id.")
    if len(run_ids) > RUNS:
        raise fields.invalid(
            f"GetMetricHistoryBulk request cannot specify more than {RUNS}"
            f" run_ids. Received {len(run_ids)} run_ids."
        )
    if "metric_key" not in asked:
        raise fields.invalid("GetMetricHistoryBulk request must specify a metric_key.")
    key = asked["metric_key"][0]
    wanted = _integer({name: values[0] for name, values in asked.items()}, "max_results")
    if wanted is not None and wanted < 0:
        raise Punt
    left = BULK if wanted is None else min(wanted, BULK)

    def part(context: Context) -> bytes:
        told: list[str] = []
        for run_id in store.known(context.db, call.space.mlflow, run_ids):
            if len(told) == left:
                break
            found = store.points(context.db, run_id, key, left - len(told))
            told += _bulk_points(key, run_id, found)
        return f'{{"metrics":[{",".join(told)}]}}\n'.encode()

    return await call.read(part)


async def interval(call: Call) -> bytes:
    asked = call.parameters("run_ids", "metric_key", "start_step", "end_step", "max_results")
    run_ids = asked.pop("run_ids", [])
    single = {name: values[0] for name, values in asked.items()}
    fields.require({"run_ids": run_ids or None, **single}, "run_ids", "metric_key")
    if len(run_ids) > RUNS:
        raise fields.invalid(
            f"GetMetricHistoryBulkInterval request must specify at most {RUNS} run_ids. "
            f"Received {len(run_ids)} run_ids."
            " See the API docs for more information about request parameters."
        )
    size = _sample_size(single)
    steps = _steps(_integer(single, "start_step"), _integer(single, "end_step"))
    key = single["metric_key"]

    def part(context: Context) -> bytes:
        for run_id in run_ids:
            _require_run(context, call, run_id)
        told: list[str] = []
        for run_id in run_ids:
            told += _points(key, store.sample(context.db, run_id, key, size, steps), run_id)
        return _reply(told)

    return await call.read(part)


ROUTES: dict[tuple[str, str], Handler] = {
    ("GET", "2.0/mlflow/metrics/get-history"): get,
    ("GET", "2.0/mlflow/metrics/get-history-bulk"): bulk,
    ("GET", "2.0/mlflow/metrics/get-history-bulk-interval"): interval,
}


def _single(call: Call, *known: str) -> dict[str, str]:
    return {name: values[0] for name, values in call.parameters(*known).items()}


def _integer(asked: Mapping[str, str], name: str) -> int | None:
    text = asked.get(name)
    if text is None:
        return None
    if not _WHOLE.fullmatch(text):
        raise Punt
    return int(text)


def _sample_size(asked: Mapping[str, str]) -> int:
    size = _integer(asked, "max_results")
    if size is not None and not 1 <= size <= SAMPLE:
        raise fields.invalid(
            f"max_results must be between 1 and {SAMPLE}."
            " See the API docs for more information about request parameters."
        )
    return SAMPLE if size is None else size


def _steps(start: int | None, end: int | None) -> tuple[int, int] | None:
    if start is None and end is None:
        return None
    if start is None or end is None:
        raise fields.invalid(
            "If either start step or end step are specified, both must be specified."
        )
    if start > end:
        raise fields.invalid(
            "end_step must be greater than start_step. "
            f"Found start_step={start} and end_step={end}."
        )
    return start, end


def _require_run(context: Context, call: Call, run_id: str) -> None:
    if not store.is_here(context.db, call.space.mlflow, run_id):
        raise Refusal("RESOURCE_DOES_NOT_EXIST", f"Run with id={run_id} not found")


def _points(key: str, found: Sequence[Point], run_id: str | None = None) -> list[str]:
    """Hundreds of thousands: what stays the same is written once."""
    head = f'    {{\n      "key": {quote(key)},\n      "value": '
    tail = "\n    }" if run_id is None else f',\n      "run_id": {quote(run_id)}\n    }}'
    return [
        f'{head}{told},\n      "timestamp": {time},\n      "step": {step}{tail}'
        for value, time, step, is_nan in found
        for told in [
            '"NaN"' if is_nan else repr(value) if -_MOST <= value <= _MOST else number(value)
        ]
    ]


def _bulk_points(key: str, run_id: str, found: Sequence[Point]) -> list[str]:
    """Upstream answers these with plain JSON, where NaN is NaN."""
    name, run = quote(key), quote(run_id)
    return [
        f'{{"key":{name},"run_id":{run},"step":{step},"timestamp":{time},"value":{told}}}'
        for value, time, step, is_nan in found
        for told in ["NaN" if is_nan else repr(value)]
    ]


def _reply(metrics: Sequence[str], token: str | None = None) -> bytes:
    if not metrics:
        return EMPTY
    end = "" if token is None else f',\n  "next_page_token": "{token}"'
    return f'{{\n  "metrics": [\n{_LINES.join(metrics)}\n  ]{end}\n}}'.encode()
