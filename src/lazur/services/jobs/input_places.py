"""Inputs whose path has the job's name in it, or that of the default datastore."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, cast

from lazur.services.base.checks import CheckedJob
from lazur.services.base.site import Context
from lazur.services.content import remotes
from lazur.spec import expressions
from lazur.spec.inputs import PathInput
from lazur.store.db import AnyRow

_MARK = "${{"


def filled(context: Context, home: AnyRow, name: str, checked: CheckedJob) -> CheckedJob:
    """The job as it is looked up; what is kept of it, and tried again, is what was written. An
    input of a pipeline is named after the pipeline, whichever step reads it."""
    inputs: dict[str, Any] = getattr(checked.model, "inputs", {})
    written: dict[str, Any] = checked.value.get("inputs") or {}
    if not any(_MARK in path for path in _paths(written)):
        return checked
    said: dict[str, Any] = checked.value.get("settings") or {}
    own = str(said.get("default_datastore") or "").removeprefix("azureml:")
    known = {"name": name, "default_datastore": own or remotes.default_store(context, home)}

    def fill(path: str) -> str:
        return expressions.fill(path, known)

    made = {key: _model(value, fill) for key, value in inputs.items()}
    return replace(
        checked,
        model=checked.model.model_copy(update={"inputs": made}),
        value={**checked.value, "inputs": _value(written, fill)},
    )


def _paths(written: Any) -> list[str]:
    if not isinstance(written, Mapping):
        return []
    body = cast("Mapping[str, Any]", written)
    if isinstance(body.get("path"), str):
        return [body["path"]]
    return [path for part in body.values() for path in _paths(part)]


def _model(value: Any, fill: Callable[[str], str]) -> Any:
    if isinstance(value, PathInput) and value.path is not None:
        return value.model_copy(update={"path": fill(value.path)})
    return value


def _value(written: Any, fill: Callable[[str], str]) -> Any:
    if not isinstance(written, Mapping):
        return written
    body = cast("Mapping[str, Any]", written)
    if isinstance(body.get("path"), str):
        return {**body, "path": fill(body["path"])}
    return {key: _value(part, fill) for key, part in body.items()}
