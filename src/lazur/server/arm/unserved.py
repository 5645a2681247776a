"""What Azure's clients may ask for and is not served here: what they call it, and what to do
instead."""

from __future__ import annotations

from dataclasses import dataclass

_SERVING = (
    "Fetch the model and serve it with MLflow: lazur model download -n NAME -v VERSION, then "
    "mlflow models serve -m FOLDER"
)
_SCORING = "Score in a job: a parallel job (`type: parallel`) goes over many files or tables."
_IMAGE = (
    "Fetch the model and make the image with MLflow: lazur model download -n NAME -v VERSION, "
    "then mlflow models build-docker -m FOLDER. Of a model that MLflow does not know, with its "
    "files and a script of your own in a Dockerfile."
)
_MOUNT = (
    "Azure's client mounts by a helper that knows Azure's storage alone. Fetch the files: lazur "
    "data download -n NAME -v VERSION. In a job, an input with `mode: ro_mount` is there as a "
    "folder."
)
_FEATURES = "Make the features in a job, and register what comes out as data: `type: mltable`"
_ELSEWHERE = (
    "It is a service of Azure's own. A connection keeps the address and the key of a model that "
    "is served elsewhere: lazur connection create -f FILE"
)
_NETWORK = (
    "A workspace has no network of its own. What the whole server lets in and out is in its "
    "config.toml: allowed_hosts, egress_allow."
)
_SEARCH = "Make the index in a job, and register it as data: `type: uri_folder`"
_ANY = "docs/azure-compatibility.md lists what is served; lazur --help what there is beside it."


@dataclass(frozen=True)
class Missed:
    """Something that was asked for. `operation`: as it is counted."""

    operation: str
    instead: str


@dataclass(frozen=True)
class _Noun:
    name: str
    """In Azure's Python client."""
    template: str
    """Of all of them; `*` is any name."""
    instead: str
    write: str = "begin_create_or_update"
    remove: str = "begin_delete"


_NOUNS = (
    _Noun("online_endpoints", "WS/onlineEndpoints", _SERVING),
    _Noun("online_deployments", "WS/onlineEndpoints/*/deployments", _SERVING),
    _Noun("batch_endpoints", "WS/batchEndpoints", _SCORING),
    _Noun("batch_deployments", "WS/batchEndpoints/*/deployments", _SCORING),
    _Noun("serverless_endpoints", "WS/serverlessEndpoints", _ELSEWHERE),
    _Noun("marketplace_subscriptions", "WS/marketplaceSubscriptions", _ELSEWHERE),
    _Noun("azure_openai_deployments", "WS/connections/*/deployments", _ELSEWHERE),
    _Noun("capability_hosts", "WS/capabilityHosts", _ELSEWHERE),
    _Noun("feature_sets", "WS/featuresets", _FEATURES),
    _Noun("feature_store_entities", "WS/featurestoreEntities", _FEATURES),
    _Noun(
        "workspace_outbound_rules", "WS/outboundRules", _NETWORK, "begin_create", "begin_remove"
    ),
    _Noun("indexes", "/workspaces/*/indexes", _SEARCH, "create_or_update", "delete"),
    _Noun(
        "deployment_templates",
        "/registries/*/deploymenttemplates",
        _SERVING,
        "create_or_update",
        "delete",
    ),
)
_PACKAGES = ("WS/models/*/versions/*/package", "REG/models/*/versions/*/package")


def find(method: str, path: str) -> Missed:
    """`path` in short, as `address.short` gives it."""
    parts = path.split("/")
    if any(_begins(parts, template) == [] for template in _PACKAGES):
        return Missed("models.package", _IMAGE)
    if _begins(parts, "WS/computes/*/updateDataMounts") == []:
        return Missed("data.mount", _MOUNT)
    for noun in reversed(_NOUNS):  # what lies in another stands behind it
        if (rest := _begins(parts, noun.template)) is not None:
            return Missed(f"{noun.name}.{_verb(noun, method, rest)}", noun.instead)
    return Missed(f"{method} {path}"[:200], _ANY)


def _begins(parts: list[str], template: str) -> list[str] | None:
    """What follows; None for another path."""
    wanted = template.split("/")
    if len(parts) < len(wanted):
        return None
    pairs = zip(wanted, parts, strict=False)
    same = all(part == "*" or part.lower() == text.lower() for part, text in pairs)
    return parts[len(wanted) :] if same else None


def _verb(noun: _Noun, method: str, rest: list[str]) -> str:
    """What is done to one may be told at the end of its path."""
    if method == "POST":
        return rest[-1] if rest else noun.write
    if method == "GET":
        return "get" if rest and rest[-1].lower() != "versions" else "list"
    return noun.remove if method == "DELETE" else noun.write
