"""Azure's names of things. Every subscription and group that a caller names is taken, and named
back: there is one server, and its workspaces have names of their own."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lazur.server.arm.address import Place

PROVIDER = "Microsoft.MachineLearningServices"
_ASSET = re.compile(
    r"(?:azureml:)?/?/?(?:/?subscriptions/[^/]+/resourceGroups/[^/]+/providers/"
    r"Microsoft\.MachineLearningServices/)?(?P<room>workspaces|registries)/(?P<where>[^/]+)"
    r"/(?P<kind>[^/]+)/(?P<name>[^/]+)(?:/versions/(?P<version>[^/]+))?/?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Named:
    """What an id names."""

    kind: str
    name: str
    version: str | None
    workspace: str | None
    registry: str | None


NAMELESS = {"environments": "CliV2AnonymousEnvironment", "components": "azureml_anonymous"}
"""What Azure's client calls those that were written where they are used."""


@dataclass(frozen=True)
class Ids:
    place: Place
    unnamed: dict[tuple[str, str], dict[str, Any]] = field(
        default_factory=dict[tuple[str, str], dict[str, Any]], compare=False
    )
    """By kind and version: what an id was made for, and is registered nowhere yet."""

    @property
    def group(self) -> str:
        return f"/subscriptions/{self.place.subscription}/resourceGroups/{self.place.group}"

    def workspace(self, name: str | None = None) -> str:
        return f"{self.group}/providers/{PROVIDER}/workspaces/{name or self.place.workspace}"

    def registry(self, name: str) -> str:
        return f"{self.group}/providers/{PROVIDER}/registries/{name}"

    def resource(self, kind: str, name: str) -> str:
        """Of the request's workspace, or registry."""
        return f"{self._room()}/{kind}/{name}"

    def version(self, kind: str, name: str, version: str) -> str:
        if self.place.registry:
            room = f"azureml://registries/{self.place.registry}"
            return f"{room}/{kind}/{name}/versions/{version}"
        return f"{self.workspace()}/{kind}/{name}/versions/{version}"

    def nameless(self, kind: str, spec: Mapping[str, Any]) -> str:
        """Of what has no name: as in Azure, its content says which version it is."""
        text = json.dumps(spec, sort_keys=True, default=str)
        version = hashlib.sha256(text.encode()).hexdigest()[:32]
        self.unnamed[kind, version] = dict(spec)
        return self.version(kind, NAMELESS[kind], version)

    def datastore_path(self, datastore: str, path: str) -> str:
        """The long form, which names the workspace."""
        place = self.place
        return (
            f"azureml://subscriptions/{place.subscription}/resourcegroups/{place.group}"
            f"/workspaces/{place.workspace}/datastores/{datastore}/paths/{path}"
        )

    def _room(self) -> str:
        return self.registry(self.place.registry) if self.place.registry else self.workspace()


def parse(text: str) -> Named | None:
    """None where it is no id of a resource: a name, a path, a URL."""
    found = _ASSET.fullmatch(text)
    if found is None:
        return None
    in_workspace = found["room"].lower() == "workspaces"
    return Named(
        kind=found["kind"].lower(),
        name=found["name"],
        version=found["version"],
        workspace=found["where"] if in_workspace else None,
        registry=None if in_workspace else found["where"],
    )


def type_of(kind: str, *, versioned: bool = False) -> str:
    """The `type` of a resource."""
    return f"{PROVIDER}/workspaces/{kind}" + ("/versions" if versioned else "")
