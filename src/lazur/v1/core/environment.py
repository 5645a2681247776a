"""Environments as v1 has them: Python's packages, an image's name, variables."""

from __future__ import annotations

import copy
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn, Self

from lazur.errors import Invalid
from lazur.sdk import entities
from lazur.v1.core.conda_dependencies import CondaDependencies, requirements
from lazur.v1.told import ignored, refused

if TYPE_CHECKING:
    from lazur.v1.core.workspace import Workspace

DEFAULT_IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04"
_CURATED = "azureml-"
_FILE = "azureml_environment.json"
_REGISTRY = "azureml://registries/azureml/environments"


@dataclass
class PythonSection:
    conda_dependencies: CondaDependencies | None = None
    user_managed_dependencies: bool = False
    interpreter_path: str = "python"
    conda_dependencies_file: str | None = None
    base_conda_environment: str | None = None


@dataclass
class DockerSection:
    enabled: bool = True
    base_image: str | None = None
    base_dockerfile: str | None = None
    shm_size: str | None = None
    arguments: list[str] = field(default_factory=list)
    shared_volumes: bool = True
    gpu_support: bool | None = None
    base_image_registry: Any = None
    platform: Any = None


class Environment:
    def __init__(self, name: str = "project_environment", **kwargs: Any) -> None:
        ignored("Environment", kwargs)
        self.name = name
        self.version: str | None = None
        self.python = PythonSection()
        self.docker = DockerSection()
        self.environment_variables: dict[str, str] = {}
        self.inferencing_stack_version: str | None = None
        self.spark: Any = SimpleNamespace(precache_packages=False)
        self.reference: str | None = None
        """Of one that is registered or curated: what a job names, until it is changed."""
        self._as_registered: dict[str, Any] | None = None

    @classmethod
    def from_conda_specification(cls, name: str, file_path: str | os.PathLike[str]) -> Self:
        made = cls(name)
        made.python.conda_dependencies = CondaDependencies(file_path)
        return made

    @classmethod
    def from_pip_requirements(
        cls, name: str, file_path: str | os.PathLike[str], pip_version: str | None = None
    ) -> Self:
        made = cls(name)
        made.python.conda_dependencies = CondaDependencies.create(
            pip_packages=requirements(file_path)
        )
        return made

    @classmethod
    def from_docker_image(
        cls,
        name: str,
        image: str,
        container_registry: Any = None,
        conda_specification: str | None = None,
        pip_requirements: str | None = None,
    ) -> Self:
        ignored("Environment.from_docker_image", {"container_registry": container_registry})
        made = cls._with_packages(name, conda_specification, pip_requirements)
        made.docker.base_image = image
        return made

    @classmethod
    def from_dockerfile(
        cls,
        name: str,
        dockerfile: str,
        conda_specification: str | None = None,
        pip_requirements: str | None = None,
    ) -> Self:
        made = cls._with_packages(name, conda_specification, pip_requirements)
        is_file = "\n" not in dockerfile and Path(dockerfile).is_file()
        made.docker.base_dockerfile = (
            Path(dockerfile).read_text("utf-8") if is_file else dockerfile
        )
        return made

    @classmethod
    def _with_packages(cls, name: str, conda: str | None, pip: str | None) -> Self:
        if conda:
            return cls.from_conda_specification(name, conda)
        return cls.from_pip_requirements(name, pip) if pip else cls(name)

    @staticmethod
    def get(workspace: Workspace, name: str, version: str | None = None) -> Environment:
        """A registered one, or a curated one by its old name, such as `AzureML-sklearn-1.5`."""
        is_ours = name.lower().startswith(_CURATED)
        known = workspace.client.environments
        found = known.get(name, version, registry="azureml" if is_ours else None)
        made = Environment(name)
        made.version = str(found.version)
        told = found.to_dict()
        made.docker.base_image = told.get("image")
        if isinstance(conda := told.get("conda_file"), dict):
            made.python.conda_dependencies = CondaDependencies(_underlying_structure=conda)
        ours = f"{_REGISTRY}/{found.name}/versions/{found.version}"
        return made._known_as(ours if is_ours else f"azureml:{name}:{found.version}")

    @staticmethod
    def list(workspace: Workspace) -> dict[str, Environment]:
        found = workspace.client.environments.list()
        return {e.name: Environment.get(workspace, e.name) for e in found}

    def register(self, workspace: Workspace) -> Environment:
        with tempfile.TemporaryDirectory(prefix="lazur-v1-") as scratch:
            body = self.inline(Path(scratch))
            made = workspace.client.environments.create_or_update(
                entities.Environment.from_spec({"name": self.name, **body})
            )
        self.version = str(made.version)
        return self._known_as(f"azureml:{self.name}:{self.version}")

    def build(self, workspace: Workspace, **_: Any) -> NoReturn:
        raise refused("Environment.build", "The first job that needs it builds it.")

    build_local = build

    def clone(self, new_name: str) -> Environment:
        made = copy.deepcopy(self)
        made.name, made.version = new_name, None
        return made

    def save_to_directory(self, path: str, overwrite: bool = False) -> None:
        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=overwrite)
        (folder / _FILE).write_text(json.dumps(self.as_dict(), indent=2), "utf-8")

    @staticmethod
    def load_from_directory(path: str) -> Environment:
        """By its `azureml_environment.json`."""
        folder = Path(path)
        found: dict[str, Any] = json.loads((folder / _FILE).read_text("utf-8"))
        made = written(found, folder)
        beside = folder / "conda_dependencies.yml"
        if made.python.conda_dependencies is None and not made.reference and beside.is_file():
            made.python.conda_dependencies = CondaDependencies(beside)
        return made

    def as_dict(self) -> dict[str, Any]:
        """As Azure's files have it."""
        conda = self.python.conda_dependencies
        return {
            "name": self.name,
            "version": self.version,
            "environmentVariables": dict(self.environment_variables),
            "python": {
                "userManagedDependencies": self.python.user_managed_dependencies,
                "condaDependencies": conda.as_dict() if conda else None,
            },
            "docker": {
                "baseImage": self.docker.base_image,
                "baseDockerfile": self.docker.base_dockerfile,
            },
        }

    def to_spec(self, scratch: Path) -> Any:
        """What a job's YAML has: its name, or all of it where it was changed since."""
        if self.reference is not None and self._as_registered == self._content():
            return self.reference
        if self.reference is not None and self.reference.startswith(_REGISTRY):
            raise Invalid(
                f"{self.name!r} is an environment of Lazur's, and cannot be added to.",
                hint="Make one of your own: Environment.from_conda_specification(…).",
            )
        return self.inline(scratch)

    def inline(self, scratch: Path) -> dict[str, Any]:
        """As an Azure v2 job's YAML has it. A Dockerfile needs a folder."""
        conda = self.python.conda_dependencies
        if self.docker.base_dockerfile and conda is None:
            folder = scratch / "environment"
            folder.mkdir()
            (folder / "Dockerfile").write_text(self.docker.base_dockerfile, "utf-8")
            return {"build": {"path": str(folder)}}
        if self.docker.base_dockerfile:
            ignored("Environment", {"docker.base_dockerfile": True}, "the packages are used")
        made: dict[str, Any] = {"image": self.docker.base_image or DEFAULT_IMAGE}
        if conda is not None and not conda.is_empty:
            made["conda_file"] = conda.as_dict()
        return made

    def _known_as(self, reference: str) -> Self:
        self.reference = reference
        self._as_registered = self._content()
        return self

    def _content(self) -> dict[str, Any]:
        """What is built; a job has the variables by itself."""
        told = self.as_dict()
        return {"python": told["python"], "docker": told["docker"]}

    def __repr__(self) -> str:
        return f"Environment(name={self.name!r}, version={self.version!r})"


def written(given: Mapping[str, Any], folder: Path) -> Environment:
    """As Azure's files have it: run configurations, `azureml_environment.json`."""
    name = given.get("name") or "project_environment"
    made = Environment(name)
    python, docker = given.get("python") or {}, given.get("docker") or {}
    variables = given.get("environmentVariables") or {}
    made.environment_variables = {k: str(v) for k, v in variables.items()}
    made.python.user_managed_dependencies = bool(python.get("userManagedDependencies"))
    conda, file = python.get("condaDependencies"), python.get("condaDependenciesFile")
    if isinstance(conda, Mapping):
        made.python.conda_dependencies = CondaDependencies(_underlying_structure=dict(conda))
    elif file:
        inside = [folder / file, folder / ".azureml" / file, folder / "aml_config" / file]
        there = next((path for path in inside if path.is_file()), inside[0])
        made.python.conda_dependencies = CondaDependencies(there)
    elif str(name).lower().startswith(_CURATED):
        made._known_as(f"{_REGISTRY}/{name}/labels/latest")
        return made
    made.docker.base_image = docker.get("baseImage")
    made.docker.base_dockerfile = docker.get("baseDockerfile")
    return made
