"""Lineage is written by what happens, and read from the rows."""

from __future__ import annotations

from typing import Any

import pytest

from lazur.engine.lineage import BUILT_IN
from lazur.errors import LazurError
from lazur.services.assets import assets, sharing
from lazur.services.resources import registries
from lazur.store import tables
from lazur.testing.fakes import Engine
from tests.site import Server, TestSite, call, put_tree, submit


def edges(site: TestSite) -> set[tuple[str, str, str]]:
    """All, as (source, role, target)."""
    with site.db.read() as db:
        rows = db.execute(tables.lineage.select()).all()
    return {
        (
            f"{row.source_kind}:{row.source_name}:{row.source_version}".rstrip(":"),
            row.role,
            f"{row.target_kind}:{row.target_name}:{row.target_version}".rstrip(":"),
        )
        for row in rows
    }


def asset(site: TestSite, kind: str, **spec: Any) -> Any:
    return call(site, assets.create, "default", kind, spec)


def run(site: TestSite, engine: Engine, **more: Any) -> str:
    """A job from its submission to its end."""
    name = str(submit(site, **more)["name"])
    server = Server(site)
    server.settle()
    for move in (engine.run, engine.end):
        move(f"default/{name}/1")
        server.settle()
    assert server.show(name)["status"] == "Completed"
    return name


@pytest.fixture
def tree(site: TestSite) -> str:
    return put_tree(site, {"main.py": b"print(1)", "a.csv": b"a,b"})


class TestJobs:
    def test_a_job_comes_of_its_code_environment_and_inputs(
        self, site: TestSite, tree: str
    ) -> None:
        asset(site, "data", name="y", path=f"tree:{tree}", type="uri_folder")
        asset(site, "environments", name="e", image="python:3.11")
        submit(
            site,
            name="j",
            environment="azureml:e@latest",
            code=f"tree:{tree}",
            inputs={
                "named": {"type": "uri_folder", "path": "azureml:y@latest"},
                "loose": {"type": "uri_folder", "path": f"tree:{tree}"},
                "web": {"type": "uri_file", "path": "https://example.org/a.csv?from=secret"},
                "number": 3,
            },
        )
        assert edges(site) == {
            ("environments:e:1", "environment", "jobs:j"),
            (f"trees:{tree}", "code", "jobs:j"),
            ("data:y:1", "inputs.named", "jobs:j"),
            (f"trees:{tree}", "inputs.loose", "jobs:j"),
            ("uris:https://example.org/a.csv", "inputs.web", "jobs:j"),
        }

    def test_a_label_is_the_version_that_it_stands_for(self, site: TestSite) -> None:
        for number in range(2):
            path = f"https://example.org/{number}"
            asset(site, "data", name="y", type="uri_file", path=path)
        call(site, assets.update, "default", "data", "y", "1", {"labels": ["good"]})
        inputs = {"x": {"type": "uri_file", "path": "azureml:y@good"}}
        submit(site, name="j", inputs=inputs)
        assert ("data:y:1", "inputs.x", "jobs:j") in edges(site)

    def test_an_environment_of_lazurs_or_without_a_name_has_its_own_node(
        self, site: TestSite
    ) -> None:
        submit(site, name="a", environment="azureml:sklearn-1.5@latest")
        submit(site, name="b")
        found = edges(site)
        assert ("environments:sklearn-1.5:1", "environment", "jobs:a") in found
        (recipe,) = {source for source, _, target in found if target == "jobs:b"}
        assert recipe.startswith("builds:")

    def test_outputs_are_written_when_the_job_has_ended(
        self, site: TestSite, engine: Engine
    ) -> None:
        place = "azureml://datastores/workspaceblobstore/paths/shared/clean"
        outputs = {
            "named": {"type": "uri_folder", "name": "made"},
            "model": {"type": "custom_model", "name": "m"},
            "placed": {"type": "uri_folder", "path": f"{place}/"},
            "plain": {"type": "uri_folder"},
        }
        before = submit(site, name="waits", outputs=outputs)["name"]
        assert not [edge for edge in edges(site) if edge[0] == f"jobs:{before}"]
        name = run(site, engine, name="runs", outputs=outputs)
        store_ = "azureml://datastores/workspaceblobstore/paths/azureml"
        assert {edge[1:] for edge in edges(site) if edge[0] == f"jobs:{name}"} == {
            ("outputs.named", "data:made:1"),
            ("outputs.model", "models:m:1"),
            ("outputs.placed", f"uris:{place}"),
            ("outputs.plain", f"uris:{store_}/runs/plain"),
        }

    @pytest.mark.parametrize(
        "written",
        [
            "azureml://jobs/first/outputs/out",
            "azureml://jobs/first/outputs/artifacts/paths/model",
            "azureml:first:outputs/out",
            "runs:/first/model",
            "azureml://datastores/workspaceblobstore/paths/azureml/first/out/a",
            "azureml://datastores/workspaceartifactstore/paths/ExperimentRun/dcid.first/model",
        ],
    )
    def test_what_reads_a_jobs_output_came_of_the_job(
        self, site: TestSite, engine: Engine, written: str
    ) -> None:
        run(site, engine, name="first", outputs={"out": {"type": "uri_folder"}})
        submit(site, name="second", inputs={"x": {"type": "uri_folder", "path": written}})
        asset(site, "models", name="m", path=written, type="custom_model")
        found = edges(site)
        assert ("jobs:first", "inputs.x", "jobs:second") in found
        assert ("jobs:first", "path", "models:m:1") in found

    def test_a_place_inside_of_one_that_a_job_wrote_came_of_it(
        self, site: TestSite, engine: Engine
    ) -> None:
        top = "azureml://datastores/workspaceblobstore/paths/shared"
        run(site, engine, name="first", outputs={"o": {"type": "uri_folder", "path": f"{top}/a/"}})
        for name, path in (("in", f"{top}/a/b/c.csv"), ("beside", f"{top}/ab")):
            inputs = {"x": {"type": "uri_folder", "path": path}}
            submit(site, name=name, inputs=inputs)
        folders = {edge for edge in edges(site) if edge[1] == "folder"}
        assert folders == {(f"uris:{top}/a", "folder", f"uris:{top}/a/b/c.csv")}

    def test_a_child_came_of_its_parent(self, site: TestSite) -> None:
        submit(site, name="top")
        submit(site, name="child", parent_job_name="top")
        assert ("jobs:top", "parent", "jobs:child") in edges(site)

    def test_a_refused_job_leaves_nothing(self, site: TestSite) -> None:
        submit(site, name="j")
        before = edges(site)
        with pytest.raises(LazurError):
            submit(site, name="j", inputs={"x": {"path": "https://example.org/x"}})
        assert edges(site) == before


