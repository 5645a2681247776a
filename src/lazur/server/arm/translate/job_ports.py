"""Inputs and outputs of jobs, which Azure writes in camelCase, and of a pipeline's nodes, which it
writes in snake_case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lazur.server.arm.ids import Ids
from lazur.server.arm.translate.cases import camelled, given, mapping, snaked
from lazur.server.arm.translate.references import path_uri, written
from lazur.spec.inputs import literal_of
from lazur.spec.model import squashed

_INPUT_MODES = {
    "readonlymount": "ro_mount",
    "readwritemount": "rw_mount",
    "download": "download",
    "direct": "direct",
    "evalmount": "eval_mount",
    "evaldownload": "eval_download",
    "mount": "ro_mount",
    "romount": "ro_mount",
    "rwmount": "rw_mount",
}
_OUTPUT_MODES = {**_INPUT_MODES, "mount": "rw_mount", "upload": "upload"}
_MODES = {
    "ro_mount": "ReadOnlyMount",
    "rw_mount": "ReadWriteMount",
    "mount": "ReadOnlyMount",
    "download": "Download",
    "upload": "Upload",
    "direct": "Direct",
    "eval_mount": "EvalMount",
    "eval_download": "EvalDownload",
}
_TYPES = {
    squashed(word): word
    for word in "uri_file uri_folder mltable custom_model mlflow_model triton_model".split()
}
_OWN = frozenset({"default"})
"""An output that every job has. Azure's client takes one of that name for where the log is."""


def inputs(body: Any) -> dict[str, Any]:
    return {name: _input(mapping(port)) for name, port in mapping(body).items()}


def outputs(body: Any) -> dict[str, Any]:
    return {name: _output(mapping(port)) for name, port in mapping(body).items()}


def arm_inputs(found: Any, ids: Ids, *, node: bool = False) -> dict[str, Any]:
    """What was not given is not there: Azure knows no input without a value."""
    made = {name: _arm_input(value, ids) for name, value in mapping(found).items()}
    return {name: _cased(body, node) for name, body in made.items() if body is not None}


def arm_outputs(found: Any, ids: Ids, *, node: bool = False) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in mapping(found).items():
        if name in _OWN:
            continue
        body = _arm_output(value, ids)
        if node:
            # A node's output has the name that YAML has for it.
            body = {_NODE_NAMES.get(key, key): part for key, part in body.items()}
        made[name] = _cased(body, node)
    return made


_NODE_NAMES = {"asset_name": "name", "asset_version": "version"}


def _input(port: dict[str, Any]) -> Any:
    body = snaked(port)
    kind = body.pop("job_input_type", None) or body.pop("type", None)
    mode = _mode(body.pop("mode", None), _INPUT_MODES)
    if squashed(kind) == "literal" or "uri" not in body:
        value = body.get("value")
        return given(path=value, mode=mode) if mode and isinstance(value, str) else value
    uri = written(body.pop("uri"))
    return given(**body, type=_TYPES.get(squashed(kind), kind), path=uri, mode=mode)


def _output(port: dict[str, Any]) -> Any:
    body = snaked(port)
    kind = body.pop("job_output_type", None) or body.pop("type", None)
    mode = _mode(body.pop("mode", None), _OUTPUT_MODES)
    name = body.pop("asset_name", None) or body.pop("name", None)
    version = body.pop("asset_version", None) or body.pop("version", None)
    said = given(mode=mode, name=name, version=version)
    if squashed(kind) == "literal":
        bound = body.get("value")
        return {"path": bound, **said} if said else bound
    path = written(body.pop("uri", None))
    return {**body, **given(type=_TYPES.get(squashed(kind), kind), path=path), **said}


def _arm_input(value: Any, ids: Ids) -> dict[str, Any] | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        return {"job_input_type": "literal", "value": literal_of(value)}
    body = mapping(value)
    if "value" in body:
        return {"job_input_type": "literal", "value": str(body["value"])}
    path, kind = body.pop("path", None), body.pop("type", None)
    mode = _MODES.get(body.pop("mode", None) or "")
    if kind is None and isinstance(path, str) and path.startswith("${{"):
        return given(job_input_type="literal", value=path, mode=mode)
    kind = str(kind or "uri_folder")
    return given(**body, job_input_type=kind, uri=path_uri(path, kind, ids), mode=mode)


def _arm_output(value: Any, ids: Ids) -> dict[str, Any]:
    if isinstance(value, str):
        return {"type": "literal", "value": value}
    body = mapping(value)
    path, kind = body.pop("path", None), body.pop("type", None)
    mode = _MODES.get(_mode(body.pop("mode", None), _OUTPUT_MODES) or "")
    mode = "ReadWriteMount" if mode == "ReadOnlyMount" else mode
    name, version = body.pop("name", None), body.pop("version", None)
    if isinstance(path, str) and path.startswith("${{parent.") and kind is None:
        return given(type="literal", value=path, mode=mode, asset_name=name, asset_version=version)
    kind = str(kind or "uri_folder")
    uri = path_uri(path, kind, ids)
    return given(
        **body,
        job_output_type=kind,
        uri=uri,
        mode=mode,
        asset_name=name,
        asset_version=None if version is None else str(version),
    )


def _cased(body: Mapping[str, Any], node: bool) -> dict[str, Any]:
    return dict(body) if node else camelled(body)


def _mode(word: Any, known: Mapping[str, str]) -> str | None:
    return known.get(squashed(word), word) if word else None
