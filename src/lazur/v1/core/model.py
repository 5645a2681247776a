"""Models."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lazur.azureml._lazur.models import RUN, fits
from lazur.errors import Invalid, NotFound
from lazur.sdk import entities
from lazur.v1.told import ignored

if TYPE_CHECKING:
    from lazur.v1.core.workspace import Workspace


class Model:
    class Framework:
        CUSTOM = "Custom"
        TENSORFLOW = "TensorFlow"
        SCIKITLEARN = "ScikitLearn"
        ONNX = "Onnx"
        PYTORCH = "PyTorch"

    def __init__(
        self,
        workspace: Workspace,
        name: str | None = None,
        id: str | None = None,  # noqa: A002 - v1's word
        tags: Any = None,
        properties: Any = None,
        version: int | str | None = None,
        run_id: str | None = None,
        **_: Any,
    ) -> None:
        """The newest version that fits."""
        if id:
            name, version = id.partition(":")[::2]
        self.workspace = workspace
        found = workspace.client.models
        if version or not (tags or properties or run_id):
            self._found = found.get(str(name), str(version) if version else None)
            return
        fits = [m for m in found.list(name) if _fits(m, tags, properties, run_id)]
        if not fits:
            raise NotFound(f"No version of the model {name} has these tags and properties.")
        self._found = fits[0]

    @classmethod
    def register(
        cls,
        workspace: Workspace,
        model_path: str,
        model_name: str,
        tags: dict[str, str] | None = None,
        properties: dict[str, str] | None = None,
        description: str | None = None,
        model_framework: str | None = None,
        model_framework_version: str | None = None,
        run_id: str | None = None,
        **more: Any,
    ) -> Model:
        ignored("Model.register", more)
        kept = {"framework": model_framework, "framework_version": model_framework_version}
        told = {key: str(value) for key, value in kept.items() if value}
        told |= {RUN: run_id} if run_id else {}
        made = workspace.client.models.create_or_update(
            entities.Model(
                name=model_name, path=model_path, type="custom_model", tags=tags,
                properties={**told, **(properties or {})} or None, description=description,
            )
        )  # fmt: skip
        return cls(workspace, made.name, version=made.version)

    @staticmethod
    def list(
        workspace: Workspace,
        name: str | None = None,
        tags: Any = None,
        properties: Any = None,
        run_id: str | None = None,
        latest: bool = False,
        **_: Any,
    ) -> Any:
        found = workspace.client.models.list(None if latest else name)
        chosen = [m for m in found if name in (None, m.name)]
        fitting = [m for m in chosen if _fits(m, tags, properties, run_id)]
        return [Model(workspace, m.name, version=m.version) for m in fitting]

    @staticmethod
    def get_model_path(
        model_name: str, version: int | None = None, _workspace: Workspace | None = None
    ) -> str:
        """In a service, below AZUREML_MODEL_DIR; elsewhere it is downloaded."""
        folder = os.environ.get("AZUREML_MODEL_DIR")
        if folder and version is None:
            return _only(Path(folder))
        if _workspace is None:
            raise Invalid(
                f"The model {model_name} is not here.",
                hint="Give get_model_path(…, _workspace=ws), or make it an input of the job.",
            )
        target = os.fspath(Path("azureml-models") / model_name / str(version or "latest"))
        return Model(_workspace, model_name, version=version).download(target, exist_ok=True)

    @property
    def name(self) -> str:
        return self._found.name

    @property
    def version(self) -> int | str:
        text = str(self._found.version)
        return int(text) if text.isdigit() else text

    @property
    def id(self) -> str:
        return f"{self.name}:{self.version}"

    @property
    def tags(self) -> dict[str, str]:
        return dict(self._found.tags)

    @property
    def properties(self) -> dict[str, str]:
        return dict(self._found.properties)

    @property
    def run_id(self) -> str | None:
        """The job that it comes from."""
        return self.properties.get(RUN)

    @property
    def description(self) -> str | None:
        return self._found.description

    def download(
        self, target_dir: str = ".", exist_ok: bool = False, exists_ok: bool | None = None
    ) -> str:
        found = self.workspace.client.models.download(
            self.name, str(self.version), download_path=target_dir
        )
        return _only(found)

    def add_tags(self, tags: dict[str, str]) -> None:
        models = self.workspace.client.models
        self._found = models.update(self.name, str(self.version), tags={**self.tags, **tags})

    def add_properties(self, properties: dict[str, str]) -> None:
        models, whole = self.workspace.client.models, {**self.properties, **properties}
        self._found = models.update(self.name, str(self.version), properties=whole)

    def remove_tags(self, tags: Any) -> None:
        kept = {k: v for k, v in self.tags.items() if k not in tags}
        self._found = self.workspace.client.models.update(self.name, str(self.version), tags=kept)

    def serialize(self) -> dict[str, Any]:
        return dict(self._found.to_dict())

    def delete(self) -> None:
        self.workspace.client.models.delete(self.name, str(self.version))

    def __repr__(self) -> str:
        return f"Model(name={self.name!r}, version={self.version!r})"


def _fits(model: Any, tags: Any, properties: Any, run_id: str | None) -> bool:
    own = dict(model.properties)
    return (
        fits(dict(model.tags), tags)
        and fits(own, properties)
        and (run_id is None or own.get(RUN) == run_id)
    )


def _only(folder: Path) -> str:
    """The one thing in it, as v1 gives; else the folder."""
    inside = sorted(folder.iterdir()) if folder.is_dir() else []
    return os.fspath(inside[0] if len(inside) == 1 else folder)
