import tempfile
import uuid
from pathlib import Path
from typing import Any

from azure.ai.ml import Input, Output, command, dsl, load_component, load_job
from azure.ai.ml.parallel import RunFunction, parallel_run_function

from tests.parity.cases.operations import operation
from tests.parity.samples import environment, folder, streamed, written

SCORE = "def init(): pass\ndef run(batch): return [f'saw {len(batch)}' for _ in batch]\n"


def fetched(client: Any, name: str, output: str) -> list[str]:
    here = Path(tempfile.mkdtemp())
    client.jobs.download(name, download_path=here, output_name=output)
    return sorted(p.read_text() for p in here.rglob("*") if p.is_file())


@operation("jobs.create_or_update", "pipeline from YAML, with inline and file components")
@operation("jobs.stream", "of a pipeline")
@operation("jobs.list", "steps of a pipeline")
@operation("jobs.get", "a step of a pipeline")
def a_pipeline_of_yaml_runs(client: Any) -> None:
    text = f"ahoy-{uuid.uuid4().hex}"
    made = client.jobs.create_or_update(load_job(written(text) / "pipeline.yml"))
    assert "logs/azureml/executionlogs.txt" in streamed(client, made.name)
    found = client.jobs.get(made.name)
    assert found.status == "Completed"
    assert set(found.jobs) == {"write", "copy"}
    assert "to: ${{parent.outputs.final}}" in str(found)
    steps = {one.display_name: one for one in client.jobs.list(parent_job_name=made.name)}
    assert set(steps) == {"write", "copy"}
    assert text in streamed(client, steps["copy"].name)
    assert client.jobs.get(steps["copy"].name).status == "Completed"
    assert fetched(client, made.name, "final") == [text]


@operation("jobs.create_or_update", "pipeline from Python, with a parallel step")
@operation("jobs.validate")
def a_pipeline_of_python_runs(client: Any) -> None:
    write = load_component(written("") / "write.yml")
    show = command(
        command="cat ${{inputs.source}}/t.txt",
        environment=environment(),
        inputs={"source": Input(type="uri_folder")},
    )
    score = parallel_run_function(
        name=f"score_{uuid.uuid4().hex[:8]}",
        inputs={"files": Input(type="uri_folder")},
        outputs={"rows": Output(type="uri_file")},
        input_data="${{inputs.files}}",
        mini_batch_size="1",
        instance_count=1,
        max_concurrency_per_instance=1,
        task=RunFunction(
            code=str(folder(score_py=SCORE)),
            entry_script="score.py",
            environment=environment(),
            append_row_to="${{outputs.rows}}",
        ),
    )

    @dsl.pipeline(experiment_name="parity", default_compute="local")
    def built(files, text: str = "hi"):
        first = write(text=text)
        first.environment_variables = {"X": "1"}
        shown = show(source=first.outputs.made)
        shown.comment = "a node has the name of its variable"
        scored = score(files=files)
        return {"made": first.outputs.made, "rows": scored.outputs.rows}

    text = f"hey-{uuid.uuid4().hex}"
    files = Input(type="uri_folder", path=str(folder(a_txt="1", b_txt="2")))
    assert client.jobs.validate(built(files=files)).passed
    made = client.jobs.create_or_update(built(files=files, text=text))
    streamed(client, made.name)
    found = client.jobs.get(made.name)
    assert found.status == "Completed"
    assert {step.type for step in found.jobs.values()} == {"command", "parallel"}
    assert fetched(client, made.name, "made") == [text]
    again = client.jobs.create_or_update(built(files=files, text=text))
    streamed(client, again.name)
    reused = [
        one.properties.get("azureml.isreused")
        for one in client.jobs.list(parent_job_name=again.name)
    ]
    assert reused == ["true", "true", "true"]
    shown = next(
        one for one in client.jobs.list(parent_job_name=again.name) if one.display_name == "shown"
    )
    assert text in streamed(client, shown.name)
    assert fetched(client, again.name, "made") == [text]


@operation("jobs.begin_cancel", "a pipeline")
@operation("jobs.archive", "a pipeline")
def a_pipeline_is_canceled_and_archived(client: Any) -> None:
    step = command(command="sleep 600", environment=environment())

    @dsl.pipeline(experiment_name="parity", default_compute="local")
    def built() -> None:
        step()

    made = client.jobs.create_or_update(built())
    client.jobs.begin_cancel(made.name).wait(300)
    assert client.jobs.get(made.name).status == "Canceled"
    client.jobs.archive(made.name)
    assert made.name not in {one.name for one in client.jobs.list()}
