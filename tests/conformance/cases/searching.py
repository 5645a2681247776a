"""Runs that are looked for."""

from __future__ import annotations

from mlflow.entities import Metric, Param, RunTag, ViewType

from tests.conformance.scene import Scene

_FILTERS = (
    "",
    "metrics.loss < 0.5",
    "metrics.loss >= 0.5 AND params.kind = 'a'",
    "metrics.loss != 0.25",
    "metrics.`odd name` > 3",
    'metrics."odd name" <= 3',
    "params.kind != 'a'",
    "params.kind LIKE 'A%'",
    "params.kind ILIKE 'A%'",
    "params.n IN ('1', '2', '3')",
    "tags.owner = 'me'",
    "tags.owner IS NULL",
    "tags.owner IS NOT NULL",
    "params.rare IS NULL",
    "attributes.status = 'FINISHED'",
    "attribute.status != 'FINISHED'",
    "status = 'RUNNING' and params.kind = 'b'",
    "attributes.run_name LIKE 'run 1%'",
    "run_name IN ('run 1', 'run 2')",
    "start_time > 1003",
    "attributes.end_time <= 2004",
    "attributes.user_id = 'unknown'",
    "attributes.lifecycle_stage = 'active'",
    "tags.mlflow.runName = 'run 3'",
    "tags.`mlflow.runName` = 'run 3'",
    "metrics.absent > 0",
    "params.kind = 'it''s'",
    "metrics.loss",
    "metrics.loss > ",
    "metrics.loss > 'a'",
    "params.kind = a",
    "params.kind > 'a'",
    "nothing.kind = 'a'",
    "attributes.nothing = 'a'",
    "metrics.loss < 1 OR metrics.loss > 2",
    "params.n IN ()",
    "params.n IN ('1', 2)",
    "start_time = 'x'",
    "tags.owner IS",
    "run_id < 'a'",
    "metrics.loss < 1 AND",
    "; DROP TABLE runs",
)
_ORDERS = (
    ["metrics.loss"],
    ["metrics.loss DESC"],
    ["metric.`odd name` ASC", "start_time"],
    ["params.kind", "attributes.start_time DESC"],
    ["tags.owner DESC", "start_time ASC"],
    ["attributes.status", "start_time"],
    ["run_name DESC"],
    ["attributes.end_time ASC"],
    ["start_time"],
    ["metrics.absent", "start_time"],
)


def filters(scene: Scene) -> None:
    experiment = _runs(scene)
    for text in _FILTERS:
        with scene.judged():
            scene.client.search_runs([experiment], text)


def orders(scene: Scene) -> None:
    experiment = _runs(scene)
    for order in _ORDERS:
        scene.client.search_runs([experiment], order_by=order)
    for order in (["nothing"], ["metrics.loss UP"], ["start_time,"], ["attributes.nothing"]):
        with scene.judged():
            scene.client.search_runs([experiment], order_by=order)


def pages(scene: Scene) -> None:
    client = scene.client
    experiment = _runs(scene)
    other = scene.experiment("-other")
    scene.run(other, start_time=5000)
    for order in (["metrics.loss DESC"], ["start_time ASC"], None):
        token = None
        while True:
            page = client.search_runs(
                [experiment], order_by=order, max_results=5, page_token=token
            )
            token = page.token
            if not token:
                break
    client.search_runs([experiment, other], max_results=3)
    client.search_runs([])
    client.search_runs(["987654"])
    with scene.judged():
        client.search_runs([experiment], max_results=50_001)
    with scene.judged():
        client.search_runs([experiment], page_token="nonsense")


def views(scene: Scene) -> None:
    client = scene.client
    experiment = _runs(scene)
    gone = client.search_runs([experiment], "run_name = 'run 4'")[0].info.run_id
    client.delete_run(gone)
    for view in (ViewType.ACTIVE_ONLY, ViewType.DELETED_ONLY, ViewType.ALL):
        client.search_runs([experiment], run_view_type=view, order_by=["start_time"])
    client.delete_experiment(experiment)
    client.search_runs([experiment], run_view_type=ViewType.ALL, order_by=["start_time"])
    client.restore_experiment(experiment)
    client.search_runs([experiment], order_by=["start_time"])


def fluent(scene: Scene) -> None:
    """As tables and as lists, by ids, by names and everywhere."""
    mlflow = scene.mlflow
    experiment = _runs(scene, kind="fluent")
    order = ["start_time ASC"]
    mlflow.search_runs([experiment], order_by=order)
    mlflow.search_runs([experiment], order_by=order, output_format="list", max_results=3)
    mlflow.search_runs(experiment_names=[scene.name], filter_string="metrics.loss < 0.5")
    mlflow.search_runs(
        search_all_experiments=True,
        filter_string="tags.owner = 'me' AND params.kind = 'fluent'",
        order_by=order,
    )
    mlflow.search_experiments(filter_string=f"name = '{scene.name}'")


def histories(scene: Scene) -> None:
    """Curves, of one run and of several, whole, in pages and thinned out."""
    client = scene.client
    experiment = scene.experiment()
    runs = [scene.run(experiment, start_time=1000 + n) for n in range(3)]
    for number, run in enumerate(runs):
        points = [Metric("loss", n / (number + 1), n, n * (number + 1)) for n in range(700)]
        client.log_batch(run, metrics=points)
    path = "2.0/mlflow/metrics/get-history"
    page = {"run_id": runs[0], "metric_key": "loss", "max_results": 300}
    token = scene.api("GET", path, page).get("next_page_token")
    scene.api("GET", path, {**page, "page_token": token})
    scene.api("GET", path, {**page, "page_token": "nonsense"})
    scene.api("GET", path, {**page, "max_results": "x"})
    bulk = {"run_id": runs, "metric_key": "loss"}
    with scene.unheard():
        found = scene.http("GET", f"/ajax-api/{path}-bulk", params={**bulk, "max_results": 10000})
    points = sorted(found.json()["metrics"], key=lambda m: (runs.index(m["run_id"]), m["step"]))
    scene.note("bulk", points)
    scene.http("GET", f"/ajax-api/{path}-bulk", params={"metric_key": "loss"})
    scene.http("GET", f"/ajax-api/{path}-bulk", params={"run_id": runs})
    sampled = {"run_ids": runs, "metric_key": "loss", "max_results": 20}
    scene.api("GET", f"{path}-bulk-interval", sampled)
    scene.api("GET", f"{path}-bulk-interval", {**sampled, "start_step": 10, "end_step": 300})
    scene.api("GET", f"{path}-bulk-interval", {**sampled, "start_step": 10})
    scene.api("GET", f"{path}-bulk-interval", {**sampled, "max_results": 0})
    scene.api("GET", f"{path}-bulk-interval", {**sampled, "run_ids": ["0" * 32]})


def _runs(scene: Scene, kind: str = "a") -> str:
    experiment = scene.experiment()
    for number in range(12):
        run = scene.run(experiment, start_time=1000 + number, run_name=f"run {number}")
        tags = [RunTag("owner", "me")] if number % 3 == 0 else []
        named = (kind, "b")[number % 2] if number != 7 else "it's"
        params = [Param("kind", named), Param("n", str(number))]
        metrics = [Metric("odd name", number, 1, 0)]
        if number != 5:
            metrics.append(Metric("loss", number / 16, 1, 0))
        if number == 9:
            metrics.append(Metric("loss", float("nan"), 2, 1))
        if number == 10:
            params.append(Param("rare", "yes"))
        scene.client.log_batch(run, metrics, params, tags)
        if number % 2:
            scene.client.set_terminated(run, end_time=2000 + number)
    return experiment
