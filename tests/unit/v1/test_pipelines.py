from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lazur import mltable
from lazur.errors import Invalid, Unsupported
from lazur.kinds import catalog
from lazur.sdk.source import Source
from lazur.v1.core import Dataset, RunConfiguration, ScriptRunConfig
from lazur.v1.core.places import (
    DataPath,
    DataPathComputeBinding,
    OutputFileDatasetConfig,
)
from lazur.v1.data import DatasetConsumptionConfig
from lazur.v1.pipeline.core import (
    Pipeline,
    PipelineData,
    PipelineParameter,
    ScheduleRecurrence,
    StepSequence,
)
from lazur.v1.pipeline.core.published import component
from lazur.v1.pipeline.steps import (
    CommandStep,
    EstimatorStep,
    HyperDriveStep,
    MpiStep,
    ParallelRunConfig,
    ParallelRunStep,
    PythonScriptStep,
)
from lazur.v1.train.estimator import Estimator
from lazur.v1.train.hyperdrive import GridParameterSampling, HyperDriveConfig, choice


@pytest.fixture(autouse=True)
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "src").mkdir()
    for name in ("a.py", "b.py"):
        (tmp_path / "src" / name).write_text("print(1)\n")
    return tmp_path


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


def made(steps: Any, scratch: Path, *given: Any, **more: Any) -> dict[str, Any]:
    """As it is submitted, which the server would accept."""
    found = Pipeline(None, steps, **more).to_spec(scratch, *given)
    _, wrong = catalog.validate("pipeline-job", found)
    assert [d for d in wrong if d.severity == "error"] == []
    return found


def script(name: str, arguments: Any = (), **more: Any) -> PythonScriptStep:
    return PythonScriptStep(
        f"{name}.py", name=name, arguments=list(arguments), source_directory="src", **more
    )


class TestData:
    def test_a_step_reads_what_another_writes(self, scratch: Path) -> None:
        data = PipelineData("raw data")
        first = script("a", ["--out", data], outputs=[data])
        second = script("b", ["--in", data.as_download()], inputs=[data])
        found = made([second], scratch)["jobs"]

        assert found["a"]["command"] == 'python a.py --out "${{outputs.raw_data}}"'
        assert found["b"]["command"] == 'python b.py --in "${{inputs.raw_data}}"'
        assert found["b"]["inputs"]["raw_data"]["path"] == "${{parent.jobs.a.outputs.raw_data}}"
        assert second.before()[0] is first

    def test_folders_that_are_written_by_name(self, scratch: Path) -> None:
        table = OutputFileDatasetConfig("table").read_delimited_files()
        script("a", ["--out", table])
        found = made(script("b", inputs=[table.as_input("t")]), scratch)["jobs"]

        assert list(found) == ["a", "b"]
        assert found["b"]["inputs"]["t"]["path"] == "${{parent.jobs.a.outputs.table}}"

    def test_what_a_step_makes_may_be_the_pipelines(self, scratch: Path) -> None:
        data = PipelineData("model", pipeline_output_name="final")
        found = made(script("a", ["--out", data], outputs=[data]), scratch)

        assert found["outputs"] == {"final": {"type": "uri_folder"}}
        output = found["jobs"]["a"]["outputs"]["model"]
        assert output["path"] == "${{parent.outputs.final}}"

    def test_a_datastore_of_ones_own_keeps_it(self, scratch: Path) -> None:
        data = PipelineData("x", datastore="mine")
        output = made(script("a", outputs=[data]), scratch)["jobs"]["a"]["outputs"]["x"]

        assert output["path"] == "azureml://datastores/mine/paths/azureml/${{name}}/x"

    def test_what_nobody_makes_is_told(self, scratch: Path) -> None:
        with pytest.raises(Invalid, match="made by no step"):
            made(script("b", inputs=[PipelineData("x")]), scratch)


