"""What came of what, and who is affected."""

from __future__ import annotations

from typing import Any, Literal

import lazur
from lazur.engine.mermaid import chart
from lazur.engine.openlineage import Exporter
from lazur.sdk.scope import Scope
from lazur.sdk.views import View


class Lineage:
    """`of` is what the command line takes: `model:x:3`, `data:y@latest`, `job:NAME`, a registry's
    or a datastore's `azureml://…`, a URL."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def show(
        self,
        of: str,
        *,
        kind: str | None = None,
        direction: Literal["up", "down", "both"] = "both",
        depth: int | None = None,
    ) -> View:
        """`nodes`, with their `distance` from the root, and `edges`."""
        query = {"of": of, "kind": kind, "direction": direction, "depth": depth}
        return View(self._asked(self._scope.path("lineage"), query))

    def impact(self, of: str, *, kind: str | None = None) -> View:
        """What is `affected` if it is wrong, and the `people` who made that."""
        query = {"of": of, "kind": kind}
        return View(self._asked(self._scope.path("lineage", "impact"), query))

    def mermaid(self, graph: View) -> str:
        """What `show` gave, as a flowchart."""
        return chart(graph.to_dict())

    def openlineage(self, graph: View) -> list[dict[str, Any]]:
        """What `show` gave, as events of OpenLineage."""
        server = self._scope.http.address.url
        return Exporter(server, self._scope.workspace, lazur.__version__).events(graph.to_dict())

    def _asked(self, path: str, query: dict[str, Any]) -> dict[str, Any]:
        given = {key: value for key, value in query.items() if value is not None}
        return self._scope.http.request("GET", path, query=given).json()
