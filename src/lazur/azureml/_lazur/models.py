"""Registered models, and what the job registers."""

from __future__ import annotations

import os
import shutil

from ..exceptions import ModelNotFoundException
from . import files
from .absent import refused
from .wire import Refused
from .workspace_wire import Room, is_known, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator

RUN = "lazur.v1.run"
"""The property that says which job a model comes from."""
_ABSENT = 404


class Model:
    class Framework:
        CUSTOM = "Custom"
        TENSORFLOW = "TensorFlow"
        SCIKITLEARN = "ScikitLearn"
        ONNX = "Onnx"
        PYTORCH = "PyTorch"

    def __init__(
        self,
        workspace: Any = None,
        name: str | None = None,
        id: str | None = None,  # noqa: A002 - v1's word
        tags: Any = None,
        properties: Any = None,
        version: Any = None,
        run_id: str | None = None,
        **_: Any,
    ) -> None:
        if id and not name:
            name, version = id.partition(":")[::2]
        self.workspace = workspace
        if version or not (tags or properties or run_id):
            self._facts = Room().asset("models", str(name), version or None)
            return
        found = [m for m in _all(name) if _fits(m, tags, properties, run_id)]
        if not found:
            raise ModelNotFoundException("No version of the model %s has these tags." % name)
        self._facts = found[0]

    @staticmethod
    def register(
        workspace: Any, model_path: str, model_name: str, tags: Any = None, **more: Any
    ) -> Model:
        return register(model_name, model_path, tags, **more)

    @staticmethod
    def list(
        workspace: Any,
        name: str | None = None,
        tags: Any = None,
        properties: Any = None,
        run_id: str | None = None,
        latest: bool = False,
        **_: Any,
    ) -> Any:
        found = [m for m in _all(None if latest else name) if name in (None, m["name"])]
        fitting = [m for m in found if _fits(m, tags, properties, run_id)]
        return [Model(workspace, m["name"], version=m["version"]) for m in fitting]

    @staticmethod
    def get_model_path(model_name: str, version: int | None = None, _workspace: Any = None) -> str:
        """In a service below AZUREML_MODEL_DIR; in a job it is fetched."""
        folder = os.environ.get("AZUREML_MODEL_DIR")
        if folder:
            return _model_in(folder, model_name)
        if not is_known():
            return _model_in(".", model_name)
        target = os.path.join("azureml-models", model_name, str(version or "latest"))
        return Model(_workspace, model_name, version=version).download(target, exist_ok=True)

    @property
    def name(self) -> str:
        return self._facts["name"]

    @property
    def version(self) -> Any:
        text = str(self._facts["version"])
        return int(text) if text.isdigit() else text

    @property
    def id(self) -> str:
        return "%s:%s" % (self.name, self.version)

    @property
    def tags(self) -> dict[str, str]:
        return dict(self._facts.get("tags") or {})

    @property
    def properties(self) -> dict[str, str]:
        return dict(self._facts.get("properties") or {})

    @property
    def run_id(self) -> str | None:
        """The job that it comes from."""
        return self.properties.get(RUN)

    @property
    def description(self) -> str | None:
        return self._facts.get("description")

    def download(
        self, target_dir: str = ".", exist_ok: bool = False, exists_ok: bool | None = None
    ) -> str:
        place = "/models/%s/versions/%s/files" % (quoted(self.name), quoted(str(self.version)))
        found = Room().download(place, target_dir, {})
        tops = {os.path.relpath(path, target_dir).split(os.sep)[0] for path in found}
        return os.path.join(target_dir, tops.pop()) if len(tops) == 1 else target_dir

    @staticmethod
    def deploy(*_: Any, **__: Any) -> Any:
        raise refused("Model.deploy")

    def __repr__(self) -> str:
        return "Model(name=%r, version=%r)" % (self.name, self.version)


def register(
    model_name: str,
    model_path: str,
    tags: Any = None,
    properties: Any = None,
    description: str | None = None,
    model_framework: str | None = None,
    model_framework_version: str | None = None,
    **_: Any,
) -> Model:
    """Of what this job has written: whatever lies elsewhere is copied into its outputs."""
    room = Room()
    kept = _kept(model_path)
    told = {"framework": model_framework, "framework_version": model_framework_version}
    job = os.environ.get("LAZUR_JOB") or os.environ["AZUREML_RUN_ID"]
    body: dict[str, Any] = {
        "name": model_name,
        "type": "custom_model",
        "path": "azureml://jobs/%s/outputs/artifacts/paths/%s" % (job, kept),
        "tags": {k: str(v) for k, v in (tags or {}).items()},
        "properties": {
            RUN: job,
            **{k: str(v) for k, v in told.items() if v},
            **{k: str(v) for k, v in (properties or {}).items()},
        },
    }
    if description:
        body["description"] = description
    made = room.wire.post("/models", body)
    return Model(None, made["name"], version=made["version"])


def fits(own: dict[str, str], wanted: Any) -> bool:
    """As v1 filters: `[["key", "value"], "key"]`, or a mapping."""
    pairs = wanted.items() if isinstance(wanted, dict) else wanted or ()
    for one in pairs:
        key, value = (one, None) if isinstance(one, str) else (one[0], one[1])
        if key not in own or value not in (None, own[key]):
            return False
    return True


def _fits(facts: dict[str, Any], tags: Any, properties: Any, run_id: str | None) -> bool:
    own = facts.get("properties") or {}
    return (
        fits(facts.get("tags") or {}, tags)
        and fits(own, properties)
        and (run_id is None or own.get(RUN) == run_id)
    )


def _all(name: str | None) -> Iterator[dict[str, Any]]:
    """The newest of each model, or all versions of one: none of a name that is not there."""
    try:
        yield from Room().listed("/models/%s/versions" % quoted(name) if name else "/models")
    except Refused as refusal:
        if refusal.code != _ABSENT:
            raise


def _kept(path: str) -> str:
    """Its place among the job's artifacts, where it is put if it is not there."""
    inside = os.path.relpath(path)
    if files.is_kept(inside):
        if not os.path.exists(inside):
            raise FileNotFoundError("There is no %s to register." % path)
        return inside.replace(os.sep, "/").rstrip("/")
    if not os.path.exists(path) and os.path.exists(os.path.join("outputs", path)):
        return "outputs/" + path.replace(os.sep, "/")
    target = files.place("outputs/models/" + os.path.basename(os.path.abspath(path)))
    if os.path.isdir(path):
        shutil.copytree(path, target, dirs_exist_ok=True)
    else:
        shutil.copyfile(path, target)
    return target.replace(os.sep, "/")


def _model_in(folder: str, name: str) -> str:
    """v1's scoring scripts name the model, or its file."""
    named = os.path.join(folder, name)
    if os.path.exists(named):
        return named
    inside = sorted(os.listdir(folder))
    return os.path.join(folder, inside[0]) if len(inside) == 1 else folder
