"""Schedules as Python code writes them, under the names of `azure.ai.ml.entities`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any, ClassVar

from lazur.sdk.entities import Entity, Spec
from lazur.sdk.source import read


@dataclass
class RecurrencePattern(Entity):
    hours: int | list[int] | None = None
    minutes: int | list[int] | None = None
    week_days: str | list[str] | None = None
    month_days: int | list[int] | None = None


@dataclass(kw_only=True)
class _Timed(Entity):
    start_time: str | datetime | None = None
    end_time: str | datetime | None = None
    time_zone: str | None = None
    missed: str | None = None
    """Ours: `skip` or `catch_up`."""
    catch_up_limit: int | None = None

    def to_spec(self) -> Spec:
        made = super().to_spec()
        return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in made.items()}


@dataclass(kw_only=True)
class CronTrigger(_Timed):
    expression: str
    always: ClassVar[Spec] = {"type": "cron"}


@dataclass(kw_only=True)
class RecurrenceTrigger(_Timed):
    frequency: str
    interval: int
    schedule: RecurrencePattern | Spec | None = None
    always: ClassVar[Spec] = {"type": "recurrence"}


@dataclass(kw_only=True)
class EventTrigger(Entity):
    """Ours: `data_updated`, `model_registered` or `job_finished`."""

    event: str
    name: str | None = None
    experiment_name: str | None = None
    status: str | list[str] | None = None
    always: ClassVar[Spec] = {"type": "event"}


@dataclass(kw_only=True)
class WebhookTrigger(Entity):
    """Ours: upon a request over HTTP."""

    inputs: list[str] | dict[str, str] | None = None
    per_minute: float | None = None
    always: ClassVar[Spec] = {"type": "webhook"}


@dataclass(kw_only=True)
class _Schedule(Entity):
    name: str
    trigger: Entity | Spec
    display_name: str | None = None
    description: str | None = None
    tags: dict[str, str] | None = None
    properties: dict[str, str] | None = None


@dataclass(kw_only=True)
class JobSchedule(_Schedule):
    create_job: Entity | Spec | str
    """A job, its YAML file, or `azureml:<job>`."""


@dataclass(kw_only=True)
class ImportDataSchedule(_Schedule):
    import_data: Spec | str


def load_schedule(
    source: str | os.PathLike[str] | IO[str],
    *,
    params_override: list[Mapping[str, Any]] | None = None,
    relative_origin: str | os.PathLike[str] | None = None,
) -> JobSchedule | ImportDataSchedule:
    """A schedule from its YAML, as `load_job` loads a job."""
    found = read(source, params_override or (), relative_origin)
    kind = ImportDataSchedule if "import_data" in found.spec else JobSchedule
    return kind.from_spec(found.spec, base_path=found.folder)
