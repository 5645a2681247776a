"""A workspace with one of everything that MLflow knows. Each thing has the workspace's mark in its
name, and a secret in what it holds, which is in no request that asks for it."""

from __future__ import annotations

import hashlib
import json
import os
import time
from dataclasses import dataclass, field
from typing import Any

from tests.security.wire import Answer, Wire


@dataclass
class Filled:
    """What was made, by the names that MLflow's requests have for it."""

    wire: Wire
    base: str
    mark: str
    secret: str
    ids: dict[str, str] = field(default_factory=dict[str, str])

    def ask(self, method: str, path: str, body: Any = None) -> Answer:
        got = self.wire.ask(method, f"{self.base}/{path}", body, Content_Type="application/json")
        assert got.status < 300, (method, path, got.status, got.body[:500])
        return got

    def post(self, path: str, **body: Any) -> Any:
        return self.ask("POST", f"api/{path}", body).json

    def log_span(self, inputs: str, outputs: str) -> str:
        """A trace of one span, as OpenTelemetry sends it."""
        number = os.urandom(16).hex()
        given = {"mlflow.spanInputs": inputs, "mlflow.spanOutputs": outputs}
        span = {
            "traceId": number,
            "spanId": number[:16],
            "name": self.mark,
            "kind": 1,
            "startTimeUnixNano": str(time.time_ns() - 1000),
            "endTimeUnixNano": str(time.time_ns()),
            "attributes": [
                {"key": key, "value": {"stringValue": f'"{text}"'}} for key, text in given.items()
            ],
        }
        body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()
        headers = {
            "Content_Type": "application/json",
            "X_MLFLOW_EXPERIMENT_ID": self.ids.get("experiment_id", "0"),
        }
        got = self.wire.ask("POST", f"{self.base}/v1/traces", body, **headers)
        assert got.status == 200, got.body
        return f"tr-{number}"


def fill(wire: Wire, workspace: str, mark: str, secret: str) -> Filled:
    made = Filled(wire, f"/mlflow/workspaces/{workspace}", mark, secret)
    for part in (_tracking, _models, _traces, _genai, _gateway, _others):
        part(made)
    return made


def _tracking(made: Filled) -> None:
    ids, mark, secret = made.ids, made.mark, made.secret
    tags = [{"key": mark, "value": secret}]
    ids["experiment_id"] = made.post(
        "2.0/mlflow/experiments/create", name=f"exp {mark}", tags=tags
    )["experiment_id"]
    found = made.ask("GET", f"api/2.0/mlflow/experiments/get?experiment_id={ids['experiment_id']}")
    ids["space"] = found.json["experiment"]["artifact_location"].split("/")[2]
    ids["run_id"] = made.post(
        "2.0/mlflow/runs/create",
        experiment_id=ids["experiment_id"],
        run_name=f"run {mark}",
        start_time=int(time.time() * 1000),
        tags=tags,
    )["run"]["info"]["run_id"]
    made.post(
        "2.0/mlflow/runs/log-batch",
        run_id=ids["run_id"],
        metrics=[{"key": mark, "value": 1.0, "timestamp": 1, "step": 0}],
        params=[{"key": mark, "value": secret}],
    )
    data = {"name": mark, "digest": "1", "source_type": "x", "source": secret}
    made.post("2.0/mlflow/runs/log-inputs", run_id=ids["run_id"], datasets=[{"dataset": data}])
    place = f"{ids['experiment_id']}/{ids['run_id']}/artifacts/{mark}.txt"
    made.ask("PUT", f"api/2.0/mlflow-artifacts/artifacts/{place}", secret.encode())
    ids |= {"artifact_path": f"{mark}.txt", "place": place}


def _models(made: Filled) -> None:
    ids, mark, secret = made.ids, made.mark, made.secret
    logged = made.post(
        "2.0/mlflow/logged-models",
        experiment_id=ids["experiment_id"],
        name=mark,
        source_run_id=ids["run_id"],
        params=[{"key": mark, "value": secret}],
        tags=[{"key": mark, "value": secret}],
    )
    ids["model_id"] = logged["model"]["info"]["model_id"]
    ids["name"] = f"model-{mark}"
    made.post("2.0/mlflow/registered-models/create", name=ids["name"], description=secret)
    made.post(
        "2.0/mlflow/model-versions/create",
        name=ids["name"],
        source=f"runs:/{ids['run_id']}/{mark}",
        run_id=ids["run_id"],
        description=secret,
    )
    ids |= {"version": "1", "alias": f"al{mark}"}
    made.post(
        "2.0/mlflow/registered-models/alias", name=ids["name"], version="1", alias=ids["alias"]
    )


