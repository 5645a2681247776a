"""`azureml.pipeline.steps.parallel_run_config`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lazur.v1.told import ignored


class ParallelRunConfig:
    def __init__(
        self,
        environment: Any,
        entry_script: str,
        error_threshold: int = -1,
        output_action: str = "summary_only",
        compute_target: Any = None,
        node_count: Any = 1,
        process_count_per_node: Any = None,
        mini_batch_size: Any = None,
        source_directory: str | None = None,
        description: str | None = None,
        logging_level: str = "INFO",
        run_invocation_timeout: Any = 60,
        run_max_try: Any = 3,
        append_row_file_name: str | None = None,
        allowed_failed_count: int | None = None,
        allowed_failed_percent: float | None = None,
        partition_keys: Any = None,
        environment_variables: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        ignored("ParallelRunConfig", more)
        self.environment = environment
        self.entry_script = entry_script
        self.error_threshold = error_threshold
        self.output_action = output_action
        self.compute_target = compute_target
        self.node_count = node_count
        self.process_count_per_node = process_count_per_node
        self.mini_batch_size = mini_batch_size
        self.source_directory = source_directory
        self.description = description
        self.logging_level = logging_level
        self.run_invocation_timeout = run_invocation_timeout
        self.run_max_try = run_max_try
        self.append_row_file_name = append_row_file_name
        self.allowed_failed_count = allowed_failed_count
        self.allowed_failed_percent = allowed_failed_percent
        self.partition_keys = partition_keys
        self.environment_variables = dict(environment_variables or {})
