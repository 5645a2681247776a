"""Events keep to OpenLineage's schema, 2-0-2."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from lazur.engine.openlineage import Exporter
from tests.unit.engine.test_mermaid import GRAPH

_TYPES = {"START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"}


def check(event: dict[str, Any]) -> None:
    """What the published schema asks for: required fields, their types and formats."""
    assert set(event) == {
        "eventType",
        "eventTime",
        "run",
        "job",
        "inputs",
        "outputs",
        "producer",
        "schemaURL",
    }
    assert event["eventType"] in _TYPES
    assert datetime.fromisoformat(event["eventTime"]).tzinfo is not None
    assert uuid.UUID(event["run"]["runId"])
    for uri in (event["producer"], event["schemaURL"]):
        assert urlsplit(uri).scheme
    assert event["schemaURL"].endswith("/2-0-2/OpenLineage.json#/$defs/RunEvent")
    for named in (event["job"], *event["inputs"], *event["outputs"]):
        assert isinstance(named["namespace"], str)
        assert isinstance(named["name"], str)
        assert named["name"]
        _check_facets(named)
    _check_facets(event["run"])


def _check_facets(of: dict[str, Any]) -> None:
    for facet in of.get("facets", {}).values():
        assert urlsplit(facet["_producer"]).scheme
        assert urlsplit(facet["_schemaURL"]).scheme


def events() -> list[dict[str, Any]]:
    return Exporter("https://ml.example.org:8765", "default", "1.0").events(GRAPH)


class TestEvents:
    def test_all_are_valid(self) -> None:
        for event in events():
            check(event)

    def test_a_job_is_one_with_what_it_read_and_wrote(self) -> None:
        (job,) = [event for event in events() if event["job"]["name"] == "train"]
        root = "lazur://ml.example.org:8765/workspaces/default"
        assert job["eventType"] == "COMPLETE"
        assert job["eventTime"] == "2026-01-01T00:05:00Z"
        assert [(d["namespace"], d["name"]) for d in job["inputs"]] == [(root, "data/y")]
        assert [(d["namespace"], d["name"]) for d in job["outputs"]] == [
            (root, "model/x"),
            (root, "jobs/train/outputs"),
        ]
        assert job["inputs"][0]["facets"]["version"]["datasetVersion"] == "2"
        assert job["run"]["facets"]["lazur"]["environment"] == "environment:e:1"
        assert job["run"]["facets"]["lazur"]["code"] == "tree:" + "a" * 64

    def test_what_one_job_left_another_read(self) -> None:
        (second,) = [event for event in events() if event["job"]["name"] == "second"]
        assert [dataset["name"] for dataset in second["inputs"]] == ["jobs/train/outputs"]
        assert second["eventType"] == "START"

    def test_a_registration_is_a_step_of_its_own(self) -> None:
        (copied,) = [event for event in events() if event["job"]["name"] == "path:data:y:2"]
        assert copied["inputs"] == [{"namespace": "https://example.org", "name": "/a;b|c.csv"}]

    def test_a_run_has_the_same_id_whenever_it_is_exported(self) -> None:
        assert [event["run"]["runId"] for event in events()] == [
            event["run"]["runId"] for event in events()
        ]

    def test_what_is_hidden_is_left_out(self) -> None:
        assert "hidden" not in str(events())
