"""Files of runs, by `MlflowClient` and by the fluent API."""

from __future__ import annotations

import io
from pathlib import Path

import matplotlib as mpl
import mlflow
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from tests.conformance.scene import Scene


def files(scene: Scene) -> None:
    client = scene.client
    run = scene.run()
    tree = _tree(scene.folder / "tree")
    client.log_artifact(run, str(tree / "one.txt"))
    client.log_artifact(run, str(tree / "one.txt"), "some/deep place")
    client.log_artifact(run, str(tree))
    client.log_artifacts(run, str(tree))
    client.log_artifacts(run, str(tree), "below/é ü+&.d")
    client.list_artifacts(run)
    for path in ("some", "some/deep place", "below/é ü+&.d", "one.txt", "tree/sub", "absent"):
        with scene.judged():
            client.list_artifacts(run, path)
    with scene.judged():
        client.list_artifacts(run, "odd%41")
    _downloaded(scene, client.download_artifacts(run, "", str(_new(scene, "all"))))
    _downloaded(scene, client.download_artifacts(run, "below", str(_new(scene, "part"))))
    _downloaded(scene, client.download_artifacts(run, "one.txt", str(_new(scene, "single"))))
    with scene.judged():
        client.download_artifacts(run, "absent", str(_new(scene, "nothing")))
    with scene.judged():
        client.list_artifacts(run, "../..")
    with scene.judged():
        client.list_artifacts("0" * 32)


def large(scene: Scene) -> None:
    """In one stream, and as the client splits it."""
    client = scene.client
    run = scene.run()
    path = scene.folder / "large.bin"
    path.write_bytes(bytes(range(256)) * 4 * 1024 * 24)
    client.log_artifact(run, str(path))
    client.list_artifacts(run)
    got = client.download_artifacts(run, "large.bin", str(_new(scene, "got")))
    scene.note("unchanged", Path(got).read_bytes() == path.read_bytes())


def overwriting(scene: Scene) -> None:
    client = scene.client
    run = scene.run()
    client.log_text(run, "first", "a.txt")
    client.log_text(run, "second, and longer", "a.txt")
    client.log_text(run, "", "empty.txt")
    client.list_artifacts(run)
    _downloaded(scene, client.download_artifacts(run, "", str(_new(scene, "got"))))


def kinds(scene: Scene) -> None:
    """Text, dictionaries, figures, images, tables, streams."""
    client = scene.client
    experiment = scene.experiment()
    run = scene.run(experiment)
    client.log_text(run, "says é", "texts/a.txt")
    client.log_dict(run, {"a": [1, None], "é": True}, "a.json")
    client.log_dict(run, {"a": {"b": 1}}, "a.yaml")
    client.log_figure(run, _figure(), "figure.svg", save_kwargs={"metadata": {"Date": None}})
    client.log_image(run, np.zeros((4, 4, 3), dtype=np.uint8), "image.png")
    client.log_image(run, mlflow.Image(np.ones((4, 4), dtype=np.uint8)), "own.png")
    client.log_table(run, {"q": ["a", "b"], "n": [1, 2]}, "table.json")
    client.log_table(run, pd.DataFrame({"q": ["c"], "n": [3]}), "table.json")
    client.log_stream(run, io.BytesIO(b"streamed " * 1000), "stream.bin")
    client.load_table(experiment, "table.json", extra_columns=["run_id"])
    with scene.judged():
        client.load_table(experiment, "absent.json")
    client.list_artifacts(run)
    client.get_run(run)


def steps_of_images(scene: Scene) -> None:
    """Their files' names are drawn by the client."""
    client = scene.client
    run = scene.run()
    for step in range(2):
        client.log_image(run, np.zeros((4, 4, 3), dtype=np.uint8), key="seen", step=step)
        client.log_image(
            run,
            np.zeros((4, 4, 3), dtype=np.uint8),
            key="later",
            step=step,
            timestamp=5,
            synchronous=False,
        )
    scene.mlflow.flush_artifact_async_logging()
    with scene.unheard():
        found = client.list_artifacts(run, "images")
    scene.note("files", sorted(Path(file.path).suffix for file in found))
    client.get_run(run)


def fluent(scene: Scene) -> None:
    m = scene.mlflow
    m.set_experiment(scene.name)
    tree = _tree(scene.folder / "tree")
    with m.start_run(run_name="a run"):
        m.log_artifact(str(tree / "one.txt"))
        m.log_artifacts(str(tree), "tree")
        m.log_text("text", "a.txt")
        m.log_dict({"a": 1}, "a.json")
        m.log_figure(_figure(), "f.svg", save_kwargs={"metadata": {"Date": None}})
        m.log_image(np.zeros((4, 4, 3), dtype=np.uint8), "i.png")
        m.log_table({"a": [1]}, "t.json")
        m.log_stream(io.BytesIO(b"abc"), "s.bin")
        m.load_table("t.json")
        m.get_artifact_uri()
        uri = m.get_artifact_uri("tree")
        run = mlflow.active_run().info.run_id  # type: ignore[union-attr]
    artifacts = m.artifacts
    artifacts.list_artifacts(artifact_uri=uri)
    artifacts.list_artifacts(run_id=run, artifact_path="tree")
    artifacts.load_text(f"runs:/{run}/a.txt")
    artifacts.load_dict(f"runs:/{run}/a.json")
    artifacts.load_image(f"runs:/{run}/i.png")
    got = artifacts.download_artifacts(run_id=run, dst_path=str(_new(scene, "run")))
    _downloaded(scene, got)
    got = artifacts.download_artifacts(uri, dst_path=str(_new(scene, "uri")))
    _downloaded(scene, got)
    with scene.judged():
        artifacts.load_text(f"runs:/{run}/absent.txt")


