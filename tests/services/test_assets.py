"""Versions of assets: what is kept of what was asked for."""

from __future__ import annotations

import re
from typing import Any

import pytest

from lazur.errors import BlobsMissing, Invalid, NotFound, Unsupported
from lazur.services.assets import asset_files, assets, sharing
from lazur.services.assets.versions import digest
from lazur.services.base import workspaces
from lazur.services.base.access import Principal
from lazur.services.looks.questions import Question, find
from lazur.services.resources import registries
from lazur.services.resources.shelves import Registry
from lazur.services.results import asset_trash
from lazur.store import tables
from lazur.store.mlflow import registry, sql
from lazur.testing.fakes import Engine
from tests.services.test_edges import edges, run
from tests.site import TestSite, call, put_tree, submit


def create(site: TestSite, kind: str, shelf: Any = "default", **spec: Any) -> dict[str, Any]:
    return call(site, assets.create, shelf, kind, spec)


def get(site: TestSite, kind: str, name: str, version: str = "1") -> dict[str, Any]:
    return call(site, assets.get, "default", kind, name, version, write=False)


def content(site: TestSite) -> str:
    return f"tree:{put_tree(site, {'weights': b'1'})}"


class TestModelsWithoutAType:
    def test_are_custom_models(self, site: TestSite) -> None:
        assert create(site, "models", name="m", path=content(site))["type"] == "custom_model"
        assert get(site, "models", "m")["type"] == "custom_model"

    def test_are_what_others_are_made_of(self, site: TestSite) -> None:
        create(site, "models", name="m", path=content(site))
        made = create(site, "models", name="n", path="azureml:m:1")
        assert (made["path"], made["type"]) == (content(site), "custom_model")

    def test_also_out_of_a_registry(self, site: TestSite) -> None:
        call(site, registries.create, {"name": "shared"})
        create(site, "models", name="m", path=content(site))
        call(site, sharing.share, "default", "models", "m", "1", {"registry": "shared"})
        path = "azureml://registries/shared/models/m/versions/1"
        assert create(site, "models", name="n", path=path)["type"] == "custom_model"
        made = create(site, "models", Registry("shared"), name="n", path=path)
        assert made["type"] == "custom_model"

    def test_of_an_earlier_server_are_the_same_again(self, site: TestSite) -> None:
        create(site, "models", name="m", path=content(site))
        earlier = {"path": content(site)}
        with site.db.write() as db:
            db.execute(tables.assets.update().values(spec=earlier, digest=digest(earlier)))
        assert get(site, "models", "m")["type"] == "custom_model"
        for asked in ({}, {"version": "1"}, {"type": "custom_model"}):
            assert create(site, "models", name="m", path=content(site), **asked)["version"] == "1"


LOCAL = {
    "an input": ({"inputs": {"rows": {"path": "./local"}}}, "jobs.a.inputs.rows.path"),
    "a group": ({"inputs": {"g": {"rows": {"path": "./local"}}}}, "jobs.a.inputs.g.rows.path"),
    "a component": ({"component": "./local"}, "jobs.a.component"),
    "a trial": ({"type": "sweep", "trial": "./local"}, "jobs.a.trial"),
    "an environment": ({"environment": "./local"}, "jobs.a.environment"),
    "a step of a step": (
        {"component": {"jobs": {"b": {"inputs": {"rows": {"path": "./local"}}}}}},
        "jobs.a.component.jobs.b.inputs.rows.path",
    ),
}


SWEEP: dict[str, Any] = {
    "search_space": {"x": {"type": "choice", "values": [1]}},
    "objective": {"goal": "minimize", "primary_metric": "loss"},
    "limits": {"max_total_trials": 1},
}


def pipeline(site: TestSite, name: str = "p", **step: Any) -> dict[str, Any]:
    """With one step, which is a command unless it says otherwise."""
    if not {"component", "trial"} & step.keys():
        step = {"command": "true", **step}
    inputs = {"rows": {"type": "uri_folder"}}
    jobs = {"a": step}
    return create(site, "components", name=name, type="pipeline", inputs=inputs, jobs=jobs)


