"""What a browser asks for."""

from __future__ import annotations

import re

from tests.conformance.scene import Scene


def interface(scene: Scene) -> None:
    """Upstream's pages and their scripts."""
    page = scene.http("GET", "/")
    for path in sorted(set(re.findall(r'(?:src|href)="\.?/?(static-files/[^"]+)"', page.text))):
        scene.http("GET", f"/{path}")
    scene.http("GET", "/static-files/absent.js")
    scene.http("GET", "/static-files/..%2f..%2fserver/handlers.py")


def about(scene: Scene) -> None:
    scene.http("GET", "/health")
    scene.http("GET", "/version")
    scene.api("GET", "3.0/mlflow/server-info")
    scene.http("GET", "/ajax-api/3.0/mlflow/ui-telemetry")


def graphql(scene: Scene) -> None:
    """The pages' own questions."""
    run = scene.run()
    asked = {
        "operationName": "GetRun",
        "variables": {"data": {"runId": run}},
        "query": "query GetRun($data: MlflowGetRunInput!) { mlflowGetRun(input: $data) {"
        " apiError { code message } run { info { runName runUuid status } } } }",
    }
    scene.http("POST", "/graphql", json=asked)
    asked["variables"] = {"data": {"runId": "0" * 32}}
    scene.http("POST", "/graphql", json=asked)
    scene.http("POST", "/graphql", json={**asked, "query": "query { nothing }"})
    scene.http("GET", "/graphql", params={"query": "{ __typename }"})


def traces(scene: Scene) -> None:
    """What only the pages ask about traces and datasets."""
    experiment = scene.experiment()
    root = scene.client.start_trace("t", experiment_id=experiment)
    scene.client.end_trace(root.trace_id)
    path = "/ajax-api/2.0/mlflow/get-online-trace-details"
    scene.http("GET", path, params={"trace_id": root.trace_id, "sql_warehouse_id": "x"})
    scene.http("GET", "/ajax-api/2.0/mlflow/unified-traces", params={"experiment_ids": experiment})


def promptlab(scene: Scene) -> None:
    experiment = scene.experiment()
    path = "/ajax-api/2.0/mlflow/runs/create-promptlab-run"
    asked = {
        "experiment_id": experiment,
        "run_name": "a run",
        "prompt_template": "Hello {{who}}",
        "prompt_parameters": [{"key": "who", "value": "you"}],
        "model_route": "r",
        "model_parameters": [{"key": "temperature", "value": "0.5"}],
        "model_input": "Hello you",
        "model_output": "Hello, too",
        "model_output_parameters": [{"key": "latency", "value": "1"}],
        "mlflow_version": "3.0.0",
        "user_id": "someone",
        "start_time": "1000",
    }
    scene.http("POST", path, json=asked)
    scene.http("POST", path, json={})
    scene.client.search_runs([experiment])
