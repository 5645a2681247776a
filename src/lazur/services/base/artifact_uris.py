"""What artifact URIs mean here: paths in a workspace's artifact store."""

from __future__ import annotations

import posixpath
import re
from urllib.parse import unquote, urlsplit

from lazur.errors import Forbidden, Invalid

_SERVED = "/api/2.0/mlflow-artifacts/artifacts/"
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def inside(space: str, uri: str) -> str | None:
    """The path in the store of the workspace that MLflow calls `space`. None: the files lie
    elsewhere."""
    found = urlsplit(uri)
    if found.scheme == "mlflow-artifacts":
        return scoped(space, found.path.lstrip("/"))
    if found.scheme in {"http", "https"} and _SERVED in found.path:
        return scoped(space, found.path.partition(_SERVED)[2].lstrip("/"))
    if found.scheme in {"", "file"}:
        raise Forbidden(
            f"These artifacts lie at {uri[:200]!r}, which is a place on some machine.",
            hint="Make an experiment without an artifact location: it keeps its files here.",
        )
    return None


def scoped(space: str, path: str) -> str:
    """A path as clients say it, relative to the workspace's store; empty for the store itself.
    Another workspace's is refused."""
    parts = relative(path).split("/")
    if parts[0] != "workspaces":
        return "/".join(parts)
    if len(parts) == 1:
        raise Invalid("Artifact paths prefixed with 'workspaces/' must include a workspace name.")
    if parts[1] != space:
        raise Invalid(
            f"Artifact path targets workspace '{parts[1]}' "
            f"but the workspace specified in the request is '{space}'."
        )
    return "/".join(parts[2:])


def relative(path: str) -> str:
    """As upstream reads it: decoded until nothing is left to decode, plain, never absolute; empty
    for the folder itself."""
    for _ in range(10):
        if (decoded := unquote(path)) == path:
            break
        path = decoded
    path = _CONTROL.sub(lambda found: f"%{ord(found[0]):02x}", path)
    if path.startswith("/") or "#" in path or "\\" in path or ".." in path.split("/"):
        raise Invalid("Invalid path")
    found = posixpath.normpath(path)
    return "" if found == "." else found
