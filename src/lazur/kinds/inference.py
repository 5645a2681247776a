"""Which kind a file is. The vocabulary is Azure's whole one, so that what is not served yet can be
named."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lazur.spec.model import squashed

_SCHEMA_NAME = re.compile(r"([A-Za-z0-9_]{1,80})(?:\.schema)?\.json$")

JOB_TYPES = {
    "command": "command-job",
    "sweep": "sweep-job",
    "pipeline": "pipeline-job",
    "parallel": "parallel-job",
    "automl": "automl-job",
    "spark": "spark-job",
    "datatransfer": "data-transfer-job",
    "import": "import-job",
    "finetuning": "finetuning-job",
    "distillation": "distillation-job",
}
COMPONENT_TYPES = {
    "command": "command-component",
    "pipeline": "pipeline-component",
    "parallel": "parallel-component",
    "spark": "spark-component",
    "automl": "automl-component",
    "import": "import-component",
    "datatransfer": "data-transfer-component",
    "sweep": "sweep-component",
    "promptflowparallel": "flow-component",
}
OTHER_TYPES = {
    "urifile": "data",
    "urifolder": "data",
    "mltable": "data",
    "custommodel": "model",
    "mlflowmodel": "model",
    "tritonmodel": "model",
    "amlcompute": "compute",
    "computeinstance": "compute",
    "virtualmachine": "compute",
    "kubernetes": "compute",
    "synapsespark": "compute",
    "azureblob": "datastore",
    "azurefile": "datastore",
    "azuredatalakegen1": "datastore",
    "azuredatalakegen2": "datastore",
    "onelake": "datastore",
    "hdfs": "datastore",
    "gcs": "datastore",
    "http": "datastore",
    "git": "connection",
    "containerregistry": "connection",
    "pythonfeed": "connection",
    "snowflake": "connection",
    "azuresqldb": "connection",
    "azuresynapseanalytics": "connection",
    "azuremysqldb": "connection",
    "azurepostgresdb": "connection",
    "openai": "connection",
    "azureopenai": "connection",
    "azureaisearch": "connection",
}
_SCHEMAS = {
    **{f"{word}job": kind for word, kind in JOB_TYPES.items()},
    **{f"{word}component": kind for word, kind in COMPONENT_TYPES.items()},
    "environment": "environment",
    "data": "data",
    "dataset": "data",
    "asset": "data",
    "model": "model",
    "code": "code",
    "dataimport": "data-import",
    "datastore": "datastore",
    "workspace": "workspace",
    "workspaceconnection": "connection",
    "connection": "connection",
    "registry": "registry",
    "schedule": "schedule",
    "monitorschedule": "schedule",
    "compute": "compute",
    "flow": "promptflow",
}
"""By the squashed name of the schema's file; what is not here is told by its ending."""
_ENDINGS = {
    "compute": "compute",
    "instance": "compute",
    "onlineendpoint": "online-endpoint",
    "batchendpoint": "batch-endpoint",
    "onlinedeployment": "online-deployment",
    "batchdeployment": "batch-deployment",
    "deployment": "deployment",
    "endpoint": "endpoint",
    "datastore": "datastore",
    "blob": "datastore",
    "azurefile": "datastore",
    "azuredatalakegen1": "datastore",
    "azuredatalakegen2": "datastore",
    "schedule": "schedule",
    "component": "component",
    "job": "job",
    "connection": "connection",
    "featurestore": "feature-store",
    "featureset": "feature-set",
    "featurestoreentity": "feature-store-entity",
    "package": "model-package",
}
_FIELDS = (
    ("jobs", "pipeline-job"),
    ("trial", "sweep-job"),
    ("search_space", "sweep-job"),
    ("command", "command-job"),
    ("conda_file", "environment"),
    ("image", "environment"),
    ("build", "environment"),
    ("endpoint_name", "deployment"),
    ("auth_mode", "endpoint"),
    ("credentials", "datastore"),
    ("trigger", "schedule"),
    ("flavors", "model"),
)
_RESOURCES = {"datastore", "connection"}
"""They have types in common: `s3` and `azure_blob` are either."""
_ASSETS = {"data", "model", "code", "environment"}
_ROOMS = {"workspace", "registry"}
"""Nothing in them tells what they are."""
_COMPONENT_ONLY = {"is_deterministic", "additional_includes"}
_AS_JOB = {"pipeline-component"}
_PARAMETER_ONLY = {"optional", "default", "min", "max", "enum"}


