"""A purge respects lineage: what something came of stays, or leaves its name behind."""

from __future__ import annotations

from typing import Any

import pytest

from lazur.engine.lineage import Edge, Node
from lazur.errors import Conflict, NotFound
from lazur.services.assets import assets, sharing
from lazur.services.base import workspaces
from lazur.services.base.access import Grant, Principal
from lazur.services.base.roles import BUILT_IN
from lazur.services.keeping import workspace_trash
from lazur.services.resources import registries
from lazur.services.resources.shelves import Registry
from lazur.services.results import asset_trash
from lazur.services.tracking import trash
from lazur.store import lineage as store
from lazur.testing.fakes import Engine
from tests.services.test_edges import asset, edges, run
from tests.services.test_lineage import impact, show, steps
from tests.site import TestSite, call, submit

FILE = {"type": "uri_file", "path": "https://example.org/rows.csv"}
USE = {"rows": {"type": "uri_file", "path": "azureml:y:1"}}


@pytest.fixture
def used(site: TestSite, engine: Engine) -> TestSite:
    """data:y:1 → job train → model:x:1, and data:y in the trash."""
    asset(site, "data", name="y", **FILE)
    run(site, engine, name="train", inputs=USE)
    asset(site, "models", name="x", type="custom_model", path="runs:/train/model")
    call(site, asset_trash.delete, "default", "data", "y")
    return site


def purge(site: TestSite, **asked: Any) -> Any:
    return call(site, asset_trash.purge, "default", "data", asked)


def purge_run(site: TestSite, name: str) -> None:
    call(site, trash.delete, "default", {"runs": [name]})
    call(site, trash.purge, "default", {"runs": [name]})
    assert trash.finish(site)


class TestAssets:
    def test_what_a_job_came_of_is_kept(self, used: TestSite) -> None:
        with pytest.raises(Conflict) as caught:
            purge(used, names=["y"])
        assert caught.value.details["needed"] == {"y:1": ["job:train"]}
        assert "--force" in (caught.value.hint or "")

    def test_a_purge_of_all_leaves_it_and_says_so(self, used: TestSite) -> None:
        asset(used, "data", name="loose", **FILE)
        call(used, asset_trash.delete, "default", "data", "loose")
        for asked in ({"dry_run": True}, {}):
            told = purge(used, **asked)
            assert [one["name"] for one in told["purged"]] == ["loose"]
            assert [(one["name"], one["needed_by"]) for one in told["kept"]] == [
                ("y", ["job:train"])
            ]

    def test_by_force_its_name_stays(self, used: TestSite) -> None:
        (digest,) = [one["digest"] for one in _nodes(used, "job:train") if one["id"] == "data:y:1"]
        purge(used, names=["y"], force=True)
        (node,) = [node for node in _nodes(used, "model:x:1") if node["name"] == "y"]
        assert node["state"] == "purged"
        assert (node["version"], node["purged_by"], node["digest"]) == ("1", "ann", digest)
        assert show(used, "data:y:1")["root"] == node["id"]
        assert show(used, node["id"])["root"] == node["id"]
        assert {one["id"] for one in impact(used, "data:y:1")["affected"]} == {
            "job:train",
            "model:x:1",
        }

    def test_another_of_its_name_is_another_thing(self, used: TestSite) -> None:
        purge(used, names=["y"], force=True)
        asset(used, "data", name="y", version="1", type="uri_file", path="https://example.org/new")
        assert impact(used, "data:y:1")["affected"] == []
        assert "https://example.org/new" not in steps(show(used, "model:x:1"))

    def test_what_nothing_came_of_leaves_nothing(self, site: TestSite) -> None:
        asset(site, "data", name="y", **FILE)
        assert edges(site)
        call(site, asset_trash.delete, "default", "data", "y")
        purge(site)
        assert edges(site) == set()
        with pytest.raises(NotFound):
            show(site, "data:y:1")

    def test_what_goes_together_needs_no_force(self, site: TestSite) -> None:
        asset(site, "data", name="a", **FILE)
        call(site, registries.create, {"name": "shelf"})
        call(site, sharing.share, "default", "data", "a", "1", {"registry": "shelf"})
        call(site, asset_trash.delete, "default", "data", "a")
        with pytest.raises(Conflict, match="azureml://registries/shelf/data/a/versions/1 came of"):
            purge(site, names=["a"])
        call(site, asset_trash.delete, Registry("shelf"), "data", "a")
        purge(site, names=["a"])
        call(site, asset_trash.purge, Registry("shelf"), "data", {"names": ["a"]})
        assert edges(site) == set()

    def test_who_needs_it_elsewhere_has_no_name(self, site: TestSite) -> None:
        asset(site, "data", name="y", **FILE)
        call(site, registries.create, {"name": "shelf"})
        call(site, workspaces.create, {"name": "theirs"})
        call(site, sharing.share, "default", "data", "y", "1", {"registry": "shelf"})
        path = "azureml://registries/shelf/data/y/versions/1"
        inputs = {"rows": {"type": "uri_file", "path": path}}
        submit(site, "theirs", name="secret", inputs=inputs)
        keeper = Principal("kim", "user", (Grant(BUILT_IN["Owner"], registry="shelf"),))
        call(site, asset_trash.delete, Registry("shelf"), "data", "y", who=keeper)
        with pytest.raises(Conflict) as caught:
            call(site, asset_trash.purge, Registry("shelf"), "data", {"names": ["y"]}, who=keeper)
        assert caught.value.details["needed"] == {"y:1": ["something that you may not see"]}


