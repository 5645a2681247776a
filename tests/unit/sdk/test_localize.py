from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from lazur.engine.tree import Manifest
from lazur.errors import SpecError
from lazur.sdk.localize import Localized, localize
from lazur.sdk.snapshot import take
from lazur.sdk.walk import lies_in
from lazur.spec.properties import DIFF


@pytest.fixture
def base(tmp_path: Path) -> Path:
    made = tmp_path / "project"
    for name, text in {
        "src/train.py": "print(1)",
        "data/a.csv": "1,2",
        "conda.yml": "name: x\ndependencies:\n- python=3.10\n",
        "context/Dockerfile": "FROM python:3.10",
        "common/util.py": "",
    }.items():
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text(text)
    return made


def files(made: Localized, reference: str) -> list[str]:
    """Paths of the tree; checks that the tree's blobs are all there."""
    assert reference.startswith("tree:")
    digest = reference.removeprefix("tree:")
    body = made.blobs[digest]
    assert digest in made.trees
    assert isinstance(body, bytes)
    found = Manifest.decode(body)
    assert set(found.blobs()) <= set(made.blobs)
    return [file.path for file in found.files]


def problems(base: Path, kind: str, **spec: Any) -> dict[str, str]:
    with pytest.raises(SpecError) as caught:
        localize(kind, spec, base)
    found: list[dict[str, Any]] = caught.value.details["diagnostics"]
    return {d["path"]: f"{d['message']} {d.get('hint', '')}" for d in found}


class TestWithin:
    """What somebody else wrote takes nothing from elsewhere."""

    @pytest.fixture
    def secret(self, base: Path) -> Path:
        made = base.parent / "secret"
        made.mkdir()
        (made / "id_rsa").write_text("s3cret")
        (made / "conda.yml").write_text("dependencies: []")
        (made / "step.yml").write_text("{type: command, command: x, code: .}")
        (base / "link").symlink_to(made)
        (base / "data" / "link").symlink_to(made / "id_rsa")
        return made

    @pytest.mark.parametrize("to", ["{there}", "../secret", "link", "src/../link", "file:{there}"])
    def test_neither_by_a_path_nor_by_a_link(self, base: Path, secret: Path, to: str) -> None:
        there = to.format(there=secret)
        component: list[tuple[str, dict[str, Any]]] = [
            ("code", {"code": there}),
            ("code", {"code": f"{there}/id_rsa"}),
            ("task.code", {"task": {"code": there}}),
            ("environment.conda_file", {"environment": {"conda_file": f"{there}/conda.yml"}}),
            ("environment.build.path", {"environment": {"build": {"path": there}}}),
            ("inputs.i.path", {"inputs": {"i": {"path": there}}}),
            ("trial", {"trial": f"{there}/step.yml"}),
            ("component", {"jobs": {"s": {"component": f"{there}/step.yml"}}}),
            ("code", {"jobs": {"s": {"code": there}}}),
            ("additional_includes[0]", {"code": "src", "additional_includes": [there]}),
            ("additional_includes[0]", {"additional_includes": [f"{there}.zip"]}),
        ]
        for field, spec in component:
            assert "leads out of the folder" in self._told(base, "component", field, spec)
        assert "leads out" in self._told(base, "data", "path", {"path": there})
        assert "leads out" in self._told(
            base, "environment", "conda_file", {"conda_file": f"{there}/conda.yml"}
        )

    def test_nor_by_a_link_deeper_inside(self, base: Path, secret: Path) -> None:
        assert "leaves the folder" in self._told(base, "data", "path", {"path": "data"})

    def test_nor_is_it_told_whether_something_is_there(self, base: Path) -> None:
        (base / "loop").symlink_to(base / "loop")
        (base.parent / "project2").mkdir()
        for path in ("../nothing", "../project2"):
            told = self._told(base, "data", "path", {"path": path})
            assert "leads out of the folder" in told
        assert "does not exist" in self._told(base, "data", "path", {"path": "loop"})
        assert not lies_in("a\0b", base)

    def test_no_repository_is_fetched(self, base: Path) -> None:
        spec = {"code": "git+file:///srv/private.git"}
        assert "is a repository" in self._told(base, "component", "code", spec)

    def test_what_lies_inside_is_taken(self, base: Path) -> None:
        (base / "inner").symlink_to(base / "src")
        (base / "step.yml").write_text("{type: command, command: x, code: src}")
        for spec in ({"code": "./inner"}, {"code": str(base / "src")}, {"trial": "step.yml"}):
            with localize("component", spec, base, within=base) as made:
                code = made.spec.get("trial", made.spec)["code"]
                assert files(made, code) == ["train.py"]

    @staticmethod
    def _told(base: Path, kind: str, field: str, spec: dict[str, Any]) -> str:
        with pytest.raises(SpecError) as caught:
            localize(kind, spec, base, within=base)
        (found,) = caught.value.details["diagnostics"]
        assert found["path"].endswith(field), (found, spec)
        return str(found["message"])


