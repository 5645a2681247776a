"""`from lazur.dsl import pipeline`, as `from azure.ai.ml.dsl import pipeline`."""

from __future__ import annotations

from lazur.sdk.dsl import condition, do_while, group, parallel_for, pipeline

__all__ = ["condition", "do_while", "group", "parallel_for", "pipeline"]
