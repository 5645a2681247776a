"""A sweep as v1 looks at it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lazur.v1.core.run import KINDS, Run


class PrimaryMetricGoal:
    MAXIMIZE = "maximize"
    MINIMIZE = "minimize"


class HyperDriveRun(Run):
    goal: Mapping[str, str] | None = None

    def get_best_run_by_primary_metric(self, **_: Any) -> Run | None:
        scored = self._scored()
        return Run(self.experiment, str(scored[0]["name"])) if scored else None

    def get_children_sorted_by_primary_metric(self, top: int = 0, **_: Any) -> Any:
        found = [
            {
                "run_id": t["name"],
                "hyperparameters": dict(t.get("values") or {}),
                "best_primary_metric": t["score"],
                "status": t["status"],
            }
            for t in self._scored()
        ]
        return found[:top] if top else found

    def get_hyperparameters(self) -> dict[str, Any]:
        return {str(t["name"]): dict(t.get("values") or {}) for t in self._trials()}

    def get_metrics(self, name: str | None = None, **more: Any) -> dict[str, Any]:
        """By the child's id, as v1 has it."""
        children = [Run(self.experiment, str(t["name"])) for t in self._trials()]
        return {child.id: child.get_metrics(name, **more) for child in children}

    def _scored(self) -> list[Any]:
        """The best first."""
        is_least = str(self._objective().get("goal", "maximize")).lower() == "minimize"
        scored = [t for t in self._trials() if t.get("score") is not None]
        return sorted(scored, key=lambda trial: trial["score"], reverse=not is_least)

    def _trials(self) -> list[Any]:
        return list(self._client.jobs.trials(self.id))

    def _objective(self) -> Mapping[str, str]:
        return self.goal or self._job().to_dict().get("objective") or {}


KINDS["sweep"] = HyperDriveRun