class TestInline:
    def test_a_component_that_stands_in_its_place_brings_its_code(self, base: Path) -> None:
        inner = {"type": "command", "code": "src", "environment": {"build": {"path": "context"}}}
        spec = {"jobs": {"a": {"component": inner}, "b": {"trial": inner}}}
        with localize("component", spec, base) as made:
            for found in (made.spec["jobs"]["a"]["component"], made.spec["jobs"]["b"]["trial"]):
                assert files(made, found["code"]) == ["train.py"]
                assert files(made, found["environment"]["build"]["path"]) == ["Dockerfile"]
        assert inner["code"] == "src"


class TestJob:
    def test_what_is_local_becomes_content(self, base: Path) -> None:
        spec = {
            "command": "python train.py",
            "code": "./src",
            "inputs": {
                "file": {"type": "uri_file", "path": "data/a.csv"},
                "folder": {"type": "uri_folder", "path": "file:data", "mode": "download"},
                "lr": 0.1,
                "text": "./src",
                "flag": {"value": "./src"},
                "group": {"inner": {"path": "data"}},
            },
            "environment": {"image": "python:3.10", "conda_file": "conda.yml"},
        }
        given = repr(spec)
        with localize("job", spec, base) as made:
            assert files(made, made.spec["code"]) == ["train.py"]
            inputs = made.spec["inputs"]
            assert files(made, inputs["file"]["path"]) == ["a.csv"]
            assert files(made, inputs["folder"]["path"]) == ["a.csv"]
            assert files(made, inputs["group"]["inner"]["path"]) == ["a.csv"]
            assert inputs["folder"]["mode"] == "download"
            assert (inputs["lr"], inputs["text"], inputs["flag"]) == (
                0.1,
                "./src",
                {"value": "./src"},
            )
            assert made.spec["environment"]["conda_file"] == {
                "name": "x",
                "dependencies": ["python=3.10"],
            }
        assert repr(spec) == given

    @pytest.mark.parametrize(
        "reference",
        [
            "azureml:data:1",
            "azureml:data@latest",
            "azureml://datastores/workspaceblobstore/paths/x/",
            "https://example.org/x.csv",
            "wasbs://c@a.blob.core.windows.net/x",
            "runs:/abc/model",
            "tree:" + "a" * 64,
            "${{parent.inputs.x}}",
            "azureml://jobs/a/outputs/b",
        ],
    )
    def test_references_stay_as_they_are(self, base: Path, reference: str) -> None:
        spec = {"inputs": {"x": {"path": reference}}, "environment": "azureml:env:1"}
        made = localize("job", spec, base, variables={})
        assert made.spec["inputs"] == spec["inputs"]
        assert made.blobs == {}

    def test_registered_code_stays_as_it_is(self, base: Path) -> None:
        assert localize("job", {"code": "azureml:code:1"}, base).spec["code"] == "azureml:code:1"

    def test_a_job_without_anything_local(self, base: Path) -> None:
        spec = {"command": "echo", "inputs": None, "environment": None}
        assert localize("job", spec, base).spec == spec

    def test_everything_below_a_folder_is_the_folder(self, base: Path) -> None:
        inputs = {"x": {"path": "data/**"}, "g": {"y": {"type": "uri_folder", "path": "data/**"}}}
        made = localize("job", {"inputs": inputs}, base)
        found = made.spec["inputs"]
        assert files(made, found["x"]["path"]) == ["a.csv"]
        assert found["g"]["y"]["path"] == found["x"]["path"]
        assert made.notes[0] == "inputs.x.path: `/**` is read as the whole folder."
        there = {"x": {"path": "azureml://datastores/d/paths/x/**"}}
        assert localize("job", {"inputs": there}, base).spec["inputs"] == there, "as the server is"

    def test_every_path_that_is_missing_is_named_at_once(self, base: Path) -> None:
        found = problems(
            base,
            "job",
            code="./scr",
            inputs={"x": {"path": "nowhere/at/all"}, "g": {"y": {"path": "dato"}}},
            environment={"conda_file": "conda.yaml", "build": {"path": "contex"}},
        )
        assert set(found) == {
            "code",
            "inputs.x.path",
            "inputs.g.y.path",
            "environment.conda_file",
            "environment.build.path",
        }
        assert "'./scr' does not exist Did you mean 'src'?" in found["code"]
        assert str(base / "nowhere/at/all") in found["inputs.x.path"]
        assert "conda.yml" in found["environment.conda_file"]

    def test_what_cannot_be_taken_is_reported_under_its_field(self, base: Path) -> None:
        (base / "src" / "leak").symlink_to("/etc/passwd")
        found = problems(base, "job", code="src", inputs={"x": {"path": "nosuch://x"}})
        assert "leak is a link that leaves" in found["code"]
        assert "scheme" in found["inputs.x.path"]

    def test_absolute_paths_are_taken(self, base: Path) -> None:
        made = localize("job", {"code": str(base / "src")}, Path("/"))
        assert files(made, made.spec["code"]) == ["train.py"]

    def test_gitignored_data_are_still_data(self, base: Path) -> None:
        (base / "data" / ".gitignore").write_text("*")
        made = localize("job", {"inputs": {"x": {"path": "data"}}}, base)
        assert "a.csv" in files(made, made.spec["inputs"]["x"]["path"])

    def test_hashes_are_remembered_in_the_home_folder(self, base: Path) -> None:
        cache = Path(os.environ["LAZUR_HOME"]) / "cache" / "hashes"
        localize("job", {"code": "src"}, base)
        assert not cache.exists()  # too fresh to be trusted
        with_settled_times = time.time_ns() + 10**10
        take(base / "src", cache=cache, now=lambda: with_settled_times)
        localize("job", {"code": "src"}, base)
        assert len(list(cache.iterdir())) == 1


