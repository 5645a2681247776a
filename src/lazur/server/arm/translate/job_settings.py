"""What jobs say of how they run: resources, limits, distribution, queue, identity, services. Nodes
of pipelines say the same in snake_case."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lazur.server.arm.translate.cases import camelled, duration, given, mapping, seconds, snaked
from lazur.spec.model import squashed

_DISTRIBUTIONS = {"pytorch": "PyTorch", "mpi": "Mpi", "tensorflow": "TensorFlow", "ray": "Ray"}
_IDENTITIES = {
    "amltoken": ("aml_token", "AMLToken"),
    "managed": ("managed_identity", "Managed"),
    "managedidentity": ("managed_identity", "Managed"),
    "useridentity": ("user_identity", "UserIdentity"),
}
_SERVICES = {
    "jupyterlab": ("jupyter_lab", "JupyterLab"),
    "ssh": ("ssh", "SSH"),
    "tensorboard": ("tensor_board", "TensorBoard"),
    "vscode": ("vs_code", "VSCode"),
    "custom": ("custom", "Custom"),
}
_SERVICE_PROPERTIES = {"log_dir": "logDir", "ssh_public_keys": "sshPublicKeys"}
_PRIORITIES = {1: "low", 2: "medium", 3: "high"}
_SHOWN = frozenset({"Studio", "Tracking"})
"""Services that every job has."""
_TIMES = ("timeout", "trial_timeout")

Cases = Callable[[Mapping[str, Any]], dict[str, Any]]
"""How the fields of a body are spelled: `camelled` of jobs, `dict` of nodes."""


def settings(body: Mapping[str, Any]) -> dict[str, Any]:
    """`body` has its fields in snake_case; what they hold may be in either."""
    return given(
        resources=_resources(body.get("resources")),
        limits=_limits(body.get("limits")),
        distribution=_distribution(body.get("distribution")),
        queue_settings=_queue(body.get("queue_settings")),
        identity=_identity(body.get("identity")),
        services=_services(body.get("services")),
    )


def arm_settings(found: Mapping[str, Any], limits: str, cases: Cases = camelled) -> dict[str, Any]:
    """`limits` is their type, which Azure says. In snake_case, what they hold as `cases` does."""
    made = {
        "resources": _cased(_arm_resources(found.get("resources"), cases), cases),
        "limits": _cased(_arm_limits(found.get("limits"), limits), cases),
        "distribution": _cased(_arm_distribution(found.get("distribution")), cases),
        "queue_settings": _cased(_arm_queue(found.get("queue_settings")), cases),
        "identity": _cased(_arm_identity(found.get("identity")), cases),
        "services": _arm_services(found.get("services"), cases),
    }
    return {key: part for key, part in made.items() if part}


def _cased(body: dict[str, Any], cases: Cases) -> dict[str, Any]:
    return cases({key: part for key, part in body.items() if part is not None})


def _resources(body: Any) -> dict[str, Any] | None:
    made = snaked(body)
    if "docker_args_list" in made:
        made["docker_args"] = made.pop("docker_args_list")
    return made or None


def _arm_resources(found: Any, cases: Cases) -> dict[str, Any]:
    made = mapping(found)
    if isinstance(made.get("docker_args"), list) and cases is camelled:
        made["docker_args_list"] = made.pop("docker_args")
    return made


def _limits(body: Any) -> dict[str, Any] | None:
    made = snaked(body)
    made.pop("job_limits_type", None)
    for key in _TIMES:
        if isinstance(made.get(key), str) and "${{" not in made[key]:
            made[key] = seconds(made[key])
    return made or None


def _arm_limits(found: Any, kind: str) -> dict[str, Any]:
    made = mapping(found)
    if not made:
        return {}
    for key in _TIMES:
        if isinstance(made.get(key), int):
            made[key] = duration(made[key])
    return {**made, "job_limits_type": kind} if kind else made


def _distribution(body: Any) -> dict[str, Any] | None:
    made = snaked(body)
    kind = made.pop("distribution_type", None) or made.pop("type", None)
    return {"type": squashed(kind), **made} if kind else None


def _arm_distribution(found: Any) -> dict[str, Any]:
    made = mapping(found)
    if not made:
        return {}
    kind = squashed(made.pop("type", ""))
    return {"distribution_type": _DISTRIBUTIONS.get(kind, kind), **made}


def _queue(body: Any) -> dict[str, Any] | None:
    made = snaked(body)
    if isinstance(made.get("job_tier"), str):
        made["job_tier"] = made["job_tier"].lower()
    if "priority" in made:
        number = made["priority"]
        made["priority"] = _PRIORITIES.get(number, number) if isinstance(number, int) else number
    return made or None


def _arm_queue(found: Any) -> dict[str, Any]:
    made = mapping(found)
    if made.get("job_tier"):
        made["job_tier"] = str(made["job_tier"]).capitalize()
    numbers = {word: number for number, word in _PRIORITIES.items()}
    if "priority" in made:
        made["priority"] = numbers.get(made["priority"], made["priority"])
    return made


def _identity(body: Any) -> dict[str, Any] | None:
    made = snaked(body)
    kind = made.pop("identity_type", None) or made.pop("type", None)
    if not kind:
        return None
    if "resource_id" in made:
        made["msi_resource_id"] = made.pop("resource_id")
    known = _IDENTITIES.get(squashed(kind))
    return {"type": known[0] if known else kind, **made}


def _arm_identity(found: Any) -> dict[str, Any]:
    made = mapping(found)
    if not made:
        return {}
    kind = made.pop("type", None)
    if "msi_resource_id" in made:
        made["resource_id"] = made.pop("msi_resource_id")
    known = _IDENTITIES.get(squashed(kind))
    return {"identity_type": known[1] if known else kind, **made}


def _services(body: Any) -> dict[str, Any] | None:
    made = {
        name: _service(one) for name, one in mapping(body).items() if name not in _SHOWN and one
    }
    return made or None


def _service(body: Any) -> dict[str, Any]:
    made = snaked(body)
    kind = made.pop("job_service_type", None) or made.pop("type", None)
    nodes, properties = made.pop("nodes", None), mapping(made.pop("properties", None))
    for own in ("endpoint", "status", "error_message"):
        made.pop(own, None)
    own = {
        ours: properties.pop(theirs)
        for ours, theirs in _SERVICE_PROPERTIES.items()
        if theirs in properties
    }
    known = _SERVICES.get(squashed(kind))
    kind = known[0] if known else kind
    text = str(snaked(nodes).get("nodes_value_type", "all")).lower() if mapping(nodes) else nodes
    return given(type=kind, **made, nodes=text, **own, properties=properties or None)


def _arm_services(found: Any, cases: Cases) -> dict[str, Any]:
    return {
        name: _cased(_arm_service(mapping(one), cases), cases)
        for name, one in mapping(found).items()
        if one
    }


def _arm_service(one: dict[str, Any], cases: Cases) -> dict[str, Any]:
    kind, nodes = one.pop("type", None), one.pop("nodes", None)
    properties = dict(one.pop("properties", None) or {})
    for ours, theirs in _SERVICE_PROPERTIES.items():
        if (value := one.pop(ours, None)) is not None:
            properties[theirs] = value
    known = _SERVICES.get(squashed(kind))
    all_nodes = cases({"nodes_value_type": nodes.capitalize()}) if nodes else None
    return {
        "job_service_type": known[1] if known else kind,
        "nodes": all_nodes,
        **one,
        "properties": properties or None,
    }
