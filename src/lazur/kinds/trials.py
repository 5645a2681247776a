"""From a sweep to its trials: what is decided by, and the command job that each trial is. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, cast

from lazur.engine.search.laws import Choice, Law, Normal, Option, RandInt, Uniform, Value
from lazur.engine.search.sampling import Sampling
from lazur.engine.search.space import Space, flat
from lazur.kinds.checks import mapping
from lazur.kinds.sweep_checks import paths
from lazur.spec import expressions
from lazur.spec.model import squashed

VARIABLE = "AZUREML_SWEEP_"
_SAME = ("code", "environment", "distribution")
_OF_THE_SWEEP = ("compute", "experiment_name", "identity", "description")


def space_of(sweep: Mapping[str, Any]) -> Space:
    """`sweep` is what a person wrote, checked."""
    algorithm = mapping(sweep.get("sampling_algorithm"))
    written = algorithm.get("logbase", "e")
    base = math.e if written == "e" else float(written)
    return Space({name: _law(law, base) for name, law in sweep["search_space"].items()})


def sampling_of(sweep: Mapping[str, Any], otherwise: str) -> Sampling:
    """`otherwise`: its seed, where nobody gave it one."""
    written = sweep.get("sampling_algorithm", "random")
    said = mapping(written) if isinstance(written, Mapping) else {"type": written}
    seed = otherwise if said.get("seed") is None else str(said["seed"])
    return Sampling(said["type"], seed, said.get("rule", "random"))


def outputs_of(sweep: Mapping[str, Any]) -> dict[str, Any]:
    """What each trial makes: what the sweep says, over what a component declares."""
    declared = {
        name: {key: part for key, part in mapping(body).items() if key in ("type", "mode")}
        for name, body in mapping(mapping(sweep["trial"]).get("outputs")).items()
    }
    said = {
        name: {**declared.get(name, {}), **mapping(body)}
        for name, body in mapping(sweep.get("outputs")).items()
    }
    return declared | said


def job_of(sweep: Mapping[str, Any], values: Mapping[str, Any], number: int) -> dict[str, Any]:
    """The trial as a command job that a person might have written: its hyperparameters are inputs
    of it, so that it can be run again by itself, and bash never sees a value as code."""
    trial = mapping(sweep["trial"])
    known, names = flat(values), _input_names(sweep)
    job: dict[str, Any] = {"type": "command", "command": _command(trial["command"], names)}
    job |= {key: trial[key] for key in _SAME if trial.get(key) is not None}
    job |= {key: sweep[key] for key in _OF_THE_SWEEP if sweep.get(key) is not None}
    for key in ("resources", "queue_settings"):
        if (part := sweep.get(key) or trial.get(key)) is not None:
            job[key] = part
    if (seconds := mapping(sweep.get("limits")).get("trial_timeout")) is not None:
        job["limits"] = {"timeout": seconds}
    job["environment_variables"] = {
        **mapping(trial.get("environment_variables")),
        **{VARIABLE + path.replace(".", "_"): str(value) for path, value in known.items()},
    }
    job["inputs"] = _inputs(sweep, {names[path]: known.get(path) for path in names})
    job["outputs"] = {name: _own(body) for name, body in outputs_of(sweep).items()}
    job["tags"] = {"hyperparameters": json.dumps(dict(values), ensure_ascii=False)}
    if sweep.get("display_name"):
        job["display_name"] = f"{sweep['display_name']}_{number}"
    return job


def _law(written: Mapping[str, Any], base: float) -> Law:
    word = squashed(written["type"])
    if word == "choice":
        return Choice(tuple(_option(one, base) for one in written["values"]))
    if word == "randint":
        return RandInt(written["upper"])
    log = base if "log" in word else None
    if "uniform" in word:
        return Uniform(written["min_value"], written["max_value"], log, written.get("q"))
    return Normal(written["mu"], written["sigma"], log, written.get("q"))


def _option(written: Any, base: float) -> Option:
    if not isinstance(written, Mapping):
        return cast("Value", written)
    inner = cast("Mapping[str, Any]", written)
    return {n: _law(mapping(v), base) if mapping(v) else v for n, v in inner.items()}


def _input_names(sweep: Mapping[str, Any]) -> dict[str, str]:
    """Which input of the job a hyperparameter is. One that the sweep has an input of the same name
    beside keeps out of its way, unless it is that which a component takes."""
    declared = mapping(mapping(sweep["trial"]).get("inputs"))
    taken = mapping(sweep.get("inputs"))
    made: dict[str, str] = {}
    for path in paths(sweep["search_space"]):
        name = path.replace(".", "_")
        free = name in declared or (name not in taken and name not in made.values())
        made[path] = name if free else f"search_space_{name}"
    return made


def _command(text: str, names: Mapping[str, str]) -> str:
    def renamed(expression: expressions.Expression) -> str | None:
        if expression.root != "search_space" or expression.name not in names:
            return None
        return f"${{{{inputs.{names[expression.name]}}}}}"

    return expressions.replace(text, renamed)


def _inputs(sweep: Mapping[str, Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
    """What the sweep gives, what a component takes when nobody says, and what was chosen. A
    nested hyperparameter that was not is declared and not given."""
    made: dict[str, Any] = {}
    for name, body in mapping(mapping(sweep["trial"]).get("inputs")).items():
        made[name] = _default(body)
    made |= mapping(sweep.get("inputs"))
    for name, value in chosen.items():
        if value is not None or made.get(name) is None:
            made[name] = value
    return made


def _default(body: Any) -> Any:
    """Of an input that a component declares, or that a command was written with."""
    if not isinstance(body, Mapping):
        return body
    known = cast("Mapping[str, Any]", body)
    if known.get("path") or "value" in known:
        return known
    default = known.get("default")
    if isinstance(default, str) and squashed(known.get("type")) not in _PRIMITIVE:
        return {"type": known["type"], "path": default}
    return default


_PRIMITIVE = {"string", "number", "integer", "boolean"}


def _own(body: Mapping[str, Any]) -> dict[str, Any]:
    """Trials do not write to one place, and no asset is made of each."""
    made = {key: part for key, part in body.items() if key not in ("name", "version")}
    path = made.get("path")
    if isinstance(path, str) and "${{name}}" not in path.replace(" ", ""):
        made["path"] = f"{path.rstrip('/')}/${{{{name}}}}"
    return made