class TestEnvironments:
    def test_a_build_context_becomes_a_tree(self, base: Path) -> None:
        build = {"path": "context", "dockerfile_path": "Dockerfile"}
        made = localize("environment", {"name": "e", "build": build}, base)
        assert files(made, made.spec["build"]["path"]) == ["Dockerfile"]
        assert made.spec["build"]["dockerfile_path"] == "Dockerfile"

    def test_a_conda_file_that_is_written_in_place_stays(self, base: Path) -> None:
        for value in ({"dependencies": []}, "name: x\ndependencies: []\n"):
            made = localize("environment", {"conda_file": value}, base)
            assert made.spec["conda_file"] == value

    def test_a_faulty_conda_file_is_shown_where_it_is_faulty(self, base: Path) -> None:
        (base / "conda.yml").write_text("a: [")
        with pytest.raises(SpecError, match=r"conda\.yml"):
            localize("environment", {"conda_file": "conda.yml"}, base)
        (base / "conda.yml").write_text("- a\n")
        assert "mapping" in problems(base, "environment", conda_file="conda.yml")["conda_file"]
        assert problems(base, "environment", conda_file="data")


class TestAssets:
    @pytest.mark.parametrize("kind", ["data", "model"])
    def test_a_path_becomes_a_tree(self, base: Path, kind: str) -> None:
        made = localize(kind, {"name": "d", "path": "data"}, base)
        assert files(made, made.spec["path"]) == ["a.csv"]
        assert "properties" not in made.spec

    def test_a_component_takes_its_includes_along(self, base: Path) -> None:
        spec = {"code": "src", "additional_includes": ["common", "./data/a.csv"]}
        made = localize("component", spec, base)
        assert files(made, made.spec["code"]) == ["a.csv", "common/util.py", "train.py"]
        assert "additional_includes" not in made.spec

    def test_includes_may_be_all_the_code_there_is(self, base: Path) -> None:
        made = localize("component", {"additional_includes": ["common"]}, base)
        assert files(made, made.spec["code"]) == ["common/util.py"]

    def test_missing_includes_are_named(self, base: Path) -> None:
        found = problems(base, "component", code="src", additional_includes=["common", "comon"])
        assert list(found) == ["additional_includes[1]"]

    def test_includes_need_a_local_folder(self, base: Path) -> None:
        found = problems(base, "component", code="azureml:c:1", additional_includes=["common"])
        assert "local folder" in found["additional_includes"]

    def test_inputs_of_a_component_are_declarations(self, base: Path) -> None:
        spec = {
            "inputs": {"x": {"type": "uri_folder", "default": "data"}, "n": {"type": "number"}}
        }
        assert localize("component", spec, base).spec == spec


