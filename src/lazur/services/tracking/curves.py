"""Metrics of runs as curves, for charts of any size."""

from __future__ import annotations

from typing import Any, cast, get_args

from lazur.errors import Invalid
from lazur.services.base.site import Context
from lazur.services.base.workspaces import open_workspace
from lazur.services.tracking import runs
from lazur.services.tracking.runs import shown
from lazur.store.mlflow import curves as store
from lazur.store.mlflow.curves import Axis, Bucket, Curve

METRICS = 100
CURVES = 5_000
BUCKETS = 10_000
IN_ALL = 1_000_000
"""Buckets in one answer."""
_AXES = get_args(Axis)


def find(context: Context, workspace: str, asked: dict[str, Any]) -> dict[str, Any]:
    """Of each run and metric that has points: the exact least, greatest and last value, of all and
    of each bucket. Buckets are lists side by side."""
    home = open_workspace(context, workspace, runs.READ)
    names, keys = _texts(asked, "runs", runs.MOST), _texts(asked, "metrics", METRICS)
    buckets, x = _buckets(asked.get("buckets", 500), len(names) * len(keys)), _axis(asked)
    rows = runs.locate_all(context, home, names)
    found = store.curves(context.db, [row.id for row in rows], keys, buckets, x)
    return {
        "x": x,
        "value": [{"run": run, "metric": key, **_view(one)} for (run, key), one in found.items()],
    }


def _view(curve: Curve) -> dict[str, Any]:
    return {
        "min": shown(curve.least),
        "max": shown(curve.greatest),
        "last": _last(curve),
        "points": curve.points,
        "buckets": {
            "first": [bucket.first for bucket in curve.buckets],
            "end": [bucket.end for bucket in curve.buckets],
            "min": [shown(bucket.least) for bucket in curve.buckets],
            "max": [shown(bucket.greatest) for bucket in curve.buckets],
            "mean": [shown(bucket.mean) for bucket in curve.buckets],
            "last": [_last(bucket) for bucket in curve.buckets],
            "points": [bucket.points for bucket in curve.buckets],
        },
    }


def _last(of: Curve | Bucket) -> float | str:
    return shown(of.last, nan=of.last is None)


def _texts(asked: dict[str, Any], name: str, most: int) -> list[str]:
    found = asked.get(name)
    texts = cast("list[Any]", found) if isinstance(found, list) else []
    if not 1 <= len(texts) <= most or not all(isinstance(text, str) for text in texts):
        raise Invalid(
            f"{name} is not a list of 1 to {most:,} names.",
            hint='For example: {"runs": ["calm_bean_x1"], "metrics": ["loss"], "buckets": 500}',
        )
    return list(dict.fromkeys(texts))


def _buckets(asked: Any, curves: int) -> int:
    if curves > CURVES:
        raise Invalid(
            f"{curves:,} curves are more than the {CURVES:,} that one answer holds.",
            hint="Ask for fewer runs or metrics at once.",
        )
    if type(asked) is not int or not 1 <= asked <= BUCKETS:
        raise Invalid(f"buckets is {asked!r}; it is a number from 1 to {BUCKETS:,}.")
    if asked * curves > IN_ALL:
        raise Invalid(
            f"{curves:,} curves of {asked:,} buckets are more than {IN_ALL:,} in all.",
            hint=f"With {IN_ALL // curves:,} buckets they fit into one answer.",
        )
    return asked


def _axis(asked: dict[str, Any]) -> Axis:
    x = asked.get("x", "step")
    if x not in _AXES:
        raise Invalid(f"x is {x!r}.", hint=f"Known: {', '.join(_AXES)}.")
    return x
