"""Logged models, by `MlflowClient` and by the fluent API."""

from __future__ import annotations

from pathlib import Path

from mlflow.entities import Metric

from tests.conformance.scene import Scene


def life(scene: Scene) -> None:
    client = scene.client
    experiment = scene.experiment()
    run = scene.run(experiment)
    made = client.create_logged_model(
        experiment,
        name="a model",
        source_run_id=run,
        tags={"t": "1"},
        params={"p": "2"},
        model_type="Agent",
    )
    model = made.model_id
    client.get_logged_model(model)
    client.set_logged_model_tags(model, {"t": "2", "é": "ü"})
    client.delete_logged_model_tag(model, "t")
    client.log_model_params(model, {"later": "3", "long": "x" * 5000})
    client.finalize_logged_model(model, "READY")
    client.get_logged_model(model)
    client.delete_logged_model(model)
    with scene.judged():
        client.get_logged_model(model)
    with scene.judged():
        client.set_logged_model_tags(model, {"a": "b"})
    client.search_logged_models([experiment])


def files(scene: Scene) -> None:
    client = scene.client
    model = client.create_logged_model(scene.experiment(), name="m").model_id
    folder = scene.folder / "files"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").write_text("a")
    (folder / "sub" / "b.txt").write_text("b")
    client.log_model_artifact(model, str(folder / "a.txt"))
    client.log_model_artifact(model, str(folder / "a.txt"), "below")
    client.log_model_artifacts(model, str(folder))
    client.log_model_artifacts(model, str(folder), "all")
    client.list_logged_model_artifacts(model)
    client.list_logged_model_artifacts(model, "all")
    client.list_logged_model_artifacts(model, "absent")
    got = Path(scene.mlflow.artifacts.download_artifacts(f"models:/{model}"))
    scene.note("got", sorted(str(p.relative_to(got)) for p in got.rglob("*")))
    path = f"2.0/mlflow/logged-models/{model}/artifacts"
    scene.api("GET", f"{path}/directories", {"artifact_directory_path": "all"})
    scene.api("GET", f"{path}/directories")
    scene.http("GET", f"/ajax-api/{path}/files", params={"artifact_file_path": "all/sub/b.txt"})
    scene.http("GET", f"/ajax-api/{path}/files", params={"artifact_file_path": "absent"})
    scene.http("GET", f"/ajax-api/{path}/files", params={"artifact_file_path": "../../x"})
    scene.http("GET", f"/ajax-api/{path}/files")


def refusals(scene: Scene) -> None:
    client = scene.client
    experiment = scene.experiment()
    for name in ("", "a/b", "a:b", "a.b", "x" * 600, "a%b", "'quoted'"):
        with scene.judged():
            client.create_logged_model(experiment, name=name)
    absent = "m-" + "0" * 32
    for what in (client.get_logged_model, client.delete_logged_model):
        with scene.judged():
            what(absent)
    with scene.judged():
        client.finalize_logged_model(absent, "READY")
    with scene.judged():
        client.log_model_params(absent, {"a": "b"})
    with scene.judged():
        client.set_logged_model_tags(absent, {"a": "b"})
    with scene.judged():
        client.delete_logged_model_tag(absent, "a")
    with scene.judged():
        client.create_logged_model("987654", name="m")
    with scene.judged():
        client.create_logged_model(experiment, name="m", params={"k" * 300: "v"})


def search(scene: Scene) -> None:
    client = scene.client
    experiment = scene.experiment()
    run = scene.run(experiment)
    for number in range(6):
        model = client.create_logged_model(
            experiment,
            name=f"m{number}",
            source_run_id=run,
            params={"n": str(number)},
            tags={"kind": "ab"[number % 2]},
        ).model_id
        client.log_batch(
            run,
            [Metric("acc", number / 8, 1, 0, model, "wine", "d1", run)],
        )
        if number % 3:
            client.finalize_logged_model(model, "READY" if number % 2 else "FAILED")
    by_name = [{"field_name": "name", "ascending": True}]
    for text in (
        None,
        "metrics.acc > 0.3",
        "params.n = '2'",
        "tags.kind = 'a'",
        "tags.kind != 'a' AND metrics.acc < 0.7",
        "name = 'm3'",
        "name LIKE 'm%'",
        "status = 'READY'",
        "attributes.name IN ('m1', 'm2')",
        "creation_timestamp > 0",
        "nothing = 1",
        "metrics.acc > 'a'",
        "name",
    ):
        with scene.judged():
            client.search_logged_models([experiment], text, order_by=by_name)
    of_data = [{"dataset_name": "wine", "dataset_digest": "d1"}]
    client.search_logged_models(
        [experiment], "metrics.acc >= 0.25", datasets=of_data, order_by=by_name
    )
    for field in ("metrics.acc", "name", "params.n", "nothing"):
        with scene.judged():
            order = [{"field_name": field, "ascending": False}]
            client.search_logged_models([experiment], order_by=order)
    order = [{"field_name": "metrics.acc", "dataset_name": "wine", "dataset_digest": "d1"}]
    client.search_logged_models([experiment], order_by=order)
    token = None
    for _ in range(3):
        page = client.search_logged_models(
            [experiment], max_results=2, order_by=by_name, page_token=token
        )
        token = page.token
    with scene.judged():
        client.search_logged_models(["987654"])
    scene.mlflow.search_logged_models([experiment], order_by=by_name)
    scene.mlflow.search_logged_models([experiment], order_by=by_name, output_format="list")


def fluent(scene: Scene) -> None:
    m = scene.mlflow
    m.set_experiment(scene.name)
    model = m.initialize_logged_model(name="mine", params={"a": "1"}, tags={"t": "1"}).model_id
    m.log_model_params({"b": "2"}, model_id=model)
    m.set_logged_model_tags(model, {"u": "2"})
    m.delete_logged_model_tag(model, "t")
    m.finalize_logged_model(model, "READY")
    m.get_logged_model(model)
    m.last_logged_model()
    m.create_external_model(name="elsewhere", model_type="served")
    m.set_active_model(model_id=model)
    m.get_active_model_id()
    with m.start_run(run_name="a run"):
        m.log_metric("of the active model", 1.0, timestamp=1, step=1)
    m.clear_active_model()
    m.get_active_model_id()
    m.get_logged_model(model)
    m.set_active_model(name="made when asked for")
    m.clear_active_model()


def of_runs(scene: Scene) -> None:
    """`runs/log-model`, as clients before MLflow 3 told about models."""
    run = scene.run()
    told = (
        '{"run_id": "%s", "artifact_path": "model", "utc_time_created": "2024-01-02 03:04:05.0",'
        ' "model_uuid": "x", "flavors": {"python_function": {"loader_module": "a"}}}'
    )
    path = "2.0/mlflow/runs/log-model"
    scene.api("POST", path, {"run_id": run, "model_json": told % run})
    scene.api("POST", path, {"run_id": run, "model_json": told % run})
    scene.api("POST", path, {"run_id": run, "model_json": "not json"})
    scene.api("POST", path, {"run_id": run, "model_json": "{}"})
    scene.api("POST", path, {"run_id": "0" * 32, "model_json": told % run})
    scene.client.get_run(run)