class TestParameters:
    def test_are_inputs_of_the_pipeline(self, scratch: Path) -> None:
        rate = PipelineParameter("learning rate", 0.1)
        found = made(script("a", ["--rate", rate]), scratch, {"learning rate": 0.5})

        assert found["inputs"] == {"learning_rate": 0.5}
        assert found["jobs"]["a"]["inputs"] == {
            "learning_rate": "${{parent.inputs.learning_rate}}"
        }
        assert found["jobs"]["a"]["command"] == 'python a.py --rate "${{inputs.learning_rate}}"'

    def test_of_a_published_pipeline_have_types(self, scratch: Path) -> None:
        found = made(
            script("a", [PipelineParameter("n", 3), PipelineParameter("t", "x")]), scratch
        )
        published = component(Source(found, scratch), "My Pipeline 2", None, "1.0")

        assert published["name"] == "my_pipeline_2"
        assert published["inputs"] == {
            "n": {"type": "integer", "default": 3},
            "t": {"type": "string", "default": "x"},
        }
        _, wrong = catalog.validate("pipeline-component", published)
        assert [d for d in wrong if d.severity == "error"] == []

    def test_may_be_data(self, scratch: Path) -> None:
        data = Dataset.File.from_files(("raw", "wine"))
        given = PipelineParameter("wine", data)
        found = made(script("a", ["--data", given]), scratch)

        assert found["inputs"]["wine"]["path"] == "azureml://datastores/raw/paths/wine"
        assert found["jobs"]["a"]["inputs"]["wine"]["path"] == "${{parent.inputs.wine}}"

    def test_of_data_have_the_steps_name_for_it(self, scratch: Path) -> None:
        given = PipelineParameter("which", Dataset.File.from_files(("raw", "wine")))
        data = DatasetConsumptionConfig("wine", given).as_mount()
        found = made(script("a", ["--data", data], inputs=[data]), scratch)

        assert list(found["inputs"]) == ["which"]
        assert found["jobs"]["a"]["command"] == 'python a.py --data "${{inputs.wine}}"'

    def test_may_be_a_place_in_a_datastore(self, scratch: Path) -> None:
        given = PipelineParameter("place", DataPath("raw", "wine"))
        bound = (given, DataPathComputeBinding(mode="mount"))
        other = {"place": DataPath("raw", "glass")}
        found = made(script("a", ["--data", bound], inputs=[bound]), scratch, other)

        assert found["inputs"]["place"]["path"] == "azureml://datastores/raw/paths/glass"
        assert found["jobs"]["a"]["command"] == 'python a.py --data "${{inputs.place}}"'

    def test_of_another_name_are_refused(self, scratch: Path) -> None:
        with pytest.raises(Invalid, match="no parameter x"):
            made(script("a"), scratch, {"x": 1})


class TestOrder:
    def test_a_sequence_has_groups(self, scratch: Path) -> None:
        steps = [script("a"), [script("b"), script("a")], script("b")]
        found = made(StepSequence(steps), scratch)["jobs"]

        assert found["a_2"]["depends_on"] == ["a"]
        assert found["b_2"]["depends_on"] == ["a_2", "b"]

    def test_a_step_runs_after_another(self, scratch: Path) -> None:
        first, second = script("a"), script("b")
        second.run_after(first)

        assert made([second], scratch)["jobs"]["b"]["depends_on"] == ["a"]


