"""Registered models, and what the job registers."""

from __future__ import annotations

import os
import shutil
from datetime import datetime

from ..exceptions import ModelNotFoundException, ModelPathNotFoundException
from . import files
from .absent import lacking, refused
from .told import ignored
from .wire import Refused
from .workspace_wire import Room, is_known, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator

RUN = "lazur.v1.run"
"""The property that says which job a model comes from."""
_ABSENT = 404
_AT_ONCE = "Register it with its tags and properties."
_taken: set[str] = set()
"""What models were made of already: such a place is that version's."""


class ModelFacts:
    """What a registered model says of itself."""

    class Framework:
        CUSTOM = "Custom"
        TENSORFLOW = "TensorFlow"
        SCIKITLEARN = "ScikitLearn"
        ONNX = "Onnx"
        PYTORCH = "PyTorch"

    _facts: dict[str, Any]

    @property
    def name(self) -> str:
        return self._facts["name"]

    @property
    def version(self) -> Any:
        return number(self._facts["version"])

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
    def model_framework(self) -> str | None:
        return self.properties.get("framework")

    @property
    def model_framework_version(self) -> str | None:
        return self.properties.get("framework_version")

    @property
    def description(self) -> str | None:
        return self._facts.get("description")

    @property
    def created_time(self) -> datetime:
        told = str(self._facts["creation_context"]["created_at"])
        return datetime.fromisoformat(told.replace("Z", "+00:00"))

    def _whole(self, folder: str) -> str:
        """The one file that it is, as v1 gives; else the folder."""
        inside = os.listdir(folder)
        path = str(self._facts.get("path") or "")
        if len(inside) != 1 or (path.startswith("azureml://") and not path.endswith(inside[0])):
            return folder
        return os.path.join(folder, inside[0])

    def serialize(self) -> dict[str, Any]:
        return dict(self._facts)

    def __repr__(self) -> str:
        return "%s(name=%r, version=%r)" % (type(self).__name__, self.name, self.version)


class Model(ModelFacts):
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
        """The newest version that fits."""
        if id and not name:
            name, version = id.partition(":")[::2]
        self.workspace = workspace
        if version or not (tags or properties or run_id):
            self._facts = _one(str(name), version or None)
            return
        found = [m for m in _versions(str(name)) if is_meant(m, tags, properties, run_id)]
        if not found:
            raise ModelNotFoundException(
                "ModelNotFound: No version of the model %s has these tags." % name
            )
        self._facts = found[0]

    @classmethod
    def _of(cls, workspace: Any, facts: dict[str, Any]) -> Model:
        made = cls.__new__(cls)
        made.workspace, made._facts = workspace, facts
        return made

    @staticmethod
    def register(
        workspace: Any, model_path: str, model_name: str, tags: Any = None, **more: Any
    ) -> Model:
        """What lies at the path now, whatever becomes of it."""
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
        """All versions, the newest of a model first; or the newest alone."""
        names = [name] if name else [found["name"] for found in Room().listed("/models")]
        of_each = [_newest(n) if latest else list(_versions(n)) for n in names]
        return [
            Model._of(workspace, facts)
            for found in of_each
            for facts in found
            if is_meant(facts, tags, properties, run_id)
        ]

    @staticmethod
    def get_model_path(model_name: str, version: int | None = None, _workspace: Any = None) -> str:
        """In a service below AZUREML_MODEL_DIR; in a job it is fetched."""
        folder = os.environ.get("AZUREML_MODEL_DIR")
        if folder:
            return model_in(folder, model_name)
        if not is_known():
            if os.path.exists(model_name):
                return model_name
            raise ModelNotFoundException(
                "ModelNotFound: There is no %s here, and this process is no job's." % model_name
            )
        found = Model(_workspace, model_name, version=version)
        target = os.path.join("azureml-models", model_name, str(found.version))
        return found._whole(target) if os.path.isdir(target) else found.download(target)

    def download(
        self, target_dir: str = ".", exist_ok: bool = False, exists_ok: bool | None = None
    ) -> str:
        place = "/models/%s/versions/%s/files" % (quoted(self.name), quoted(str(self.version)))
        Room().download(place, target_dir)
        return self._whole(target_dir)

    deploy = staticmethod(lacking("Model.deploy"))
    add_tags = lacking("Model.add_tags", _AT_ONCE)
    remove_tags = lacking("Model.remove_tags", _AT_ONCE)
    add_properties = lacking("Model.add_properties", _AT_ONCE)
    update = lacking("Model.update", _AT_ONCE)
    delete = lacking("Model.delete")


