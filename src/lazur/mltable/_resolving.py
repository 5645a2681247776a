"""From a path as somebody wrote it to one that can be opened.

Inside a job, `azureml://datastores/<name>/paths/…` means a folder on this machine or an object
store, which only the runtime knows. It says so in `LAZUR_DATASTORES`, a JSON mapping from a
datastore's name to its folder or URL, or a process calls `set_resolver`. Of a datastore that is
not in it, and of `azureml://jobs/<name>/outputs/<output>`, the server has the files (`_server`).
"""

from __future__ import annotations

import json
import os
import re
from typing import Callable, Optional

from . import _server
from ._errors import MLTableError

VARIABLE = "LAZUR_DATASTORES"
Resolver = Callable[[str], str]
"""Gets every absolute path or URI before it is opened; gives back what to open, or raises."""

_DATASTORE = re.compile(
    r"azureml:/{1,2}(?:/?subscriptions/[^/]+/resource[gG]roups/[^/]+"
    r"(?:/providers/Microsoft\.MachineLearningServices)?/workspaces/[^/]+/)?"
    r"datastores/(?P<name>[^/]+)/paths/?(?P<path>.*)"
)
_OUTPUT = re.compile(
    r"(?P<output>azureml://jobs/[^/]+/outputs/[^/]+)(?:/paths)?(?:/+(?P<path>.*))?"
)
_WASBS = re.compile(r"wasbs?://([^@/]+)@([^./]+)\.blob\.([^/]+)(/.*)?")
_resolver: Optional[Resolver] = None


def set_resolver(resolver: Optional[Resolver]) -> Optional[Resolver]:
    """From now on `resolver` is asked first, for every path; returns the one before."""
    global _resolver
    before, _resolver = _resolver, resolver
    return before


def resolve(uri: str) -> str:
    """What to open for `uri`: a local path, or a URI that fsspec knows."""
    if _resolver:
        uri = _resolver(uri)
    if uri.startswith("file://"):
        return uri[len("file://") :]
    found = _WASBS.fullmatch(uri)
    if found:
        container, account, rest, path = found.groups()
        return f"abfss://{container}@{account}.dfs.{rest}{path or ''}"
    return _azureml(uri) if uri.startswith("azureml:") else uri


def _azureml(uri: str) -> str:
    if (output := _OUTPUT.fullmatch(uri)) is not None:
        return _of_job(uri, output["output"], output["path"] or "")
    found = _DATASTORE.fullmatch(uri)
    if found is None:
        raise MLTableError(
            f"{uri} is the name of an asset, which only a server knows. Give it to the job as an"
            " input and load the path that the job gets, or download it first."
        )
    name, path = found.group("name"), found.group("path")
    root = _datastores().get(name)
    if root is None and _server.is_known():
        root = f"{_server.SCHEME}datastores/{name}/paths"
    if root is None:
        raise MLTableError(
            f"Nobody said where the datastore '{name}' of {uri} is. In a job, give the path as an"
            f" input; elsewhere set {VARIABLE}, for example"
            f' {VARIABLE}=\'{{"{name}": "/the/folder"}}\'.'
        )
    if ".." in path.split("/"):
        raise MLTableError(f"{uri} leads out of the datastore with '..'.")
    return f"{root.rstrip('/')}/{path}" if path else root


def _of_job(uri: str, output: str, path: str) -> str:
    if not _server.is_known():
        raise MLTableError(
            f"{uri} is an output of a job, which only the server knows. It is followed inside of"
            " jobs; elsewhere download it first: lazur job download --output-name NAME."
        )
    if ".." in path.split("/"):
        raise MLTableError(f"{uri} leads out of the output with '..'.")
    return f"{output}/paths/{path}" if path else output


def _datastores() -> dict[str, str]:
    text = os.environ.get(VARIABLE, "{}")
    try:
        found = json.loads(text)
    except ValueError as error:
        raise MLTableError(f"{VARIABLE} is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise MLTableError(f"{VARIABLE} must be a JSON mapping of names to folders or URLs.")
    return {str(name): str(root) for name, root in found.items()}
