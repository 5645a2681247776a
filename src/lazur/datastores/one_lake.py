"""Files of a lake house in Microsoft Fabric. Settings: `one_lake_workspace_name`, `endpoint`
(onelake.dfs.fabric.microsoft.com), `artifact` with `name`; credentials: a service principal's."""

from __future__ import annotations

import re
from typing import Any

from lazur.datastores._azure import Blobs
from lazur.datastores._settings import host, name
from lazur.errors import Invalid

_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class OneLake(Blobs):
    def _endpoint(self) -> str:
        given = str(self.settings.get("endpoint") or "onelake.dfs.fabric.microsoft.com")
        if "://" in given:
            return super()._endpoint()
        return f"https://{host(given, 'endpoint').replace('.dfs.', '.blob.', 1)}"

    def _container(self) -> str:
        return name(self.settings, "one_lake_workspace_name")

    def _folder(self) -> str:
        """By id an artifact needs no kind behind its name."""
        artifact: Any = self.settings.get("artifact")
        if not isinstance(artifact, dict):
            raise Invalid("The datastore needs its artifact: type lake_house, and a name.")
        found = name(artifact, "name")
        known = _ID.fullmatch(found) or found.lower().endswith(".lakehouse")
        return f"{found}/Files/" if known else f"{found}.Lakehouse/Files/"
