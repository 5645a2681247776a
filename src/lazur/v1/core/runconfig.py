"""`RunConfiguration`, and the `.runconfig` files it is read from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import yaml

from lazur.errors import Invalid, NotFound
from lazur.v1.core.conda_dependencies import CondaDependencies
from lazur.v1.core.environment import Environment, written
from lazur.v1.core.places import Consumed, DataReference, Port
from lazur.v1.told import ignored

DEFAULT_CPU_IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04"
DEFAULT_GPU_IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-cuda11.8-cudnn8-ubuntu22.04"
_NO_EFFECT = ("autoPrepareEnvironment", "history", "spark", "hdi",
              "priority", "credentialPassthrough", "identity", "amlcompute",
              "kubernetescompute", "services", "outputData", "datacaches", "userName",
              "jobName", "sourceDirectoryDataStore")  # fmt: skip


@dataclass
class MpiConfiguration:
    process_count_per_node: int = 1
    node_count: int = 1


@dataclass
class TensorflowConfiguration:
    worker_count: int = 1
    parameter_server_count: int = 1


@dataclass
class PyTorchConfiguration:
    communication_backend: str = "Nccl"
    process_count: int | None = None
    node_count: int = 1


Distribution = MpiConfiguration | TensorflowConfiguration | PyTorchConfiguration


@dataclass
class DockerConfiguration:
    use_docker: bool = False
    shared_volumes: bool = True
    arguments: list[str] = field(default_factory=list)
    shm_size: str | None = None


@dataclass
class DataReferenceConfiguration:
    datastore_name: str | None = None
    mode: str = "mount"
    path_on_datastore: str | None = None
    path_on_compute: str | None = None
    overwrite: bool = False

    def named(self, name: str) -> DataReference:
        return DataReference(self.datastore_name, name, self.path_on_datastore, self.mode)


class RunConfiguration:
    def __init__(
        self,
        script: str | None = None,
        arguments: list[Any] | None = None,
        framework: str | None = None,
        communicator: str | None = None,
        conda_dependencies: CondaDependencies | None = None,
        _history_enabled: bool | None = None,
        command: list[Any] | str | None = None,
    ) -> None:
        self.script = script
        self.arguments: list[Any] = list(arguments or [])
        self.command = command
        self.framework = framework or "Python"
        self.communicator = communicator or "None"
        self.target: Any = "local"
        self.node_count = 1
        self.max_run_duration_seconds: int | None = None
        self.priority: int | None = None
        self.environment = Environment()
        self.environment.python.conda_dependencies = conda_dependencies
        self.docker = DockerConfiguration()
        self.mpi = MpiConfiguration()
        self.tensorflow = TensorflowConfiguration()
        self.pytorch = PyTorchConfiguration()
        self.data_references: dict[str, Any] = {}
        self.data: dict[str, Any] = {}
        self.history: Any = SimpleNamespace()
        self.amlcompute: Any = SimpleNamespace()
        self.spark: Any = SimpleNamespace()
        self.auto_prepare_environment = True

    @property
    def environment_variables(self) -> dict[str, str]:
        return self.environment.environment_variables

    @environment_variables.setter
    def environment_variables(self, value: Mapping[str, str]) -> None:
        self.environment.environment_variables = dict(value)

    @property
    def distribution(self) -> Distribution | None:
        """As `framework` and `communicator` say."""
        framework, communicator = self.framework.lower(), str(self.communicator).lower()
        if communicator in ("openmpi", "intelmpi", "mpi"):
            return MpiConfiguration(self.mpi.process_count_per_node, self.node_count)
        if communicator == "parameterserver" and framework == "tensorflow":
            return self.tensorflow
        if communicator in ("nccl", "gloo") or (framework == "pytorch" and self.node_count > 1):
            count = self.pytorch.process_count
            return PyTorchConfiguration(self.pytorch.communication_backend, count, self.node_count)
        return None

    @classmethod
    def load(cls, path: str, name: str | None = None) -> Self:
        """From a file, or from `.azureml/NAME.runconfig` and its older places in a folder."""
        file = _file(Path(path), name)
        found = yaml.safe_load(file.read_text("utf-8"))  # JSON is YAML
        if not isinstance(found, Mapping):
            raise Invalid(f"{file} is no run configuration.")
        return cls._from(found, _folder(file))

    def save(
        self,
        path: str | None = None,
        name: str | None = None,
        separate_environment_yaml: bool = False,
    ) -> None:
        file = Path(path or ".")
        if file.is_dir() or name:
            folder = file / ".azureml"
            folder.mkdir(exist_ok=True)
            file = folder / f"{name or 'config'}.runconfig"
        if file.suffix == ".json":
            file.write_text(json.dumps(self.as_dict(), indent=2), "utf-8")
        else:
            file.write_text(yaml.safe_dump(self.as_dict(), sort_keys=False), "utf-8")

    def as_dict(self) -> dict[str, Any]:
        conda = self.environment.python.conda_dependencies
        return {
            "script": self.script,
            "arguments": [str(part) for part in self.arguments],
            "command": self.command or "",
            "target": getattr(self.target, "name", self.target),
            "framework": self.framework,
            "communicator": self.communicator,
            "maxRunDurationSeconds": self.max_run_duration_seconds,
            "nodeCount": self.node_count,
            "environment": {
                "name": self.environment.name,
                "environmentVariables": dict(self.environment_variables),
                "python": {
                    "userManagedDependencies": self.environment.python.user_managed_dependencies,
                    "condaDependencies": conda.as_dict() if conda else None,
                },
                "docker": {"baseImage": self.environment.docker.base_image},
            },
            "tensorflow": {
                "workerCount": self.tensorflow.worker_count,
                "parameterServerCount": self.tensorflow.parameter_server_count,
            },
            "mpi": {"processCountPerNode": self.mpi.process_count_per_node},
            "pytorch": {
                "communicationBackend": self.pytorch.communication_backend,
                "processCount": self.pytorch.process_count,
            },
            "docker": {"shmSize": self.docker.shm_size, "arguments": self.docker.arguments},
            "dataReferences": {k: _reference(v) for k, v in self.data_references.items()},
        }

    @classmethod
    def _from(cls, raw: Mapping[str, Any], folder: Path) -> Self:
        given = {_camel(str(key)): value for key, value in raw.items()}
        made = cls(
            given.get("script") or None,
            given.get("arguments") or [],
            given.get("framework"),
            given.get("communicator"),
            command=given.get("command") or None,
        )
        made.target = given.get("target") or "local"
        made.node_count = int(given.get("nodeCount") or 1)
        made.max_run_duration_seconds = given.get("maxRunDurationSeconds")
        made.environment = written(given.get("environment") or {}, folder)
        variables = given.get("environmentVariables")
        made.environment_variables |= {k: str(v) for k, v in (variables or {}).items()}
        _sections(made, given)
        unknown = {k: v for k, v in given.items() if k not in _KNOWN and k not in _NO_EFFECT and v}
        ignored("RunConfiguration", unknown)
        return made


_KNOWN = frozenset({"script", "arguments", "command", "target", "framework", "communicator",
                    "nodeCount", "environment", "environmentVariables", "mpi", "tensorflow",
                    "pytorch", "dataReferences", "data", "docker",
                    "maxRunDurationSeconds"})  # fmt: skip


def _sections(made: RunConfiguration, given: Mapping[str, Any]) -> None:
    def part(section: str, key: str, default: Any) -> Any:
        found = (given.get(section) or {}).get(key)
        return default if found in (None, "") else found

    made.mpi = MpiConfiguration(part("mpi", "processCountPerNode", 1), part("mpi", "nodeCount", 1))
    made.tensorflow = TensorflowConfiguration(
        part("tensorflow", "workerCount", 1), part("tensorflow", "parameterServerCount", 1)
    )
    made.pytorch = PyTorchConfiguration(
        part("pytorch", "communicationBackend", "Nccl"), part("pytorch", "processCount", None)
    )
    made.docker = DockerConfiguration(shm_size=part("docker", "shmSize", None))
    for name, body in (given.get("dataReferences") or {}).items():
        made.data_references[name] = DataReference(
            body.get("dataStoreName") or body.get("datastoreName"),
            name,
            body.get("pathOnDataStore") or body.get("pathOnDatastore"),
            body.get("mode") or "mount",
        )
    for name, body in (given.get("data") or {}).items():
        made.data[name] = Consumed(_located(name, body))


def _located(name: str, body: Mapping[str, Any]) -> Port:
    place = body.get("dataLocation") or {}
    mode = str(body.get("mechanism") or "mount").lower()
    if dataset := place.get("dataset"):
        version = dataset.get("version")
        text = f"azureml:{dataset.get('name')}" + (f":{version}" if version else "@latest")
        return Port(name, text, mode)
    if found := place.get("dataPath"):
        store, inner = found.get("datastoreName"), found.get("relativePath") or ""
        return Port(name, f"azureml://datastores/{store}/paths/{inner}", mode)
    if uri := place.get("uri"):
        return Port(name, str(uri.get("path")), mode, is_file=bool(uri.get("isFile")))
    raise Invalid(f"The data {name!r} of the run configuration say not where they are.")


def _reference(value: Any) -> dict[str, Any]:
    port: Port = value.port if isinstance(value, Consumed) else value.named("data").port
    store, _, inner = port.path.removeprefix("azureml://datastores/").partition("/paths/")
    return {"dataStoreName": store, "pathOnDataStore": inner or None, "mode": port.mode}


def _file(path: Path, name: str | None) -> Path:
    if path.is_file():
        return path
    names = [f"{name}.runconfig", f"{name}.json", f"{name}.yml"] if name else []
    places = [path / inside / n for inside in (".azureml", "aml_config", "") for n in names]
    for place in places:
        if place.is_file():
            return place
    shown = name or "a run configuration"
    raise NotFound(f"There is no {shown} in {path}.", hint="Give the path of the .runconfig file.")


def _folder(file: Path) -> Path:
    return file.parent.parent if file.parent.name in (".azureml", "aml_config") else file.parent


def _camel(key: str) -> str:
    head, *rest = key.split("_")
    return head + "".join(part.capitalize() for part in rest)