class TestStepsOfComponents:
    @pytest.mark.parametrize("step, where", LOCAL.values(), ids=LOCAL)
    def test_local_paths_are_refused(
        self, site: TestSite, step: dict[str, Any], where: str
    ) -> None:
        with pytest.raises(Invalid, match=rf"^{re.escape(where)}: './local'"):
            pipeline(site, **step)

    def test_a_sweeps_trial_is_no_file(self, site: TestSite) -> None:
        with pytest.raises(Invalid, match=r"^trial: './x.yml'"):
            create(site, "components", name="s", type="sweep", trial="./x.yml", **SWEEP)

    def test_trees_have_to_be_there(self, site: TestSite) -> None:
        with pytest.raises(BlobsMissing):
            pipeline(site, inputs={"rows": {"type": "uri_folder", "path": f"tree:{'0' * 64}"}})

    def test_what_is_there_and_what_comes_later_is_taken(self, site: TestSite) -> None:
        inputs = {
            "rows": {"type": "uri_folder", "path": content(site)},
            "earlier": {"path": "${{parent.inputs.rows}}"},
            "text": "./only a text",
            "number": 3,
        }
        made = pipeline(site, component="azureml:c:1", inputs=inputs)
        assert made["jobs"]["a"]["inputs"] == inputs


OWN = {
    "an environment": ({"environment": "azureml:e@latest"}, "jobs.a.environment"),
    "a component": ({"component": "azureml:c:1"}, "jobs.a.component"),
    "a data asset": ({"inputs": {"rows": {"path": "azureml:d:1"}}}, "jobs.a.inputs.rows.path"),
}


def share(site: TestSite, name: str = "p") -> dict[str, Any]:
    return call(site, sharing.share, "default", "components", name, "1", {"registry": "shared"})


class TestSharedSteps:
    @pytest.mark.parametrize("step, where", OWN.values(), ids=OWN)
    def test_what_is_the_workspaces_own_is_refused(
        self, site: TestSite, step: dict[str, Any], where: str
    ) -> None:
        call(site, registries.create, {"name": "shared"})
        pipeline(site, **step)
        with pytest.raises(Invalid, match=rf"^{re.escape(where)}: .* is this workspace's own"):
            share(site)

    def test_what_lies_in_a_store_of_it_is_refused_or_copied(self, site: TestSite) -> None:
        call(site, registries.create, {"name": "shared"})
        pipeline(site, inputs={"rows": {"path": "azureml://jobs/j/outputs/o"}})
        with pytest.raises(Unsupported, match=r"^jobs\.a\.inputs\.rows\.path: .* lies in this"):
            share(site)
        there = site.home.datastore("default", "workspaceblobstore") / "rows"
        there.mkdir(parents=True)
        (there / "a.csv").write_text("a,b")
        path = "azureml://datastores/workspaceblobstore/paths/rows"
        pipeline(site, name="q", inputs={"rows": {"path": path}})
        made = share(site, "q")["jobs"]["a"]["inputs"]["rows"]["path"]
        assert made == f"tree:{put_tree(site, {'a.csv': b'a,b'})}"
        assert get(site, "components", "q")["jobs"]["a"]["inputs"]["rows"]["path"] == path

    def test_what_everybody_can_read_goes_along(self, site: TestSite) -> None:
        call(site, registries.create, {"name": "shared"})
        step = {
            "component": "azureml://registries/shared/components/c/versions/1",
            "environment": "azureml://registries/azureml/environments/sklearn-1.5/labels/latest",
            "inputs": {
                "web": {"type": "uri_file", "path": "https://example.org/a.csv"},
                "bound": {"path": "${{parent.inputs.rows}}"},
            },
        }
        assert pipeline(site, **step)["jobs"] == share(site)["jobs"]