class TestGit:
    @pytest.fixture
    def repository(self, base: Path) -> Path:
        for arguments in (
            ["init", "-q", "-b", "main"],
            ["add", "."],
            ["-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-q", "-m", "x"],
        ):
            subprocess.run(["git", *arguments], cwd=base, check=True)
        return base

    def test_a_job_is_told_where_its_code_comes_from(self, repository: Path) -> None:
        spec = {"code": "src", "properties": {"azureml.git.dirty": "mine", "own": "kept"}}
        properties = localize("job", spec, repository).spec["properties"]
        assert properties["mlflow.source.git.branch"] == "main"
        assert len(properties["mlflow.source.git.commit"]) == 40
        assert properties["azureml.git.dirty"] == "mine"
        assert properties["own"] == "kept"
        assert DIFF not in properties

    def test_uncommitted_changes_are_a_tree_of_their_own(self, repository: Path) -> None:
        (repository / "src" / "train.py").write_text("print(2)")
        made = localize("job", {"code": "src"}, repository)
        assert files(made, made.spec["properties"][DIFF]) == ["uncommitted.diff"]
        assert made.git is not None
        assert made.git.diff in made.blobs.values()

    def test_a_repository_on_this_machine_is_not_cloned(
        self, repository: Path, tmp_path: Path
    ) -> None:
        found = problems(tmp_path, "job", code=f"git+file://{repository}")
        assert "not an address that code is fetched from" in found["code"]

    def test_a_job_outside_of_git_has_no_properties(self, base: Path) -> None:
        made = localize("job", {"code": "src"}, base, variables={})
        assert "properties" not in made.spec
        assert made.git is None


class TestForms:
    """Components that hold others, and code in other places than a command's."""

    def test_a_step_in_another_file_stands_in_its_place(self, base: Path) -> None:
        (base / "steps").mkdir()
        step = "type: command\nname: s\ncommand: ls\ncode: ../src\nenvironment: azureml:e:1\n"
        (base / "steps" / "s.yml").write_text(step)
        jobs = {
            "a": {"type": "command", "component": "./steps/s.yml"},
            "b": {"component": "azureml:s:1", "inputs": {"x": {"path": "data/a.csv"}}},
        }
        made = localize("component", {"type": "pipeline", "name": "p", "jobs": jobs}, base)
        steps = made.spec["jobs"]
        assert files(made, steps["a"]["component"]["code"]) == ["train.py"]
        assert steps["b"]["component"] == "azureml:s:1"
        assert files(made, steps["b"]["inputs"]["x"]["path"]) == ["a.csv"]

    def test_one_that_is_a_step_of_itself(self, base: Path) -> None:
        (base / "p.yml").write_text("type: pipeline\njobs:\n  a: {component: ./p.yml}\n")
        found = problems(base, "component", type="pipeline", jobs={"a": {"component": "p.yml"}})
        assert "leads back" in str(found)

    def test_a_step_that_is_not_there(self, base: Path) -> None:
        found = problems(base, "component", type="pipeline", jobs={"a": {"component": "./no.yml"}})
        assert "does not exist" in str(found)

    def test_a_parallel_task(self, base: Path) -> None:
        task = {
            "code": "src",
            "entry_script": "train.py",
            "environment": {"conda_file": "conda.yml"},
        }
        made = localize("component", {"type": "parallel", "name": "p", "task": task}, base)
        assert files(made, made.spec["task"]["code"]) == ["train.py"]
        assert made.spec["task"]["environment"]["conda_file"]["name"] == "x"

    def test_a_folder_is_included_as_a_zip_file(self, base: Path) -> None:
        spec = {"type": "command", "code": "src", "additional_includes": ["common.zip", "data"]}
        made = localize("component", spec, base)
        assert files(made, made.spec["code"]) == ["common.zip", "data/a.csv", "train.py"]
        again = localize("component", dict(spec), base)
        assert again.spec["code"] == made.spec["code"]
