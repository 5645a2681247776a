"""Registered models and their versions."""

from __future__ import annotations

from tests.conformance.scene import Scene


def models(scene: Scene) -> None:
    client = scene.client
    name = f"{scene.name} é"
    client.create_registered_model(name, tags={"a": "1"}, description="what it is")
    client.get_registered_model(name)
    client.update_registered_model(name, description="what it is now")
    client.set_registered_model_tag(name, "a", "2")
    client.set_registered_model_tag(name, "b", "x" * 4000)
    client.delete_registered_model_tag(name, "a")
    client.rename_registered_model(name, f"{name} renamed")
    client.get_registered_model(f"{name} renamed")
    client.delete_registered_model(f"{name} renamed")
    with scene.judged():
        client.get_registered_model(f"{name} renamed")


def versions(scene: Scene) -> None:
    client = scene.client
    run = scene.run()
    client.create_registered_model(scene.name)
    source = client.get_run(run).info.artifact_uri + "/model"
    client.create_model_version(scene.name, source, run, tags={"t": "1"}, description="first")
    client.create_model_version(scene.name, source, run, run_link="https://example.com/run")
    client.create_model_version(scene.name, f"runs:/{run}/model", run)
    client.get_model_version(scene.name, "1")
    client.get_model_version_download_uri(scene.name, "2")
    client.update_model_version(scene.name, "1", "said anew")
    client.set_model_version_tag(scene.name, "1", "t", "2")
    client.set_model_version_tag(scene.name, "1", "u", "3")
    client.delete_model_version_tag(scene.name, "1", "t")
    client.get_model_version(scene.name, "1")
    client.delete_model_version(scene.name, "2")
    with scene.judged():
        client.get_model_version(scene.name, "2")
    client.create_model_version(scene.name, source, run)
    client.get_registered_model(scene.name)
    client.copy_model_version(f"models:/{scene.name}/1", f"{scene.name}-copy")
    client.get_model_version(f"{scene.name}-copy", "1")


def of_logged_models(scene: Scene) -> None:
    client = scene.client
    experiment = scene.experiment()
    run = scene.run(experiment)
    model = client.create_logged_model(experiment, name="m", source_run_id=run)
    client.create_registered_model(scene.name)
    client.create_model_version(scene.name, model.artifact_location, run, model_id=model.model_id)
    client.get_logged_model(model.model_id)
    client.search_model_versions(f"name = '{scene.name}'")


def stages(scene: Scene) -> None:
    client = scene.client
    _three(scene)
    client.get_model_version_stages(scene.name, "1")
    client.transition_model_version_stage(scene.name, "1", "Production")
    client.transition_model_version_stage(scene.name, "2", "staging")
    client.transition_model_version_stage(
        scene.name, "3", "Production", archive_existing_versions=True
    )
    client.get_latest_versions(scene.name)
    client.get_latest_versions(scene.name, ["Production", "Archived"])
    client.set_model_version_tag(scene.name, key="by stage", value="1", stage="Production")
    client.delete_model_version_tag(scene.name, key="by stage", stage="Production")
    with scene.judged():
        client.transition_model_version_stage(scene.name, "1", "nowhere")
    with scene.judged():
        client.get_latest_versions(scene.name, ["nowhere"])
    path = "2.0/mlflow/registered-models/get-latest-versions"
    scene.api("GET", path, {"name": scene.name})
    scene.api("POST", path, {"name": scene.name, "stages": ["Staging"]})


def aliases(scene: Scene) -> None:
    client = scene.client
    _three(scene)
    client.set_registered_model_alias(scene.name, "champion", "1")
    client.set_registered_model_alias(scene.name, "champion", "2")
    client.set_registered_model_alias(scene.name, "other", "2")
    client.get_model_version_by_alias(scene.name, "champion")
    client.get_registered_model(scene.name)
    client.get_model_version(scene.name, "2")
    client.delete_registered_model_alias(scene.name, "champion")
    for what in (client.get_model_version_by_alias, client.delete_registered_model_alias):
        with scene.judged():
            what(scene.name, "champion")
    for alias in ("latest", "v1", "1", "a b", "é", "x" * 300, ""):
        with scene.judged():
            client.set_registered_model_alias(scene.name, alias, "1")
    with scene.judged():
        client.set_registered_model_alias(scene.name, "a", "99")
    client.delete_model_version(scene.name, "2")
    with scene.judged():
        client.get_model_version_by_alias(scene.name, "other")


