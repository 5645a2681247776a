"""Models."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lazur.azureml._lazur.models import RUN, ModelFacts, is_meant, model_in
from lazur.azureml.exceptions import ModelNotFoundException
from lazur.errors import NotFound
from lazur.sdk import entities
from lazur.v1.told import absent, ignored

if TYPE_CHECKING:
    from lazur.v1.core.workspace import Workspace


class Model(ModelFacts):
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
        wanted = str(version) if version else None
        try:
            if version or not (tags or properties or run_id):
                self._facts = workspace.client.models.get(str(name), wanted).to_dict()
                return
            found = [m.to_dict() for m in workspace.client.models.list(name)]
        except NotFound as error:
            raise ModelNotFoundException(f"ModelNotFound: {error.message}") from error
        fitting = [m for m in found if is_meant(m, tags, properties, run_id)]
        if not fitting:
            raise ModelNotFoundException(
                f"ModelNotFound: No version of the model {name} has these tags and properties."
            )
        self._facts = fitting[0]

    @classmethod
    def _of(cls, workspace: Workspace, facts: dict[str, Any]) -> Model:
        made = cls.__new__(cls)
        made.workspace, made._facts = workspace, facts
        return made

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
        return cls._of(workspace, made.to_dict())

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
        """All versions, the newest of a model first; or the newest alone."""
        models = workspace.client.models
        try:
            names = [name] if name else [found.name for found in models.list()]
            of_each = [[m.to_dict() for m in models.list(n)] for n in names]
        except NotFound:
            return []
        return [
            Model._of(workspace, facts)
            for found in of_each
            for facts in (found[:1] if latest else found)
            if is_meant(facts, tags, properties, run_id)
        ]

    @staticmethod
    def get_model_path(
        model_name: str, version: int | None = None, _workspace: Workspace | None = None
    ) -> str:
        """In a service, below AZUREML_MODEL_DIR; elsewhere it is downloaded."""
        folder = os.environ.get("AZUREML_MODEL_DIR")
        if folder and version is None:
            return model_in(folder, model_name)
        if _workspace is None:
            raise ModelNotFoundException(
                f"ModelNotFound: The model {model_name} is not here. Give"
                " get_model_path(…, _workspace=ws), or make it an input of the job."
            )
        found = Model(_workspace, model_name, version=version)
        target = Path("azureml-models") / model_name / str(found.version)
        return found.download(os.fspath(target))

    def download(
        self, target_dir: str = ".", exist_ok: bool = False, exists_ok: bool | None = None
    ) -> str:
        found = self.workspace.client.models.download(
            self.name, str(self.version), download_path=target_dir
        )
        return self._whole(os.fspath(found))

    def add_tags(self, tags: dict[str, str]) -> None:
        self._change(tags={**self.tags, **tags})

    def add_properties(self, properties: dict[str, str]) -> None:
        self._change(properties={**self.properties, **properties})

    def remove_tags(self, tags: Any) -> None:
        self._change(tags={k: v for k, v in self.tags.items() if k not in tags})

    def update(
        self,
        tags: dict[str, str] | None = None,
        description: str | None = None,
        **more: Any,
    ) -> None:
        ignored("Model.update", more)
        given = {"tags": tags, "description": description}
        self._change(**{key: value for key, value in given.items() if value is not None})

    def delete(self) -> None:
        self.workspace.client.models.delete(self.name, str(self.version))

    def _change(self, **changes: Any) -> None:
        models = self.workspace.client.models
        self._facts = models.update(self.name, str(self.version), **changes).to_dict()


__getattr__ = absent("azureml.core.model")
