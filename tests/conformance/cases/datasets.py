"""Evaluation datasets and their records."""

from __future__ import annotations

from tests.conformance.scene import Scene


def life(scene: Scene) -> None:
    client = scene.client
    experiment, other = scene.experiment(), scene.experiment("-other")
    made = client.create_dataset(scene.name, experiment, tags={"a": "1"})
    dataset = made.dataset_id
    client.get_dataset(dataset)
    client.set_dataset_tags(dataset, {"b": "2"})
    client.delete_dataset_tag(dataset, "a")
    client.add_dataset_to_experiments(dataset, [other])
    scene.api("GET", f"3.0/mlflow/datasets/{dataset}/experiment-ids")
    client.remove_dataset_from_experiments(dataset, [experiment])
    client.get_dataset(dataset)
    client.delete_dataset(dataset)
    with scene.judged():
        client.get_dataset(dataset)
    with scene.judged():
        client.set_dataset_tags(dataset, {"a": "b"})


def records(scene: Scene) -> None:
    client = scene.client
    made = client.create_dataset(scene.name, scene.experiment())
    rows = [
        {"inputs": {"q": f"question {n}"}, "expectations": {"a": n}, "tags": {"t": str(n)}}
        for n in range(3)
    ]
    made.merge_records(rows)
    made.merge_records([{"inputs": {"q": "question 1"}, "expectations": {"b": True}}])
    with scene.unheard():
        found = client.get_dataset(made.dataset_id).to_df()
    kept = sorted(found.to_dict("records"), key=lambda row: row["inputs"]["q"])
    scene.note("records", [{k: row[k] for k in ("inputs", "expectations")} for row in kept])
    path = f"3.0/mlflow/datasets/{made.dataset_id}/records"
    with scene.unheard():
        page = scene.api("GET", path, {"max_results": 1})
        scene.http("GET", f"/ajax-api/{path}", params={"max_results": 1})
    scene.note("a page", bool(page.get("next_page_token")))
    with scene.judged():
        made.merge_records([{"wrong": 1}])
    first = [row["dataset_record_id"] for row in kept if row["inputs"]["q"] == "question 0"]
    made.delete_records(first)
    with scene.unheard():
        left = client.get_dataset(made.dataset_id).to_df()
    scene.note("left", len(left))


def search(scene: Scene) -> None:
    client = scene.client
    experiment = scene.experiment()
    for number in range(5):
        client.create_dataset(f"{scene.name}-{number}", experiment, tags={"n": str(number % 2)})
    for text in (
        None,
        "tags.n = '1'",
        f"name LIKE '{scene.name}-%'",
        f"name = '{scene.name}-2'",
        "nothing = 1",
        "name",
    ):
        with scene.judged():
            client.search_datasets([experiment], text, order_by=["name ASC"])
    token = None
    for _ in range(3):
        page = client.search_datasets(
            [experiment], max_results=2, order_by=["name"], page_token=token
        )
        token = page.token
    path = "3.0/mlflow/datasets/search"
    scene.api("GET", path, {"experiment_ids": [experiment], "order_by": ["name"]})
    used = {"experiment_ids": [experiment]}
    for prefix in ("/api/2.0mlflow", "/ajax-api/2.0/mlflow"):
        scene.http("POST", f"{prefix}/experiments/search-datasets", json=used)


def fluent(scene: Scene) -> None:
    m = scene.mlflow
    experiment = m.set_experiment(scene.name).experiment_id
    for part, offered in (("a", m.genai), ("b", m.genai.datasets)):
        name = f"{scene.name}-{part}"
        made = offered.create_dataset(name=name, experiment_id=experiment, tags={"t": "1"})
        offered.get_dataset(name=name)
        offered.get_dataset(dataset_id=made.dataset_id)
        offered.set_dataset_tags(made.dataset_id, {"u": "2"})
        offered.delete_dataset_tag(made.dataset_id, "t")
        offered.search_datasets(experiment_ids=experiment, filter_string="tags.u = '2'")
        if part == "b":
            other = scene.experiment("-other")
            offered.add_dataset_to_experiments(made.dataset_id, [other])
            offered.remove_dataset_from_experiments(made.dataset_id, [other])
        offered.delete_dataset(dataset_id=made.dataset_id)


def refusals(scene: Scene) -> None:
    client = scene.client
    experiment = scene.experiment()
    client.create_dataset(scene.name, experiment)
    for name in (scene.name, "", "x" * 600):
        with scene.judged():
            client.create_dataset(name, experiment)
    with scene.judged():
        client.create_dataset(f"{scene.name}-b", "987654")
    absent = "d-" + "0" * 32
    for what in (client.get_dataset, client.delete_dataset):
        with scene.judged():
            what(absent)
    with scene.judged():
        client.add_dataset_to_experiments(absent, [experiment])
    with scene.judged():
        client.delete_dataset_tag(absent, "a")