def labels(site: TestSite, kind: str, version: str) -> list[str]:
    return get(site, kind, "x", version)["labels"]


class TestLabelsInTheTrash:
    @pytest.fixture(params=["models", "environments"])
    def kind(self, request: pytest.FixtureRequest, site: TestSite) -> str:
        kind: str = request.param
        for number in ("1", "2"):
            path = f"tree:{put_tree(site, {'a': number.encode()})}"
            spec = {"path": path} if kind == "models" else {"image": f"x:{number}"}
            create(site, kind, name="x", **spec)
        update(site, kind, "1", ["best", "old"])
        call(site, asset_trash.delete, "default", kind, "x", "1")
        return kind

    def test_are_not_seen_meanwhile(self, site: TestSite, kind: str) -> None:
        with pytest.raises(NotFound) as caught:
            get(site, kind, "x", "@best")
        assert caught.value.hint == "Known labels: latest."

    def test_are_back_with_their_version(self, site: TestSite, kind: str) -> None:
        call(site, asset_trash.restore, "default", kind, "x", "1")
        assert labels(site, kind, "1") == ["best", "old"]
        assert get(site, kind, "x", "@best")["version"] == "1"
        if kind == "models":
            assert aliases(site) == {("x", "best"): 1, ("x", "old"): 1}

    def test_stay_with_the_version_that_got_them_since(self, site: TestSite, kind: str) -> None:
        update(site, kind, "2", ["best"])
        call(site, asset_trash.restore, "default", kind, "x", "1")
        assert (labels(site, kind, "1"), labels(site, kind, "2")) == (["old"], ["best"])
        if kind == "models":
            assert aliases(site) == {("x", "best"): 2, ("x", "old"): 1}

    def test_go_with_it_for_good(self, site: TestSite, kind: str) -> None:
        call(site, asset_trash.purge, "default", kind, {"names": ["x"]})
        with site.db.read() as db:
            assert not db.execute(tables.labels.select()).all()


def update(site: TestSite, kind: str, version: str, wanted: list[str]) -> None:
    call(site, assets.update, "default", kind, "x", version, {"labels": wanted})


def aliases(site: TestSite) -> dict[tuple[str, str], int]:
    with site.db.read() as db:
        return registry.aliases(db, "ws-1", ["x"])


class TestMadeByJobs:
    """They are the work of the person whose job it was."""

    @pytest.mark.parametrize("kind, type_", [("data", "uri_folder"), ("models", "custom_model")])
    def test_an_output_that_was_given_a_name(
        self, site: TestSite, engine: Engine, kind: str, type_: str
    ) -> None:
        bea = Principal.of("bea", "user", "Owner")
        run(site, engine, who=bea, outputs={"o": {"type": type_, "name": "scores"}})
        assert get(site, kind, "scores")["creation_context"]["created_by"] == "bea"

    def test_what_its_own_script_registers(self, site: TestSite) -> None:
        submit(site, name="j", who=Principal.of("bea", "user", "Owner"))
        asked = {"name": "x", "path": content(site)}
        made = call(
            site, assets.create, "default", "models", asked, who=Principal.of_job("default", "j")
        )
        assert made["creation_context"]["created_by"] == "bea"


LOG = """
INSERT INTO logged_models (model_id, experiment_id, name, artifact_location,
  creation_timestamp_ms, last_updated_timestamp_ms, status, lifecycle_stage, source_run_id)
SELECT 'm-1', experiment_id, 'net', artifact_uri || '/net', 1, 1, 2, 'active', run_uuid
FROM runs
"""


