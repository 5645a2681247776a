"""Many models registered together."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from lazur.errors import Conflict, Forbidden, Invalid, LazurError, NotFound
from lazur.services.assets import assets, registered_models
from lazur.services.base import events
from lazur.services.base.access import Grant, Principal
from lazur.services.base.roles import Role
from lazur.services.jobs import jobs
from lazur.services.people import audits
from lazur.services.resources import registries
from lazur.services.resources.shelves import Registry
from lazur.services.results import lineage, many_models
from lazur.services.schedules import schedules
from lazur.store import workspaces
from lazur.store.mlflow import registry
from lazur.store.pages import Query
from tests.site import ENVIRONMENT, TestSite, call, command, put_tree

SPACE = "ws-1"
FILES = {f"{shop}/{product}.json": f"{shop}{product}" for shop in (1, 2) for product in "ab"}
ASKED = {"files": "{Shop}/{Product}.json", "name": "sales-{Shop}-{Product}"}


def tree(site: TestSite, files: dict[str, str] = FILES) -> str:
    return f"tree:{put_tree(site, {path: text.encode() for path, text in files.items()})}"


def register(site: TestSite, **asked: Any) -> dict[str, Any]:
    return call(site, many_models.register, "default", {"path": tree(site), **ASKED, **asked})


def get(site: TestSite, name: str, version: str = "@latest") -> dict[str, Any]:
    return call(site, assets.get, "default", "models", name, version, write=False)


def deeds(site: TestSite) -> list[dict[str, Any]]:
    query = Query(filters={"kind": "models"})
    return call(site, audits.find, "default", query, write=False)["value"]


class TestRegister:
    def test_each_file_is_a_model_with_its_partition_as_tags(self, site: TestSite) -> None:
        told = register(site, tags={"team": "sales"}, description="weekly")
        assert (told["count"], told["registered"], told["unchanged"]) == (4, 4, 0)
        found = get(site, "sales-1-b")
        assert found["tags"] == {"Shop": "1", "Product": "b", "team": "sales"}
        assert found["path"] == f"{tree(site)}/1/b.json"
        assert (found["version"], found["description"]) == ("1", "weekly")
        assert found["type"] == "custom_model"

    def test_again_is_once(self, site: TestSite) -> None:
        register(site)
        told = register(site)
        assert (told["registered"], told["unchanged"]) == (0, 4)
        assert [one["version"] for one in told["value"]] == ["1"] * 4

    def test_where_one_has_changed_that_one_alone_is_new(self, site: TestSite) -> None:
        register(site)
        path = tree(site, {**FILES, "2/a.json": "better"})
        told = register(site, path=path)
        assert [one["name"] for one in told["value"] if one["new"]] == ["sales-2-a"]
        assert get(site, "sales-2-a")["version"] == "2"
        assert get(site, "sales-1-a")["version"] == "1"

    def test_folders_are_models_too(self, site: TestSite) -> None:
        files = {"Shop=1/m/x": "1", "Shop=1/m/y": "2", "Shop=2/m/x": "3", "top": "no"}
        asked = {"files": "Shop={Shop}/m/", "name": "m{Shop}"}
        told = register(site, path=tree(site, files), **asked)
        assert [one["name"] for one in told["value"]] == ["m1", "m2"]
        assert told["value"][0]["path"].endswith("/Shop=1/m")
        told = register(site, path=tree(site, {**files, "Shop=1/m/y": "9"}), **asked)
        assert [one["new"] for one in told["value"]] == [True, False]

    def test_they_may_be_listed(self, site: TestSite) -> None:
        listed = [{"name": "x", "path": "1/a.json", "tags": {"a": "b"}}]
        asked = {"path": tree(site), "models": listed, "tags": {"c": "d"}}
        told = call(site, many_models.register, "default", asked)
        assert told["value"][0]["tags"] == {"a": "b", "c": "d"}
        elsewhere = [{"name": "y", "path": "s3://bucket/y.json"}]
        call(site, many_models.register, "default", {"models": elsewhere})
        assert get(site, "y")["path"] == "s3://bucket/y.json"

    def test_a_registry_has_them_for_all(self, site: TestSite) -> None:
        call(site, registries.create, {"name": "shared"})
        asked = {"path": tree(site), **ASKED}
        told = call(site, many_models.register, Registry("shared"), asked)
        assert told["registered"] == 4
        assert told["value"][0]["id"] == "azureml://registries/shared/models/sales-1-a/versions/1"
        found = call(site, assets.get, Registry("shared"), "models", "sales-1-a", "1", write=False)
        assert found["tags"] == {"Shop": "1", "Product": "a"}
        again = call(site, many_models.register, Registry("shared"), asked)
        assert (again["registered"], again["unchanged"]) == (0, 4)
        more = {**asked, "path": tree(site, {**FILES, "1/a.json": "better"})}
        assert call(site, many_models.register, Registry("shared"), more)["registered"] == 1
        with pytest.raises(NotFound):
            get(site, "sales-1-a")

    @pytest.mark.parametrize(
        "more, said",
        [
            ({"metrics_of": "p"}, "a registry has no jobs"),
            ({"path": "azureml://jobs/p/outputs/models"}, "lies in a workspace"),
        ],
    )
    def test_a_registry_takes_nothing_of_a_workspace(
        self, site: TestSite, more: dict[str, str], said: str
    ) -> None:
        call(site, registries.create, {"name": "shared"})
        asked = {"path": tree(site), **ASKED}
        with pytest.raises(LazurError, match=said):
            call(site, many_models.register, Registry("shared"), {**asked, **more})

    def test_a_dry_run_only_tells(self, site: TestSite) -> None:
        told = register(site, dry_run=True)
        assert (told["registered"], told["dry_run"]) == (4, True)
        with pytest.raises(NotFound):
            get(site, "sales-1-a")

    def test_they_are_in_mlflows_registry_and_it_agrees(self, site: TestSite) -> None:
        register(site)
        with site.context() as context:
            registered_models.agree(context, 1)
            found = registry.versions(context.db, SPACE)
            tags = registry.tags(context.db, SPACE, ["sales-1-a"])
        assert {v.name for v in found} == {f"sales-{s}-{p}" for s in (1, 2) for p in "ab"}
        assert found[0].source.startswith("mlflow-artifacts:/workspaces/ws-1/RegisteredModels/")
        assert tags == {("sales-1-a", 1): {"Shop": "1", "Product": "a"}}
        assert get(site, "sales-1-a")["etag"] == "1"

    def test_a_number_that_mlflow_has_given_is_not_given_again(self, site: TestSite) -> None:
        version = registry.Version(
            "sales-1-a", 7, 5, None, "bob", "None", "s3://b", "s3://b", None
        )
        with site.context() as context:
            registry.put(context.db, SPACE, version, 5)
        register(site)
        assert get(site, "sales-1-a")["version"] == "8"
        assert get(site, "sales-1-a", "7")["path"] == "s3://b"


class TestAtOnce:
    def test_two_who_register_the_same_register_it_once(self, site: TestSite) -> None:
        files = {f"{n}.json": str(n) for n in range(40)}
        asked = {"path": tree(site, files), "files": "{n}.json", "name": "m{n}"}
        with ThreadPoolExecutor(4) as pool:
            told = list(
                pool.map(lambda _: call(site, many_models.register, "default", asked), range(4))
            )
        assert sorted(one["registered"] for one in told) == [0, 0, 0, 40]
        assert {one["version"] for answer in told for one in answer["value"]} == {"1"}


class TestOfAJob:
    @pytest.fixture
    def job(self, site: TestSite) -> str:
        """A parallel job that has written and measured its models."""
        code = tree(site, {"train.py": "def run(m): return m"})
        spec: dict[str, Any] = {
            "type": "parallel",
            "name": "trained",
            "inputs": {"files": {"type": "uri_folder", "path": code}},
            "outputs": {"models": {"type": "uri_folder"}},
            "input_data": "${{inputs.files}}",
            "task": {"code": code, "entry_script": "train.py", "environment": ENVIRONMENT},
        }
        call(site, jobs.submit, "default", spec)
        place = site.home.datastore("default", "workspaceblobstore") / "azureml/trained/models"
        for path, model in FILES.items():
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            (place / path).write_text(model)
        kept = site.home.artifacts("default", "trained") / "system_logs" / "parallel"
        kept.mkdir(parents=True)
        done = {"s": 0.1, "n": 1, "c": 1, "k": {"Product": "a", "Shop": 2}, "m": {"rmse": 0.25}}
        (kept / "ledger.jsonl").write_text(json.dumps({"d": 0, **done}) + "\n")
        return "azureml://jobs/trained/outputs/models"

    def test_figures_and_lineage_come_along(self, site: TestSite, job: str) -> None:
        register(site, path=job)
        found = get(site, "sales-2-a")
        assert found["properties"] == {"metrics.rmse": "0.25"}
        assert found["job_name"] == "trained"
        assert get(site, "sales-1-a")["properties"] == {}
        told = call(site, lineage.show, "default", "model:sales-2-a:1", write=False)
        assert "job:trained" in {edge["source"] for edge in told["edges"]}

    def test_by_its_address_it_is_the_same(self, site: TestSite, job: str) -> None:
        register(site, path=job)
        place = "azureml://datastores/workspaceblobstore/paths/azureml/trained/models/"
        assert register(site, path=place)["unchanged"] == 4

    def test_who_may_not_read_runs_gets_no_figures(self, site: TestSite, job: str) -> None:
        narrow = Role("Registrar", ("workspaces/read", "workspaces/models/*"))
        who = Principal("rob", "user", (Grant(narrow, None),))
        asked = {"path": job, **ASKED}
        call(site, many_models.register, "default", asked, who=who)
        assert get(site, "sales-2-a")["properties"] == {}
        with pytest.raises(Forbidden):
            call(
                site, many_models.register, "default", {**asked, "metrics_of": "trained"}, who=who
            )


class TestWhatWaits:
    def test_a_schedule_hears_of_them_once(self, site: TestSite) -> None:
        trigger = {"type": "event", "event": "model_registered", "name": "sales-*"}
        spec = {"trigger": trigger, "create_job": command()}
        call(site, schedules.put, "default", "s", spec)
        register(site)
        found = call(site, schedules.runs, "default", "s", Query(), write=False)["value"]
        assert [run["event"]["name"] for run in found] == ["sales-1-a"]


class TestTags:
    def test_models_are_found_by_their_partition(self, site: TestSite) -> None:
        register(site)
        query = Query(filters={"tag": ["Shop=2", "Product"]})
        found = call(site, assets.find, "default", "models", query, write=False)["value"]
        assert [one["name"] for one in found] == ["sales-2-a", "sales-2-b"]


class TestWhatIsKept:
    def test_each_has_a_history_and_the_log_one_deed(self, site: TestSite) -> None:
        register(site)
        with site.context(write=False) as context:
            home = workspaces.by_id(context.db, 1)
            assert home is not None
            assert [e["type"] for e in events.of(context, home, "models", "sales-1-a")] == [
                "created"
            ]
        log = call(site, audits.find, "default", Query(filters={"kind": "models"}), write=False)[
            "value"
        ]
        assert [(row["action"], row["name"]) for row in log] == [("registered", ASKED["name"])]
        told = log[0]["data"]
        assert told["count"] == 4
        assert (told["first"], told["last"]) == ("sales-1-a:1", "sales-2-b:1")

    def test_a_second_time_is_no_deed(self, site: TestSite) -> None:
        register(site)
        register(site)
        log = call(site, audits.find, "default", Query(filters={"kind": "models"}), write=False)[
            "value"
        ]
        assert len(log) == 1


class TestRefused:
    def test_all_or_none_with_each_problem(self, site: TestSite) -> None:
        path = tree(site, {**FILES, "3 x/a.json": "x", "con/a.json": "y"})
        with pytest.raises(Invalid, match="2 of the models cannot be") as told:
            register(site, path=path, name="{Shop}.{Product}")
        assert "3 x/a.json: name: '3 x.a' is not a name" in told.value.message
        with pytest.raises(NotFound):
            get(site, "1.a")

    def test_two_with_one_name(self, site: TestSite) -> None:
        with pytest.raises(Invalid, match="is 'sales-1', too"):
            register(site, name="sales-{Shop}")

    @pytest.mark.parametrize(
        "asked, why",
        [
            ({"files": "{Shop}/{Brand}.json"}, "{Product} is not in `files`"),
            ({"files": "{Shop}/{Product}.pkl"}, "none of the 4 in"),
            ({"files": "{Shop}{Product}"}, "nothing between them"),
            ({"name": None}, "Which models"),
            ({"models": []}, "give one of the two"),
            ({"path": "./here"}, "your own machine"),
            ({"path": "s3://bucket/x"}, "does not lie on this server"),
            ({"tags": ["x"]}, "tags must be a mapping"),
            ({"verison": 1}, "is no field"),
        ],
    )
    def test_what_nobody_can_read(self, site: TestSite, asked: dict[str, Any], why: str) -> None:
        with pytest.raises(Invalid, match=why.replace("{", r"\{")):
            register(site, **asked)

    def test_a_prompt_has_the_name(self, site: TestSite) -> None:
        from_prompt = {"key": "mlflow.prompt.is_prompt", "value": "true"}
        with site.context() as context:
            registry.sql.execute(
                context.db,
                "INSERT INTO registered_models (workspace, name) VALUES (:w, :n)",
                {"w": SPACE, "n": "sales-1-a"},
            )
            registry.sql.execute(
                context.db,
                "INSERT INTO registered_model_tags (key, value, name, workspace) "
                "VALUES (:key, :value, :n, :w)",
                {**from_prompt, "w": SPACE, "n": "sales-1-a"},
            )
        with pytest.raises(Conflict, match="is a prompt"):
            register(site)
        with pytest.raises(NotFound):
            get(site, "sales-2-b")

    def test_who_may_not_write_models(self, site: TestSite) -> None:
        reader = Principal.of("rob", "user", "Reader")
        with pytest.raises(Forbidden):
            call(site, many_models.register, "default", {"path": tree(site), **ASKED}, who=reader)