def register(
    model_name: str,
    model_path: str,
    tags: Any = None,
    properties: Any = None,
    description: str | None = None,
    model_framework: str | None = None,
    model_framework_version: str | None = None,
    is_kept: bool = False,
    **more: Any,
) -> Model:
    """Of what this job has written, with `is_kept` of what its run has kept by that name."""
    job = os.environ.get("LAZUR_JOB")
    if not job:
        raise refused("Registering a model", "This process is no job's: do it with `lazur.v1`.")
    place = (_kept(model_path) if is_kept else None) or _copied(model_path)
    _taken.add(place)
    uri = "azureml://jobs/%s/outputs/artifacts/paths/%s" % (job, place)
    return register_at(
        uri, job, model_name, tags, properties, description, model_framework,
        model_framework_version, **more,
    )  # fmt: skip


def register_at(
    uri: str,
    run_id: str,
    model_name: str,
    tags: Any = None,
    properties: Any = None,
    description: str | None = None,
    model_framework: str | None = None,
    model_framework_version: str | None = None,
    **more: Any,
) -> Model:
    ignored("register_model", more)
    told = {"framework": model_framework, "framework_version": model_framework_version}
    body: dict[str, Any] = {
        "name": model_name,
        "type": "custom_model",
        "path": uri,
        "tags": {k: str(v) for k, v in (tags or {}).items()},
        "properties": {
            RUN: run_id,
            **{k: str(v) for k, v in told.items() if v},
            **{k: str(v) for k, v in (properties or {}).items()},
        },
    }
    if description:
        body["description"] = description
    return Model._of(None, Room().wire.post("/models", body))


def fits(own: dict[str, str], wanted: Any) -> bool:
    """As v1 filters: `[["key", "value"], "key"]`, or a mapping."""
    pairs = wanted.items() if isinstance(wanted, dict) else wanted or ()
    for one in pairs:
        key, value = (one, None) if isinstance(one, str) else (one[0], one[1])
        if key not in own or value not in (None, own[key]):
            return False
    return True


def is_meant(facts: dict[str, Any], tags: Any, properties: Any, run_id: str | None) -> bool:
    own = facts.get("properties") or {}
    return (
        fits(facts.get("tags") or {}, tags)
        and fits(own, properties)
        and (run_id is None or own.get(RUN) == run_id)
    )


def number(version: Any) -> Any:
    """As v1 has versions, where it is one."""
    text = str(version)
    return int(text) if text.isdigit() else text


def model_in(folder: str, name: str) -> str:
    """v1's scoring scripts name the model, or its file."""
    named = os.path.join(folder, name)
    if os.path.exists(named):
        return named
    inside = sorted(os.listdir(folder))
    return os.path.join(folder, inside[0]) if len(inside) == 1 else folder


def _one(name: str, version: Any) -> dict[str, Any]:
    try:
        return Room().asset("models", name, version)
    except Refused as refusal:
        if refusal.code != _ABSENT:
            raise
        raise ModelNotFoundException("ModelNotFound: %s" % refusal.message) from None


def _newest(name: str) -> list[dict[str, Any]]:
    try:
        return [_one(name, None)]
    except ModelNotFoundException:
        return []


def _versions(name: str) -> Iterator[dict[str, Any]]:
    """The newest first; none of a name that is not there."""
    try:
        yield from Room().listed("/models/%s/versions" % quoted(name))
    except Refused as refusal:
        if refusal.code != _ABSENT:
            raise


def _kept(path: str) -> str | None:
    """The name among what the run has kept, if it is there."""
    known = files.kept()
    for name in (path, files.kept_as(path), files.kept_name(path) or ""):
        inside = os.path.normpath(name).replace(os.sep, "/")
        if inside != "." and any(one == inside or one.startswith(inside + "/") for one in known):
            return inside if inside not in _taken else None
    return None


def _copied(path: str) -> str:
    """Its place among the job's artifacts, which it has for itself."""
    source = path if os.path.exists(path) else os.path.join(files.home(), files.kept_as(path))
    if not os.path.exists(source):
        raise ModelPathNotFoundException("There is no %s to register." % path)
    name = os.path.basename(os.path.abspath(source))
    inside, count = "outputs/models/" + name, 1
    while os.path.exists(target := files.place(inside)):
        count += 1
        inside = "outputs/models/%d/%s" % (count, name)
    if os.path.isdir(source):
        shutil.copytree(source, target, ignore=_but_copies)
    else:
        shutil.copyfile(source, target)
    return inside


def _but_copies(folder: str, names: list[str]) -> list[str]:
    """A folder may be one that they are in."""
    outputs = os.path.join(files.home(), "outputs")
    return ["models"] if "models" in names and os.path.samefile(folder, outputs) else []
