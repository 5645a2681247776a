"""The environments of the built-in registry, as assets are shown."""

from __future__ import annotations

from typing import Any

from lazur.kinds.assets import curated

REGISTRY = curated.REGISTRY


def all_() -> list[dict[str, Any]]:
    return [get(name, None) for name in curated.names()]


def versions(name: str) -> list[dict[str, Any]]:
    return [get(name, version) for version in reversed(curated.versions(name))]


def get(name: str, version: str | None) -> dict[str, Any]:
    spec = curated.get(name, version)
    place = f"environments/{spec['name']}/versions/{spec['version']}"
    return {
        **spec,
        "id": f"azureml://registries/{REGISTRY}/{place}",
        "registry": REGISTRY,
        "labels": curated.labels(name),
    }
