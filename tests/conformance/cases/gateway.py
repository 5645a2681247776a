"""The gateway to language models: with nothing behind it, and with a provider of our own."""

from __future__ import annotations

import json
from typing import Any

from tests.conformance.provider import provider
from tests.conformance.scene import Scene

_PATH = "3.0/mlflow/gateway"
_ASKED: dict[str, Any] = {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 9}


def keys(scene: Scene) -> None:
    """Secrets, models and endpoints, made, changed and deleted."""
    secret = _secret(scene)
    model = _model(scene, secret)
    other = _model(scene, secret, "-other")
    endpoint = _endpoint(scene, model)
    _endpoint(scene, model)
    scene.api("GET", f"{_PATH}/secrets/get", {"secret_id": secret})
    scene.api("GET", f"{_PATH}/secrets/get", {"secret_name": "absent"})
    scene.api("GET", f"{_PATH}/secrets/list")
    changed = {"secret_id": secret, "secret_value": {"api_key": "sk-another-one"}}
    scene.api("POST", f"{_PATH}/secrets/update", changed)
    scene.api("GET", f"{_PATH}/model-definitions/get", {"model_definition_id": model})
    scene.api("GET", f"{_PATH}/model-definitions/list", {"provider": "openai"})
    renamed = {"model_definition_id": model, "model_name": "gpt-4o"}
    scene.api("POST", f"{_PATH}/model-definitions/update", renamed)
    scene.api("GET", f"{_PATH}/endpoints/get", {"endpoint_id": endpoint})
    scene.api("GET", f"{_PATH}/endpoints/list")
    scene.api("POST", f"{_PATH}/endpoints/update", {"endpoint_id": endpoint, "name": "renamed"})
    spare = {"model_definition_id": other, "linkage_type": "FALLBACK", "fallback_order": 1}
    attached = {"endpoint_id": endpoint, "model_config": spare}
    scene.api("POST", f"{_PATH}/endpoints/models/attach", attached)
    detached = {"endpoint_id": endpoint, "model_definition_id": other}
    scene.api("POST", f"{_PATH}/endpoints/models/detach", detached)
    tag = {"endpoint_id": endpoint, "key": "k", "value": "v"}
    scene.api("POST", f"{_PATH}/endpoints/set-tag", tag)
    scene.api("DELETE", f"{_PATH}/endpoints/delete-tag", {"endpoint_id": endpoint, "key": "k"})
    bound = {"endpoint_id": endpoint, "resource_type": "scorer", "resource_id": "x"}
    scene.api("POST", f"{_PATH}/endpoints/bindings/create", bound)
    scene.api("GET", f"{_PATH}/endpoints/bindings/list", {"endpoint_id": endpoint})
    scene.api("DELETE", f"{_PATH}/endpoints/bindings/delete", bound)
    scene.api("DELETE", f"{_PATH}/endpoints/delete", {"endpoint_id": endpoint})
    for each in (model, other):
        gone = {"model_definition_id": each}
        scene.api("DELETE", f"{_PATH}/model-definitions/delete", gone)
    scene.api("DELETE", f"{_PATH}/secrets/delete", {"secret_id": secret})
    scene.api("DELETE", f"{_PATH}/secrets/delete", {"secret_id": secret})
    scene.http("GET", f"/ajax-api/{_PATH}/provider-config", params={"provider": "openai"})


def limits(scene: Scene) -> None:
    """Budgets."""
    budget = {
        "budget_unit": "USD",
        "budget_amount": 5.5,
        "duration": {"unit": "DAYS", "value": 7},
        "target_scope": "WORKSPACE",
        "budget_action": "ALERT",
    }
    said = scene.api("POST", f"{_PATH}/budgets/create", budget)
    made = said["budget_policy"]["budget_policy_id"]
    scene.api("POST", f"{_PATH}/budgets/create", {**budget, "target_scope": "USER"})
    scene.api("GET", f"{_PATH}/budgets/get", {"budget_policy_id": made})
    scene.api("GET", f"{_PATH}/budgets/list")
    scene.api("GET", f"{_PATH}/budgets/windows")
    raised = {"budget_policy_id": made, "budget_amount": 6}
    scene.api("POST", f"{_PATH}/budgets/update", raised)
    scene.api("DELETE", f"{_PATH}/budgets/delete", {"budget_policy_id": made})
    scene.api("GET", f"{_PATH}/budgets/get", {"budget_policy_id": made})