class TestJobs:
    def test_one_that_nothing_came_of_leaves_nothing(self, site: TestSite, engine: Engine) -> None:
        outputs = {"o": {"type": "uri_folder"}}
        run(site, engine, name="lonely", outputs=outputs)
        assert edges(site)
        purge_run(site, "lonely")
        assert edges(site) == set()

    def test_one_that_something_came_of_keeps_its_name(
        self, site: TestSite, engine: Engine
    ) -> None:
        run(site, engine, name="first", outputs={"out": {"type": "uri_folder"}})
        path = "azureml://jobs/first/outputs/out"
        run(site, engine, name="second", inputs={"x": {"type": "uri_folder", "path": path}})
        purge_run(site, "first")
        (node,) = [node for node in _nodes(site, "job:second") if node["name"] == "first"]
        assert (node["state"], node["purged_by"]) == ("purged", "ann")
        assert show(site, "job:first")["root"] == node["id"]
        submit(site, name="first")
        assert steps(show(site, "job:first")) == {"job:first": 0}
        purge_run(site, "second")
        assert {target for _, _, target in edges(site)} == {"jobs:first"}


class TestWorkspaces:
    def test_a_purged_one_takes_its_edges_along_at_both_ends(self, site: TestSite) -> None:
        call(site, workspaces.create, {"name": "theirs"})
        call(site, registries.create, {"name": "shelf"})
        call(site, assets.create, "theirs", "data", {"name": "y", **FILE})
        call(site, sharing.share, "theirs", "data", "y", "1", {"registry": "shelf"})
        path = "azureml://registries/shelf/data/y/versions/1"
        submit(site, name="here", inputs={"rows": {"type": "uri_file", "path": path}})
        kept = {edge for edge in edges(site) if edge[2] == "jobs:here"}
        call(site, workspace_trash.delete, "theirs", permanently=True)
        assert workspace_trash.finish(site)
        assert edges(site) == kept


class TestStore:
    def test_a_row_of_the_purged_is_forgotten_with_the_last_that_needed_it(
        self, site: TestSite
    ) -> None:
        one, two, three = (Node(1, "jobs", name) for name in "abc")
        with site.db.write() as db:
            store.add(db, [Edge(one, two, "inputs.x"), Edge(two, three, "inputs.x")], 1.0, "ann")
            store.bury(db, one, 2.0)
            store.bury(db, two, 3.0)
        assert len(edges(site)) == 2
        with site.db.write() as db:
            store.bury(db, three, 4.0)
        assert edges(site) == set()


def _nodes(site: TestSite, of: str) -> list[dict[str, Any]]:
    return show(site, of)["nodes"]


class TestNamedByComponents:
    """Without an edge: the component was there before, or names what has been replaced since."""

    @pytest.fixture(params=["azureml:e@latest", "azureml:e@good", "azureml:e"])
    def component(self, request: pytest.FixtureRequest, site: TestSite) -> TestSite:
        step = {"command": "true", "environment": request.param}
        asset(site, "components", name="c", type="pipeline", jobs={"a": step})
        asset(site, "environments", name="e", image="x:1", labels=["good"])
        return site

    def test_the_last_that_answers_to_it_is_kept(self, component: TestSite) -> None:
        call(component, asset_trash.delete, "default", "environments", "e")
        with pytest.raises(Conflict) as caught:
            free(component, names=["e"])
        assert caught.value.details["needed"] == {"e:1": ["component:c:1"]}
        assert free(component)["kept"][0]["needed_by"] == ["component:c:1"]
        assert free(component, force=True)["purged"]

    def test_what_another_version_stands_in_for_is_not(self, component: TestSite) -> None:
        asset(component, "environments", name="e", image="x:2", labels=["good"])
        call(component, asset_trash.delete, "default", "environments", "e", "1")
        assert free(component, names=["e"])["purged"]

    def test_nor_is_what_a_component_in_the_trash_names(self, component: TestSite) -> None:
        for kind, name in (("environments", "e"), ("components", "c")):
            call(component, asset_trash.delete, "default", kind, name)
        assert free(component, names=["e"])["purged"]

    def test_nor_another_kind_of_the_same_name(self, component: TestSite) -> None:
        asset(component, "data", name="e", **FILE)
        call(component, asset_trash.delete, "default", "data", "e")
        assert purge(component, names=["e"])["purged"]

    def test_what_a_step_named_when_it_was_registered_is_kept(self, site: TestSite) -> None:
        asset(site, "environments", name="e", image="x:1")
        inputs = {"r": {"path": "azureml:y:1"}}
        step = {"command": "true", "environment": "azureml:e@latest", "inputs": inputs}
        asset(site, "data", name="y", **FILE)
        asset(site, "components", name="c", type="pipeline", jobs={"a": step})
        assert {
            ("environments:e:1", "jobs.a.environment", "components:c:1"),
            ("data:y:1", "jobs.a.inputs.r.path", "components:c:1"),
        } <= edges(site)
        asset(site, "environments", name="e", image="x:2")
        call(site, asset_trash.delete, "default", "environments", "e", "1")
        with pytest.raises(Conflict, match="component:c:1 came of e:1"):
            free(site, names=["e"])


def free(site: TestSite, **asked: Any) -> Any:
    return call(site, asset_trash.purge, "default", "environments", asked)
