"""Computes that a workspace names itself: made from Azure's YAML, bounded, and the jobs there."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import select

from lazur.engine.states import State
from lazur.errors import Conflict, Forbidden, Invalid, LazurError, NotFound, PreconditionFailed
from lazur.services.base import workspaces
from lazur.services.base.access import Principal
from lazur.services.jobs import jobs
from lazur.services.people import audits
from lazur.services.resources import clusters, computes
from lazur.store.pages import Query
from lazur.store.tables import jobs as jobs_table
from tests.site import Server, TestSite, call, submit

CLUSTER = {"name": "cpu-cluster", "type": "amlcompute", "size": "STANDARD_DS3_v2"}
INSTANCE = {"name": "mine", "type": "computeinstance"}
FILES: list[dict[str, Any]] = [
    CLUSTER,
    {"name": "minimal", "type": "amlcompute"},
    {**CLUSTER, "type": "AmlCompute", "min_instances": 0, "max_instances": 2},
    {**CLUSTER, "location": "westus2", "idle_time_before_scale_down": 120},
    {**CLUSTER, "tier": "low_priority", "identity": {"type": "system_assigned"}},
    {**CLUSTER, "ssh_settings": {"admin_username": "u", "admin_password": "hidden-word"}},
    INSTANCE,
    {**INSTANCE, "schedules": {"compute_start_stop": [{"action": "stop"}]}},
]


def put(site: TestSite, spec: dict[str, Any], **more: Any) -> dict[str, Any]:
    return call(site, clusters.put, "default", spec["name"], spec, **more)


def show(site: TestSite, name: str) -> dict[str, Any]:
    return call(site, computes.get, "default", name, write=False)


def waits(site: TestSite, name: str) -> str:
    return call(site, jobs.get, "default", name, write=False)["waiting_for"]


class TestMaking:
    @pytest.mark.parametrize("spec", FILES, ids=range(len(FILES)))
    def test_what_azure_writes_is_made_shown_listed_changed_and_deleted(
        self, site: TestSite, spec: dict[str, Any]
    ) -> None:
        made = put(site, spec)
        assert made["type"] == spec["type"].lower()
        assert made["provisioning_state"] == "Succeeded"
        assert show(site, spec["name"])["type"] == made["type"]
        listed = call(site, computes.find, "default", write=False)["value"]
        assert {"local", spec["name"]} <= {compute["name"] for compute in listed}
        changed = call(site, clusters.update, "default", spec["name"], {"tags": {"a": "b"}})
        assert changed["tags"] == {"a": "b"}
        call(site, clusters.delete, "default", spec["name"])
        with pytest.raises(NotFound, match="There is no compute"):
            show(site, spec["name"])

    def test_what_has_no_effect_is_named(self, site: TestSite) -> None:
        found = put(site, {**CLUSTER, "min_instances": 1, "tier": "low_priority"})["warnings"]
        assert {text.split(" ", 1)[0] for text in found} == {"`min_instances`", "`size`", "`tier`"}

    def test_what_opens_a_machine_is_not_kept(self, site: TestSite) -> None:
        made = put(site, FILES[5])
        told = call(site, audits.find, "default", Query(50, None, None, {}), write=False)
        assert "hidden-word" not in repr((made, show(site, "cpu-cluster"), told))

    @pytest.mark.parametrize(
        "spec, said",
        [
            ({**CLUSTER, "type": "kubernetes"}, "cannot be attached yet"),
            ({**CLUSTER, "name": "local"}, "server's own"),
            ({**CLUSTER, "name": "a/b"}, "name"),
            ({**CLUSTER, "min_instances": 3, "max_instances": 2}, "max_instances"),
            ({**CLUSTER, "max_instances": -1}, "max_instances"),
        ],
    )
    def test_what_is_wrong_is_said_and_leaves_nothing(
        self, site: TestSite, spec: dict[str, Any], said: str
    ) -> None:
        with pytest.raises(LazurError) as error:
            put(site, spec)
        assert said in str(error.value.message) + str(error.value.details)
        assert len(call(site, computes.find, "default", write=False)["value"]) == 1

    def test_a_type_is_not_changed(self, site: TestSite) -> None:
        put(site, CLUSTER)
        with pytest.raises(Conflict, match="of type amlcompute"):
            put(site, {**INSTANCE, "name": "CPU-cluster"})
        with pytest.raises(Invalid, match="'type' cannot be changed"):
            call(site, clusters.update, "default", "cpu-cluster", {"type": "computeinstance"})

    def test_who_read_an_older_version_is_told(self, site: TestSite) -> None:
        etag = put(site, CLUSTER)["etag"]
        call(site, clusters.update, "default", "cpu-cluster", {"max_instances": 3}, etag)
        with pytest.raises(PreconditionFailed):
            call(site, clusters.update, "default", "cpu-cluster", {"max_instances": 5}, etag)

    def test_the_servers_own_is_not_changed_from_a_workspace(self, site: TestSite) -> None:
        with pytest.raises(Invalid, match="the server's"):
            call(site, clusters.update, "default", "local", {"max_instances": 5})

    def test_each_workspace_has_its_own(self, site: TestSite) -> None:
        call(site, workspaces.create, {"name": "other"})
        put(site, CLUSTER)
        names = [c["name"] for c in call(site, computes.find, "other", write=False)["value"]]
        assert names == ["local"]

    def test_data_scientists_use_them_and_make_none(self, site: TestSite) -> None:
        put(site, INSTANCE)
        who = Principal.of("dan", "user", "AzureML Data Scientist")
        assert call(site, computes.get, "default", "mine", who=who)["state"] == "Running"
        for act in (clusters.delete, clusters.put):
            with pytest.raises(Forbidden):
                call(site, act, "default", "mine", *([INSTANCE] * (act is clusters.put)), who=who)


class TestJobs:
    def test_so_many_nodes_run_at_a_time(self, site: TestSite) -> None:
        server = Server(site)
        put(site, {**CLUSTER, "max_instances": 1})
        names = [submit(site, compute="azureml:CPU-cluster")["name"] for _ in range(2)]
        server.settle()
        assert [server.show(name)["status"] for name in names] == ["Starting", "Queued"]
        assert server.show(names[0])["compute"] == "cpu-cluster"
        assert "1 of 1 are in use (max_instances)" in waits(site, names[1])
        call(site, clusters.update, "default", "cpu-cluster", {"max_instances": 2})
        server.settle()
        assert server.show(names[1])["status"] == "Starting"

    def test_a_job_of_several_nodes_is_not_overtaken(self, site: TestSite) -> None:
        server = Server(site)
        put(site, {**CLUSTER, "max_instances": 2})
        first = submit(site, compute="cpu-cluster")["name"]
        server.settle()
        wide = submit(site, compute="cpu-cluster", resources={"instance_count": 2})["name"]
        small = submit(site, compute="cpu-cluster")["name"]
        server.settle()
        states = [server.show(name)["status"] for name in (first, wide, small)]
        assert states == ["Starting", "Queued", "Queued"]

    def test_a_full_one_holds_nobody_else_up(self, site: TestSite) -> None:
        """However many of a person's jobs wait there."""
        server = Server(site)
        put(site, {**CLUSTER, "max_instances": 0})
        for _ in range(20):
            submit(site, compute="cpu-cluster")
        other = submit(site)["name"]
        server.settle()
        assert server.show(other)["status"] == "Starting"

    def test_more_nodes_than_there_are_is_an_error(self, site: TestSite) -> None:
        put(site, {**CLUSTER, "max_instances": 2})
        with pytest.raises(Invalid, match="asks for 3 nodes; compute 'cpu-cluster' has at most 2"):
            submit(site, compute="cpu-cluster", resources={"instance_count": 3})

    def test_a_stopped_instance_starts_no_more(self, site: TestSite) -> None:
        server = Server(site)
        put(site, INSTANCE)
        running = submit(site, compute="mine")["name"]
        server.settle()
        assert (
            call(site, clusters.set_stopped, "default", "mine", stopped=True)["state"] == "Stopped"
        )
        waiting = submit(site, compute="mine")["name"]
        server.settle()
        assert server.show(running)["status"] == "Starting"
        assert "lazur compute start -n mine" in waits(site, waiting)
        put(site, CLUSTER)
        with pytest.raises(Invalid, match="Only a compute of type computeinstance"):
            call(site, clusters.set_stopped, "default", "cpu-cluster", stopped=True)

    def test_it_is_deleted_once_no_job_is_there(self, site: TestSite) -> None:
        put(site, {**CLUSTER, "max_instances": 0})
        name = submit(site, compute="cpu-cluster")["name"]
        with pytest.raises(Conflict, match="1 job waits or runs on compute 'cpu-cluster'"):
            call(site, clusters.delete, "default", "cpu-cluster")
        call(site, jobs.cancel, "default", name)
        Server(site).settle()
        call(site, clusters.delete, "default", "cpu-cluster")
        assert call(site, jobs.get, "default", name, write=False)["compute"] == "cpu-cluster"

    def test_a_job_is_not_sent_to_one_that_goes_away(self, site: TestSite) -> None:
        """Whoever is first: the compute goes, or there is a job that it stays for."""
        for turn in range(8):
            put(site, {**CLUSTER, "max_instances": 0})
            outcomes: list[str] = []

            def act(use: Any, outcomes: list[str] = outcomes) -> None:
                try:
                    use()
                    outcomes.append("done")
                except (Conflict, NotFound):
                    outcomes.append("refused")

            def delete() -> None:
                call(site, clusters.delete, "default", "cpu-cluster")

            def send(name: str = f"turn{turn}") -> None:
                submit(site, compute="cpu-cluster", name=name)

            threads = [threading.Thread(target=act, args=(use,)) for use in (delete, send)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            there = {c["name"] for c in call(site, computes.find, "default", write=False)["value"]}
            with site.db.read() as db:
                live = select(jobs_table).where(
                    jobs_table.c.cluster == "cpu-cluster", jobs_table.c.state == State.QUEUED.value
                )
                sent = db.execute(live).all()
            assert not sent or "cpu-cluster" in there
            for row in sent:
                call(site, jobs.cancel, "default", row.name)
            Server(site).settle()
