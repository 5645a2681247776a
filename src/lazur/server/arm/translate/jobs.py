"""Jobs: Azure's bodies to what is written in YAML, and views to its bodies."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from lazur.errors import Unsupported
from lazur.server.arm.ids import Ids, type_of
from lazur.server.arm.translate.cases import camel, camelled, given, mapping, snaked
from lazur.server.arm.translate.commands import arm_command, arm_parallel, command
from lazur.server.arm.translate.common import resource
from lazur.server.arm.translate.pipelines import arm_pipeline, pipeline
from lazur.server.arm.translate.references import resource_id, written
from lazur.server.arm.translate.sweeps import arm_sweep, sweep
from lazur.spec.model import squashed

_FROM = {"command": command, "sweep": sweep, "pipeline": pipeline}
_TO = {
    "command": ("Command", arm_command),
    "sweep": ("Sweep", arm_sweep),
    "pipeline": ("Pipeline", arm_pipeline),
    "parallel": ("Command", arm_parallel),
}
_NOTES = ("display_name", "description", "experiment_name")
_KEPT = ("notification_setting",)
"""What has no counterpart and is given back."""
_FIXED: dict[str, Callable[[Any], Any]] = {
    "job_type": squashed,
    "command": lambda text: str(text or "").strip(),
    "code_id": written,
}
"""By which a job is told from another one, and in which form two of them are compared."""
_IS_REUSED, _REUSED = "azureml.isreused", "azureml.reusedrunid"
_CHOSEN = re.compile(r"azureml://datastores/[^/]+/paths/azureml/[^/${}]+/(?P<output>[^/]+)/?")
"""Where an output lies that was given no place."""


def from_arm(name: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """As YAML has it. Raises Unsupported for kinds that are not run here, Invalid."""
    body = snaked(properties)
    kind = str(body.get("job_type") or "")
    translate = _FROM.get(squashed(kind))
    if translate is None:
        raise Unsupported(
            f"Jobs of type {kind or 'that is not given'!r} are not run here.",
            hint="Known: Command, Sweep, Pipeline. A sweep over a script of your own tries models "
            "and parameters; a command may run spark-submit.",
        )
    return {
        "name": name,
        **_in_own_places(translate(body)),
        **{key: body[key] for key in (*_NOTES, *_KEPT) if body.get(key)},
        **given(
            tags=texts(body.get("tags")) or None,
            properties=texts(body.get("properties")) or None,
            compute=written(body.get("compute_id")),
        ),
    }


def changes(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Of a job that exists: what of it can be changed, as the service calls it."""
    body = snaked(properties)
    made = {key: body[key] for key in ("display_name", "description") if key in body}
    if "is_archived" in body:
        made["archived"] = bool(body["is_archived"])
    for key in ("tags", "properties"):
        if key in body:
            made[key] = texts(body[key]) if isinstance(body[key], Mapping) else body[key]
    return made


def changed(properties: Mapping[str, Any], view: Mapping[str, Any], ids: Ids) -> str | None:
    """Azure's name of what a body says otherwise of a job that is there, and that cannot be
    changed; None where it is the same job."""
    wanted, known = snaked(properties), snaked(definition(view, ids))
    for field, plain in _FIXED.items():
        if field in wanted and plain(wanted[field]) != plain(known.get(field)):
            return camel(field)
    return None


def definition(found: Mapping[str, Any], ids: Ids) -> dict[str, Any]:
    """The properties of a job as it is written: of one that was never run, too."""
    kind, translate = _TO[str(found.get("type") or "command")]
    made = {
        "job_type": kind,
        "compute_id": _compute_id(kind, found.get("compute"), ids),
        **{key: found.get(key) for key in (*_NOTES, *_KEPT)},
        "tags": texts(found.get("tags")),
        "properties": texts(found.get("properties")),
        "is_archived": bool(found.get("archived")),
        **translate(found, ids),
    }
    made["services"] = mapping(made.get("services"))
    return camelled(made)


def to_arm(view: Mapping[str, Any], ids: Ids) -> dict[str, Any]:
    properties = {**definition(view, ids), "status": view["status"]}
    properties["properties"] = {**properties["properties"], **reuse(view)}
    job_id = ids.resource("jobs", view["name"])
    return resource(view, job_id, type_of("jobs"), properties)


def _compute_id(kind: str, compute: Any, ids: Ids) -> str | None:
    """Of a pipeline none where it is this machine, which is meant where nothing is said: Azure's
    client takes `local` for a run beside itself, and fails on a pipeline."""
    if kind == "Pipeline" and str(compute).removeprefix("azureml:") == "local":
        return None
    return resource_id(compute, "computes", ids)


def _in_own_places(spec: dict[str, Any]) -> dict[str, Any]:
    """A job that is shown and sent again says where the first one's outputs went, which the server
    had chosen. Those of the second go elsewhere."""
    if "outputs" not in spec:
        return spec
    own = {key: None if spec.get("type") == "pipeline" else key for key in spec["outputs"]}
    made = {key: _in_own_place(own[key], output) for key, output in spec["outputs"].items()}
    return {**spec, "outputs": made}


def _in_own_place(key: str | None, output: Any) -> Any:
    """`key`: what the place is called; None for a pipeline's, which is one of a step's."""
    chosen = _CHOSEN.fullmatch(str(mapping(output).get("path") or ""))
    if chosen is None or key not in (None, chosen["output"]):
        return output
    return {name: part for name, part in mapping(output).items() if name != "path"}


def reuse(view: Mapping[str, Any]) -> dict[str, str]:
    """Of a step that was not run again: whose outputs it has."""
    of = mapping(view.get("reuse")).get("from")
    return {_IS_REUSED: "true", _REUSED: str(of)} if of else {}


def texts(found: Any) -> dict[str, str]:
    return {name: str(text) for name, text in mapping(found).items() if text is not None}
