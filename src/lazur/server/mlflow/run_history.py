"""What `mldesigner` of Azure adds to the tracking URI: it tells a run what a step of a pipeline
gave. The run has it as tags; the value itself lies in the step's output."""

from __future__ import annotations

import json
import re
from typing import Any, cast

from lazur.server.mlflow import checks
from lazur.server.mlflow.call import Call, Handler, Punt
from lazur.server.mlflow.metrics import put_tags
from lazur.server.mlflow.runs import writable
from lazur.services.base.site import Context

_ONE = "/experimentids/*/runs/*"
_PATH = re.compile("/experimentids/[^/]+/runs/([^/]+)")


def route(path: str) -> str:
    """The path with `*` for the ids."""
    return _ONE if _PATH.fullmatch(path) else path


async def change(call: Call) -> bytes:
    asked = call.fields("runId", "properties")
    found = _PATH.fullmatch(call.path)
    if found is None or not isinstance(asked.get("properties"), dict):
        raise Punt
    given = cast("dict[str, Any]", asked["properties"])
    tags = [checks.tag(key, _text(value)) for key, value in given.items()]

    def part(context: Context) -> bytes:
        put_tags(context, writable(context, call, found[1]), tags)
        return json.dumps({"runId": found[1], "properties": given}).encode()

    return await call.write(part)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


ROUTES: dict[tuple[str, str], Handler] = {("PATCH", _ONE): change}