def infer(value: Mapping[str, Any], expected: str | None = None) -> str | None:
    """A kind's name such as `command-job`; None when nothing tells."""
    by_schema = _by_schema(value.get("$schema"))
    family = _family(value, expected, by_schema)
    word = squashed(value.get("type"))
    if family == "job":
        return JOB_TYPES.get(word) or _job_without_type(value, by_schema, word)
    if family == "component":
        return (
            COMPONENT_TYPES.get(word) or by_schema or ("command-component" if not word else None)
        )
    return _asset(value, expected, by_schema, word)


def _family(value: Mapping[str, Any], expected: str | None, by_schema: str | None) -> str | None:
    """What the file itself says comes first: an expectation must not turn an environment into a
    job. But a pipeline that runs as it stands is a job to who asks for one, though its `$schema`
    is that of components, as in public files."""
    word = squashed(value.get("type"))
    if by_schema in _AS_JOB and expected and expected.endswith("job") and _has_values(value):
        return "job"
    for family in ("job", "component"):
        if by_schema and by_schema.endswith(family):
            return family
    if by_schema:
        return None
    if expected and expected.endswith(("job", "component")) and _may_be_job(value, word):
        return expected.split("-")[-1]
    if word in JOB_TYPES:
        return "component" if _looks_like_component(value) else "job"
    return "job" if not word and "command" in value else None


def _has_values(value: Mapping[str, Any]) -> bool:
    """Whether nothing is left to be given: each input is a value or has a path."""
    inputs = value.get("inputs")
    bodies = list(inputs.values()) if isinstance(inputs, Mapping) else []  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return "jobs" in value and all(not isinstance(b, Mapping) or "path" in b for b in bodies)  # pyright: ignore[reportUnknownVariableType]


def _may_be_job(value: Mapping[str, Any], word: str) -> bool:
    if word:
        return word in JOB_TYPES or word in COMPONENT_TYPES
    return "command" in value or _by_fields(value) in {None, "pipeline-job", "sweep-job"}


def _job_without_type(value: Mapping[str, Any], by_schema: str | None, word: str) -> str | None:
    if word:
        return None
    return by_schema if by_schema in JOB_TYPES.values() else _by_fields(value) or "command-job"


def _asset(
    value: Mapping[str, Any], expected: str | None, by_schema: str | None, word: str
) -> str | None:
    if by_schema is None and expected in _RESOURCES and _may_be_resource(word):
        return expected
    told = by_schema or OTHER_TYPES.get(word)
    if told is not None:
        return told
    if expected in _ROOMS and not word:
        return expected
    told = _by_fields(value)
    return expected if expected in _ASSETS and (told is None or told in _ASSETS) else told


def _may_be_resource(word: str) -> bool:
    return bool(word) and OTHER_TYPES.get(word, "datastore") in _RESOURCES


def _by_schema(schema: Any) -> str | None:
    """Only the last part counts; the hosts differ over the years."""
    found = _SCHEMA_NAME.search(schema) if isinstance(schema, str) else None
    if found is None:
        return None
    name = squashed(found[1])
    if name in _SCHEMAS:
        return _SCHEMAS[name]
    return next((kind for ending, kind in _ENDINGS.items() if name.endswith(ending)), None)


def _by_fields(value: Mapping[str, Any]) -> str | None:
    return next((kind for field, kind in _FIELDS if field in value), None)


def _looks_like_component(value: Mapping[str, Any]) -> bool:
    if _COMPONENT_ONLY & value.keys():
        return True
    inputs = value.get("inputs")
    bodies = list(inputs.values()) if isinstance(inputs, Mapping) else []  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return any(isinstance(b, Mapping) and _PARAMETER_ONLY & b.keys() for b in bodies)  # pyright: ignore[reportUnknownVariableType]
