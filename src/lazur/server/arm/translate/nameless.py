"""What was written where it is used, and so has no name: an environment, a component, a step. In
Azure a client registers each of them before it submits what uses it, without a name and by its
content. Here nobody does, and it is made of what stands there when it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lazur.kinds import catalog
from lazur.kinds.pipelines import bindings
from lazur.kinds.pipelines.steps import CONTROL, is_primitive, kind_of, names, ports
from lazur.server.arm.translate.cases import given, mapping

_NAMES = frozenset({"name", "version", "id", "$schema"})
_NOTES = frozenset({"display_name", "description", "tags", "properties", "auto_delete_setting"})
_FOLDER, _TEXT = "uri_folder", "string"
_WHOLE_NUMBERS = frozenset({"randint"})


def component(found: Mapping[str, Any]) -> dict[str, Any]:
    """Of one that stands in its place, from a file that is nowhere registered."""
    made = {key: part for key, part in found.items() if key not in _NAMES and part is not None}
    return {**given(display_name=found.get("name")), **made}


def of_step(step: Mapping[str, Any], whole: Mapping[str, Any]) -> dict[str, Any]:
    """A component that takes what the step is given, and makes what it makes. `whole` is the
    pipeline that it is a step of, whose inputs and steps the step's are bound to."""
    kind = kind_of(step)
    entry = catalog.KINDS.get(f"{kind}-component")
    fields = (entry.model.model_fields if entry else {}).keys() - _NAMES - _NOTES
    own = {key: step[key] for key in sorted(fields) if step.get(key) is not None}
    return {
        **own,
        "type": kind,
        "inputs": {name: _taken(v, whole) for name, v in mapping(step.get("inputs")).items()},
        "outputs": {name: _made(v, whole) for name, v in mapping(step.get("outputs")).items()},
    }


def of_trial(step: Mapping[str, Any], whole: Mapping[str, Any]) -> dict[str, Any]:
    """What a sweep tries, which takes the hyperparameters, too."""
    trial = mapping(step.get("trial"))
    if "inputs" in trial:
        return component(trial)
    body = {**trial, "type": "command"}
    made = of_step({**body, **{key: step.get(key) for key in ("inputs", "outputs")}}, whole)
    laws = mapping(step.get("search_space"))
    made["inputs"] |= {name: {"type": _tried(mapping(law))} for name, law in laws.items()}
    return made


def environment(found: Mapping[str, Any]) -> dict[str, Any]:
    return {key: part for key, part in found.items() if key not in _NAMES and part is not None}


def _taken(value: Any, whole: Mapping[str, Any]) -> dict[str, Any]:
    """An input, as a component declares it."""
    if value is None:
        return {"type": _TEXT, "optional": True}
    bound = bindings.whole(mapping(value).get("path") if isinstance(value, Mapping) else value)
    said = mapping(value).get("type")
    if said is None and bound is not None and bound.kind == "input":
        return {"type": _kind(_input(whole, bound.name))}
    if said is None and bound is not None and bound.kind == "step_output":
        return {"type": _output(whole, bound.step, bound.name)}
    return {"type": _kind(value)}


def _made(value: Any, whole: Mapping[str, Any]) -> dict[str, Any]:
    """An output."""
    body = mapping(value)
    bound = bindings.whole(body.get("path") if body else value)
    promoted = mapping(whole.get("outputs")).get(bound.name) if bound is not None else None
    return {"type": body.get("type") or mapping(promoted).get("type") or _FOLDER}


def _kind(value: Any) -> str:
    """Of a value: what is bound to something further out is of the kind that texts are."""
    if isinstance(value, Mapping):
        body = mapping(value)
        return _kind(body["value"]) if "value" in body else str(body.get("type") or _FOLDER)
    if isinstance(value, bool):
        return "boolean"
    return {int: "integer", float: "number"}.get(type(value), _TEXT)


def _input(whole: Mapping[str, Any], name: str) -> Any:
    """With dots in its name one of a group."""
    found: Any = mapping(whole.get("inputs"))
    if name in found:
        return found[name]
    for part in name.split("."):
        found = mapping(found).get(part)
    return found


def _output(whole: Mapping[str, Any], step: str, name: str) -> str:
    """Of another step. A loop gives values of all rounds as one text, and data as one table."""
    jobs = mapping(whole.get("jobs"))
    maker = mapping(jobs.get(step))
    loop = kind_of(maker)
    if loop in CONTROL.values():
        body = next(iter(names(maker.get("body"))), "")
        port = ports(mapping(jobs.get(body)), "outputs").get(name, {})
        if loop == "parallel_for":
            return _TEXT if is_primitive(port) else "mltable"
    else:
        port = ports(maker, "outputs").get(name, {})
    return str(port.get("type") or _FOLDER)


def _tried(law: Mapping[str, Any]) -> str:
    """A hyperparameter."""
    if law.get("type") == "choice":
        kinds = {_kind(value) for value in law.get("values") or ()}
        return kinds.pop() if len(kinds) == 1 else _TEXT
    return "integer" if law.get("type") in _WHOLE_NUMBERS else "number"
