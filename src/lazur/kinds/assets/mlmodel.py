"""What the file `MLmodel` of an MLflow model says: flavours, signature, where it came from."""

from __future__ import annotations

import json
from typing import Any, cast

from lazur.errors import Invalid, LazurError
from lazur.spec import yaml

NAME = "MLmodel"
MAX_BYTES = 1 << 20
_FACTS = ("run_id", "model_id", "model_uuid", "mlflow_version", "utc_time_created")
_PORTS = ("inputs", "outputs", "params")


def facts(data: bytes, requirements: bytes | None) -> dict[str, Any]:
    """`{"flavors": …, "mlflow": …}`. Raises Invalid for what MLflow could not load either."""
    told = _mapping(data)
    flavors = told.get("flavors")
    if not isinstance(flavors, dict) or not flavors:
        raise Invalid(
            "The model's file MLmodel names no flavours.",
            hint="Save the model with MLflow (mlflow.<flavour>.save_model), or register it as a "
            "custom_model.",
        )
    found = {key: str(told[key]) for key in _FACTS if told.get(key) is not None}
    about: dict[str, Any] = {"signature": _signature(told.get("signature")), **found}
    about["python_version"] = _python(cast("dict[str, Any]", flavors))
    about["requirements"] = _lines(requirements) if requirements is not None else None
    return {
        "flavors": flavors,
        "mlflow": {key: value for key, value in about.items() if value is not None},
    }


def _mapping(data: bytes) -> dict[str, Any]:
    if len(data) > MAX_BYTES:
        raise Invalid(f"The model's file MLmodel is larger than {MAX_BYTES >> 20} MiB.")
    try:
        told = yaml.load(data, NAME).value
    except LazurError as error:
        raise Invalid(f"The model's file MLmodel is no YAML: {error.message}") from None
    if not isinstance(told, dict):
        raise Invalid("The model's file MLmodel is not a mapping.")
    return cast("dict[str, Any]", told)


def _signature(told: Any) -> dict[str, Any] | None:
    """Its parts are texts of JSON in the file."""
    if not isinstance(told, dict):
        return None
    given = cast("dict[str, Any]", told)
    return {key: _parsed(given[key]) for key in _PORTS if given.get(key) is not None}


def _parsed(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _python(flavors: dict[str, Any]) -> str | None:
    function = flavors.get("python_function")
    version = cast("dict[str, Any]", function).get("python_version") if function else None
    return str(version) if version is not None else None


def _lines(data: bytes) -> list[str]:
    lines = (
        line.partition("#")[0].strip() for line in data.decode("utf-8", "replace").split("\n")
    )
    return [line for line in lines if line]
