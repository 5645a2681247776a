"""What is accounted: what jobs held, what is stored, and what it costs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lazur.engine.plan import Demand, Exit
from lazur.errors import Conflict, Forbidden, Invalid, QuotaExceeded
from lazur.loops.sweepup import Sweepup
from lazur.services.assets import assets
from lazur.services.base import workspaces
from lazur.services.base.access import Principal
from lazur.services.content import stored
from lazur.services.jobs import jobs
from lazur.services.people import people, prices, quotas
from lazur.services.results import asset_trash, usage, uses
from lazur.services.tracking import trash
from lazur.store import jobs as job_rows
from lazur.store import usage as store
from lazur.store.pages import Query
from tests.site import OWNER, Clock, Server, TestSite, call, put_tree, submit

ADA = Principal.of("ada", "user", "Owner", "lab")
BEA = Principal.of("bea", "user", "AzureML Data Scientist", "lab")
HOUR = 3600.0
LAB = "lab"


@pytest.fixture(autouse=True)
def _lab(site: TestSite) -> None:
    call(site, workspaces.create, {"name": "lab"})
    call(site, people.create, "user", {"name": "bea"})
    site.engine.capacity = Demand(cpus=64, memory=64 << 30, gpus=8)


@pytest.fixture
def server(site: TestSite) -> Server:
    return Server(site)


def run(
    site: TestSite, server: Server, clock: Clock, name: str, hours: float, **more: Any
) -> None:
    asked = {"cpus": 4, "memory": "2GB", "gpus": 1, **more.pop("asked", {})}
    submit(site, "lab", BEA, name=name, resources={"properties": asked}, **more)
    server.settle()
    key = next(key for key in site.engine.attempts if f"/{name}/" in f"/{key}/")
    site.engine.run(key)
    server.settle()
    clock.time += hours * HOUR
    site.engine.end(key)
    server.settle()


def write(site: TestSite, path: str, size: int) -> Path:
    place = site.home.datastore("lab", "workspaceblobstore") / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(b"x" * size)
    return place


def output(path: str, **more: Any) -> dict[str, Any]:
    place = f"azureml://datastores/workspaceblobstore/paths/{path}"
    return {"out": {"type": "uri_folder", "path": place, **more}}


def shown(
    site: TestSite, workspace: str | None = "lab", who: Principal = OWNER, **filters: Any
) -> dict[str, Any]:
    return call(site, usage.show, workspace, Query(50, None, None, filters), who=who)


class TestHours:
    def test_what_a_job_asked_for_and_how_long(
        self, site: TestSite, server: Server, clock: Clock
    ) -> None:
        run(site, server, clock, "train", 2.0)
        clock.time += 60
        line = shown(site)["value"][0]
        assert line["person"] == "bea"
        assert line["jobs"] == 1
        assert line["core_hours"] == pytest.approx(8, rel=0.01)
        assert line["gpu_hours"] == pytest.approx(2, rel=0.01)
        assert line["memory_gb_hours"] == pytest.approx(4, rel=0.01)

    @pytest.mark.parametrize("by", usage.BY)
    def test_by_everything_that_it_is_counted_by(
        self, site: TestSite, server: Server, clock: Clock, by: str
    ) -> None:
        outputs = {"model": {"type": "custom_model", "name": "iris"}}
        run(site, server, clock, "train", 1.0, experiment_name="flowers", outputs=outputs)
        uses.weigh(site)
        clock.time += 60
        line = shown(site, by=by)["value"][0]
        named = {
            "person": "bea",
            "workspace": "lab",
            "experiment": "flowers",
            "job": "train",
            "asset": "model:iris:1",
        }
        assert line[by] == named[by]
        assert line["core_hours"] == pytest.approx(4, rel=0.01)

    def test_one_that_runs_is_counted_as_it_goes(
        self, site: TestSite, server: Server, clock: Clock
    ) -> None:
        submit(site, "lab", BEA, name="long", resources={"properties": {"cpus": 2}})
        server.settle()
        clock.time += 3 * HOUR
        line = shown(site, by="job")["value"][0]
        assert (line["job"], line["status"]) == ("long", "Running")
        assert line["core_hours"] == pytest.approx(6, rel=0.01)

    def test_only_what_lies_in_the_time_that_was_asked_for(
        self, site: TestSite, server: Server, clock: Clock
    ) -> None:
        began = clock.time
        run(site, server, clock, "train", 4.0)
        since = _iso(began + HOUR)
        until = _iso(began + 2 * HOUR)
        found = shown(site, since=since, until=until)
        assert found["total"]["core_hours"] == pytest.approx(4, rel=0.01)
        assert found["total"]["jobs"] == 0, "it ended later"

    def test_one_that_never_had_slots_held_nothing(self, site: TestSite, server: Server) -> None:
        site.engine.capacity = Demand(cpus=1, memory=1 << 30)
        submit(site, "lab", BEA, name="a")
        submit(site, "lab", BEA, name="b")
        server.settle()
        with site.db.read() as db:
            assert store.unweighed(db, 9) == []

    def test_it_is_counted_once_however_often_its_end_is_written(
        self, site: TestSite, server: Server, clock: Clock
    ) -> None:
        run(site, server, clock, "train", 1.0)
        with site.context() as context:
            home = workspaces.open_workspace(context, "lab", "workspaces/read")
            row = job_rows.by_name(context.db, home.id, "train")
            assert row is not None
            uses.record(
                context, row, {"phases": row.phases, "state": row.state, "ended_at": row.ended_at}
            )
        assert shown(site)["total"]["jobs"] == 0
        clock.time += 60
        assert shown(site)["total"]["jobs"] == 1

    def test_an_attempt_that_was_killed_counts_with_the_one_that_went_on(
        self, site: TestSite, server: Server, clock: Clock
    ) -> None:
        spec = {"type": "parallel", "name": "score", "inputs": {"n": {"path": "azureml:t:1"}}}
        spec |= {"input_data": "${{inputs.n}}", "resources": {"properties": {"cpus": 4}}}
        tree = put_tree(site, {"score.py": b"def run(batch): return batch"})
        data = {"name": "t", "type": "uri_folder", "path": f"tree:{tree}"}
        call(site, assets.create, LAB, "data", data, who=BEA)
        task: dict[str, Any] = {"type": "run_function", "entry_script": "score.py"}
        task |= {"code": f"tree:{tree}", "environment": {"image": "python:3.11"}}
        call(site, jobs.submit, LAB, {**spec, "task": task}, who=BEA)
        for attempt, end in ((1, Exit("signal", signal=9)), (2, Exit("ok", code=0))):
            server.settle()
            key = f"lab/score/{attempt}"
            site.engine.run(key)
            server.settle()
            clock.time += attempt * HOUR
            site.engine.end(key, end)
            server.settle()
        clock.time += 60
        line = shown(site, by="job")["value"][0]
        assert (line["job"], line["jobs"], line["status"]) == ("score", 1, "Completed")
        assert line["core_hours"] == pytest.approx(12, rel=0.01)
        assert shown(site)["total"]["jobs"] == 1

    def test_it_outlives_the_job(self, site: TestSite, server: Server, clock: Clock) -> None:
        run(site, server, clock, "train", 1.0)
        call(site, trash.delete, "lab", {"runs": ["train"]})
        call(site, trash.purge, "lab", {"runs": ["train"]})
        assert trash.finish(site)
        clock.time += 60
        line = shown(site, by="job")["value"][0]
        assert (line["job"], line["jobs"]) == ("train", 1)


class TestStored:
    def test_a_tree_is_counted_once_in_a_workspace(self, site: TestSite, clock: Clock) -> None:
        tree = put_tree(site, {"a.csv": b"x" * 1000})
        for name in ("one", "two"):
            spec = {"name": name, "type": "uri_folder", "path": f"tree:{tree}"}
            call(site, assets.create, LAB, "data", spec, who=BEA)
        submit(site, "lab", ADA, code=f"tree:{tree}")
        clock.time += 60
        assert shown(site)["total"]["stored_bytes"] == 1000
        assert shown(site, by="asset")["value"][0]["stored_bytes"] == 1000

    def test_what_was_purged_counts_for_its_time_alone(self, site: TestSite, clock: Clock) -> None:
        tree = put_tree(site, {"a.csv": b"x" * (1 << 20)})
        spec = {"name": "one", "type": "uri_folder", "path": f"tree:{tree}"}
        call(site, assets.create, LAB, "data", spec, who=BEA)
        clock.time += 15 * 86400
        call(site, asset_trash.delete, LAB, "data", "one", "1")
        call(site, asset_trash.purge, LAB, "data", {"names": ["one"]})
        stored.settle(site)
        clock.time += 10 * 86400
        line = shown(site)["value"][0]
        assert line["stored_bytes"] == 0
        assert line["stored_gb_months"] == pytest.approx(0.5 / 1024, rel=0.01)

    def test_what_a_run_wrote_is_counted_when_it_ends(
        self, site: TestSite, server: Server, clock: Clock
    ) -> None:
        folder = site.home.datastore("lab", "workspaceartifactstore")
        folder = folder / "ExperimentRun" / "dcid.train"
        folder.mkdir(parents=True)
        (folder / "big").write_bytes(b"x" * 5000)
        run(site, server, clock, "train", 1.0)
        Sweepup(site).round()
        clock.time += 60
        assert shown(site, by="job")["value"][0]["stored_bytes"] >= 5000

    def test_what_a_job_wrote_to_a_place_of_its_choice(
        self, site: TestSite, server: Server, clock: Clock
    ) -> None:
        write(site, "mine/sub/big", 3_000_000)
        run(site, server, clock, "train", 1.0, outputs=output("mine", name="made"))
        uses.weigh(site)
        clock.time += 60
        assert shown(site)["value"][0]["stored_bytes"] == 3_000_000
        assert shown(site, by="asset")["value"][0]["stored_bytes"] == 3_000_000

    def test_such_a_place_is_counted_once(
        self, site: TestSite, server: Server, clock: Clock
    ) -> None:
        write(site, "mine/sub/big", 3000)
        write(site, "mine2", 10)
        write(site, "azureml/another/out/x", 1)
        run(site, server, clock, "one", 1.0, outputs=output("mine/sub/", type="uri_folder"))
        run(site, server, clock, "two", 1.0, outputs=output("mine/sub"))
        run(site, server, clock, "three", 1.0, outputs=output("mine"))
        run(site, server, clock, "four", 1.0, outputs=output("mine/sub"))
        run(site, server, clock, "five", 1.0, outputs=output("mine2", type="uri_file"))
        uses.weigh(site)
        clock.time += 60
        assert shown(site)["total"]["stored_bytes"] == 3010
        run(site, server, clock, "all", 1.0, outputs=output(""))
        uses.weigh(site)
        clock.time += 60
        assert shown(site)["total"]["stored_bytes"] == 3010, "what is of runs is theirs"

    def test_what_somebody_removed_there_is_counted_no_longer(
        self, site: TestSite, server: Server, clock: Clock
    ) -> None:
        places = [write(site, f"mine/{name}", 1000) for name in "ab"]
        run(site, server, clock, "train", 1.0, outputs=output("mine"))
        Sweepup(site).round()
        for place, left in zip(places, (1000, 0), strict=True):
            place.unlink()
            clock.time += 4000
            Sweepup(site).round()
            clock.time += 60
            assert shown(site)["total"]["stored_bytes"] == left


class TestQuota:
    def test_outputs_at_places_of_choice_are_in_it(
        self, site: TestSite, server: Server, clock: Clock
    ) -> None:
        call(site, quotas.put, "lab", {"user": "*", "limits": {"bytes": "1MB"}})
        write(site, "mine/big", 3_000_000)
        run(site, server, clock, "train", 1.0, outputs=output("mine"))
        uses.weigh(site)
        spec = {"name": "a", "type": "uri_folder", "path": "tree:" + put_tree(site, {"a": b"1"})}
        with pytest.raises(QuotaExceeded):
            call(site, assets.create, LAB, "data", spec, who=BEA)

    def test_content_over_the_quota_is_refused(self, site: TestSite) -> None:
        call(site, quotas.put, "lab", {"user": "*", "limits": {"bytes": 1500}})
        specs = [
            {
                "name": name,
                "type": "uri_folder",
                "path": "tree:" + put_tree(site, {"a": name.encode() * 1000}),
            }
            for name in "ab"
        ]
        call(site, assets.create, LAB, "data", specs[0], who=BEA)
        with pytest.raises(QuotaExceeded, match=r"1000 bytes of 1.46 KB.*1000 bytes more"):
            call(site, assets.create, LAB, "data", specs[1], who=BEA)
        with pytest.raises(QuotaExceeded):
            submit(site, "lab", BEA, name="job", code=specs[1]["path"])
        call(site, assets.create, LAB, "data", {**specs[0], "name": "again"}, who=BEA)
        call(site, assets.create, LAB, "data", specs[1], who=ADA)

    def test_an_upload_is_refused_before_it_comes(self, site: TestSite) -> None:
        call(site, quotas.put, None, {"user": "bea", "limits": {"bytes": 100}})
        with site.context() as context:
            room = workspaces.open_workspace(context, "lab", "workspaces/read").id
        stored.check_upload(site, BEA, room, 100)
        stored.check_upload(site, ADA, room, 1000)
        with pytest.raises(QuotaExceeded):
            stored.check_upload(site, BEA, room, 101)


class TestWhoSees:
    def test_everybody_their_own_and_owners_all(
        self, site: TestSite, server: Server, clock: Clock
    ) -> None:
        run(site, server, clock, "train", 1.0)
        submit(site, "lab", ADA, name="hers")
        server.settle()
        clock.time += 60
        assert {line["person"] for line in shown(site, who=ADA)["value"]} == {"ada", "bea"}
        for workspace in ("lab", None):
            own = shown(site, workspace, who=BEA, person="ada")
            assert {line["person"] for line in own["value"]} == {"bea"}
            assert own["only"] == "bea"
        assert shown(site, None, who=ADA)["only"] == "ada", "she owns one workspace alone"

    def test_a_job_sees_nothing(self, site: TestSite) -> None:
        with pytest.raises(Forbidden):
            shown(site, None, who=Principal.of_job("lab", "train"))


class TestPrices:
    def test_each_hour_at_the_price_of_its_time(
        self, site: TestSite, server: Server, clock: Clock
    ) -> None:
        began = clock.time
        price = {"currency": "eur", "core_hour": 1.0, "valid_from": "2020-01-01"}
        call(site, prices.put, price)
        call(site, prices.put, {**price, "core_hour": 3, "valid_from": _iso(began + HOUR)})
        run(site, server, clock, "train", 2.0, asked={"cpus": 1, "gpus": 0})
        clock.time += 60
        found = shown(site)
        assert found["currency"] == "EUR"
        assert found["total"]["cost"] == pytest.approx(1.0 + 3.0, rel=0.01)

    def test_a_compute_may_have_its_own(
        self, site: TestSite, server: Server, clock: Clock
    ) -> None:
        price = {"currency": "EUR", "gpu_hour": 2.0, "valid_from": "2020-01-01"}
        call(site, prices.put, price)
        call(site, prices.put, {**price, "gpu_hour": 5.0, "compute": "local"})
        run(site, server, clock, "train", 1.0)
        clock.time += 60
        assert shown(site)["total"]["cost"] == pytest.approx(5.0, rel=0.01)

    def test_without_prices_nothing_is_said_of_cost(self, site: TestSite) -> None:
        assert shown(site)["total"]["cost"] is None

    @pytest.mark.parametrize(
        "wrong",
        [
            {"core_hour": 1},
            {"currency": "E"},
            {"currency": "EUR", "core_hour": -1},
            {"currency": "EUR", "core_hour": "nan"},
            {"currency": "EUR", "hour": 1},
            {"currency": "EUR", "valid_from": "soon"},
        ],
    )
    def test_nonsense_is_refused(self, site: TestSite, wrong: dict[str, Any]) -> None:
        with pytest.raises(Invalid):
            call(site, prices.put, wrong)

    def test_one_currency(self, site: TestSite) -> None:
        call(site, prices.put, {"currency": "EUR", "core_hour": 1})
        with pytest.raises(Conflict):
            call(site, prices.put, {"currency": "USD", "core_hour": 1})
        only = call(site, prices.find)["value"][0]
        call(site, prices.delete, only["id"])
        call(site, prices.put, {"currency": "USD", "core_hour": 1})

    def test_only_owners_of_the_server_set_them(self, site: TestSite) -> None:
        with pytest.raises(Forbidden):
            call(site, prices.put, {"currency": "EUR", "core_hour": 0}, who=ADA)


def _iso(at: float) -> str:
    return usage.iso(at) or ""
