from __future__ import annotations

import sys
import tempfile
import uuid
from pathlib import Path
from typing import Any

from azure.ai.ml import Input, MLClient, Output
from azure.ai.ml.entities import (
    JobService,
    JupyterLabJobService,
    TensorBoardJobService,
    Workspace,
)
from azure.ai.ml.exceptions import JobException
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.identity import DefaultAzureCredential

from tests.parity.cases.operations import operation, raises
from tests.parity.samples import compute, folder, simple, streamed


@operation("jobs.create_or_update", "command job with local code, data and outputs")
@operation("jobs.stream")
@operation("jobs.get")
@operation("jobs.download")
def a_command_runs_from_code_to_outputs(client: Any) -> None:
    script = "import pathlib, sys\nprint('read', pathlib.Path(sys.argv[1], 'a.txt').read_text())\n"
    script += "pathlib.Path(sys.argv[2], 'm.txt').write_text(sys.argv[3])\n"
    asked = simple(
        "python main.py ${{inputs.data}} ${{outputs.model}} ${{inputs.rate}};"
        " mkdir -p outputs; echo kept > outputs/kept.txt",
        code=str(folder(main_py=script)),
        inputs={
            "data": Input(type="uri_folder", path=str(folder(a_txt="alpha"))),
            "rate": 0.25,
        },
        outputs={"model": Output(type="uri_folder", mode="rw_mount")},
        tags={"a": "b"},
        display_name="parity run",
    )
    made = client.jobs.create_or_update(asked)
    assert made.status in {"NotStarted", "Preparing", "Queued", "Starting", "Running"}
    text = streamed(client, made.name)
    assert "read alpha" in text
    assert "user_logs/std_log.txt" in text
    found = client.jobs.get(made.name)
    assert found.status == "Completed"
    assert (found.display_name, found.tags) == ("parity run", {"a": "b"})
    assert found.experiment_name == "parity"
    assert found.creation_context.created_by
    assert set(found.outputs) == {"model"}
    here = Path(tempfile.mkdtemp())
    client.jobs.download(made.name, download_path=here, all=True)
    assert (here / "named-outputs/model/m.txt").read_text() == "0.25"
    assert (here / "artifacts/outputs/kept.txt").read_text() == "kept\n"
    assert "read alpha" in (here / "artifacts/user_logs/std_log.txt").read_text()
    one = Path(tempfile.mkdtemp())
    client.jobs.download(made.name, download_path=one, output_name="model")
    assert [p.name for p in one.rglob("*") if p.is_file()] == ["m.txt"]


@operation("jobs.download", "of a name that another workspace has, too")
def each_workspace_has_its_own_job_of_a_name(client: Any) -> None:
    room = f"w{uuid.uuid4().hex[:8]}"
    client.workspaces.begin_create(Workspace(name=room)).wait()
    place = (client.subscription_id, client.resource_group_name)
    name = f"same_{uuid.uuid4().hex[:8]}"
    for one in (client, MLClient(DefaultAzureCredential(), *place, room)):
        text = f"of {one.workspace_name}"
        command = f"mkdir -p outputs; echo {text} > outputs/kept.txt"
        one.jobs.create_or_update(simple(command, name=name))
        streamed(one, name)
        here = Path(tempfile.mkdtemp())
        one.jobs.download(name, download_path=here, all=True)
        assert (here / "artifacts/outputs/kept.txt").read_text() == f"{text}\n"
    client.workspaces.begin_delete(room, delete_dependent_resources=False).wait()


@operation("jobs.create_or_update", "the same code again")
def unchanged_code_sends_no_bytes(client: Any) -> None:
    sent: list[str] = sys.modules["__main__"].requests_sent  # the runner counts them
    code = folder(main_py=f"print({uuid.uuid4().hex!r})")
    client.jobs.create_or_update(simple("python main.py", code=str(code)))
    before = len(sent)
    client.jobs.create_or_update(simple("python main.py", code=str(code)))
    asked = [path for path in sent[before:] if path != "/metadata/endpoints"]
    assert not [path for path in asked if path.startswith("/_blob/")]
    assert len(asked) <= 12


@operation("jobs.stream", "of a job that failed")
def a_failing_exit_is_an_exception(client: Any) -> None:
    made = client.jobs.create_or_update(simple("echo before; exit 3"))
    with raises(JobException, "exit code 3"):
        client.jobs.stream(made.name)
    assert client.jobs.get(made.name).status == "Failed"


@operation("jobs.stream", "of a job that is over")
def the_log_of_a_job_that_is_over_is_printed_too(client: Any) -> None:
    made = client.jobs.create_or_update(simple("echo quick"))
    streamed(client, made.name)
    assert client.jobs.get(made.name).status == "Completed"


@operation("jobs.begin_cancel")
def a_job_is_canceled(client: Any) -> None:
    made = client.jobs.create_or_update(simple("sleep 600"))
    client.jobs.begin_cancel(made.name).wait(300)
    assert client.jobs.get(made.name).status == "Canceled"
    client.jobs.begin_cancel(made.name).wait(300)


