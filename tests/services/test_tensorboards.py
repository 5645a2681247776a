from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lazur.errors import Forbidden, Invalid, NotFound
from lazur.services.base.access import Principal
from lazur.services.results import tensorboards
from lazur.services.results.tensorboards import Board
from tests.services.tracked import Tracked
from tests.site import Server, TestSite, call, submit


def find(site: TestSite, *names: Any, **more: Any) -> Board:
    return call(site, tensorboards.find, "default", list(names), write=False, **more)


def places(site: TestSite, *names: str) -> dict[str, Path]:
    return {s.path: s.folder.root / s.folder.inside for s in find(site, *names).shown}


class TestWhatIsShown:
    def test_a_jobs_artifacts_under_its_name(self, site: TestSite) -> None:
        submit(site, name="j")
        assert places(site, "j") == {"j": site.home.artifacts("default", "j")}

    def test_several_jobs_each_once(self, site: TestSite) -> None:
        submit(site, name="a")
        submit(site, name="b")
        board = find(site, "b", "a", "b")
        assert board.names == ("b", "a")
        assert board.page == "/tensorboard/default/b,a"

    def test_a_jobs_run_id_stands_for_it(self, site: TestSite) -> None:
        name = "a-name-that-is-longer-than-a-run-id-may-be"
        run = submit(site, name=name)["run_id"]
        assert find(site, run) == find(site, name)

    def test_folders_of_named_outputs_and_no_files(self, site: TestSite) -> None:
        submit(site, name="j", outputs={"logs": None, "table": {"type": "uri_file"}})
        store = site.home.datastore("default", "workspaceblobstore")
        assert places(site, "j")["j/named-outputs/logs"] == store / "azureml/j/logs"
        assert "j/named-outputs/table" not in places(site, "j")

    def test_an_output_that_is_moved_at_the_end_is_shown_where_it_is(self, site: TestSite) -> None:
        submit(site, name="j", outputs={"logs": {"mode": "upload"}})
        Server(site).settle()
        draft = site.home.attempt("default", "j", 1) / "named-outputs/logs"
        assert places(site, "j")["j/named-outputs/logs"] == draft
        for key in site.engine.going_on():
            site.engine.end(key)
        Server(site).settle()
        store = site.home.datastore("default", "workspaceblobstore")
        assert places(site, "j")["j/named-outputs/logs"] == store / "azureml/j/logs"

    def test_a_run_that_is_no_job(self, site: TestSite) -> None:
        tracked = Tracked(site)
        run = tracked.run()
        uri = f"{tracked.root}/{tracked.experiment}/{run}/artifacts"
        assert places(site, run) == {run: tracked.place(uri)}

    def test_what_lies_on_no_disk_of_ours_is_left_out(self, site: TestSite) -> None:
        run = Tracked(site).run(artifact_uri="s3://bucket/x")
        assert places(site, run) == {}

    @pytest.mark.parametrize("names", [[], [""], [1], ["j"] * 101, None, "j", {"j": 1}])
    def test_nothing_but_names(self, site: TestSite, names: Any) -> None:
        with pytest.raises(Invalid, match="1 to 100"):
            call(site, tensorboards.find, "default", names, write=False)


class TestWhoMaySee:
    def test_everybody_who_may_read_jobs(self, site: TestSite) -> None:
        submit(site, name="j")
        assert find(site, "j", who=Principal.of("rae", "user", "Reader", "default")).names == (
            "j",
        )

    def test_nobody_of_another_workspace(self, site: TestSite) -> None:
        submit(site, name="j")
        with pytest.raises(NotFound):
            find(site, "j", who=Principal.of("rae", "user", "Owner", "other"))

    def test_another_workspaces_job_is_not_there(self, site: TestSite) -> None:
        run = Tracked(site, "other").run()
        submit(site, "other", name="theirs")
        for name in (run, "theirs"):
            with pytest.raises(NotFound):
                find(site, name)

    def test_a_job_sees_its_own(self, site: TestSite) -> None:
        submit(site, name="a")
        submit(site, name="b")
        job = Principal.of_job("default", "a")
        assert find(site, "a", who=job).names == ("a",)
        with pytest.raises(NotFound):
            find(site, "a", "b", who=job)

    def test_no_role_that_may_not_read_jobs(self, site: TestSite) -> None:
        submit(site, name="j")
        with pytest.raises(Forbidden):
            find(site, "j", who=Principal.of("x", "user", "nothing", "default"))