def raw(scene: Scene) -> None:
    """The routes of files, as they are asked by hand."""
    experiment = scene.experiment()
    run = scene.run(experiment)
    place = f"/api/2.0/mlflow-artifacts/artifacts/{experiment}/{run}/artifacts"
    scene.http("PUT", f"{place}/a/b.txt", data=b"0123456789")
    scene.http("PUT", f"{place}/page.html", data=b"<script>alert(1)</script>")
    for path in ("a/b.txt", "page.html", "a", "absent", "a/../a/b.txt", "a%2fb.txt"):
        scene.http("GET", f"{place}/{path}")
    scene.http("GET", place.replace("/api/", "/ajax-api/") + "/a/b.txt")
    scene.http("PUT", place.replace("/api/", "/ajax-api/") + "/a/c.txt", data=b"ajax")
    for path in ("", f"{experiment}/{run}/artifacts", f"{experiment}/{run}/artifacts/a", "../.."):
        scene.http("GET", "/api/2.0/mlflow-artifacts/artifacts", params={"path": path})
    scene.http("GET", "/ajax-api/2.0/mlflow-artifacts/artifacts", params={"path": f"{experiment}"})
    for path in ("a", "", "a/b.txt", "absent", "/etc", "../x", "a/../.."):
        scene.api("GET", "2.0/mlflow/artifacts/list", {"run_id": run, "path": path})
    for path in ("a/b.txt", "page.html", "absent", "../../x", "/etc/passwd"):
        scene.http("GET", "/get-artifact", params={"run_id": run, "path": path})
    scene.http("GET", "/get-artifact", params={"run_uuid": run, "path": "a/b.txt"})
    ajax = "/ajax-api/2.0/mlflow/upload-artifact"
    scene.http("POST", ajax, params={"run_uuid": run, "path": "u/up.json"}, data=b'{"a": 1}')
    scene.http("POST", ajax, params={"run_uuid": run, "path": "../up.json"}, data=b"x")
    scene.http("POST", ajax, params={"path": "up.json"}, data=b"x")
    scene.http("DELETE", f"{place}/a/b.txt")
    scene.http("DELETE", f"{place}/a/b.txt")
    scene.http("DELETE", place.replace("/api/", "/ajax-api/") + "/a/c.txt")
    scene.client.list_artifacts(run)


def multipart(scene: Scene) -> None:
    """Local files have no uploads in parts and no signed addresses: clients are told so."""
    experiment = scene.experiment()
    run = scene.run(experiment)
    path = f"{experiment}/{run}/artifacts/a.bin"
    for prefix in ("/api/", "/ajax-api/"):
        place = f"{prefix}2.0/mlflow-artifacts"
        part = {"path": "a.bin", "num_parts": 2}
        scene.http("POST", f"{place}/mpu/create/{path}", json=part)
        done = {"path": "a.bin", "upload_id": "x", "parts": []}
        scene.http("POST", f"{place}/mpu/complete/{path}", json=done)
        scene.http("POST", f"{place}/mpu/abort/{path}", json={"path": "a.bin", "upload_id": "x"})
        scene.http("GET", f"{place}/presigned/{path}")
        for way in ("download", "upload"):
            asked = {"run_id": run, "path": "a.bin"}
            scene.http("POST", f"{prefix}2.0/mlflow/artifacts/presigned-{way}-url", json=asked)


def _tree(folder: Path) -> Path:
    (folder / "sub" / "deeper").mkdir(parents=True)
    (folder / "one.txt").write_text("one")
    (folder / "sub" / "two.json").write_text('{"two": 2}')
    (folder / "sub" / "deeper" / "three é.bin").write_bytes(bytes(range(256)))
    (folder / "empty").touch()
    return folder


def _figure() -> Figure:
    mpl.rcParams["svg.hashsalt"] = "the same"
    figure = Figure(figsize=(1, 1))
    figure.subplots().plot([1, 2])
    return figure


def _new(scene: Scene, name: str) -> Path:
    folder = scene.folder / name
    folder.mkdir()
    return folder


def _downloaded(scene: Scene, got: str) -> None:
    """What lies there now."""
    place = Path(got)
    found = [place] if place.is_file() else sorted(p for p in place.rglob("*") if p.is_file())
    scene.note("got", {str(path.relative_to(place.parent)): path.read_bytes() for path in found})