def search(scene: Scene) -> None:
    client = scene.client
    run = scene.run()
    for number in range(5):
        name = f"{scene.name}-{number}"
        client.create_registered_model(name, tags={"n": str(number % 2)})
        client.create_model_version(name, f"runs:/{run}/m{number}", run, tags={"v": str(number)})
    ours = f"name LIKE '{scene.name}-%'"
    for text in (
        ours,
        f"{ours} AND tags.n = '1'",
        f"name ILIKE '{scene.name.upper()}-%'",
        f"name = '{scene.name}-1'",
        f"{ours} AND tags.n != '1'",
        "name",
        "nothing = 'a'",
        "name > 'a'",
    ):
        with scene.judged():
            client.search_registered_models(text, order_by=["name ASC"])
        with scene.judged():
            client.search_model_versions(text, order_by=["name ASC"])
    for text in (f"run_id = '{run}'", f"source_path = 'runs:/{run}/m1'", "tags.v = '3'"):
        client.search_model_versions(f"{text} AND {ours}", order_by=["name DESC"])
    with scene.judged():
        client.search_registered_models(ours, order_by=["nothing"])
    for what in (client.search_registered_models, client.search_model_versions):
        token = None
        for _ in range(3):
            page = what(ours, max_results=2, order_by=["name"], page_token=token)
            token = page.token
    with scene.judged():
        client.search_registered_models(max_results=100_000)
    scene.mlflow.search_registered_models(filter_string=ours, order_by=["name"])
    scene.mlflow.search_model_versions(filter_string=ours, order_by=["name"], max_results=3)


def refusals(scene: Scene) -> None:
    client = scene.client
    client.create_registered_model(scene.name)
    for name in (scene.name, "", "a/b", "a:b", "x" * 300, None):
        with scene.judged():
            client.create_registered_model(name)
    with scene.judged():
        client.rename_registered_model(scene.name, "")
    with scene.judged():
        client.rename_registered_model("absent", "b")
    with scene.judged():
        client.update_registered_model("absent", "b")
    with scene.judged():
        client.delete_registered_model("absent")
    for version in ("1", "0", "x", "-1"):
        with scene.judged():
            client.get_model_version(scene.name, version)
        with scene.judged():
            client.delete_model_version(scene.name, version)
        with scene.judged():
            client.update_model_version(scene.name, version, "b")
        with scene.judged():
            client.set_model_version_tag(scene.name, version, "a", "b")
    for source in ("", "/etc/passwd", "file:///etc", "../x", "mlflow-artifacts:/../x", "s3://b/c"):
        with scene.judged():
            client.create_model_version(scene.name, source)
    with scene.judged():
        client.create_model_version("absent", "s3://b/c")
    with scene.judged():
        client.set_registered_model_tag(scene.name, "", "v")
    with scene.judged():
        client.delete_registered_model_tag(scene.name, "absent")


def downloads(scene: Scene) -> None:
    """A version's files, as the UI asks for them."""
    client = scene.client
    run = scene.run()
    client.log_text(run, "weights", "model/weights.txt")
    client.create_registered_model(scene.name)
    client.create_model_version(scene.name, client.get_run(run).info.artifact_uri + "/model", run)
    path = "/model-versions/get-artifact"
    asked = {"name": scene.name, "version": "1", "path": "weights.txt"}
    scene.http("GET", path, params=asked)
    scene.http("GET", path, params={**asked, "path": "absent"})
    scene.http("GET", path, params={**asked, "version": "9"})
    scene.http("GET", path, params={**asked, "path": "../x"})
    got = scene.mlflow.artifacts.download_artifacts(f"models:/{scene.name}/1/weights.txt")
    scene.note("downloaded", bool(got))


def fluent(scene: Scene) -> None:
    m = scene.mlflow
    run = scene.run()
    scene.client.log_text(run, "x", "model/MLmodel")
    with scene.judged():
        m.register_model(f"runs:/{run}/model", scene.name, tags={"a": "b"})
    with scene.judged():
        m.register_model(f"mlflow-artifacts:/elsewhere/{run}", scene.name)
    m.register_model("s3://bucket/prefix", scene.name)
    m.set_model_version_tag(scene.name, "1", "k", "v")
    scene.client.get_registered_model(scene.name)


def _three(scene: Scene) -> None:
    run = scene.run()
    scene.client.create_registered_model(scene.name)
    for _ in range(3):
        scene.client.create_model_version(scene.name, f"runs:/{run}/model", run)
