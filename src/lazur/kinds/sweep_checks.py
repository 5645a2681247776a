"""What no single field of a sweep can tell. Works on plain values, as `kinds.checks` does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from lazur.kinds.checks import (
    check_component,
    check_compute,
    check_environment_at,
    check_given,
    check_paths,
    mapping,
)
from lazur.spec.checking import Check
from lazur.spec.expressions import names as names_in
from lazur.spec.model import squashed

_DISCRETE = {"choice", "randint", "quniform"}


def check_sweep_job(check: Check) -> None:
    value = mapping(check.value)
    inputs, outputs = value.get("inputs"), value.get("outputs")
    check.names(("inputs",), inputs)
    check.names(("outputs",), outputs)
    check_paths(check, value)
    check_compute(check, value.get("compute"))
    check_sweep(check, value)
    _check_given(check, value)


def check_sweep_component(check: Check) -> None:
    check_component(check)
    check_sweep(check, mapping(check.value))


def check_sweep(check: Check, value: Mapping[str, Any]) -> None:
    """What sweep jobs, sweep steps and sweep components have in common."""
    space = mapping(value.get("search_space"))
    check.names(("search_space",), space)
    _check_levels(check, value, space)
    trial = value.get("trial")
    if isinstance(trial, Mapping):
        _check_trial(check, value, cast("Mapping[str, Any]", trial), space)
    else:
        check.reference(("trial",), trial)


def paths(space: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """What `${{search_space.…}}` may name: nested hyperparameters by dotted paths."""
    for name, law in space.items():
        yield f"{prefix}{name}"
        for _, option in _options(law):
            yield from paths(option, f"{prefix}{name}.")


def _options(law: Any) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Those of a choice that are spaces of their own."""
    values = mapping(law).get("values")
    for index, option in enumerate(cast("list[Any]", values) if isinstance(values, list) else ()):
        if isinstance(option, Mapping):
            yield index, cast("Mapping[str, Any]", option)


def _check_trial(
    check: Check, value: Mapping[str, Any], trial: Mapping[str, Any], space: Mapping[str, Any]
) -> None:
    command = trial.get("command")
    declared = mapping(trial.get("inputs"))
    inputs = {**space, **declared, **mapping(value.get("inputs"))}
    outputs = {**mapping(trial.get("outputs")), **mapping(value.get("outputs"))}
    known = list(dict.fromkeys(paths(space)))
    check.expressions(("trial", "command"), command, inputs, outputs, known)
    check.reference(("trial", "code"), trial.get("code"))
    check_environment_at(check, trial.get("environment"), ("trial", "environment"))
    _check_used(check, command, space, declared)


def _check_given(check: Check, value: Mapping[str, Any]) -> None:
    """What the command needs is given by the sweep, by a hyperparameter or by a default."""
    trial, space = mapping(value.get("trial")), mapping(value.get("search_space"))
    declared = mapping(trial.get("inputs"))
    inputs = mapping(value.get("inputs"))
    said = {name: body for name, body in inputs.items() if body is not None}
    given = {**dict.fromkeys([*_with_defaults(declared), *space], ""), **said}
    check_given(check, trial.get("command"), {**dict.fromkeys([*declared, *inputs]), **given})


def _with_defaults(declared: Mapping[str, Any]) -> Iterator[str]:
    for name, body in declared.items():
        found = mapping(body)
        if found.get("default") is not None or found.get("path") or "value" in found:
            yield name


def _check_used(
    check: Check, command: Any, space: Mapping[str, Any], declared: Mapping[str, Any]
) -> None:
    """A hyperparameter that the command does not name may be read from its variable, so this is
    odd and not wrong."""
    if not isinstance(command, str):
        return
    used = {name.partition(".")[0] for name in names_in(command, "search_space")}
    used |= set(names_in(command, "inputs")) | set(declared)
    for name in space:
        if name not in used:
            hint = f"Write ${{{{search_space.{name}}}}}, or read AZUREML_SWEEP_{name}."
            message = f"the command does not use the hyperparameter {name!r}"
            check.warning(message, ("search_space", name), key=True, hint=hint)


def _check_levels(check: Check, value: Mapping[str, Any], space: Mapping[str, Any]) -> None:
    written = value.get("sampling_algorithm")
    algorithm = squashed(mapping(written).get("type") if isinstance(written, Mapping) else written)
    for path, word in _laws(space, ("search_space",)):
        if algorithm == "grid" and word not in _DISCRETE:
            hint = "Use choice, randint or quniform, or another `sampling_algorithm`."
            message = f"a grid has every value of a hyperparameter, and {word} has no end of them"
            check.error(message, path, key=True, hint=hint)


def _laws(
    space: Mapping[str, Any], path: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for name, law in space.items():
        if word := squashed(mapping(law).get("type")):
            yield (*path, name), word
        for index, option in _options(law):
            yield from _laws(option, (*path, name, "values", index))
