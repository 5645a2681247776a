"""Files of a job's output, for people, and for jobs with the rights of whoever submitted them."""

from __future__ import annotations

import pytest

from lazur.engine.lineage import JOBS, Node
from lazur.services.people import people
from lazur.store import lineage
from lazur.testing.fakes import Engine
from tests.server.native.conftest import Api
from tests.site import ENVIRONMENT, Server, call, submit

W = "/api/v1/workspaces/default"
PLACE = f"{W}/jobs/maker/outputs/o/files"
SPEC = {"type": "command", "command": "true", "environment": ENVIRONMENT}


@pytest.fixture
def made(api: Api, server: Server, engine: Engine) -> Api:
    """The api, with a job that has written two files into an output and one beside it."""
    submit(api.site, name="maker", outputs={"o": {"type": "uri_folder"}})
    server.settle()
    engine.run("default/maker/1")
    engine.end("default/maker/1")
    server.settle()
    root = api.site.home.datastore("default", "workspaceblobstore") / "azureml/maker/o"
    for path in ("one.csv", "b/two.csv"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path)
    (root / "link").symlink_to("/etc/hosts")
    own = api.site.home.artifacts("default", "maker") / "outputs"
    own.mkdir(parents=True, exist_ok=True)
    (own / "m.txt").write_text("m")
    return api


def sources(api: Api, job: str) -> set[str]:
    with api.site.db.read() as db:
        home = db.exec_driver_sql("SELECT id FROM lazur_workspaces WHERE name = 'default'")
        node = Node(int(home.scalar_one()), JOBS, job)
        return {edge.source.name for edge in lineage.of(db, [node], up=True, most=10)}


class TestPeople:
    @pytest.mark.parametrize(
        "prefix, wanted",
        [
            ("", ["b/two.csv", "one.csv"]),
            ("b", ["b/two.csv"]),
            ("b/", ["b/two.csv"]),
            ("one.csv", ["one.csv"]),
            ("one", []),
        ],
    )
    def test_what_is_below_a_folder(self, made: Api, prefix: str, wanted: list[str]) -> None:
        found = made.get(PLACE, params={"prefix": prefix}).json()["value"]
        assert [file["path"] for file in found] == wanted

    def test_bytes_of_one(self, made: Api) -> None:
        assert made.get(f"{PLACE}/one.csv").text == "one.csv"
        assert made.get(f"{PLACE}/one.csv?offset=4").text == "csv"
        for path in ("b", "none", "link", "..%2f..%2fmaker%2fo%2fone.csv"):
            assert made.get(f"{PLACE}/{path}").status_code in (400, 404), path

    @pytest.mark.parametrize("output", ["artifacts", "default"])
    def test_its_own_folder_is_an_output_too(self, made: Api, output: str) -> None:
        place = f"{W}/jobs/maker/outputs/{output}/files"
        listed = [file["path"] for file in made.get(place).json()["value"]]
        assert "outputs/m.txt" in listed
        assert not any(path.startswith("named-outputs/") for path in listed)
        assert made.get(f"{place}/outputs/m.txt").text == "m"

    def test_what_is_not_there_is_told(self, made: Api) -> None:
        answer = made.get(f"{W}/jobs/maker/outputs/p/files").json()["error"]
        assert answer["message"] == "Job 'maker' has no output 'p'."
        assert answer["hint"] == "It has: o, artifacts."
        assert made.get(f"{W}/jobs/nobody/outputs/o/files").status_code == 404


class TestJobs:
    @pytest.fixture
    def job(self, made: Api) -> Api:
        scientist = made.as_("AzureML Data Scientist")
        assert scientist.post(f"{W}/jobs", {**SPEC, "name": "taker"}).status_code == 201
        return made.as_job("taker")

    def test_it_reads_what_its_submitter_may(self, made: Api, job: Api) -> None:
        assert job.get(f"{W}/jobs/maker").status_code == 404
        assert [file["path"] for file in job.get(PLACE).json()["value"]] == [
            "b/two.csv",
            "one.csv",
        ]
        assert job.get(f"{PLACE}/one.csv").text == "one.csv"
        call(made.site, people.update, "user", "AzureML-person", {"disabled": True})
        absent = job.get(f"{W}/jobs/nobody/outputs/o/files")
        for place in (PLACE, f"{PLACE}/one.csv"):
            gone = job.get(place)
            assert gone.status_code == absent.status_code == 404
            assert gone.text == absent.text.replace("nobody", "maker")

    def test_who_may_not_see_jobs_has_none_that_do(self, made: Api, job: Api) -> None:
        with made.site.db.write() as db:
            db.exec_driver_sql("DELETE FROM lazur_assignments")
        assert job.get(PLACE).status_code == 404

    def test_lineage_tells_what_it_read_once(self, made: Api, job: Api) -> None:
        assert "maker" not in sources(made, "taker")
        made.get(f"{PLACE}/one.csv")
        assert "maker" not in sources(made, "taker")
        for _ in range(2):
            assert job.get(PLACE).status_code == 200
            assert job.get(f"{PLACE}/one.csv").status_code == 200
        assert "maker" in sources(made, "taker")

    def test_what_it_may_not_read_leaves_no_trace(self, made: Api, job: Api) -> None:
        assert job.get(f"{W}/jobs/maker/outputs/p/files").status_code == 404
        assert job.get(f"{PLACE}/none").status_code == 404
        assert "maker" not in sources(made, "taker")
