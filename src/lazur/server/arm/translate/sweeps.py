"""Sweep jobs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from lazur.errors import Invalid
from lazur.server.arm.ids import Ids
from lazur.server.arm.translate.cases import camelled, given, mapping, snaked
from lazur.server.arm.translate.commands import arm_run, run
from lazur.server.arm.translate.job_ports import arm_inputs, arm_outputs, inputs, outputs
from lazur.server.arm.translate.job_settings import arm_settings, settings
from lazur.server.arm.translate.references import asset_id, written
from lazur.spec.model import squashed

_BOUNDS = ("min_value", "max_value")
_LAWS = {
    "choice": ("values",),
    "randint": ("upper",),
    "uniform": _BOUNDS,
    "loguniform": _BOUNDS,
    "quniform": (*_BOUNDS, "q"),
    "qloguniform": (*_BOUNDS, "q"),
    "normal": ("mu", "sigma"),
    "lognormal": ("mu", "sigma"),
    "qnormal": ("mu", "sigma", "q"),
    "qlognormal": ("mu", "sigma", "q"),
}
"""By the word: what its numbers mean, in Azure's order."""
_POLICIES = {
    "bandit": ("bandit", "Bandit"),
    "medianstopping": ("median_stopping", "MedianStopping"),
    "truncationselection": ("truncation_selection", "TruncationSelection"),
}


def sweep(body: Mapping[str, Any]) -> dict[str, Any]:
    """`body` has its fields in snake_case."""
    return {
        "type": "sweep",
        "trial": trial(body.get("trial")),
        "search_space": {name: _law(v) for name, v in mapping(body.get("search_space")).items()},
        **given(
            objective=objective(body.get("objective")),
            sampling_algorithm=_sampling(body.get("sampling_algorithm")),
            early_termination=policy(body.get("early_termination")),
            inputs=inputs(body.get("inputs")) or None,
            outputs=outputs(body.get("outputs")) or None,
            parent_job_name=body.get("parent_job_name"),
        ),
        **settings(body),
    }


def arm_sweep(found: Mapping[str, Any], ids: Ids) -> dict[str, Any]:
    laws = mapping(found.get("search_space"))
    return {
        "trial": arm_trial(found.get("trial"), ids),
        "search_space": {name: _arm_law(law) for name, law in laws.items()},
        "objective": _arm_objective(found.get("objective")),
        "sampling_algorithm": _arm_sampling(found.get("sampling_algorithm", "random")),
        "early_termination": arm_policy(found.get("early_termination"), camelled),
        **arm_settings(found, "Sweep"),
        "inputs": arm_inputs(found.get("inputs"), ids),
        "outputs": arm_outputs(found.get("outputs"), ids),
        "parent_job_name": found.get("parent_job_name"),
    }


def trial(body: Any) -> Any:
    """A command, or a component by its id."""
    made = snaked(body)
    if (component := made.get("component_id")) is not None:
        return written(component)
    own = settings(made)
    return {**run(made), **{k: v for k, v in own.items() if k in ("resources", "distribution")}}


def arm_trial(found: Any, ids: Ids) -> dict[str, Any]:
    """A component that is named stands in its place already where the sweep has been accepted."""
    if not isinstance(found, Mapping):
        component = asset_id(found, "components", ids)
        return camelled({"component_id": component, "command": ""})
    made = {**arm_run(mapping(found), ids), **arm_settings(mapping(found), "")}
    return camelled(made)


def policy(body: Any) -> dict[str, Any] | None:
    made = snaked(body)
    kind = made.pop("policy_type", None) or made.pop("type", None)
    if not kind:
        return None
    known = _POLICIES.get(squashed(kind))
    return {"type": known[0] if known else kind, **made}


def arm_policy(found: Any, cases: Any) -> dict[str, Any] | None:
    made = mapping(found)
    if not made:
        return None
    known = _POLICIES.get(squashed(made.pop("type", None)))
    return cases({"policy_type": known[1] if known else None, **made})


def objective(body: Any) -> dict[str, Any] | None:
    made = snaked(body)
    if isinstance(made.get("goal"), str):
        made["goal"] = made["goal"].lower()
    return made or None


def _arm_objective(found: Any) -> dict[str, Any]:
    made = mapping(found)
    return camelled({**made, "goal": str(made.get("goal", "")).capitalize()})


def _sampling(body: Any) -> Any:
    """A word where there is nothing else to say."""
    made = snaked(body)
    kind = made.pop("sampling_algorithm_type", None) or made.pop("type", None)
    if not kind:
        return None
    word = str(kind).lower()
    if "rule" in made:
        made["rule"] = str(made["rule"]).lower()
    return {"type": word, **made} if made else word


def _arm_sampling(found: Any) -> dict[str, Any]:
    made = {"type": found} if isinstance(found, str) else mapping(found)
    word = str(made.pop("type", "random")).capitalize()
    if isinstance(made.get("rule"), str):
        made["rule"] = made["rule"].capitalize()
    return camelled({"sampling_algorithm_type": word, **made})


def _law(written_as: Any) -> dict[str, Any]:
    """`["uniform", [0.1, 0.9]]`."""
    pair = cast("list[Any]", written_as) if isinstance(written_as, list) else []
    word = pair[0] if len(pair) == 2 and isinstance(pair[0], str) else ""
    names = _LAWS.get(squashed(word))
    values = cast("list[Any]", pair[1]) if names and isinstance(pair[1], list) else []
    if names is None or len(values) != len(names):
        raise Invalid(
            f"{str(written_as)[:80]!r} is no hyperparameter.",
            hint='Azure writes it as ["uniform", [0.1, 0.9]].',
        )
    if names == ("values",):
        options = values[0] if isinstance(values[0], list) else [values[0]]
        return {"type": "choice", "values": [_option(one) for one in cast("list[Any]", options)]}
    return {"type": squashed(word), **dict(zip(names, values, strict=True))}


def _option(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    inner = mapping(value)
    return {k: _law(v) if isinstance(v, list) else v for k, v in inner.items()}


def _arm_law(law: Any) -> Any:
    body = mapping(law)
    word = squashed(body.get("type"))
    if word == "choice":
        return ["choice", [[_arm_option(one) for one in body["values"]]]]
    return [word, [body.get(name) for name in _LAWS[word]]]


def _arm_option(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return {k: _arm_law(v) if isinstance(v, Mapping) else v for k, v in mapping(value).items()}
