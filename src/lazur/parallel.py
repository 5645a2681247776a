"""`from lazur.parallel import RunFunction`, as `from azure.ai.ml.parallel import RunFunction`."""

from __future__ import annotations

from lazur.sdk.parallel import ParallelJob, RetrySettings, RunFunction, parallel_run_function

__all__ = ["ParallelJob", "RetrySettings", "RunFunction", "parallel_run_function"]
