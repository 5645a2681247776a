"""An object store that the server's owner gave it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lazur.egress import Rule
from lazur.engine.contracts import Datastore
from lazur.engine.secret import Secret
from lazur.registry import find as find_plug

_ANYWHERE = Rule.of(["*"])
"""Whoever sets the server up may lead it to their own machines."""


@dataclass(frozen=True)
class Storage:
    uri: str
    type: str
    settings: Mapping[str, Any]
    prefix: str
    """Folder of ours in it, without an end; empty for all of it."""
    credentials: Mapping[str, Secret] = field(default_factory=dict[str, Secret])
    ambient: bool = False

    def datastore(self) -> Datastore:
        """Asks nobody yet. Raises Invalid for what is set up wrongly, and MissingExtra."""
        plug = find_plug("datastores", self.type, Datastore)
        settings = {**self.settings, "name": f"of the setting storage, {self.uri}"}
        return plug(settings, dict(self.credentials), rule=_ANYWHERE, ambient=self.ambient)

    def folder(self, workspace: int, name: str) -> str:
        """Of a workspace's datastore, or of all of them. Numbers of workspaces are not given
        twice, names are."""
        return f"{self.prefix}/workspaces/{workspace}/{name}".strip("/")
