"""Assets that a spec names by their `id`, as `Input(path=data.id)` does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lazur.errors import Invalid

_ID = re.compile(
    r"/workspaces/([^/]+)/(?:data|models|environments|components)/([^/]+)/versions/([^/]+)"
)
_NAMING = frozenset({"path", "environment", "component", "trial"})


def by_name(spec: Any, workspace: str, key: str = "") -> Any:
    """The spec with `azureml:<name>:<version>` in the place of ids."""
    if isinstance(spec, Mapping):
        return {name: by_name(value, workspace, name) for name, value in spec.items()}
    if isinstance(spec, list):
        return [by_name(value, workspace) for value in spec]
    if key in _NAMING and isinstance(spec, str) and (found := _ID.fullmatch(spec)):
        other, name, version = found.groups()
        if other != workspace:
            raise Invalid(
                f"{spec!r} lies in the workspace {other!r}, and this goes to {workspace!r}.",
                hint="What several workspaces use is shared by a registry: `lazur registry -h`.",
            )
        return f"azureml:{name}:{version}"
    return spec
