"""A conda file as v1's scripts build it."""

from __future__ import annotations

import copy
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

import yaml

from lazur.v1.told import ignored

_SDK = frozenset({"azureml-defaults", "azureml-core", "azureml-sdk", "azureml-train-core",
                  "azureml-train", "azureml-contrib-reinforcementlearning"})  # fmt: skip
"""Jobs here need none of it: `lazur.v1` travels by itself."""


class CondaDependencies:
    def __init__(
        self,
        conda_dependencies_file_path: str | os.PathLike[str] | None = None,
        _underlying_structure: dict[str, Any] | None = None,
    ) -> None:
        spec = copy.deepcopy(_underlying_structure) or {"name": "project_environment"}
        if conda_dependencies_file_path is not None:
            spec = yaml.safe_load(Path(conda_dependencies_file_path).read_text("utf-8")) or {}
        self._spec: dict[str, Any] = spec
        self._spec["dependencies"] = list(spec.get("dependencies") or [])

    @classmethod
    def create(
        cls,
        pip_indexurl: str | None = None,
        pip_packages: Iterable[str] | None = None,
        conda_packages: Iterable[str] | None = None,
        python_version: str | None = None,
        pin_sdk_version: bool = True,
    ) -> Self:
        made = cls()
        if python_version:
            made.set_python_version(python_version)
        for package in conda_packages or ():
            made.add_conda_package(package)
        for package in pip_packages or ():
            made.add_pip_package(package)
        if pip_indexurl:
            made.set_pip_option(f"--index-url {pip_indexurl}")
        return made

    @property
    def conda_packages(self) -> list[str]:
        return [part for part in self._spec["dependencies"] if isinstance(part, str)]

    @property
    def pip_packages(self) -> list[str]:
        return [part for part in self._pip() if not part.startswith("-")]

    @property
    def conda_channels(self) -> list[str]:
        return list(self._spec.get("channels") or [])

    def add_conda_package(self, conda_package: str) -> None:
        name = _name(conda_package)
        kept = [p for p in self._spec["dependencies"] if isinstance(p, dict) or _name(p) != name]
        self._spec["dependencies"] = (
            [conda_package, *kept]
            if name == "python"
            else [
                *[p for p in kept if isinstance(p, str)],
                conda_package,
                *[p for p in kept if isinstance(p, dict)],
            ]
        )

    def add_pip_package(self, pip_package: str) -> None:
        name = _name(pip_package)
        if name in _SDK:
            ignored("CondaDependencies", {pip_package: True}, "jobs here do not need it")
            return
        chosen = "mlflow" if name == "azureml-mlflow" else pip_package
        kept = [p for p in self._pip() if p.startswith("-") or _name(p) != _name(chosen)]
        self._set_pip([*kept, chosen])

    def remove_pip_package(self, pip_package: str) -> None:
        self._set_pip([p for p in self._pip() if _name(p) != _name(pip_package)])

    def remove_conda_package(self, conda_package: str) -> None:
        name = _name(conda_package)
        parts = self._spec["dependencies"]
        self._spec["dependencies"] = [p for p in parts if isinstance(p, dict) or _name(p) != name]

    def add_channel(self, channel: str) -> None:
        self._spec["channels"] = [*self.conda_channels, channel]

    def set_pip_option(self, pip_option: str) -> None:
        self._set_pip([pip_option, *self._pip()])

    def set_pip_requirements(self, pip_requirements: Iterable[str]) -> None:
        self._set_pip([p for p in self._pip() if p.startswith("-")])
        for package in pip_requirements:
            self.add_pip_package(package)

    def set_python_version(self, version: str) -> None:
        self.add_conda_package(f"python={version}")

    def get_python_version(self) -> str | None:
        found = [p for p in self.conda_packages if _name(p) == "python"]
        return found[0].partition("=")[2].lstrip("=") if found else None

    def serialize_to_string(self) -> str:
        return yaml.safe_dump(self.as_dict(), sort_keys=False)

    def save_to_file(self, base_directory: str, conda_file_path: str | None = None) -> str:
        path = Path(base_directory) / (conda_file_path or "conda_dependencies.yml")
        path.write_text(self.serialize_to_string(), "utf-8")
        return str(path)

    save = save_to_file

    def as_dict(self) -> dict[str, Any]:
        """As a conda file has it, without the SDK's own packages."""
        made = CondaDependencies(_underlying_structure=self._spec)
        made.set_pip_requirements(self.pip_packages)
        spec = copy.deepcopy(made._spec)
        spec["dependencies"] = spec["dependencies"] or ["python"]
        return spec

    @property
    def is_empty(self) -> bool:
        return not self._spec["dependencies"]

    def _pip(self) -> list[str]:
        parts = [p for p in self._spec["dependencies"] if isinstance(p, dict)]
        return [item for part in parts for item in part.get("pip") or []]

    def _set_pip(self, packages: list[str]) -> None:
        rest = [p for p in self._spec["dependencies"] if isinstance(p, str)]
        self._spec["dependencies"] = [*rest, *([{"pip": packages}] if packages else [])]


def requirements(path: str | os.PathLike[str]) -> list[str]:
    """The lines of a requirements file, without comments."""
    lines = Path(path).read_text("utf-8").splitlines()
    return [text for line in lines if (text := re.sub(r"(^|\s)#.*", "", line).strip())]


def _name(package: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", package.rpartition("::")[2])
    return found.group().lower().replace("_", "-") if found else package
