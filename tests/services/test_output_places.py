"""What a version holds is not written over by the next job."""

from __future__ import annotations

from typing import Any

import pytest

from lazur.errors import Conflict
from lazur.services.assets import assets
from lazur.services.jobs import jobs
from lazur.services.resources import resources
from lazur.services.resources.resources import CONNECTIONS
from lazur.services.results import asset_trash, data_imports
from lazur.testing.fakes import Engine
from tests.services.test_edges import asset, run
from tests.site import TestSite, call, command, submit

TOP = "azureml://datastores/workspaceblobstore/paths"

ARM = "azureml:/subscriptions/s/resourcegroups/g/workspaces/default"
NAMED = f"{TOP}/a/${{{{name}}}}/"


def outputs(path: str | None, name: str = "x", type_: str = "uri_folder") -> dict[str, Any]:
    return {"o": {"type": type_, "name": name, **({"path": path} if path else {})}}


def versions(site: TestSite) -> int:
    row = call(site, assets.get, "default", "data", "x", "@latest", write=False)
    return int(row["version"])


class TestNamedOutputs:
    @pytest.mark.parametrize("type_", ["uri_folder", "custom_model"])
    @pytest.mark.parametrize(
        "path",
        [
            f"{TOP}/a/b/",
            f"{TOP}/a/b",
            f"{TOP}/a",
            f"{ARM}/datastores/workspaceblobstore/paths/a/b",
        ],
    )
    def test_a_place_of_a_version_is_refused(
        self, site: TestSite, engine: Engine, path: str, type_: str
    ) -> None:
        run(site, engine, outputs=outputs(f"{TOP}/a/b/", type_=type_))
        with pytest.raises(Conflict, match="x:1 lies there") as caught:
            submit(site, outputs=outputs(path, type_=type_))
        assert caught.value.message.startswith("outputs.o.path: ")
        assert "${{name}}" in str(caught.value.hint)
        with pytest.raises(Conflict, match="x:1 lies there"):
            call(site, jobs.validate, "default", command(outputs=outputs(path)))

    @pytest.mark.parametrize("path", [None, NAMED, f"{TOP}/a/b%/", f"{TOP}/a/bc"])
    def test_another_place_is_free(self, site: TestSite, engine: Engine, path: str | None) -> None:
        run(site, engine, outputs=outputs(f"{TOP}/a/b/"))
        for number in (2, 3) if path in (None, NAMED) else (2,):
            run(site, engine, outputs=outputs(path))
            assert versions(site) == number

    def test_what_gets_no_name_may_go_there(self, site: TestSite) -> None:
        asset(site, "data", name="x", type="uri_folder", path=f"{TOP}/a/")
        submit(site, outputs={"o": {"type": "uri_folder", "path": f"{TOP}/a/"}})

    def test_a_purged_version_frees_its_place(self, site: TestSite, engine: Engine) -> None:
        run(site, engine, name="first", outputs=outputs(f"{TOP}/a/"))
        call(site, asset_trash.delete, "default", "data", "x")
        with pytest.raises(Conflict, match="x:1 lies there") as caught:
            submit(site, outputs=outputs(f"{TOP}/a/"))
        assert "lazur data purge -n x" in str(caught.value.hint)
        call(site, asset_trash.purge, "default", "data", {"names": ["x"]})
        submit(site, outputs=outputs(f"{TOP}/a/"))

    @pytest.mark.parametrize("folder", ["a", "ä “b”"])
    def test_a_job_that_has_not_ended_holds_its_place(self, site: TestSite, folder: str) -> None:
        submit(site, name="first", outputs=outputs(f"{TOP}/{folder}/"))
        with pytest.raises(Conflict, match="job first, which has not ended, makes 'x' there"):
            submit(site, outputs=outputs(f"{TOP}/{folder}", name="y"))

    def test_a_job_that_is_there_is_there(self, site: TestSite, engine: Engine) -> None:
        run(site, engine, name="first", outputs=outputs(None))
        with pytest.raises(Conflict, match="A job named 'first' exists already"):
            submit(site, name="first", outputs=outputs(None))


class TestImports:
    def test_the_second_one_into_the_same_place_is_refused(self, site: TestSite) -> None:
        connection = {"name": "c", "type": "custom", "target": "sqlite:///a.db"}
        call(site, resources.put, CONNECTIONS, "default", "c", connection)
        spec = {
            "name": "x",
            "source": {"type": "database", "query": "SELECT 1", "connection": "azureml:c"},
            "path": f"{TOP}/crm",
        }
        call(site, data_imports.submit, "default", spec)
        with pytest.raises(Conflict, match=r"^outputs\.data\.path: .* is taken"):
            call(site, data_imports.submit, "default", {**spec, "name": "y"})
        call(site, data_imports.submit, "default", {**spec, "path": f"{TOP}/crm2/${{{{name}}}}"})
