"""`azureml.widgets`: the run's page, as a line."""

from typing import Any


class RunDetails:
    def __init__(self, run_instance: Any) -> None:
        self._run = run_instance

    def show(self, **_: Any) -> None:
        print(f"{self._run.id}: {self._run.get_status()} - {self._run.get_portal_url()}")
