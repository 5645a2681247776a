"""What people say about traces: label schemas, queues of reviews, issues. Upstream's pages ask by
HTTP; the client has no functions for it."""

from __future__ import annotations

from tests.conformance.scene import Scene


def labels(scene: Scene) -> None:
    experiment = scene.experiment()
    path = "3.0/mlflow/label-schemas"
    asked = {
        "experiment_id": experiment,
        "name": "quality",
        "type": "FEEDBACK",
        "instruction": "Is it good?",
        "enable_comment": True,
        "input": {"pass_fail": {"positive_label": "good", "negative_label": "bad"}},
    }
    made = scene.api("POST", f"{path}/create", asked)["label_schema"]["schema_id"]
    scene.api("POST", f"{path}/create", asked)
    scene.api("POST", f"{path}/create", {**asked, "name": ""})
    scene.api("POST", f"{path}/create", {**asked, "name": "b", "input": {}})
    scene.api("GET", f"{path}/get", {"schema_id": made})
    scene.api("GET", f"{path}/get", {"schema_id": "absent"})
    scene.api("GET", f"{path}/get-by-name", {"experiment_id": experiment, "name": "quality"})
    scene.api("GET", f"{path}/list", {"experiment_id": experiment})
    scene.api("GET", f"{path}/list", {"experiment_id": experiment, "max_results": 1})
    scene.api("PATCH", f"{path}/update", {"schema_id": made, "instruction": "Is it?"})
    scene.api("DELETE", f"{path}/delete", {"schema_id": made})
    scene.api("DELETE", f"{path}/delete", {"schema_id": made})


def queues(scene: Scene) -> None:
    client = scene.client
    experiment = scene.experiment()
    root = client.start_trace("t", experiment_id=experiment)
    client.end_trace(root.trace_id)
    path = "3.0/mlflow/review-queues"
    asked = {
        "experiment_id": experiment,
        "name": "to do",
        "queue_type": "CUSTOM",
        "users": ["somebody"],
    }
    made = scene.api("POST", f"{path}/create", asked)["review_queue"]["queue_id"]
    scene.api("POST", f"{path}/create", asked)
    scene.api("POST", f"{path}/create", {"experiment_id": experiment, "name": "no type"})
    scene.api("POST", f"{path}/get-or-create-user", {"experiment_id": experiment, "user": "me"})
    scene.api("GET", f"{path}/get", {"queue_id": made})
    scene.api("GET", f"{path}/get-by-name", {"experiment_id": experiment, "name": "to do"})
    scene.api("GET", f"{path}/list", {"experiment_id": experiment, "user": "somebody"})
    scene.api("POST", f"{path}/update", {"queue_id": made, "name": "to be done"})
    items = {"queue_id": made, "item_ids": [root.trace_id], "item_type": "TRACE"}
    scene.api("POST", f"{path}/items/add", items)
    scene.api("POST", f"{path}/items/add", {**items, "item_ids": ["tr-absent"]})
    scene.api("GET", f"{path}/items/list", {"queue_id": made, "status": "PENDING"})
    done = {"queue_id": made, "item_id": root.trace_id, "status": "COMPLETE"}
    scene.api("POST", f"{path}/items/set-status", {**done, "completed_by": "somebody"})
    scene.api("GET", f"{path}/items/list", {"queue_id": made})
    scene.api("POST", f"{path}/items/remove", items)
    scene.api("POST", f"{path}/delete", {"queue_id": made})
    scene.api("POST", f"{path}/delete", {"queue_id": made})


def issues(scene: Scene) -> None:
    experiment = scene.experiment()
    path = "3.0/mlflow/issues"
    asked = {
        "experiment_id": experiment,
        "name": "slow",
        "description": "It takes long.",
        "root_causes": ["network"],
        "categories": ["latency"],
        "created_by": "somebody",
    }
    made = scene.api("POST", path, asked)["issue"]["issue_id"]
    scene.api("POST", path, {"experiment_id": experiment})
    scene.api("POST", path, {**asked, "status": "nothing"})
    scene.api("GET", f"{path}/{made}")
    scene.api("GET", f"{path}/absent")
    scene.api("PATCH", f"{path}/{made}", {"issue_id": made, "status": "resolved", "name": "fast"})
    scene.api("PATCH", f"{path}/{made}", {"issue_id": made, "severity": "nothing"})
    searched = {"experiment_id": experiment, "include_trace_count": True}
    scene.api("POST", f"{path}/search", searched)
    scene.api("POST", f"{path}/search", {**searched, "filter_string": "status = 'resolved'"})
    scene.api("POST", f"{path}/search", {**searched, "filter_string": "nothing"})