def guardrails(scene: Scene) -> None:
    endpoint = _endpoint(scene, _model(scene, _secret(scene)))
    scorer = _scorer(scene)
    asked = {
        "name": "polite",
        "scorer_id": scorer,
        "scorer_version": 1,
        "stage": "BEFORE",
        "action": "VALIDATION",
    }
    said = scene.api("POST", f"{_PATH}/guardrails/create", asked)
    made = said.get("guardrail", {}).get("guardrail_id", "absent")
    scene.api("GET", f"{_PATH}/guardrails/get", {"guardrail_id": made})
    scene.api("GET", f"{_PATH}/guardrails/list")
    both = {"endpoint_id": endpoint, "guardrail_id": made}
    scene.api("POST", f"{_PATH}/guardrails/add-to-endpoint", {**both, "execution_order": 1})
    scene.api("GET", f"{_PATH}/guardrails/list-for-endpoint", {"endpoint_id": endpoint})
    scene.api("PATCH", f"{_PATH}/guardrails/update-config", {**both, "execution_order": 2})
    scene.api("DELETE", f"{_PATH}/guardrails/remove-from-endpoint", both)
    scene.api("DELETE", f"{_PATH}/guardrails/delete", {"guardrail_id": made})
    scene.api("GET", f"{_PATH}/guardrails/get", {"guardrail_id": made})


def calls(scene: Scene) -> None:
    """By every address under which a model can be asked."""
    name = scene.name
    _endpoint(scene, _model(scene, _secret(scene)))
    scene.hang_up()
    scene.http("POST", f"/gateway/{name}/mlflow/invocations", json=_ASKED)
    asked = {**_ASKED, "model": name}
    for path in ("mlflow/v1/chat/completions", "openai/v1/chat/completions"):
        scene.http("POST", f"/gateway/{path}", json=asked)
    asked = {"model": name, "input": "Hello"}
    for path in ("responses", "responses/compact", "embeddings"):
        scene.http("POST", f"/gateway/openai/v1/{path}", json=asked)
    scene.http("POST", f"/gateway/proxy/{name}/v1/models", json={})
    scene.http("GET", "/gateway/mlflow/v1/models")
    scene.http("POST", "/gateway/absent/mlflow/invocations", json=_ASKED)
    proxied = {"gateway_path": "api/2.0/endpoints/"}
    scene.http("GET", "/ajax-api/2.0/mlflow/gateway-proxy", params=proxied)


def answers(scene: Scene) -> None:
    """Of a model, by every address that does not lead to a provider of its own."""
    with provider() as (url, heard):
        for kind, base in (("openai", f"{url}/v1"), ("anthropic", url)):
            secret = _secret(scene, f"-{kind}", kind, base)
            _endpoint(scene, _model(scene, secret, f"-{kind}", kind), f"-{kind}")
        name = f"{scene.name}-openai"
        scene.http("POST", f"/gateway/{name}/mlflow/invocations", json=_ASKED)
        for path in ("mlflow/v1/chat/completions", "openai/v1/chat/completions"):
            scene.http("POST", f"/gateway/{path}", json={**_ASKED, "model": name})
        for path in ("responses", "responses/compact", "embeddings"):
            asked = {"model": name, "input": "Hello"}
            scene.http("POST", f"/gateway/openai/v1/{path}", json=asked)
        scene.http("POST", f"/gateway/proxy/{name}/chat/completions", json=_ASKED)
        asked = {**_ASKED, "model": f"{scene.name}-anthropic"}
        scene.http("POST", "/gateway/anthropic/v1/messages", json=asked)
    scene.note("heard", heard)


def _secret(
    scene: Scene, suffix: str = "", kind: str = "openai", base: str = "https://127.0.0.1:9/v1"
) -> str:
    asked = {
        "secret_name": f"{scene.name}-secret{suffix}",
        "secret_value": {"api_key": "sk-of-nobody"},
        "provider": kind,
        "auth_config": {"api_base": base},
    }
    said = scene.api("POST", f"{_PATH}/secrets/create", asked)
    return said.get("secret", {}).get("secret_id", "absent")


def _model(scene: Scene, secret: str, suffix: str = "", kind: str = "openai") -> str:
    asked = {
        "name": f"{scene.name}-model{suffix}",
        "secret_id": secret,
        "provider": kind,
        "model_name": "gpt-4o-mini",
    }
    said = scene.api("POST", f"{_PATH}/model-definitions/create", asked)
    return said.get("model_definition", {}).get("model_definition_id", "absent")


def _endpoint(scene: Scene, model: str, suffix: str = "") -> str:
    asked = {
        "name": f"{scene.name}{suffix}",
        "model_configs": [
            {"model_definition_id": model, "linkage_type": "PRIMARY", "weight": 1.0}
        ],
        "usage_tracking": False,
    }
    said = scene.api("POST", f"{_PATH}/endpoints/create", asked)
    return said.get("endpoint", {}).get("endpoint_id", "absent")


def _scorer(scene: Scene) -> str:
    asked = {
        "experiment_id": scene.experiment(),
        "name": "polite",
        "serialized_scorer": json.dumps({"name": "polite", "mlflow_version": "3.0.0"}),
    }
    said = scene.api("POST", "3.0/mlflow/scorers/register", asked)
    return said.get("scorer_id", "absent")
