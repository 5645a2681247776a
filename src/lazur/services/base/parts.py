"""Where references stand in an asset: at its top, in its parts, and in the steps that a component
has, to any depth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, cast

_NAMED = {"code": "codes", "component": "components", "trial": "components"}
_INNER = ("build", "environment", "task", "component", "trial")


class Part(NamedTuple):
    where: str
    """As a message names it: `jobs.train.inputs.rows.path`."""
    holder: dict[str, Any]
    key: str
    kind: str
    """Of assets: what a name without a kind means here."""

    @property
    def text(self) -> str:
        return self.holder[self.key]


def find(kind: str, spec: dict[str, Any]) -> Iterator[Part]:
    """All of them, as they are written. A spec is checked before: its nesting has an end."""
    return _find(kind, spec, "")


def _find(kind: str, spec: dict[str, Any], above: str) -> Iterator[Part]:
    yield from _texts(kind, spec, above)
    yield from _of_inputs(spec.get("inputs"), f"{above}inputs.")
    for key in _INNER:
        if isinstance(spec.get(key), dict):
            inner = "environments" if key == "environment" else kind
            yield from _find(inner, spec[key], f"{above}{key}.")
    for name, step in _entries(spec.get("jobs")):
        yield from _find("components", step, f"{above}jobs.{name}.")


def _texts(kind: str, spec: dict[str, Any], above: str) -> Iterator[Part]:
    named = {"path": kind, **_NAMED, "environment": "environments"}
    for key, meant in named.items():
        if isinstance(spec.get(key), str) and spec[key]:
            yield Part(f"{above}{key}", spec, key, meant)


def _of_inputs(inputs: Any, above: str) -> Iterator[Part]:
    """What a step is given; what a component only declares has a type and no path. A mapping
    without both is a group of inputs."""
    for name, value in _entries(inputs):
        if isinstance(value.get("path"), str) and value["path"]:
            model = str(value.get("type")).endswith("_model")
            yield Part(f"{above}{name}.path", value, "path", "models" if model else "data")
        elif "type" not in value and "value" not in value:
            yield from _of_inputs(value, f"{above}{name}.")


def _entries(value: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """The mappings in a mapping."""
    if isinstance(value, dict):
        for name, inner in cast("dict[str, Any]", value).items():
            if isinstance(inner, dict):
                yield name, cast("dict[str, Any]", inner)
