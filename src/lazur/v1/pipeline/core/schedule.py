"""`azureml.pipeline.core.schedule`: a published pipeline by the clock."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lazur.v1.pipeline.core.published import PublishedPipeline
from lazur.v1.told import ignored, refused


class ScheduleRecurrence:
    def __init__(
        self,
        frequency: str,
        interval: int,
        start_time: Any = None,
        time_zone: str | None = None,
        hours: list[int] | None = None,
        minutes: list[int] | None = None,
        week_days: list[str] | None = None,
        time_of_day: str | None = None,
    ) -> None:
        if time_of_day:
            hour, _, minute = time_of_day.partition(":")
            hours, minutes = [int(hour)], [int(minute or 0)]
        self.spec: dict[str, Any] = {
            "type": "recurrence",
            "frequency": str(frequency).lower(),
            "interval": interval,
        }
        if start_time:
            self.spec["start_time"] = getattr(start_time, "isoformat", lambda: start_time)()
        if time_zone:
            self.spec["time_zone"] = time_zone
        if hours is not None or minutes is not None or week_days:
            at: dict[str, Any] = {"hours": hours or [0], "minutes": minutes or [0]}
            at |= {"weekdays": [day.lower() for day in week_days]} if week_days else {}
            self.spec["schedule"] = at


class Schedule:
    def __init__(self, workspace: Any, found: Any) -> None:
        self.workspace = workspace
        self._found = found

    @classmethod
    def create(
        cls,
        workspace: Any,
        name: str,
        pipeline_id: str,
        experiment_name: str,
        recurrence: ScheduleRecurrence | None = None,
        description: str | None = None,
        pipeline_parameters: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Schedule:
        if recurrence is None:
            raise refused(
                "A schedule that watches a datastore",
                "Write it as YAML, with a trigger upon data: docs/schedules.md.",
            )
        ignored("Schedule.create", {k: v for k, v in more.items() if not k.startswith("wait")})
        job = PublishedPipeline.get(workspace, pipeline_id).to_spec(pipeline_parameters)
        spec = {
            "name": re.sub(r"[^A-Za-z0-9_-]+", "_", name),
            "display_name": name,
            "description": description,
            "trigger": recurrence.spec,
            "create_job": {**job, "experiment_name": experiment_name},
        }
        body = {key: value for key, value in spec.items() if value is not None}
        return cls(workspace, workspace.client.schedules.create_or_update(body))

    @classmethod
    def get(cls, workspace: Any, id: str, **_: Any) -> Schedule:  # noqa: A002 - v1's word
        return cls(workspace, workspace.client.schedules.get(id))

    @staticmethod
    def list(workspace: Any, active_only: bool = True, **_: Any) -> Any:
        view = "EnabledOnly" if active_only else "All"
        return [
            Schedule(workspace, s) for s in workspace.client.schedules.list(list_view_type=view)
        ]

    get_all = list  # noqa: A003 - of this class

    @property
    def id(self) -> str:
        return self._found.name

    @property
    def name(self) -> str:
        return self._found.get("display_name") or self._found.name

    @property
    def status(self) -> str:
        return "Active" if self._found.get("is_enabled") else "Disabled"

    def disable(self, **_: Any) -> None:
        self._found = self.workspace.client.schedules.disable(self.id)

    def enable(self, **_: Any) -> None:
        self._found = self.workspace.client.schedules.enable(self.id)
