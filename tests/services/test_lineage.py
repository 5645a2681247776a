"""What something came of and what came of it, as one person may see it."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from lazur.errors import Forbidden, Invalid, NotFound
from lazur.services.assets import sharing
from lazur.services.base import workspaces
from lazur.services.base.access import Grant, Principal
from lazur.services.base.roles import BUILT_IN
from lazur.services.keeping import workspace_trash
from lazur.services.resources import registries
from lazur.services.results import lineage
from lazur.testing.fakes import Engine
from tests.services.test_edges import asset, run
from tests.site import OWNER, TestSite, call, submit

FILE = {"type": "uri_file", "path": "https://example.org/rows.csv"}
WEB = "https://example.org/rows.csv"


@pytest.fixture
def chain(site: TestSite, engine: Engine) -> TestSite:
    """data:y:1 → job train → model:x:1 → job score → data:scores:1"""
    asset(site, "data", name="y", **FILE)
    inputs = {"rows": {"type": "uri_file", "path": "azureml:y:1"}}
    run(site, engine, name="train", inputs=inputs)
    asset(site, "models", name="x", type="custom_model", path="runs:/train/model")
    inputs = {"model": {"type": "custom_model", "path": "azureml:x:1"}}
    outputs = {"out": {"type": "uri_folder", "name": "scores"}}
    run(site, engine, name="score", inputs=inputs, outputs=outputs)
    return site


def show(
    site: TestSite,
    of: str,
    kind: str | None = None,
    direction: str = "both",
    depth: int = 10,
    who: Principal = OWNER,
    workspace: str = "default",
) -> Any:
    with site.context(who, write=False) as context:
        return lineage.show(context, workspace, of, kind, direction, depth)


def impact(site: TestSite, of: str, who: Principal = OWNER, workspace: str = "default") -> Any:
    with site.context(who, write=False) as context:
        return lineage.impact(context, workspace, of)


def steps(graph: Any) -> dict[str, int]:
    """How far each is; environments left out."""
    nodes = graph["nodes"]
    return {node["id"]: node["distance"] for node in nodes if node["kind"] != "build"}


def reader_in(*places: Grant) -> Principal:
    return Principal("rea", "user", places)


reads = partial(Grant, BUILT_IN["Reader"])


class TestShow:
    def test_all_that_led_to_it_and_all_that_followed(self, chain: TestSite) -> None:
        assert steps(show(chain, "model:x:1")) == {
            WEB: -3,
            "data:y:1": -2,
            "job:train": -1,
            "model:x:1": 0,
            "job:score": 1,
            "data:scores:1": 2,
        }

    def test_one_way_and_some_steps(self, chain: TestSite) -> None:
        assert steps(show(chain, "model:x:1", direction="down", depth=1)) == {
            "model:x:1": 0,
            "job:score": 1,
        }
        up = show(chain, "model:x:1", direction="up", depth=2)
        assert min(steps(up).values()) == -2
        assert up["truncated"]
        assert not show(chain, "model:x:1", direction="up")["truncated"]

    def test_edges_say_as_what_when_and_by_whom(self, chain: TestSite) -> None:
        edges = {
            (edge["source"], edge["role"], edge["target"], edge["by"])
            for edge in show(chain, "job:train", depth=1)["edges"]
        }
        assert ("data:y:1", "inputs.rows", "job:train", "ann") in edges
        assert ("job:train", "path", "model:x:1", "ann") in edges

    def test_nodes_say_what_is_there_now(self, chain: TestSite) -> None:
        nodes = {node["id"]: node for node in show(chain, "model:x:1")["nodes"]}
        assert nodes["job:score"]["status"] == "Completed"
        assert nodes["job:score"]["created_by"] == "ann"
        assert nodes["data:y:1"]["state"] == "there"
        assert nodes["data:y:1"]["workspace"] == "default"

    @pytest.mark.parametrize(
        "written, kind",
        [
            ("model:x:1", None),
            ("model:x@latest", None),
            ("model:x", None),
            ("models:x:1", None),
            ("azureml:x:1", "model"),
            ("azureml:x@latest", "models"),
            ("azureml://models/x/versions/1", None),
            ("/workspaces/default/models/x/versions/1", None),
        ],
    )
    def test_it_may_be_named_in_any_way(
        self, chain: TestSite, written: str, kind: str | None
    ) -> None:
        assert show(chain, written, kind)["root"] == "model:x:1"

    @pytest.mark.parametrize(
        "written, root",
        [
            (WEB, WEB),
            (f"{WEB}?sig=other", WEB),
            ("azureml://jobs/train/outputs/artifacts", "job:train"),
            ("runs:/score/x", "job:score"),
            ("/workspaces/default/jobs/train", "job:train"),
        ],
    )
    def test_jobs_and_addresses_too(self, chain: TestSite, written: str, root: str) -> None:
        assert show(chain, written)["root"] == root

    def test_every_id_is_a_name_for_it(self, chain: TestSite) -> None:
        for node in show(chain, "model:x:1")["nodes"]:
            assert show(chain, node["id"])["root"] == node["id"]

    @pytest.mark.parametrize(
        "written, error",
        [
            ("model:nope:1", NotFound),
            ("model:x:9", NotFound),
            ("job:nope", NotFound),
            ("https://example.org/never", NotFound),
            ("tree:" + "0" * 64, NotFound),
            ("azureml://registries/nope/models/x/versions/1", NotFound),
            ("/workspaces/nope/models/x/versions/1", NotFound),
            ("/workspaces/default/computes/x", Invalid),
            ("azureml:x:1", Invalid),
            ("./local", Invalid),
            ("registry:x", Invalid),
        ],
    )
    def test_what_is_not_there_is_told(
        self, chain: TestSite, written: str, error: type[Exception]
    ) -> None:
        with pytest.raises(error):
            show(chain, written)

    @pytest.mark.parametrize("direction, depth", [("left", 1), ("up", 0), ("up", 51)])
    def test_what_is_asked_wrongly_is_told(
        self, chain: TestSite, direction: str, depth: int
    ) -> None:
        with pytest.raises(Invalid):
            show(chain, "model:x:1", direction=direction, depth=depth)

    def test_a_circle_ends(self, chain: TestSite, engine: Engine) -> None:
        """Two places that jobs copy to and fro."""
        place = "azureml://datastores/workspaceblobstore/paths/{}"
        for name, source, target in (("there", "a", "b"), ("back", "b", "a")):
            run(
                chain,
                engine,
                name=name,
                inputs={"i": {"type": "uri_folder", "path": place.format(source)}},
                outputs={"o": {"type": "uri_folder", "path": place.format(target)}},
            )
        graph = show(chain, place.format("a"), depth=50)
        assert len(steps(graph)) == 4
        assert not graph["truncated"]

    def test_of_too_many_the_nearest_are_shown(
        self, chain: TestSite, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(lineage, "MOST", 5)
        graph = show(chain, "data:y:1", direction="down")
        assert graph["truncated"] is False
        for number in range(6):
            inputs = {"rows": {"type": "uri_file", "path": "azureml:y:1"}}
            submit(chain, name=f"more{number}", inputs=inputs)
        graph = show(chain, "data:y:1", direction="down")
        assert graph["truncated"] is True
        assert len(graph["nodes"]) == 5
        assert max(node["distance"] for node in graph["nodes"]) == 1


class TestImpact:
    def test_what_follows_is_told_with_who_made_it(self, chain: TestSite) -> None:
        bea = Principal.of("bea", "user", "Owner")
        inputs = {"rows": {"type": "uri_file", "path": "azureml:y:1"}}
        submit(chain, name="other", who=bea, inputs=inputs)
        found = impact(chain, "data:y:1")
        affected = {node["id"]: node["through"] for node in found["affected"]}
        assert affected == {
            "job:train": "data:y:1",
            "job:other": "data:y:1",
            "model:x:1": "job:train",
            "job:score": "model:x:1",
            "data:scores:1": "job:score",
        }
        assert [(person["name"], person["affected"]) for person in found["people"]] == [
            ("ann", 4),
            ("bea", 1),
        ]
        assert not found["hidden"]

    def test_nothing_may_follow(self, chain: TestSite) -> None:
        found = impact(chain, "data:scores:1")
        assert (found["affected"], found["people"]) == ([], [])


class TestSight:
    @pytest.fixture
    def shared(self, chain: TestSite) -> TestSite:
        """default's data → registry shelf → job secret in another workspace."""
        call(chain, registries.create, {"name": "shelf"})
        call(chain, workspaces.create, {"name": "theirs"})
        call(chain, sharing.share, "default", "data", "y", "1", {"registry": "shelf"})
        path = "azureml://registries/shelf/data/y/versions/1"
        inputs = {"secretive": {"type": "uri_file", "path": path}}
        submit(chain, "theirs", name="secret-job", inputs=inputs)
        return chain

    def test_who_may_see_all_sees_all(self, shared: TestSite) -> None:
        found = steps(show(shared, "data:y:1", direction="down"))
        assert found["azureml://registries/shelf/data/y/versions/1"] == 1
        assert found["/workspaces/theirs/jobs/secret-job"] == 2

    def test_another_workspace_has_no_names(self, shared: TestSite) -> None:
        who = reader_in(reads(workspace="default"), reads(registry="shelf"))
        graph = show(shared, "data:y:1", who=who)
        hidden = [node for node in graph["nodes"] if node["kind"] == "hidden"]
        assert [node["name"] for node in hidden] == ["something that you may not see"]
        assert "secret" not in str(graph)
        assert "theirs" not in str(graph)
        assert impact(shared, "data:y:1", who=who)["hidden"] is True

    def test_how_much_is_hidden_is_not_told(self, shared: TestSite) -> None:
        who = reader_in(reads(workspace="default"), reads(registry="shelf"))
        before = show(shared, "data:y:1", who=who)
        path = "azureml://registries/shelf/data/y/versions/1"
        inputs = {"another": {"type": "uri_file", "path": path}}
        submit(shared, "theirs", name="secret-too", inputs=inputs)
        assert show(shared, "data:y:1", who=who) == before

    def test_upstream_is_hidden_as_well(self, shared: TestSite) -> None:
        """Who reads the registry and the other workspace, but not where the data came from."""
        who = reader_in(reads(workspace="theirs"), reads(registry="shelf"))
        graph = show(shared, "job:secret-job", direction="up", who=who, workspace="theirs")
        assert "train" not in str(graph)
        assert "default" not in str(graph)
        assert [n["distance"] for n in graph["nodes"] if n["kind"] == "hidden"] == [-2]

    def test_what_is_not_ones_own_is_as_if_it_were_not_there(self, shared: TestSite) -> None:
        who = reader_in(reads(workspace="default"))
        for of in (
            "azureml://registries/shelf/data/y/versions/1",
            "/workspaces/theirs/jobs/secret-job",
        ):
            with pytest.raises(NotFound):
                show(shared, of, who=who)
        with pytest.raises(NotFound):
            show(shared, "job:secret-job", who=who, workspace="theirs")

    def test_a_role_that_reads_no_lineage_is_refused(self, shared: TestSite) -> None:
        operator = Grant(BUILT_IN["AzureML Compute Operator"], workspace="default")
        with pytest.raises(Forbidden):
            show(shared, "data:y:1", who=reader_in(operator))

    def test_what_lies_in_a_deleted_workspace_is_hidden(self, shared: TestSite) -> None:
        call(shared, workspace_trash.delete, "theirs")
        assert "secret" not in str(show(shared, "data:y:1"))