def _traces(made: Filled) -> None:
    ids, mark, secret = made.ids, made.mark, made.secret
    ids["trace_id"] = trace = "tr-" + hashlib.md5(mark.encode()).hexdigest()
    made.post(
        "3.0/mlflow/traces",
        trace={
            "trace_info": {
                "trace_id": trace,
                "trace_location": {
                    "type": "MLFLOW_EXPERIMENT",
                    "mlflow_experiment": {"experiment_id": ids["experiment_id"]},
                },
                "request_time": "2026-01-01T00:00:00Z",
                "state": "OK",
                "request_preview": secret,
                "tags": {mark: secret},
            }
        },
    )
    assessed = made.post(
        f"3.0/mlflow/traces/{trace}/assessments",
        assessment={
            "assessment_name": mark,
            "trace_id": trace,
            "source": {"source_type": "HUMAN", "source_id": secret},
            "create_time": "2026-01-01T00:00:00Z",
            "last_update_time": "2026-01-01T00:00:00Z",
            "feedback": {"value": secret},
        },
    )
    ids["assessment_id"] = assessed["assessment"]["assessment_id"]


def _genai(made: Filled) -> None:
    ids, mark, secret = made.ids, made.mark, made.secret
    dataset = made.post(
        "3.0/mlflow/datasets/create", name=f"ds-{mark}", experiment_ids=[ids["experiment_id"]]
    )
    ids["dataset_id"] = dataset["dataset"]["dataset_id"]
    made.post(
        f"3.0/mlflow/datasets/{ids['dataset_id']}/records",
        records=f'[{{"inputs": {{"q": "{secret}"}}}}]',
    )
    made.post(
        "3.0/mlflow/scorers/register",
        experiment_id=ids["experiment_id"],
        name=f"sc-{mark}",
        serialized_scorer=f'{{"name": "sc-{mark}", "builtin_scorer_class": "Safety"}}',
    )
    schema = made.post(
        "3.0/mlflow/label-schemas/create",
        experiment_id=ids["experiment_id"],
        name=f"ls-{mark}",
        type="FEEDBACK",
        instruction=secret,
        input={"text": {}},
    )
    ids["schema_id"] = schema["label_schema"]["schema_id"]
    queue = made.post(
        "3.0/mlflow/review-queues/create",
        experiment_id=ids["experiment_id"],
        name=f"rq-{mark}",
        queue_type="CUSTOM",
    )
    ids["queue_id"] = queue["review_queue"]["queue_id"]
    issue = made.post(
        "3.0/mlflow/issues",
        experiment_id=ids["experiment_id"],
        name=f"is-{mark}",
        description=secret,
    )
    ids["issue_id"] = issue["issue"]["issue_id"]


def _gateway(made: Filled) -> None:
    ids, mark, secret = made.ids, made.mark, made.secret
    sealed = made.post(
        "3.0/mlflow/gateway/secrets/create",
        secret_name=f"se-{mark}",
        secret_value={"api_key": secret},
        provider="openai",
    )
    ids["secret_id"] = sealed["secret"]["secret_id"]
    definition = made.post(
        "3.0/mlflow/gateway/model-definitions/create",
        name=f"md-{mark}",
        secret_id=ids["secret_id"],
        provider="openai",
        model_name=secret,
    )
    ids["model_definition_id"] = definition["model_definition"]["model_definition_id"]
    endpoint = made.post(
        "3.0/mlflow/gateway/endpoints/create",
        name=f"ep-{mark}",
        model_configs=[
            {
                "model_definition_id": ids["model_definition_id"],
                "linkage_type": "PRIMARY",
                "weight": 1.0,
            }
        ],
    )
    ids["endpoint_id"] = endpoint["endpoint"]["endpoint_id"]
    ids["endpoint_name"] = f"ep-{mark}"


def _others(made: Filled) -> None:
    ids, mark, secret = made.ids, made.mark, made.secret
    hook = made.post(
        "2.0/mlflow/webhooks",
        name=f"wh-{mark}",
        url=f"https://93.184.216.34/{secret}",
        events=[{"entity": "REGISTERED_MODEL", "action": "CREATED"}],
        secret=secret,
    )
    ids["webhook_id"] = hook["webhook"]["webhook_id"]
    made.post("3.0/mlflow/mcp-servers", name=f"com.example/{mark}", description=secret)
    ids["server"] = f"com.example/{mark}"