class TestRunsOfOthers:
    @pytest.fixture
    def theirs(self, site: TestSite) -> TestSite:
        """A run in another workspace that logged the model `net`."""
        call(site, workspaces.create, {"name": "other"})
        submit(site, "other", name="theirs")
        with site.db.write() as db:
            sql.execute(db, LOG, {})
        return site

    @pytest.mark.parametrize(
        "path", ["runs:/{}/net", "azureml://jobs/{}/outputs/artifacts/paths/net"]
    )
    def test_are_like_none(self, theirs: TestSite, path: str) -> None:
        said: set[str] = set()
        for name in ("theirs", "nobody"):
            with pytest.raises(NotFound) as caught:
                create(theirs, "models", name="x", path=path.format(name))
            said.add(f"{caught.value} {caught.value.hint}".replace(name, "NAME"))
        assert len(said) == 1

    def test_are_found_where_they_are(self, theirs: TestSite) -> None:
        made = create(theirs, "models", "other", name="x", path="runs:/theirs/net")
        assert made["job_name"] == "theirs"


class TestDataOfJobs:
    @pytest.fixture
    def job(self, site: TestSite, engine: Engine) -> str:
        """It has left a file in its output `data`, and one in its artifacts."""
        name = run(site, engine, name="train", outputs={"data": {"type": "uri_folder"}})
        for folder in (
            site.home.datastore("default", "workspaceblobstore") / f"azureml/{name}/data",
            site.home.artifacts("default", name) / "data",
        ):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "a.csv").write_text("a,b")
        return name

    @pytest.mark.parametrize(
        "path",
        ["azureml://jobs/{}/outputs/data", "azureml:{}:outputs/data", "runs:/{}/data"],
    )
    def test_are_there(self, site: TestSite, job: str, path: str) -> None:
        made = create(site, "data", name="x", path=path.format(job))
        assert made["path"].startswith("azureml://datastores/workspace")
        assert "job_name" not in made
        files = call(site, asset_files.find, "default", "data", "x", "1", write=False)["value"]
        assert [file["path"] for file in files] == ["a.csv"]
        assert question(site).path.endswith("data")
        assert ("jobs:train", "path", "data:x:1") in edges(site)

    @pytest.mark.parametrize(
        "path, said",
        [
            ("azureml://jobs/nope/outputs/x", "path: there is no job 'nope' here"),
            ("azureml://jobs/train/outputs/x", "path: job 'train' has no output 'x'"),
            ("runs:/nope/x", "path: there is no run 'nope' here"),
            ("azureml:nope:1", "There is no data asset named 'nope'"),
            ("azureml://registries/shared/data/nope/versions/1", "no data asset named 'nope'"),
        ],
    )
    def test_what_is_not_there_is_said(
        self, site: TestSite, job: str, path: str, said: str
    ) -> None:
        call(site, registries.create, {"name": "shared"})
        with pytest.raises(NotFound, match=said):
            create(site, "data", name="x", path=path)

    def test_another_asset_is_what_that_is(self, site: TestSite) -> None:
        call(site, registries.create, {"name": "shared"})
        spec = {"type": "mltable", "path": content(site)}
        create(site, "data", Registry("shared"), name="y", **spec)
        create(site, "data", name="y", **spec)
        for path in ("azureml:y@latest", "azureml://registries/shared/data/y/versions/1"):
            made = create(site, "data", name="x", path=path)
            assert (made["type"], made["path"]) == ("mltable", content(site))
        other = create(site, "data", name="x", type="uri_folder", path="azureml:y:1")
        assert (other["version"], other["type"]) == ("2", "uri_folder")

    def test_what_has_no_files_is_no_data(self, site: TestSite) -> None:
        create(site, "environments", name="e", image="x:1")
        with pytest.raises(Invalid, match="has no path"):
            create(site, "data", name="x", path="azureml://environments/e/versions/1")

    def test_in_a_registry_they_are_refused(self, site: TestSite, job: str) -> None:
        call(site, registries.create, {"name": "shared"})
        with pytest.raises(Unsupported, match="lies in a workspace") as caught:
            create(site, "data", Registry("shared"), name="x", path=f"runs:/{job}/data")
        assert "lazur data share" in str(caught.value.hint)


def question(site: TestSite) -> Question:
    return call(site, find, "default", "x", "1", "preview", write=False)
