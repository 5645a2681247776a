from __future__ import annotations

import uuid
from typing import Any

from azure.ai.ml import load_job
from azure.ai.ml.data_transfer import Database
from azure.ai.ml.entities import (
    ApiKeyConfiguration,
    CronTrigger,
    DataImport,
    ImportDataSchedule,
    JobSchedule,
    RecurrencePattern,
    RecurrenceTrigger,
    WorkspaceConnection,
)
from azure.core.exceptions import ResourceNotFoundError

from tests.parity.cases.operations import operation, raises
from tests.parity.local import database
from tests.parity.samples import streamed, written


def fresh() -> str:
    return f"s-{uuid.uuid4().hex[:8]}"


def names(client: Any, **view: Any) -> set[str]:
    return {one.name for one in client.schedules.list(**view)}


@operation("schedules.begin_create_or_update", "cron, of a pipeline in YAML")
@operation("schedules.get")
@operation("schedules.list")
@operation("schedules.begin_disable")
@operation("schedules.begin_enable")
@operation("schedules.begin_delete")
def a_schedule_lives(client: Any) -> None:
    name = fresh()
    asked = JobSchedule(
        name=name,
        trigger=CronTrigger(expression="0 2 * * *", start_time="2099-01-01 00:00:00"),
        create_job=load_job(written("x") / "pipeline.yml"),
        tags={"a": "b"},
    )
    made = client.schedules.begin_create_or_update(asked).result()
    assert (made.name, made.is_enabled) == (name, True)
    found = client.schedules.get(name)
    assert found.trigger.expression == "0 2 * * *"
    assert set(found.create_job.jobs) == {"write", "copy"}
    assert found.tags == {"a": "b"}
    assert name in names(client)
    assert client.schedules.begin_disable(name).result().is_enabled is False
    assert name not in names(client)
    assert name in names(client, list_view_type="DisabledOnly")
    assert client.schedules.begin_enable(name).result().is_enabled is True
    assert client.schedules.get(name).trigger.expression == "0 2 * * *"
    client.schedules.begin_disable(name).wait()
    client.schedules.begin_delete(name).wait()
    with raises(ResourceNotFoundError):
        client.schedules.get(name)


@operation("schedules.begin_create_or_update", "recurrence, of a job that has run")
@operation("schedules.trigger")
def a_schedule_is_triggered(client: Any) -> None:
    job = client.jobs.create_or_update(load_job(written("y") / "pipeline.yml"))
    streamed(client, job.name)
    name = fresh()
    pattern = RecurrencePattern(hours=1, minutes=[0], week_days=["monday"])
    asked = JobSchedule(
        name=name,
        trigger=RecurrenceTrigger(
            frequency="week", interval=1, schedule=pattern, start_time="2099-01-01T00:00:00"
        ),
        create_job=client.jobs.get(job.name),
    )
    made = client.schedules.begin_create_or_update(asked).result()
    assert made.trigger.frequency == "week"
    told = client.schedules.trigger(name)
    assert told.schedule_action_type == "CreateJob"
    streamed(client, told.job_name)
    assert client.jobs.get(told.job_name).status == "Completed"
    client.schedules.begin_delete(name).wait()


@operation("schedules.begin_create_or_update", "of imports of data")
@operation("schedules.trigger", "an import of data")
def data_is_imported_by_a_schedule(client: Any) -> None:
    name, connection = fresh(), f"c{uuid.uuid4().hex[:8]}"
    kind, keys = "custom", ApiKeyConfiguration(key="none")
    client.connections.create_or_update(
        WorkspaceConnection(name=connection, type=kind, target=database(), credentials=keys)
    )
    query = "select n from sales"
    asked = ImportDataSchedule(
        name=name,
        trigger=CronTrigger(expression="0 2 * * *", start_time="2099-01-01 00:00:00"),
        import_data=DataImport(
            name=name,
            source=Database(query=query, connection=f"azureml:{connection}"),
            path="azureml://datastores/workspaceblobstore/paths/imports/${{name}}",
        ),
    )
    client.schedules.begin_create_or_update(asked).wait()
    found = client.schedules.get(name)
    assert found.import_data.name == name
    assert found.import_data.source.query == query
    told = client.schedules.trigger(name)
    streamed(client, told.job_name)
    assert client.data.get(name, "1").type == "mltable"
    client.schedules.begin_disable(name).wait()
    client.schedules.begin_delete(name).wait()
