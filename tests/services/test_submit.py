"""What a job may refer to, and what submitting freezes."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from lazur.engine.plan import Demand
from lazur.errors import BlobsMissing, Conflict, Invalid, LazurError, NotFound, Unsupported
from lazur.services.assets import assets
from lazur.services.base import workspaces
from lazur.services.base.access import Principal
from lazur.services.base.job_views import size_text, waiting_for
from lazur.services.jobs import jobs, plans
from lazur.store import jobs as store
from lazur.store import tables
from lazur.testing.fakes import Engine
from tests.site import Server, TestSite, call, put_tree, submit

CURATED = "azureml://registries/azureml/environments/sklearn-1.5"


@pytest.fixture
def tree(site: TestSite) -> str:
    return put_tree(site, {"main.py": b"print(1)", "data/a.csv": b"a,b", "data/b.csv": b"c,d"})


def plan_of(site: TestSite, name: str) -> Any:
    Server(site).settle()
    with site.db.read() as db:
        row = store.by_id(db, store.id_of(db, "default", name) or 0)
    assert row is not None
    return plans.make(site, row)


def asset(site: TestSite, kind: str, **spec: Any) -> Any:
    return call(site, assets.create, "default", kind, spec)


class TestEnvironments:
    @pytest.mark.parametrize(
        "written",
        [
            {"image": "python:3.11"},
            {"image": "python:3.11", "conda_file": {"dependencies": ["python=3.11", "pip"]}},
            "azureml:e:1",
            "azureml:e@latest",
            "azureml:e",
            f"{CURATED}/labels/latest",
            f"{CURATED}/versions/1",
            "azureml:AzureML-sklearn-1.0-ubuntu20.04-py38-cpu@latest",
        ],
        ids=str,
    )
    def test_every_form_is_understood_or_told(self, site: TestSite, written: Any) -> None:
        asset(site, "environments", name="e", image="python:3.11")
        assert submit(site, environment=written)["status"] in ("Preparing", "Queued")

    @pytest.mark.parametrize(
        "written, error",
        [
            ("azureml:nope:1", NotFound),
            ("azureml:e:2", NotFound),
            ("azureml:e@stable", NotFound),
            ("azureml://registries/other/environments/e/versions/1", NotFound),
            (f"{CURATED}/labels/old", NotFound),
            ("azureml:e:1/x", LazurError),
            ("./env.yml", Invalid),
            ({"build": {"path": "./ctx"}}, Invalid),
        ],
    )
    def test_what_is_not_there_is_told(
        self, site: TestSite, written: Any, error: type[LazurError]
    ) -> None:
        asset(site, "environments", name="e", image="python:3.11")
        with pytest.raises(error) as caught:
            submit(site, environment=written)
        assert caught.value.message

    @pytest.mark.parametrize(
        "written, said",
        [
            ("azureml:sklearn-1.5@stable", "has no label 'stable'"),
            ("azureml:sklearn-1.5:abc", "has no version abc"),
        ],
    )
    def test_a_curated_one_without_that_version_is_told_from_one_that_is_not_there(
        self, site: TestSite, written: str, said: str
    ) -> None:
        with pytest.raises(NotFound, match=said):
            submit(site, environment=written)

    def test_an_environment_that_serves_for_another_is_told(self, site: TestSite) -> None:
        asked = "AzureML-lightgbm-3.2-ubuntu18.04-py37-cpu"
        (told,) = submit(site, environment=f"azureml:{asked}:9")["warnings"]
        assert told.startswith(
            f"The environment {asked} of the registry azureml is not here: lightgbm-3.3:1 serves."
        )
        assert "LightGBM is 4.6 or newer" in told

    @pytest.mark.parametrize(
        "written",
        [f"{CURATED}/versions/29", "azureml:sklearn-1.5:29", "azureml:AzureML-sklearn-1.5:7"],
    )
    def test_microsofts_count_of_builds_is_told_and_served(
        self, site: TestSite, written: str
    ) -> None:
        made = submit(site, environment=written)
        (told,) = [note for note in made["warnings"] if "version" in note]
        assert "has no version" in told
        assert "version 1 serves" in told
        assert not [
            note
            for note in submit(site, environment=f"{CURATED}/versions/1")["warnings"]
            if "version" in note
        ]

    def test_a_context_of_requirements_is_understood(self, site: TestSite) -> None:
        context = put_tree(
            site,
            {
                "Dockerfile": b"FROM python:3.11\nCOPY requirements.txt .\n"
                b"RUN pip install -r requirements.txt\n",
                "requirements.txt": b"attrs==23.1.0\n",
            },
        )
        submit(site, name="j", environment={"build": {"path": f"tree:{context}"}})
        Server(site).settle()

    def test_an_image_that_must_be_built_is_not_served_here(self, site: TestSite) -> None:
        context = put_tree(site, {"Dockerfile": b"FROM x\nRUN apt-get install -y cowsay\n"})
        with pytest.raises(Unsupported, match="image builder"):
            submit(site, environment={"build": {"path": f"tree:{context}"}})

    def test_variables_of_the_environment_come_before_the_jobs_own(self, site: TestSite) -> None:
        asset(
            site,
            "environments",
            name="e",
            image="python:3.11",
            environment_variables={"A": "env", "B": "env"},
        )
        submit(
            site, name="j", environment="azureml:e:1", environment_variables={"B": "job", "C": 1}
        )
        variables = plan_of(site, "j").variables
        assert {k: variables[k] for k in "ABC"} == {"A": "env", "B": "job", "C": "1"}

    def test_it_is_told_where_datastores_are(self, site: TestSite) -> None:
        """For `azureml://datastores/…` in MLTable files."""
        submit(site, name="j")
        told = json.loads(plan_of(site, "j").variables["LAZUR_DATASTORES"])
        assert told["workspaceblobstore"] == str(
            site.home.datastore("default", "workspaceblobstore")
        )
        assert len(told) == 4

    def test_latest_is_what_it_was_at_the_submit(self, site: TestSite) -> None:
        asset(site, "environments", name="e", image="python:3.11")
        submit(site, name="j", environment="azureml:e@latest")
        before = call(site, jobs.get, "default", "j")
        asset(site, "environments", name="e", image="python:3.12")
        assert call(site, jobs.get, "default", "j")["environment"] == before["environment"]


class TestCode:
    def test_a_tree_and_a_folder_in_it(self, site: TestSite, tree: str) -> None:
        submit(site, name="whole", code=f"tree:{tree}")
        assert plan_of(site, "whole").code.tree == tree
        submit(site, name="part", code=f"tree:{tree}/data")
        part = put_tree(site, {"a.csv": b"a,b", "b.csv": b"c,d"})
        assert plan_of(site, "part").code.tree == part

    def test_a_registered_asset(self, site: TestSite, tree: str) -> None:
        asset(site, "codes", name="c", path=f"tree:{tree}")
        submit(site, name="j", code="azureml:c:1")
        assert plan_of(site, "j").code.tree == tree

    @pytest.mark.parametrize("written", ["./src", "git+https://example.org/x", "/etc"])
    def test_what_was_not_uploaded_is_told(self, site: TestSite, written: str) -> None:
        with pytest.raises(Invalid, match="not uploaded"):
            submit(site, code=written)

    def test_missing_blobs_are_listed_and_nothing_is_kept(self, site: TestSite, tree: str) -> None:
        with pytest.raises(BlobsMissing) as caught:
            submit(site, name="j", code="tree:" + "0" * 64)
        assert caught.value.details["missing"] == ["0" * 64]
        with pytest.raises(NotFound):
            call(site, jobs.get, "default", "j")


class TestInputs:
    def test_literals_are_text(self, site: TestSite) -> None:
        given = {"a": 1, "b": 0.5, "c": True, "d": "x y", "e": {"value": False}}
        command = "${{inputs.a}} ${{inputs.b}} ${{inputs.c}} ${{inputs.d}} ${{inputs.e}}"
        submit(site, name="j", inputs=given, command=command)
        values = plan_of(site, "j").values
        assert {k: values[f"inputs.{k}"] for k in "abcde"} == {
            "a": "1",
            "b": "0.5",
            "c": "True",
            "d": "x y",
            "e": "False",
        }
        assert values["name"] == "j"

    def test_every_place_is_resolved(self, site: TestSite, tree: str, engine: Engine) -> None:
        asset(site, "data", name="d", type="uri_folder", path=f"tree:{tree}/data")
        asset(site, "data", name="f", type="uri_file", path=f"tree:{tree}/data/a.csv")
        submit(site, name="before", outputs={"o": {}})
        store_ = site.home.datastore("default", "workspaceblobstore")
        given = {
            "tree": {"type": "uri_folder", "path": f"tree:{tree}"},
            "file": {"type": "uri_file", "path": f"tree:{tree}/data/a.csv"},
            "asset": {"type": "uri_folder", "path": "azureml:d:1"},
            "newest": {"type": "uri_folder", "path": "azureml:d@latest"},
            "asset_file": {"type": "uri_file", "path": "azureml:f:1"},
            "store": {"path": "azureml://datastores/workspaceblobstore/paths/x/y"},
            "job": {"path": "azureml://jobs/before/outputs/o"},
            "artifacts": {"path": "azureml://jobs/before/outputs/artifacts/paths/outputs"},
            "web": {"type": "uri_file", "path": "https://example.org/a.csv"},
            "direct": {"path": "s3://bucket/x", "mode": "direct"},
        }
        used = " ".join(f"${{{{inputs.{key}}}}}" for key in given)
        submit(site, name="j", inputs=given, command=f"ls {used}")
        found = {i.name: i for i in plan_of(site, "j").inputs}
        assert found["tree"].source.tree == tree
        assert found["file"].file
        assert found["asset"].source.tree == found["newest"].source.tree
        assert found["asset"].source.tree not in (None, tree)
        assert found["asset_file"].file
        assert found["store"].source.path == str(store_ / "x/y")
        assert found["job"].source.path == str(store_ / "azureml/before/o")
        assert found["artifacts"].source.path == str(
            site.home.artifacts("default", "before") / "outputs"
        )
        assert found["web"].source.remote == "https://example.org/a.csv"
        assert found["direct"].source.uri == "s3://bucket/x"

    @pytest.mark.parametrize(
        "path, error",
        [
            ("azureml:nope:1", NotFound),
            ("azureml://datastores/nope/paths/x", NotFound),
            ("azureml://jobs/nope/outputs/o", NotFound),
            ("azureml://datastores/workspaceblobstore/paths/../../secret", LazurError),
            ("./local", Invalid),
            ("/etc/passwd", Invalid),
            ("file:///etc/passwd", LazurError),
            ("sftp://host/x", Unsupported),
            ("tree:" + "0" * 64, BlobsMissing),
        ],
    )
    def test_what_cannot_be_read_is_told_with_its_place(
        self, site: TestSite, path: str, error: type[LazurError]
    ) -> None:
        with pytest.raises(error) as caught:
            submit(site, inputs={"data": {"path": path}}, command="ls ${{inputs.data}}")
        told = str(caught.value) + str(caught.value.details)
        assert "data" in told

    def test_an_id_of_another_workspace_here_is_refused(self, site: TestSite, tree: str) -> None:
        """There may be something of that name in both."""
        call(site, workspaces.create, {"name": "other"})
        there = "azureml:/subscriptions/s/resourceGroups/g/providers/"
        there += "Microsoft.MachineLearningServices/workspaces/{}"
        asset(site, "data", name="d", version="1", path=f"tree:{tree}")
        data = f"{there}/data/d/versions/1"
        inputs = {"d": {"type": "uri_folder", "path": data.format("Other")}}
        with pytest.raises(Invalid, match=r"inputs.d.path names data/d of .* 'Other'.*'default'"):
            submit(site, name="j", inputs=inputs)
        with pytest.raises(Invalid, match=r"compute names computes/local of .* 'other'"):
            submit(site, name="j", compute=f"{there}/computes/local".format("other"))
        environment = f"{there}/environments/e/versions/1".format("other")
        with pytest.raises(Invalid, match="environment names"):
            asset(site, "components", name="c", command="true", environment=environment)
        inputs["d"]["path"] = data.format("default")
        made = submit(
            site, name="j", compute=f"{there}/computes/local".format("default"), inputs=inputs
        )
        assert made["warnings"] == []

    def test_one_of_a_workspace_of_azures_names_what_is_here(
        self, site: TestSite, tree: str
    ) -> None:
        """Files that were written for a workspace there are taken unchanged."""
        asset(site, "data", name="d", version="1", path=f"tree:{tree}")
        there = "azureml:/subscriptions/s/resourceGroups/g/providers/"
        there += "Microsoft.MachineLearningServices/workspaces/prod/data/d/versions/1"
        made = submit(site, name="j", inputs={"d": {"type": "uri_folder", "path": there}})
        (said,) = made["warnings"]
        assert said.startswith(
            "inputs.d.path names data/d of the workspace 'prod' (subscription 's'"
        )
        assert said.endswith("which is not here: what is called so in 'default' is taken.")

    def test_that_a_workspace_is_there_is_told_to_those_who_may_know(
        self, site: TestSite, tree: str
    ) -> None:
        call(site, workspaces.create, {"name": "other"})
        asset(site, "data", name="d", version="1", path=f"tree:{tree}")
        tom = Principal.of("tom", "user", "Contributor", "default")
        there = "azureml:/subscriptions/s/resourceGroups/g/workspaces/other/data/d/versions/1"
        made = submit(site, who=tom, inputs={"d": {"type": "uri_folder", "path": there}})
        assert "which is not here" in made["warnings"][0]

    def test_data_of_another_workspace_is_not_there(self, site: TestSite, tree: str) -> None:
        call(site, workspaces.create, {"name": "other"})
        asset(site, "data", name="d", type="uri_folder", path=f"tree:{tree}")
        submit(site, name="theirs", outputs={"o": {}})
        for path in ("azureml:d:1", "azureml://jobs/theirs/outputs/o"):
            with pytest.raises(NotFound):
                submit(site, "other", inputs={"x": {"path": path}}, command="ls ${{inputs.x}}")


class TestNamedPlaces:
    def test_paths_of_inputs_hold_the_jobs_name_as_those_of_outputs_do(
        self, site: TestSite
    ) -> None:
        place = "azureml://datastores/${{default_datastore}}/paths/in/${{name}}"
        given = {"d": {"type": "uri_folder", "path": place}, "day": "monday"}
        out = {"path": f"{place}/${{{{inputs.day}}}}/${{{{output_name}}}}"}
        command = "ls ${{inputs.d}}; echo ${{default_datastore}}"
        made = submit(site, name="j", inputs=given, outputs={"o": out}, command=command)
        assert made["inputs"]["d"]["path"] == place, "what is kept is what was written"
        plan = plan_of(site, "j")
        store_ = site.home.datastore("default", "workspaceblobstore")
        assert [i.source.path for i in plan.inputs] == [str(store_ / "in/j")]
        assert plan.values["default_datastore"] == "workspaceblobstore"
        top = "azureml://datastores/workspaceblobstore/paths/in"
        assert made["outputs"]["o"]["path"] == f"{top}/j/monday/o"
        with site.db.read() as db:
            edges = db.execute(tables.lineage.select()).all()
        (source,) = [edge.source_name for edge in edges if edge.role == "inputs.d"]
        assert source == f"{top}/j"

    def test_an_input_does_not_lead_an_output_out_of_its_place(self, site: TestSite) -> None:
        out = {"path": "azureml://datastores/workspaceblobstore/paths/x/${{inputs.day}}"}
        with pytest.raises(LazurError, match="leaves its place"):
            submit(site, inputs={"day": "../../secret"}, outputs={"o": out})

    def test_everything_below_a_folder_is_the_folder(self, site: TestSite) -> None:
        path = "azureml://datastores/workspaceblobstore/paths/x/**"
        made = submit(site, name="j", inputs={"d": {"path": path}}, command="ls ${{inputs.d}}")
        assert [note for note in made["warnings"] if "/**" in note]
        store_ = site.home.datastore("default", "workspaceblobstore")
        assert [i.source.path for i in plan_of(site, "j").inputs] == [str(store_ / "x")]


class TestOutputs:
    def test_a_place_of_its_own_or_the_one_given(self, site: TestSite) -> None:
        base = "azureml://datastores/workspaceblobstore/paths"
        outputs = {"a": {}, "b": {"path": f"{base}/models/${{{{name}}}}", "type": "uri_folder"}}
        made = submit(site, name="j", outputs=outputs)
        assert made["outputs"]["a"]["path"] == f"{base}/azureml/j/a/"
        assert made["outputs"]["b"]["path"] == f"{base}/models/j"
        assert made["outputs"]["default"]["path"].endswith("ExperimentRun/dcid.j")

    @pytest.mark.parametrize(
        "path",
        [
            "s3://bucket/x",
            "sftp://host/x",
            "https://example.org/x",
            "azureml://datastores/nope/paths/x",
            "azureml://datastores/workspaceblobstore/paths/../../x",
            "/tmp/x",
        ],
    )
    def test_places_that_cannot_be_written_are_refused(self, site: TestSite, path: str) -> None:
        with pytest.raises(LazurError):
            submit(site, outputs={"o": {"path": path}})


class TestNames:
    def test_a_name_is_made_where_none_is_given(self, site: TestSite) -> None:
        names = {submit(site)["name"] for _ in range(20)}
        assert len(names) == 20

    def test_a_name_is_taken_once_in_a_workspace(self, site: TestSite) -> None:
        call(site, workspaces.create, {"name": "other"})
        submit(site, name="j")
        with pytest.raises(Conflict) as caught:
            submit(site, name="j")
        assert "'j'" in caught.value.message
        assert caught.value.hint
        assert submit(site, "other", name="j")["id"] == "/workspaces/other/jobs/j"


class TestCompute:
    @pytest.mark.parametrize("name", [None, "local", "serverless", "azureml:local", "LOCAL"])
    def test_this_machine_has_several_names(self, site: TestSite, name: str | None) -> None:
        more: dict[str, Any] = {} if name is None else {"compute": name}
        made = submit(site, **more)
        assert (made["compute"], made["warnings"]) == ("local", [])

    def test_an_unknown_one_is_stood_in_for_and_told(self, site: TestSite) -> None:
        made = submit(site, compute="azureml:gpu-cluster")
        assert made["compute"] == "local"
        assert any("gpu-cluster" in warning for warning in made["warnings"])

    def test_a_site_may_refuse_unknown_ones(self, site: TestSite) -> None:
        site.unknown_compute = ""
        with pytest.raises(NotFound) as caught:
            submit(site, compute="gpu-cluster")
        assert "local" in (caught.value.hint or "")

    def test_more_cores_than_there_are_is_a_wish(self, site: TestSite, engine: Engine) -> None:
        engine.capacity = Demand(cpus=2)
        made = submit(site, resources={"properties": {"cpus": 64}})
        assert any("64 cores" in warning for warning in made["warnings"])

    @pytest.mark.parametrize("asked", [{"gpus": 2}, {"memory": "64GB"}])
    def test_more_memory_or_gpus_than_there_are_is_an_error(
        self, site: TestSite, engine: Engine, asked: dict[str, Any]
    ) -> None:
        engine.capacity = Demand(cpus=2, memory=8 << 30, gpus=1)
        with pytest.raises(Invalid) as caught:
            submit(site, resources={"properties": asked})
        assert "in all" in caught.value.message
        assert "bytes" not in caught.value.message

    def test_what_is_asked_for_is_for_each_node(self, site: TestSite, engine: Engine) -> None:
        engine.capacity = Demand(cpus=8, memory=8 << 30, gpus=4)
        asked = {"cpus": 2, "memory": "2GB", "gpus": 1}
        made = submit(site, resources={"instance_count": 3, "properties": asked})
        with site.db.read() as db:
            row = store.by_id(db, store.id_of(db, "default", made["name"]) or 0)
        assert row is not None
        assert (row.cpus, row.memory, row.gpus) == (6, 6 << 30, 3)

    def test_nodes_that_fit_alone_may_not_fit_together(
        self, site: TestSite, engine: Engine
    ) -> None:
        engine.capacity = Demand(cpus=8, memory=8 << 30)
        with pytest.raises(Invalid) as caught:
            submit(site, resources={"instance_count": 2, "properties": {"memory": "6GB"}})
        assert "12 GB of memory for its 2 nodes" in caught.value.message
        assert "has 8 GB in all" in caught.value.message

    def test_cores_that_nobody_asked_for_are_no_warning(
        self, site: TestSite, engine: Engine
    ) -> None:
        engine.capacity = Demand(cpus=2)
        made = submit(site, resources={"instance_count": 3})
        assert not any("cores" in warning for warning in made["warnings"])


class TestSizes:
    @pytest.mark.parametrize(
        "size, text",
        [(0, "0 bytes"), (1000, "1000 bytes"), (4 << 30, "4 GB"), (3 << 29, "1.5 GB")],
    )
    def test_they_read_as_they_are_written(self, size: int, text: str) -> None:
        assert size_text(size) == text


class TestPlace:
    @pytest.mark.parametrize(
        "position, place",
        [
            (0, "next in line"),
            (1, "about 1 job is before it"),
            (2, "about 2 jobs are before it"),
        ],
    )
    def test_it_is_told_in_words(self, position: int, place: str) -> None:
        row: Any = SimpleNamespace(
            state="Queued",
            compute_name="local",
            cpus=2,
            gpus=1,
            memory=4 << 30,
            cancel_requested=False,
        )
        told = waiting_for(row, position)
        assert told == f"free slots on compute 'local' (2 cores, 1 GPU, 4 GB of memory); {place}"


class TestValidate:
    def test_it_checks_and_does_nothing(self, site: TestSite) -> None:
        spec = {"type": "command", "command": "true", "environment": {"image": "python:3.11"}}
        told = call(site, jobs.validate, "default", {**spec, "compute": "nope"})
        assert any("nope" in warning for warning in told["warnings"])
        with pytest.raises(NotFound):
            call(site, jobs.validate, "default", {**spec, "environment": "azureml:nope:1"})
        with site.db.read() as db:
            assert store.next_due(db, "here") is None