class TestSteps:
    def test_one_that_is_not_reused_says_so(self, scratch: Path) -> None:
        found = made([script("a", allow_reuse=False), script("b")], scratch)["jobs"]

        assert found["a"]["is_deterministic"] is False
        assert "is_deterministic" not in found["b"]

    def test_they_do_not_change_what_they_share(self, scratch: Path) -> None:
        own = RunConfiguration()
        steps = [
            script("a", runconfig=own, compute_target="big", params={"x": 1}),
            script("b", runconfig=own),
        ]
        found = made(steps, scratch)["jobs"]

        assert found["a"]["compute"] == "big"
        assert found["a"]["environment_variables"] == {"AML_PARAMETER_x": "1"}
        assert "compute" not in found["b"]
        assert "environment_variables" not in found["b"]

    def test_a_folder_for_all(self, scratch: Path) -> None:
        found = made(PythonScriptStep("a.py"), scratch, default_source_directory="src")

        assert found["jobs"]["a_py"]["code"].endswith("/src")

    def test_commands_estimators_and_processes(self, scratch: Path) -> None:
        estimator = Estimator("src", entry_script="a.py", script_params={"--x": 1})
        steps = [
            CommandStep("python a.py", name="c", source_directory="src"),
            EstimatorStep("e", estimator, ["--x", 2]),
            MpiStep("m", "src", "b.py", node_count=2, process_count_per_node=3),
        ]
        found = made(steps, scratch)["jobs"]

        assert found["c"]["command"] == "python a.py"
        assert found["e"]["command"] == "python a.py --x 2"
        assert found["m"]["distribution"]["process_count_per_instance"] == 3

    def test_a_sweep(self, scratch: Path) -> None:
        data = PipelineData("d")
        script("a", outputs=[data])
        config = HyperDriveConfig(
            GridParameterSampling({"--rate": choice(1, 2)}), "acc", "MAXIMIZE", 2,
            run_config=ScriptRunConfig("src", "b.py"),
        )  # fmt: skip
        found = made(HyperDriveStep("tune", config, ["--in", data], inputs=[data]), scratch)
        tune = found["jobs"]["tune"]

        assert tune["type"] == "sweep"
        assert tune["inputs"]["d"]["path"] == "${{parent.jobs.a.outputs.d}}"
        assert '--in "${{inputs.d}}" --rate "${{search_space.rate}}"' in tune["trial"]["command"]

    def test_mini_batches(self, scratch: Path) -> None:
        (Path("src") / "score.py").write_text("def run(batch): return batch\n")
        config = ParallelRunConfig(
            environment=RunConfiguration().environment, entry_script="score.py",
            source_directory="src", output_action="append_row", append_row_file_name="s.csv",
            mini_batch_size=PipelineParameter("size", "5"), node_count=2, error_threshold=3,
            process_count_per_node=4, run_max_try=2, run_invocation_timeout=30,
        )  # fmt: skip
        out = OutputFileDatasetConfig("scores")
        images = Dataset.File.from_files(("raw", "images")).as_named_input("images")
        step = ParallelRunStep("score", config, [images], out, arguments=["--note", "a b"])
        found = made(step, scratch)["jobs"]["score"]

        assert found["input_data"] == "${{inputs.images}}"
        assert found["mini_batch_size"] == "5"
        assert found["retry_settings"] == {"max_retries": 1, "timeout": 30}
        assert found["task"]["append_row_to"] == "${{outputs.scores}}/s.csv"
        assert found["task"]["program_arguments"] == "--note 'a b'"

    def test_rows_of_a_table(self, scratch: Path) -> None:
        Path("t.csv").write_text("n\n1\n")
        table = Dataset.Tabular.from_delimited_files("t.csv").as_named_input("t")
        config = ParallelRunConfig(RunConfiguration().environment, "a.py", source_directory="src")
        found = made(ParallelRunStep("score", config, [table]), scratch)["jobs"]["score"]

        given = found["inputs"]["t"]
        assert given["type"] == "mltable"
        assert list(mltable.load(given["path"]).to_pandas_dataframe().n) == [1]

    def test_rows_of_what_another_step_writes_are_refused(self, scratch: Path) -> None:
        written = OutputFileDatasetConfig("t").read_delimited_files()
        script("b", ["--out", written])
        config = ParallelRunConfig(RunConfiguration().environment, "a.py", source_directory="src")
        with pytest.raises(Unsupported, match="Write an MLTable"):
            made(ParallelRunStep("score", config, [written.as_named_input("t")]), scratch)

    def test_what_there_is_nothing_for_is_refused_when_it_is_used(self) -> None:
        from lazur.v1.pipeline.steps import DataTransferStep  # noqa: PLC0415

        with pytest.raises(Unsupported, match="DataTransferStep"):
            DataTransferStep(name="copy")

    def test_what_is_no_step_is_told(self) -> None:
        with pytest.raises(Invalid, match="a int is none"):
            Pipeline(None, [3])


class TestSchedules:
    def test_days_and_hours(self) -> None:
        found = ScheduleRecurrence("Week", 1, week_days=["Monday"], time_of_day="6:30").spec

        assert found["schedule"] == {"hours": [6], "minutes": [30], "weekdays": ["monday"]}
