"""One registry: model assets here, registered models there."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest

from lazur.errors import Conflict, Invalid, NotFound
from lazur.services.assets import asset_files, assets, registered_models, sharing
from lazur.services.resources import registries
from lazur.services.resources.shelves import Registry
from lazur.services.results import asset_trash
from lazur.store import jobs
from lazur.store.mlflow import registry, sql
from lazur.store.mlflow.registry import Version
from lazur.store.pages import Query
from tests.site import TestSite, call, put_tree, submit

SPACE = "ws-1"
TAG = "INSERT INTO registered_model_tags (key, value, name, workspace) VALUES (:k, :v, :n, :w)"
MLMODEL = b"""
artifact_path: model
flavors:
  python_function: {loader_module: mlflow.sklearn, python_version: 3.11.4}
  sklearn: {sklearn_version: 1.5.0, pickled_model: model.pkl}
mlflow_version: 3.1.0
model_uuid: abc
run_id: some-run
signature:
  inputs: '[{"type": "double", "name": "x", "required": true}]'
  outputs: '[{"type": "long", "required": true}]'
"""


def create(site: TestSite, name: str = "m", shelf: Any = "default", **spec: Any) -> dict[str, Any]:
    if "path" not in spec:
        spec["path"] = f"tree:{put_tree(site, {'weights': str(spec).encode()})}"
    return call(site, assets.create, shelf, "models", {"name": name, **spec})


def get(site: TestSite, version: str = "1", name: str = "m") -> dict[str, Any]:
    return call(site, assets.get, "default", "models", name, version, write=False)


def _listed(site: TestSite, stage: str, name: str | None = None) -> list[str]:
    query = Query(filters={"stage": stage})
    find: Any = partial(assets.versions, name=name) if name else assets.find
    found = call(site, find, shelf="default", kind="models", query=query, write=False)
    return [f"{model['name']}:{model['version']}" for model in found["value"]]


class TestStages:
    def test_lists_are_of_one(self, site: TestSite) -> None:
        for name, stage in (("m", "Production"), ("m", "Staging"), ("m", None), ("n", "Staging")):
            create(site, name, **({"stage": stage} if stage else {}))
        assert _listed(site, "production") == ["m:1"]
        assert _listed(site, "Staging") == ["m:2", "n:1"]
        assert _listed(site, "None") == ["m:3"]
        assert _listed(site, "other") == []
        assert _listed(site, "Staging", "m") == ["m:2"]
        assert _listed(site, "None", "n") == []


def there(site: TestSite, name: str = "m") -> dict[int, Version]:
    with site.db.read() as db:
        return {v.number: v for v in registry.versions(db, SPACE, [name])}


def by_mlflow(site: TestSite, number: int = 1, name: str = "m", **values: Any) -> None:
    """As its server would write it, and what follows."""
    given: dict[str, Any] = {
        "created": 1_700_000_000_123 + number,
        "description": None,
        "user": "bob",
        "stage": "None",
        "source": "s3://bucket/model",
        "place": "s3://bucket/model",
        "run": None,
    }
    version = Version(name=name, number=number, **{**given, **values})
    with site.context() as context:
        registry.put(context.db, SPACE, version, version.created)
        registered_models.agree(context, 1, [name])


def mlflow(site: TestSite, change: Any, names: list[str] | None = None) -> None:
    with site.context() as context:
        change(context.db)
        registered_models.agree(context, 1, names if names is not None else ["m"])


class TestFromHere:
    def test_a_version_is_one_of_mlflows(self, site: TestSite) -> None:
        made = create(site, description="good", tags={"a": "b"}, stage="staging")
        found = there(site)[1]
        assert (found.description, found.stage, found.user) == ("good", "Staging", "ann")
        assert found.source.startswith("mlflow-artifacts:/workspaces/ws-1/RegisteredModels/")
        with site.db.read() as db:
            assert registry.tags(db, SPACE, ["m"]) == {("m", 1): {"a": "b"}}
        assert made["version"] == "1"

    def test_text_versions_and_registries_are_none(self, site: TestSite) -> None:
        create(site, version="rc-1")
        create(site, version="007")
        call(site, registries.create, {"name": "shared"})
        create(site, shelf=Registry("shared"))
        assert there(site) == {}

    def test_notes_stage_and_archiving_go_along(self, site: TestSite) -> None:
        create(site)
        changes = {"description": "d", "tags": {"k": "v"}, "stage": "Production"}
        call(site, assets.update, "default", "models", "m", "1", changes)
        assert there(site)[1][3] == "d"
        assert there(site)[1].stage == "Production"
        call(site, assets.update, "default", "models", "m", "1", {"archived": True})
        assert there(site)[1].stage == "Archived"
        call(site, assets.update, "default", "models", "m", "1", {"archived": False})
        assert there(site)[1].stage == "Production"

    def test_labels_are_aliases(self, site: TestSite) -> None:
        create(site, labels=["champion"])
        create(site)
        call(site, assets.update, "default", "models", "m", "2", {"labels": "champion,new"})
        with site.db.read() as db:
            assert registry.aliases(db, SPACE, ["m"]) == {("m", "champion"): 2, ("m", "new"): 2}
        assert get(site, "@champion")["version"] == "2"
        assert get(site, "1")["labels"] == []
        with pytest.raises(NotFound, match="no label"):
            get(site, "@challenger")
        with pytest.raises(Invalid, match="reserved"):
            call(site, assets.update, "default", "models", "m", "2", {"labels": ["latest"]})

    def test_a_job_finds_its_input_by_a_label(self, site: TestSite) -> None:
        made = create(site, labels=["champion"])
        create(site)
        spec = {"type": "custom_model", "path": "azureml:m@champion"}
        job = submit(site, inputs={"model": spec})
        with site.db.read() as db:
            row = jobs.by_name(db, 1, job["name"])
        assert row is not None
        assert row.resolved["inputs"][0]["source"]["tree"] == made["path"].removeprefix("tree:")
        with pytest.raises(NotFound):
            submit(site, inputs={"model": {**spec, "path": "azureml:m@nobody"}})

    def test_deleted_and_restored(self, site: TestSite) -> None:
        create(site, description="d", tags={"k": "v"})
        create(site)
        call(site, asset_trash.delete, "default", "models", "m", "1")
        assert list(there(site)) == [2]
        assert create(site, x=1)["version"] == "3"
        call(site, asset_trash.restore, "default", "models", "m", "1")
        assert there(site)[1].description == "d"
        call(site, asset_trash.delete, "default", "models", "m")
        with site.db.read() as db:
            assert not registry.is_there(db, SPACE, "m")
        call(site, asset_trash.restore, "default", "models", "m")
        assert sorted(there(site)) == [1, 2, 3]

    def test_a_prompts_name_is_taken(self, site: TestSite) -> None:
        by_mlflow(site, name="p")
        values = {"k": "mlflow.prompt.is_prompt", "v": "true", "n": "p", "w": SPACE}
        mlflow(site, lambda db: sql.execute(db, TAG, values), ["p"])
        with pytest.raises(Conflict, match="prompt"):
            create(site, "p")


class TestFromThere:
    def test_a_version_is_an_asset(self, site: TestSite) -> None:
        by_mlflow(site, description="theirs", stage="Production")
        found = get(site)
        assert found["path"] == "s3://bucket/model"
        assert (found["description"], found["stage"]) == ("theirs", "Production")
        assert found["creation_context"]["created_by"] == "bob"
        assert create(site)["version"] == "2"

    def test_changes_there_are_seen_here(self, site: TestSite) -> None:
        create(site, tags={"a": "1"})
        mlflow(site, lambda db: registry.change(db, SPACE, "m", 1, "Archived", "new", 5))
        assert get(site)["archived"] is True
        assert get(site)["description"] == "new"
        mlflow(site, lambda db: registry.change(db, SPACE, "m", 1, "Staging", "new", 6))
        assert (get(site)["archived"], get(site)["stage"]) == (False, "Staging")
        mlflow(site, lambda db: registry.put_tags(db, SPACE, "m", 1, {"b": "2"}))
        assert get(site)["tags"] == {"b": "2"}
        mlflow(site, lambda db: registry.put_alias(db, SPACE, "m", "champion", 1))
        assert get(site, "@champion")["labels"] == ["champion"]
        mlflow(site, lambda db: registry.drop_alias(db, SPACE, "m", "champion"))
        assert get(site)["labels"] == []

    def test_a_stage_of_ours_stays(self, site: TestSite) -> None:
        create(site, stage="Development")
        assert there(site)[1].stage == "None"
        mlflow(site, lambda db: registry.change(db, SPACE, "m", 1, "None", "d", 5))
        assert get(site)["stage"] == "Development"

    def test_deleted_there_is_in_the_trash_here(self, site: TestSite) -> None:
        create(site, description="d", labels="x")
        mlflow(site, lambda db: registry.delete(db, SPACE, "m", 1, 5))
        with pytest.raises(NotFound):
            get(site)
        call(site, asset_trash.restore, "default", "models", "m", "1")
        assert there(site)[1].description == "d"
        mlflow(site, lambda db: registry.drop_model(db, SPACE, "m"))
        trash = call(site, asset_trash.find, "default", "models")["value"]
        assert [row["version"] for row in trash] == ["1"]

    def test_a_number_that_is_given_anew(self, site: TestSite) -> None:
        create(site)
        mlflow(site, lambda db: registry.drop_model(db, SPACE, "m"))
        by_mlflow(site)
        assert get(site)["path"] == "s3://bucket/model"
        assert call(site, asset_trash.find, "default", "models")["value"] == []

    def test_a_copy_keeps_its_files(self, site: TestSite) -> None:
        made = create(
            site, type="mlflow_model", path=f"tree:{put_tree(site, {'MLmodel': MLMODEL})}"
        )
        place = there(site)[1].place
        by_mlflow(site, name="copy", source="models:/m/1", place=place)
        found = get(site, "1", "copy")
        assert (found["path"], found["type"]) == (made["path"], "mlflow_model")
        assert there(site, "copy")[1].place != place

    def test_renamed(self, site: TestSite) -> None:
        made = create(site, labels="x")
        rename = "UPDATE registered_models SET name = 'new' WHERE workspace = :w AND name = 'm'"
        mlflow(site, lambda db: sql.execute(db, rename, {"w": SPACE}), ["m", "new"])
        found = get(site, "@x", "new")
        assert found["path"] == made["path"]
        with pytest.raises(NotFound):
            get(site)

    def test_what_a_kill_left_is_found_later(self, site: TestSite) -> None:
        registered_models.begin(site, 1)
        with site.db.write() as db:
            registry.put(db, SPACE, Version("m", 1, 7, None, None, "None", "s3://x", "", None), 7)
        with site.context() as context:
            registered_models.settle(context)
        with pytest.raises(NotFound):
            get(site)
        site.engine.now.time += 100  # type: ignore[attr-defined]
        for _ in range(2):
            with site.context() as context:
                registered_models.settle(context)
        assert get(site)["path"] == "s3://x"

    def test_prompts_are_no_models(self, site: TestSite) -> None:
        values = {"k": "mlflow.prompt.is_prompt", "v": "true", "n": "p", "w": SPACE}
        with site.db.write() as db:
            version = Version("p", 1, 7, None, None, "None", "prompt", "", None)
            registry.put(db, SPACE, version, 7)
            sql.execute(db, TAG, values)
        mlflow(site, lambda db: None, ["p"])
        with pytest.raises(NotFound):
            get(site, "1", "p")


class TestFiles:
    def test_what_an_mlflow_model_says_of_itself(self, site: TestSite) -> None:
        files = {"MLmodel": MLMODEL, "requirements.txt": b"scikit-learn==1.5.0  # x\n\nnumpy\n"}
        path = f"tree:{put_tree(site, files)}"
        made = create(site, path=path, type="mlflow_model")
        assert sorted(made["flavors"]) == ["python_function", "sklearn"]
        assert made["mlflow"]["signature"]["inputs"][0]["name"] == "x"
        assert made["mlflow"]["requirements"] == ["scikit-learn==1.5.0", "numpy"]
        assert made["mlflow"]["python_version"] == "3.11.4"
        again = {key: value for key, value in made.items() if key != "id"}
        assert call(site, assets.create, "default", "models", again)["version"] == "1"

    @pytest.mark.parametrize(
        "files, said",
        [
            ({"x": b""}, "no file MLmodel"),
            ({"MLmodel": b"flavors: {}"}, "names no flavours"),
            ({"MLmodel": b"- 1"}, "not a mapping"),
            ({"MLmodel": b"a: !!python/object:os.system x"}, "MLmodel"),
            ({"MLmodel": b"a: [" * 5000}, "no YAML"),
            ({"MLmodel": b"#" * (1 << 21)}, "larger than"),
        ],
    )
    def test_what_is_none(self, site: TestSite, files: dict[str, bytes], said: str) -> None:
        with pytest.raises(Invalid, match=said):
            create(site, path=f"tree:{put_tree(site, files)}", type="mlflow_model")

    @pytest.mark.parametrize(
        "files, said",
        [
            (["m/config.pbtxt", "m/1/model.onnx"], None),
            (["config.pbtxt", "1/model.pt"], None),
            (["m/1/model.onnx"], None),
            (["a/config.pbtxt", "a/1/model.pt", "b/config.pbtxt"], "'b' has no version"),
            (["m/1/model.pt"], "no config.pbtxt"),
            (["m/v1/model.onnx"], "no version"),
            (["model.onnx"], "is one file"),
        ],
    )
    def test_tritons_layout(self, site: TestSite, files: list[str], said: str | None) -> None:
        path = f"tree:{put_tree(site, dict.fromkeys(files, b'x'))}"
        if said is None:
            create(site, path=path, type="triton_model")
            return
        with pytest.raises(Invalid, match=said) as caught:
            create(site, path=path, type="triton_model")
        assert "densenet/1/model.onnx" in json.dumps(caught.value.hint)


class TestPlaces:
    @pytest.fixture
    def logged(self, site: TestSite) -> str:
        """A model in the artifacts of an ended job."""
        job = submit(site, name="train")
        folder = site.home.artifacts("default", "train") / "model"
        folder.mkdir(parents=True)
        (folder / "MLmodel").write_bytes(MLMODEL)
        (folder / "model.pkl").write_bytes(b"weights")
        return str(job["name"])

    @pytest.mark.parametrize(
        "path", ["azureml://jobs/train/outputs/artifacts/paths/model", "runs:/train/model"]
    )
    def test_of_a_job(self, site: TestSite, logged: str, path: str) -> None:
        made = create(site, path=path, type="mlflow_model")
        assert made["path"].endswith(
            "/workspaceartifactstore/paths/ExperimentRun/dcid.train/model"
        )
        assert made["job_name"] == logged
        assert "sklearn" in made["flavors"]
        assert there(site)[1].run == "train"
        assert there(site)[1].place.endswith("/ExperimentRun/dcid.train/model")

    def test_what_is_not_there(self, site: TestSite, logged: str) -> None:
        with pytest.raises(Invalid, match="no file MLmodel"):
            create(site, path=f"runs:/{logged}/other", type="mlflow_model")
        with pytest.raises(NotFound, match="no run"):
            create(site, path="runs:/nobody/model")
        with pytest.raises(NotFound, match="no output 'x'"):
            create(site, path=f"azureml://jobs/{logged}/outputs/x")

    def test_shared_it_has_files_of_its_own(self, site: TestSite, logged: str) -> None:
        create(site, path=f"runs:/{logged}/model", type="mlflow_model")
        call(site, registries.create, {"name": "shared"})
        made = call(site, sharing.share, "default", "models", "m", "1", {"registry": "shared"})
        assert made["path"].startswith("tree:")
        back = "azureml://registries/shared/models/m/versions/1"
        again = create(site, "back", path=back)
        assert (again["path"], again["type"]) == (made["path"], "mlflow_model")
        assert "sklearn" in again["flavors"]
        shelf = Registry("shared")
        files = call(site, asset_files.find, shelf, "models", "m", "1", write=False)["value"]
        assert [file["path"] for file in files] == ["MLmodel", "model.pkl"]


class TestConflicts:
    def test_other_content_says_what_differs(self, site: TestSite) -> None:
        flavors = {"a": {"x": 1}}
        create(site, path="s3://a/b", version="1", flavors=flavors)
        with pytest.raises(Conflict) as caught:
            create(site, path="s3://a/c", version="1", flavors={"a": {"x": 2, "y": 3}})
        assert set(caught.value.details["differences"]) == {"path", "flavors.a.x", "flavors.a.y"}
        assert 'path: "s3://a/b" there, "s3://a/c" here' in str(caught.value.hint)
        assert create(site, path="s3://a/b", version="1", flavors=flavors)["version"] == "1"