class TestAssets:
    def test_what_is_shared_came_of_what_it_was(self, site: TestSite, tree: str) -> None:
        asset(site, "models", name="m", path=f"tree:{tree}", type="custom_model")
        call(site, registries.create, {"name": "shelf"})
        call(site, sharing.share, "default", "models", "m", "1", {"registry": "shelf"})
        path = "azureml://registries/shelf/models/m/versions/1"
        submit(site, name="j", inputs={"x": {"type": "custom_model", "path": path}})
        with site.db.read() as db:
            rows = db.execute(tables.lineage.select()).all()
        homes = {(row.role, row.source_home, row.target_home) for row in rows}
        (shared,) = [home for home in homes if home[0] == "shared"]
        assert ("inputs.x", shared[2], shared[1]) in homes

    def test_a_model_made_of_another_came_of_it(self, site: TestSite, tree: str) -> None:
        asset(site, "models", name="m", path=f"tree:{tree}", type="custom_model")
        call(site, registries.create, {"name": "shelf"})
        call(site, sharing.share, "default", "models", "m", "1", {"registry": "shelf"})
        path = "azureml://registries/shelf/models/m/versions/1"
        asset(site, "models", name="n", path=path, type="custom_model")
        assert ("models:m:1", "path", "models:n:1") in edges(site)

    def test_the_same_again_is_once(self, site: TestSite) -> None:
        for _ in range(2):
            asset(
                site, "data", name="y", version="1", path="https://example.org/d", type="uri_file"
            )
        assert edges(site) == {("uris:https://example.org/d", "path", "data:y:1")}

    def test_a_components_parts_are_where_it_came_from(self, site: TestSite, tree: str) -> None:
        asset(site, "environments", name="e", image="python:3.11")
        asset(site, "codes", name="c", path=f"tree:{tree}")
        asset(
            site,
            "components",
            name="step",
            type="command",
            command="true",
            environment="azureml:e:1",
            code="azureml:c:1",
        )
        assert edges(site) == {
            ("environments:e:1", "environment", "components:step:1"),
            ("codes:c:1", "code", "components:step:1"),
        }
        written = "azureml:sklearn-1.5:1"
        asset(site, "components", name="o", type="command", command="true", environment=written)
        with site.db.read() as db:
            found = db.execute(tables.lineage.select()).all()
        homes = {row.source_home for row in found if row.target_name == "o"}
        assert homes == {BUILT_IN}


class TestAddresses:
    @pytest.mark.parametrize(
        "written, kept",
        [
            ("https://example.org/a?from=s#x", "https://example.org/a"),
            ("wasbs://box@account.blob.core.windows.net/a/b", None),
            ("s3://bucket/key/", "s3://bucket/key"),
            ("https://example.org/é", "https://example.org/%C3%A9"),
        ],
    )
    def test_secrets_are_left_out(self, site: TestSite, written: str, kept: str | None) -> None:
        asset(site, "data", name="y", path=written, type="uri_file")
        assert {edge[0] for edge in edges(site)} == {f"uris:{kept or written}"}

    def test_a_long_one_keeps_its_beginning_and_is_like_no_other(self, site: TestSite) -> None:
        for number in range(2):
            long = f"https://example.org/{'é' * 3000}{number}"
            asset(site, "data", name=f"y{number}", path=long, type="uri_file")
        found = {edge[0] for edge in edges(site)}
        assert len(found) == 2
        assert all(len(one) <= 605 for one in found)
