"""Where a parallel job keeps what it must not forget.

What outlives an attempt lies with the job's logs; what only this attempt needs, in its folder.
"""

from __future__ import annotations

import os


class Paths:
    def __init__(self) -> None:
        logs = os.environ["AZUREML_LOGDIRECTORY_PATH"]
        self.working = os.environ["AZUREML_CR_EXECUTION_WORKING_DIR_PATH"]
        self.attempt = os.path.dirname(self.working)
        self.artifacts = os.path.dirname(logs)
        self.kept = self.artifacts + "/system_logs/parallel"
        self.plan = self.kept + "/plan.jsonl"
        self.ledger = self.kept + "/ledger.jsonl"
        self.progress = self.kept + "/progress.json"
        self.passing = self.attempt + "/cache"
        """What this attempt alone needs; the backend removes it after the end."""
        self.table = self.passing + "/table.arrow"
        self.files_only = self.passing + "/files-only"
        self.rendezvous = self.passing + "/coordinator.json"
        self.logs = self.artifacts + "/user_logs/parallel"
        """What the workers print, each into its own file."""
        self.batches = self.artifacts + "/user_logs/mini_batches"
        """Of mini-batches that failed or were slow: what was printed while they ran."""

    def make(self) -> None:
        for folder in (self.kept, self.logs, self.passing):
            os.makedirs(folder, mode=0o700, exist_ok=True)

    def batch_log(self, number: int) -> str:
        return "user_logs/mini_batches/%d.txt" % number
