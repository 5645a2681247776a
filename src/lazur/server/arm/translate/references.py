"""Azure's ids of what a job refers to, and `azureml:name:version` as YAML writes it."""

from __future__ import annotations

import re
from typing import Any

from lazur.errors import Invalid
from lazur.server.arm import ids as names
from lazur.server.arm.ids import Ids
from lazur.server.arm.translate import nameless
from lazur.server.arm.translate.cases import mapping
from lazur.services.azure.trees import FLAT, TREES
from lazur.services.base.home import BLOBSTORE
from lazur.spec import references
from lazur.spec.references import Asset, DatastorePath, Tree

_TREE = re.compile(r"[0-9a-f]{64}")
_LABEL = re.compile(r"(?P<id>.+)/labels/(?P<label>[^/]+)/?", re.IGNORECASE)
_LOCATED = re.compile(
    r"azureml://locations/[^/]+/workspaces/[^/]+/[^/]+/(?P<name>[^/]+)/versions/(?P<version>[^/]+)"
)
_PATH = re.compile(
    r"azureml:/{1,2}(?:subscriptions/[^/]+/resourcegroups/[^/]+/(?:providers/[^/]+/)?"
    r"workspaces/[^/]+/)?datastores/(?P<store>[^/]+)/paths/(?P<path>.*)",
    re.IGNORECASE,
)


def written(text: Any) -> str | None:
    """The id of an asset or of something without versions, or a path: as YAML writes it. What is
    no id stays as it is."""
    if not text:
        return None
    text = str(text)
    if (path := _PATH.fullmatch(text)) is not None:
        tree = tree_of(path["path"]) if path["store"] == BLOBSTORE else None
        return tree or f"azureml://datastores/{path['store']}/paths/{path['path']}"
    if (located := _LOCATED.fullmatch(text)) is not None:
        return f"azureml:{located['name']}:{located['version']}"
    label = _LABEL.fullmatch(text)
    found = names.parse(label["id"] if label else text)
    if found is None:
        return text
    if found.registry is not None:
        room = f"azureml://registries/{found.registry}/{found.kind}/{found.name}"
        tail = f"/labels/{label['label']}" if label else f"/versions/{found.version}"
        return room + (tail if label or found.version else "")
    if found.kind in ("codes", "data") and (tree := _tree(found.name, found.version)):
        return tree
    if label:
        return f"azureml:{found.name}@{label['label']}"
    return f"azureml:{found.name}:{found.version}" if found.version else f"azureml:{found.name}"


def asset_id(text: Any, kind: str, ids: Ids) -> str | None:
    """Of an asset as YAML names it. What was written in place has an id, too; what is no name
    stays."""
    if not text:
        return None
    if not isinstance(text, str):
        told = nameless.environment if kind == "environments" else nameless.component
        return ids.nameless(kind, told(mapping(text)))
    found = _parsed(text)
    if isinstance(found, Tree):
        inside = f"~{found.path.replace('/', '~')}" if found.path else ""
        return ids.version(kind, f"{found.digest}{inside}", "1")
    if not isinstance(found, Asset):
        return text
    kind = found.kind or kind
    version = f"versions/{found.version}" if found.version else f"labels/{found.label or 'latest'}"
    if found.registry is not None:
        return f"azureml://registries/{found.registry}/{kind}/{found.name}/{version}"
    return f"{ids.resource(kind, found.name)}/{version}"


def path_uri(text: str | None, kind: str, ids: Ids) -> str | None:
    """Of an input or output: an asset's id, or the path as it is. Content without a name has a
    path, too, by which clients fetch it."""
    found = _parsed(text) if text is not None else None
    if isinstance(found, Tree):
        return ids.datastore_path(BLOBSTORE, f"{TREES}/{tree_path(found)}")
    if text is None or isinstance(found, DatastorePath):
        return text
    return asset_id(text, "models" if kind.endswith("_model") else "data", ids)


def resource_id(text: Any, kind: str, ids: Ids) -> str | None:
    """Of a compute or a datastore."""
    if not text:
        return None
    bare = str(text).removeprefix("azureml:")
    if "/" in bare or bare.startswith("${{"):
        return bare
    return ids.resource(kind, bare)


def tree_path(tree: Tree) -> str:
    return f"{tree.digest}/{tree.path}".rstrip("/")


def tree_of(path: str) -> str | None:
    """`.tree/<digest>/a/b` is `tree:<digest>/a/b`."""
    top = next((top for top in (f"{TREES}/", FLAT) if path.startswith(top)), None)
    return str(references.parse(f"tree:{path.removeprefix(top).strip('/')}")) if top else None


def _tree(name: str, version: str | None) -> str | None:
    """Content that has no name: `codes/<hash>~sub~folder/versions/1`. Azure's client reads
    `tree:<hash>` as a name and a version."""
    if name == "tree" and version and _TREE.fullmatch(version):
        return f"tree:{version}"
    digest, _, path = name.partition("~")
    if not _TREE.fullmatch(digest):
        return None
    return f"tree:{digest}/{path.replace('~', '/')}" if path else f"tree:{digest}"


def _parsed(text: str) -> references.Reference | None:
    try:
        return references.parse(text)
    except Invalid:
        return None
