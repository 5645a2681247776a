"""A lineage graph as events of OpenLineage, the open standard that catalogues read. Pure.

Each job is a job with one run; what it read and wrote are datasets. Environments, code and
components are no datasets there: they go along as a facet of the run.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
_FACETS = "https://openlineage.io/spec/facets"
_VERSION = f"{_FACETS}/1-0-1/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet"
_PARENT = f"{_FACETS}/1-0-1/ParentRunFacet.json#/$defs/ParentRunFacet"
_OURS = "urn:lazur:openlineage:run-facet:1"
_DATA = frozenset({"data", "model", "uri", "tree"})
_NO_DATA = frozenset({"parent", "code", "environment"})
_TYPES = {"Completed": "COMPLETE", "Failed": "FAIL", "Canceled": "ABORT"}


class Exporter:
    """`server` is the address that names begin with, `version` ours."""

    def __init__(self, server: str, workspace: str, version: str) -> None:
        self._root = f"lazur://{urlsplit(server).netloc or 'localhost'}"
        self._workspace = workspace
        self._producer = f"urn:lazur:{version}"

    def events(self, graph: dict[str, Any]) -> list[dict[str, Any]]:
        """One for each job of the graph, and one for each registration that no job made."""
        nodes = {node["id"]: node for node in graph["nodes"] if node["kind"] != "hidden"}
        edges = [e for e in graph["edges"] if e["source"] in nodes and e["target"] in nodes]
        found = [
            self.event(node, nodes, edges) for node in nodes.values() if node["kind"] == "job"
        ]
        for edge in edges:
            source, target = nodes[edge["source"]], nodes[edge["target"]]
            if {source["kind"], target["kind"]} <= _DATA:
                found.append(self._copied(source, target, edge))
        return sorted(found, key=lambda event: event["eventTime"])

    def event(
        self,
        job: dict[str, Any],
        nodes: dict[str, dict[str, Any]],
        edges: Iterable[dict[str, Any]],
        kind: str | None = None,
        at: str | None = None,
    ) -> dict[str, Any]:
        """`kind` and `at`: what happened, and when; what is known last without them."""
        into = [e for e in edges if e["target"] == job["id"] and e["source"] in nodes]
        outof = [e for e in edges if e["source"] == job["id"] and e["target"] in nodes]
        known = _TYPES.get(str(job.get("status")), "START")
        started = job.get("started_at") or job.get("created_at")
        last = started if known == "START" else job.get("ended_at") or started
        return {
            "eventType": kind or known,
            "eventTime": at or last or job.get("purged_at") or _NEVER,
            "run": {"runId": self._run(job), "facets": self._facets(job, nodes, into)},
            "job": {"namespace": self._namespace(job), "name": job["name"], "facets": {}},
            "inputs": self._datasets(
                nodes, [e["source"] for e in into if e["role"] not in _NO_DATA]
            ),
            "outputs": self._datasets(
                nodes, [e["target"] for e in outof if e["role"] != "parent"], job
            ),
            "producer": self._producer,
            "schemaURL": SCHEMA,
        }

    def _copied(
        self, source: dict[str, Any], target: dict[str, Any], edge: dict[str, Any]
    ) -> dict[str, Any]:
        """What was shared, or registered from an address: a step that took no time."""
        namespace, name = self._namespace(target), f"{edge['role']}:{target['id']}"
        return {
            "eventType": "COMPLETE",
            "eventTime": edge["at"],
            "run": {"runId": _id(namespace, name, source["id"]), "facets": {}},
            "job": {"namespace": namespace, "name": name, "facets": {}},
            "inputs": [self._dataset(source)],
            "outputs": [self._dataset(target)],
            "producer": self._producer,
            "schemaURL": SCHEMA,
        }

    def _datasets(
        self,
        nodes: dict[str, dict[str, Any]],
        ids: Iterable[str],
        writer: dict[str, Any] | None = None,
    ) -> list[dict[str, Any]]:
        """A job that reads another one's outputs: those are a dataset between the two."""
        found: dict[str, dict[str, Any]] = {}
        for node in (nodes[each] for each in dict.fromkeys(ids)):
            if node["kind"] in _DATA:
                found[node["id"]] = self._dataset(node)
            elif node["kind"] == "job":
                made = writer or node
                found[f"of {made['id']}"] = self._outputs_of(made)
        return list(found.values())

    def _outputs_of(self, job: dict[str, Any]) -> dict[str, Any]:
        return {"namespace": self._namespace(job), "name": f"jobs/{job['name']}/outputs"}

    def _dataset(self, node: dict[str, Any]) -> dict[str, Any]:
        if node["kind"] == "uri" and not node["name"].startswith("azureml:"):
            parts = urlsplit(str(node["name"]))
            return {"namespace": f"{parts.scheme}://{parts.netloc}", "name": parts.path or "/"}
        if node["kind"] in ("uri", "tree"):
            return {"namespace": self._namespace(node), "name": node["id"]}
        made: dict[str, Any] = {
            "namespace": self._namespace(node),
            "name": f"{node['kind']}/{node['name']}",
        }
        if node.get("version"):
            version = {"datasetVersion": node["version"]}
            made["facets"] = {"version": self._facet(_VERSION) | version}
        return made

    def _facets(
        self, job: dict[str, Any], nodes: dict[str, dict[str, Any]], into: list[dict[str, Any]]
    ) -> dict[str, Any]:
        others = {e["role"]: e["source"] for e in into if e["role"] in ("environment", "code")}
        told = {key: job[key] for key in ("status", "type", "experiment_name") if job.get(key)}
        facets = {"lazur": {**self._facet(_OURS), **told, **others, "by": job.get("created_by")}}
        parent = next((nodes[e["source"]] for e in into if e["role"] == "parent"), None)
        if parent is not None:
            facets["parent"] = {
                **self._facet(_PARENT),
                "run": {"runId": self._run(parent)},
                "job": {"namespace": self._namespace(parent), "name": parent["name"]},
            }
        return facets

    def _facet(self, schema: str) -> dict[str, Any]:
        return {"_producer": self._producer, "_schemaURL": schema}

    def _namespace(self, node: dict[str, Any]) -> str:
        if node.get("registry"):
            return f"{self._root}/registries/{node['registry']}"
        return f"{self._root}/workspaces/{node.get('workspace') or self._workspace}"

    def _run(self, job: dict[str, Any]) -> str:
        return _id(self._namespace(job), job["id"] if job.get("purged_at") else job["name"])


_NEVER = "1970-01-01T00:00:00Z"
"""Of a job that nothing is known about any more."""


def _id(*parts: str) -> str:
    """The same for the same things, whoever exports them."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(parts)))
