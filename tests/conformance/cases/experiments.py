"""Experiments, by `MlflowClient`."""

from __future__ import annotations

from mlflow.entities import ViewType

from tests.conformance.scene import Scene


def life(scene: Scene) -> None:
    """Made, tagged, renamed, deleted, restored."""
    client = scene.client
    made = client.create_experiment(f"{scene.name}-é", tags={"a": "1", "ü": "ß"})
    client.get_experiment(made)
    client.get_experiment_by_name(f"{scene.name}-é")
    client.get_experiment_by_name("nothing is called so")
    client.set_experiment_tag(made, "a", "2")
    client.set_experiment_tag(made, "b", "x" * 5000)
    client.delete_experiment_tag(made, "ü")
    client.rename_experiment(made, f"{scene.name}-renamed")
    client.delete_experiment(made)
    client.get_experiment(made)
    client.restore_experiment(made)
    client.get_experiment(made)


def refusals(scene: Scene) -> None:
    client = scene.client
    made = scene.experiment()
    for wrong in ("987654", "not a number", "-1", ""):
        with scene.judged():
            client.get_experiment(wrong)
    with scene.judged():
        scene.experiment()
    with scene.judged():
        client.create_experiment("")
    with scene.judged():
        client.create_experiment("x" * 600)
    with scene.judged():
        client.set_experiment_tag(made, "k" * 300, "v")
    with scene.judged():
        client.set_experiment_tag(made, "k", "v" * 6000)
    with scene.judged():
        client.delete_experiment_tag(made, "absent")
    with scene.judged():
        client.restore_experiment("987654")
    client.delete_experiment(made)
    with scene.judged():
        client.delete_experiment(made)
    with scene.judged():
        client.rename_experiment(made, "no")
    with scene.judged():
        client.create_run(made)
    with scene.judged():
        scene.experiment()


def places(scene: Scene) -> None:
    """Where artifacts go."""
    client = scene.client
    with scene.judged():
        client.create_experiment(f"{scene.name}-odd", artifact_location="x:/y/#a/../b?c=d")
    with scene.judged():
        client.create_experiment(f"{scene.name}-there", artifact_location="s3://bucket/prefix")


def search(scene: Scene) -> None:
    client = scene.client
    made = [
        client.create_experiment(f"{scene.name}-{number}", tags={"n": str(number % 2)})
        for number in range(7)
    ]
    client.delete_experiment(made[-1])
    ours = f"name LIKE '{scene.name}-%'"
    for view in (ViewType.ACTIVE_ONLY, ViewType.DELETED_ONLY, ViewType.ALL):
        client.search_experiments(view_type=view, filter_string=ours, order_by=["name"])
    for order in (["name DESC"], ["experiment_id ASC"], ["last_update_time DESC"], None):
        client.search_experiments(filter_string=ours, order_by=order)
    for more in ("tags.n = '1'", "tags.n != '1'", "tags.`n` ILIKE '0'", "creation_time > 0"):
        client.search_experiments(filter_string=f"{ours} AND {more}", order_by=["name ASC"])
    scene.api("GET", "2.0/mlflow/experiments/search", {"filter": ours, "max_results": 3})
    token = None
    for _ in range(3):
        page = client.search_experiments(
            filter_string=ours, order_by=["name"], max_results=2, page_token=token
        )
        token = page.token
    for wrong in ("name LIKE", "nothing = 'a'", "name = 5", "tags.a > '1'", "name = 'a' OR 1"):
        with scene.judged():
            client.search_experiments(filter_string=wrong)
    with scene.judged():
        client.search_experiments(order_by=["nothing ASC"])
    for wrong in (0, -1, 1_000_000):
        with scene.judged():
            client.search_experiments(max_results=wrong)
    with scene.judged():
        client.search_experiments(filter_string=ours, page_token="nonsense")


def default(scene: Scene) -> None:
    """What a script without an experiment uses."""
    found = scene.client.get_experiment_by_name("Default")
    scene.mlflow.get_experiment_by_name("Default")
    run = scene.run(found.experiment_id)
    scene.client.get_run(run)
    with scene.judged():
        scene.client.create_experiment("Default")
