"""What all versions and containers of assets have, and each noun's own part."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lazur.server.arm.ids import NAMELESS, type_of
from lazur.server.arm.translate import components, data, environments, models
from lazur.server.arm.translate.cases import mapping
from lazur.server.arm.translate.common import resource
from lazur.server.arm.translate.places import Here

NOTES = ("description", "tags", "properties")
_ANONYMOUS = "lazur.anonymous"
"""A property that nobody else has: Azure's clients mark what has no name of its own."""
_ANONYMOUS_NAMES = tuple(NAMELESS.values())


@dataclass(frozen=True)
class Noun:
    kind: str
    from_arm: Callable[[Mapping[str, Any], Here], dict[str, Any]]
    to_arm: Callable[[Mapping[str, Any], Here], dict[str, Any]]
    container: Callable[[Mapping[str, Any]], dict[str, Any]]
    identity: tuple[str, ...]
    """Properties that say what it is: of the same ones it is the same."""


NOUNS = {
    "data": Noun("data", data.from_arm, data.to_arm, data.container, ("path", "type")),
    "models": Noun("models", models.from_arm, models.to_arm, models.container, ("path", "type")),
    "environments": Noun(
        "environments",
        environments.from_arm,
        environments.to_arm,
        environments.container,
        ("image", "conda_file", "build", "inference_config"),
    ),
    "components": Noun(
        "components", components.from_arm, components.to_arm, components.container, ()
    ),
}


def spec(noun: Noun, body: Mapping[str, Any], here: Here) -> dict[str, Any]:
    """The mapping that YAML would give."""
    given = mapping(body.get("properties"))
    notes = {note: given[note] for note in NOTES if given.get(note) is not None}
    if not notes.get("description"):
        notes.pop("description", None)
    made = {**notes, **noun.from_arm(given, here)}
    if given.get("isAnonymous") and str(body.get("name", "")) not in _ANONYMOUS_NAMES:
        made["properties"] = {**mapping(made.get("properties")), _ANONYMOUS: "true"}
    return made


def is_archived(body: Mapping[str, Any]) -> bool:
    return bool(mapping(body.get("properties")).get("isArchived"))


def is_same(noun: Noun, spec: Mapping[str, Any], view: Mapping[str, Any]) -> bool:
    """Without identity it is the service that compares."""
    pairs = [(_bare(spec.get(key)), _bare(view.get(key))) for key in noun.identity]
    return bool(pairs) and all(
        wanted == known or (key == "type" and wanted is None)
        for key, (wanted, known) in zip(noun.identity, pairs, strict=True)
    )


def version(noun: Noun, view: Mapping[str, Any], here: Here) -> dict[str, Any]:
    noted = mapping(view.get("properties"))
    anonymous = noted.pop(_ANONYMOUS, None) is not None or view["name"] in _ANONYMOUS_NAMES
    properties = {
        "description": view.get("description"),
        "tags": mapping(view.get("tags")),
        "properties": noted,
        "isAnonymous": anonymous,
        "isArchived": bool(view.get("archived")),
        "provisioningState": "Succeeded",
        **noun.to_arm(view, here),
    }
    at = here.ids.version(noun.kind, view["name"], view["version"])
    return resource(view, at, type_of(noun.kind, versioned=True), properties)


def container(noun: Noun, view: Mapping[str, Any], here: Here) -> dict[str, Any]:
    properties = {
        "description": view.get("description"),
        "tags": mapping(view.get("tags")),
        "properties": {},
        "isArchived": bool(view.get("archived")),
        "latestVersion": view.get("latest_version"),
        "nextVersion": view.get("next_version"),
        "provisioningState": "Succeeded",
        **noun.container(view),
    }
    at = here.ids.resource(noun.kind, view["name"])
    return resource(view, at, type_of(noun.kind), properties)


def _bare(value: Any) -> Any:
    """Fields that say nothing are as good as none."""
    if isinstance(value, Mapping):
        return {key: _bare(one) for key, one in value.items() if one is not None} or None
    return value.rstrip("/") if isinstance(value, str) else value
