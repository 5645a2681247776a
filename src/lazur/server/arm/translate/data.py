"""Data: a file, a folder or an MLTable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lazur.errors import Invalid
from lazur.server.arm.translate.cases import mapping, pascal, snake
from lazur.server.arm.translate.places import Here


def from_arm(given: Mapping[str, Any], here: Here) -> dict[str, Any]:
    uri = given.get("dataUri")
    if not isinstance(uri, str) or not uri:
        raise Invalid("properties.dataUri is missing.", hint="It says where the data lie.")
    made: dict[str, Any] = {
        "path": here.stored(uri),
        "type": given.get("dataType") or "uri_folder",
    }
    if setting := mapping(given.get("autoDeleteSetting")):
        condition = setting.get("condition")
        made["auto_delete_setting"] = {
            "condition": snake(str(condition)) if condition else None,
            "value": setting.get("value"),
        }
    return made


def to_arm(view: Mapping[str, Any], here: Here) -> dict[str, Any]:
    made: dict[str, Any] = {"dataType": view.get("type"), "dataUri": here.uri(view.get("path"))}
    if view.get("type") == "mltable":
        made["referencedUris"] = []
    if setting := mapping(view.get("auto_delete_setting")):
        condition = setting.get("condition")
        made["autoDeleteSetting"] = {
            "condition": pascal(condition) if condition else None,
            "value": setting.get("value"),
        }
    return made


def container(view: Mapping[str, Any]) -> dict[str, Any]:
    return {"dataType": view.get("type") or "uri_folder"}