@operation("jobs.archive")
@operation("jobs.restore")
@operation("jobs.list")
def a_job_is_archived_and_restored(client: Any) -> None:
    name = client.jobs.create_or_update(simple()).name

    def listed(**view: Any) -> bool:
        return name in {one.name for one in client.jobs.list(**view)}

    assert listed()
    client.jobs.archive(name)
    assert not listed()
    assert listed(list_view_type="ArchivedOnly")
    assert listed(list_view_type="All")
    client.jobs.restore(name)
    assert listed()


@operation("jobs.begin_delete")
def a_job_is_deleted(client: Any) -> None:
    if not hasattr(client.jobs, "begin_delete"):
        return  # since 1.35
    asked = simple("sleep 600")
    runs = client.jobs.create_or_update(asked).name
    with raises(HttpResponseError, "Cancel it first"):
        client.jobs.begin_delete(runs).wait(300)
    client.jobs.begin_cancel(runs).wait(300)
    client.jobs.begin_delete(runs).wait(300)
    with raises(ResourceNotFoundError, runs):
        client.jobs.get(runs)
    assert runs not in {one.name for one in client.jobs.list(list_view_type="All")}


@operation("jobs.update")
def notes_of_a_job_are_changed(client: Any) -> None:
    if not hasattr(client.jobs, "update"):
        return  # since 1.35
    name = client.jobs.create_or_update(simple(tags={"a": "1"}, properties={"x": "1"})).name
    made = client.jobs.update(name, tags={"b": "2"}, description="told")
    assert (made.tags, made.description) == ({"a": "1", "b": "2"}, "told")
    client.jobs.update(name, display_name="shown", properties={"y": "2"})
    found = client.jobs.get(name)
    assert (found.display_name, found.description) == ("shown", "told")
    assert {"x": "1", "y": "2"}.items() <= found.properties.items()


@operation("jobs.create_or_update", "changed notes of a job that was fetched")
def notes_of_a_fetched_job_are_changed(client: Any) -> None:
    found = client.jobs.get(client.jobs.create_or_update(simple(tags={"a": "1"})).name)
    found.tags["b"] = "2"
    found.display_name = "another"
    found.description = "told later"
    client.jobs.create_or_update(found)
    again = client.jobs.get(found.name)
    assert again.tags == {"a": "1", "b": "2"}
    assert (again.display_name, again.description) == ("another", "told later")


@operation("jobs.create_or_update", "a fetched job with another input")
def a_fetched_job_is_sent_again_with_another_input(client: Any) -> None:
    asked = simple(
        "echo rate ${{inputs.rate}} | tee ${{outputs.o}}/x",
        inputs={"rate": 1},
        outputs={"o": Output(type="uri_folder")},
    )
    first = client.jobs.create_or_update(asked)
    streamed(client, first.name)
    second = client.jobs.create_or_update(client.jobs.get(first.name)(rate=2))
    assert second.name != first.name
    assert "rate 2" in streamed(client, second.name)
    here = Path(tempfile.mkdtemp())
    client.jobs.download(first.name, download_path=here, output_name="o")
    assert (here / "named-outputs/o/x").read_text() == "rate 1\n"


@operation("jobs.create_or_update", "environment, variables, resources, limits of a command")
def what_was_asked_for_is_shown(client: Any) -> None:
    name = compute(client)
    asked = simple(
        "echo $WHO",
        environment_variables={"WHO": "me"},
        compute=name,
        instance_count=1,
        shm_size="64m",
        timeout=600,
    )
    made = client.jobs.create_or_update(asked)
    assert "me" in streamed(client, made.name)
    found = client.jobs.get(made.name)
    assert found.compute == name
    assert found.environment_variables["WHO"] == "me"
    assert found.limits.timeout == 600
    assert (found.resources.instance_count, found.resources.shm_size) == (1, "64m")
    assert "CliV2AnonymousEnvironment" in str(found.environment)


@operation("jobs.show_services")
def services_are_shown(client: Any) -> None:
    made = client.jobs.create_or_update(simple())
    found = client.jobs.show_services(made.name)
    assert found["Studio"].endpoint.startswith("http")


@operation("jobs.show_services", "that the job declares")
def declared_services_are_shown_as_they_were_declared(client: Any) -> None:
    asked = simple(
        services={
            "lab": JupyterLabJobService(nodes="all"),
            "board": TensorBoardJobService(log_dir="outputs/tb"),
            "mine": JobService(type="custom", port=8080),
        }
    )
    made = client.jobs.create_or_update(asked)
    found = client.jobs.get(made.name).services
    assert (found["lab"].type, found["mine"].port) == ("jupyter_lab", 8080)
    assert found["board"].log_dir == "outputs/tb"
    assert client.jobs.show_services(made.name)["lab"].status == "NotStarted"
    again = client.jobs.create_or_update(client.jobs.get(made.name)())
    assert set(client.jobs.get(again.name).services) >= {"lab", "board", "mine"}


@operation("jobs.get", "what is not there")
@operation("jobs.create_or_update", "what is wrong")
def mistakes_are_azures_exceptions(client: Any) -> None:
    with raises(ResourceNotFoundError, "nowhere"):
        client.jobs.get("nowhere")
    with raises(HttpResponseError):
        client.jobs.create_or_update(simple(inputs={"x": Input(path="azureml:nothing:1")}))
