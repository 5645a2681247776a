"""Estimators: a script, its packages and its processes in one call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from lazur.v1.core.conda_dependencies import CondaDependencies, requirements
from lazur.v1.core.environment import Environment
from lazur.v1.core.runconfig import (
    Distribution,
    DockerConfiguration,
    MpiConfiguration,
    PyTorchConfiguration,
    RunConfiguration,
    TensorflowConfiguration,
)
from lazur.v1.core.script_run_config import ScriptRunConfig
from lazur.v1.told import ignored, refused

Mpi = MpiConfiguration
ParameterServer = TensorflowConfiguration
_BACKENDS = {"mpi": MpiConfiguration, "ps": TensorflowConfiguration}


class Estimator:
    packages: ClassVar[tuple[str, ...]] = ()
    """What the framework is on PyPI; the first has the framework's version."""
    old_python: ClassVar[tuple[int, str] | None] = None
    """Versions of the framework below the first need the Python of the second."""

    def __init__(
        self,
        source_directory: str = ".",
        *,
        compute_target: Any = None,
        vm_size: Any = None,
        vm_priority: Any = None,
        entry_script: str | None = None,
        script_params: Mapping[str, Any] | None = None,
        node_count: int = 1,
        process_count_per_node: int = 1,
        distributed_backend: str | None = None,
        distributed_training: Any = None,
        use_gpu: bool = False,
        use_docker: bool = True,
        custom_docker_base_image: str | None = None,
        custom_docker_image: str | None = None,
        image_registry_details: Any = None,
        user_managed: bool = False,
        conda_packages: list[str] | None = None,
        pip_packages: list[str] | None = None,
        conda_dependencies_file_path: str | None = None,
        pip_requirements_file_path: str | None = None,
        conda_dependencies_file: str | None = None,
        pip_requirements_file: str | None = None,
        environment_variables: Mapping[str, str] | None = None,
        environment_definition: Environment | None = None,
        inputs: list[Any] | None = None,
        source_directory_data_store: Any = None,
        shm_size: str | None = None,
        resume_from: Any = None,
        max_run_duration_seconds: int | None = None,
        framework_version: str | None = None,
        **more: Any,
    ) -> None:
        owner = type(self).__name__
        kept = {k: v for k, v in more.items() if not k.startswith("_")}
        ignored(owner, {"vm_size": vm_size, "vm_priority": vm_priority,
                        "image_registry_details": image_registry_details,
                        "source_directory_data_store": source_directory_data_store,
                        "resume_from": resume_from, **kept})  # fmt: skip
        ignored(owner, {"use_gpu": use_gpu}, "ask for GPUs by a compute that has some")
        ignored(owner, {"user_managed": user_managed}, "the environment is made of its packages")
        own = RunConfiguration()
        own.target = compute_target or "local"
        own.node_count = node_count
        own.max_run_duration_seconds = max_run_duration_seconds
        own.docker = DockerConfiguration(use_docker=use_docker, shm_size=shm_size)
        own.environment = environment_definition or self._environment(
            framework_version, conda_packages, pip_packages,
            conda_dependencies_file or conda_dependencies_file_path,
            pip_requirements_file or pip_requirements_file_path,
        )  # fmt: skip
        if image := custom_docker_image or custom_docker_base_image:
            own.environment.docker.base_image = image
        own.environment_variables |= dict(environment_variables or {})
        self.source_directory = source_directory
        self.run_config = own
        self._script = entry_script
        self._params = dict(script_params or {})
        self._inputs = list(inputs or [])
        self._distribution = _distribution(
            distributed_training, distributed_backend, node_count, process_count_per_node
        )

    @property
    def conda_dependencies(self) -> CondaDependencies | None:
        return self.run_config.environment.python.conda_dependencies

    def to_script_run_config(self) -> ScriptRunConfig:
        made = ScriptRunConfig(
            self.source_directory,
            self._script,
            [part for key, value in self._params.items() for part in _pair(key, value)],
            self.run_config,
            distributed_job_config=self._distribution,
        )
        made.inputs = self._inputs
        return made

    def _environment(
        self,
        version: str | None,
        conda: list[str] | None,
        pip: list[str] | None,
        conda_file: str | None,
        pip_file: str | None,
    ) -> Environment:
        made = Environment(f"{type(self).__name__.lower()}-environment")
        packages = CondaDependencies(conda_file) if conda_file else CondaDependencies()
        for package in conda or ():
            packages.add_conda_package(package)
        for package in self._framework(version):
            packages.add_pip_package(package)
        for package in [*(requirements(pip_file) if pip_file else ()), *(pip or ())]:
            packages.add_pip_package(package)
        is_old = self.old_python and version and _release(version) < self.old_python[0]
        if is_old and self.old_python and packages.get_python_version() is None:
            packages.set_python_version(self.old_python[1])
        made.python.conda_dependencies = packages
        return made

    def _framework(self, version: str | None) -> list[str]:
        if not self.packages or version is None:
            return list(self.packages)
        first, *others = self.packages
        exact = version if version.count(".") > 1 else f"{version}.*"
        return [f"{first}=={exact}", *others]


def _distribution(
    given: Any, backend: str | None, nodes: int, processes: int
) -> Distribution | None:
    if given is not None:
        if isinstance(given, MpiConfiguration):
            return MpiConfiguration(max(given.process_count_per_node, processes), nodes)
        return given
    if backend is None:
        return MpiConfiguration(processes, nodes) if nodes * processes > 1 else None
    name = backend.lower()
    if name in ("nccl", "gloo"):
        return PyTorchConfiguration(backend, nodes * processes, nodes)
    if name not in _BACKENDS:
        raise refused(f"distributed_backend={backend!r}", "It is mpi, ps, nccl or gloo.")
    return MpiConfiguration(processes, nodes) if name == "mpi" else TensorflowConfiguration(nodes)


def _pair(key: str, value: Any) -> list[Any]:
    return [key] if isinstance(value, str) and not value else [key, value]


def _release(version: str) -> int:
    parts = [int(p) for p in version.split(".")[:2] if p.isdigit()]
    return parts[0] * 100 + (parts[1] if len(parts) > 1 else 0)
