"""What no single field can tell: whether the parts of a spec fit together. Works on plain values,
so that these problems are reported together with those of the fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from lazur.errors import Invalid
from lazur.kinds.resources.common import refuse_secrets_at
from lazur.spec.checking import Check
from lazur.spec.expressions import BARE, IN_OUTPUTS
from lazur.spec.expressions import parse as parse_expressions
from lazur.spec.folders import folder_of
from lazur.spec.names import check_component_name
from lazur.spec.references import compute_name


def check_command_job(check: Check) -> None:
    value = mapping(check.value)
    inputs, outputs = value.get("inputs"), value.get("outputs")
    check.names(("inputs",), inputs)
    check.names(("outputs",), outputs)
    check.expressions(("command",), value.get("command"), inputs, outputs)
    check_given(check, value.get("command"), inputs)
    _check_places(check, value)
    check_compute(check, value.get("compute"))


def check_command_component(check: Check) -> None:
    check_component(check)
    value = mapping(check.value)
    _check_script(check, value, "command")
    _check_optional(check, value)


def check_other_component(check: Check) -> None:
    """Of a form that no job runs yet."""
    check_component(check)
    value = mapping(check.value)
    _check_script(check, value, "args")
    form = str(value.get("type"))
    check.warning(
        f"a component of type {form} is kept, and cannot run: there are no {form} jobs yet",
        ("type",),
    )


def _check_script(check: Check, value: Mapping[str, Any], text: str) -> None:
    """What a component runs, and where."""
    check.expressions((text,), value.get(text), value.get("inputs"), value.get("outputs"))
    check.reference(("code",), value.get("code"))
    check_environment_at(check, value.get("environment"), ("environment",))


def check_component(check: Check) -> None:
    """What components of all forms have."""
    value = mapping(check.value)
    _check_component_name(check, value.get("name"))
    check.names(("inputs",), value.get("inputs"))
    check.names(("outputs",), value.get("outputs"))
    _check_defaults(check, value.get("inputs"))
    _check_version(check)


def check_environment(check: Check) -> None:
    check_environment_at(check, check.value, ())
    _check_version(check)


def check_asset(check: Check) -> None:
    check_data(check, ("path",), mapping(check.value).get("path"))
    _check_version(check)


def _check_component_name(check: Check, name: Any) -> None:
    if name is None:
        return
    try:
        check_component_name(str(name))
    except ValueError as error:
        check.warning(f"Azure refuses this name: {error}", ("name",))


def check_given(check: Check, command: Any, inputs: Any) -> None:
    """An input without a value may be used in optional blocks only."""
    wanted = needed(command)
    for name, body in mapping(inputs).items():
        if name in wanted and not _is_given(body):
            block = f"$[[--{name} ${{{{inputs.{name}}}}}]]"
            hint = f"Give it a value or a path, or use it in an optional block: {block}."
            message = f"the command needs the input {name!r}, which has no value"
            check.error(message, ("inputs", name), key=True, hint=hint)


def needed(command: Any) -> set[str]:
    """The inputs that a command cannot do without."""
    if not isinstance(command, str):
        return set()
    parsed = parse_expressions(command)
    return {e.name for e in parsed.expressions if e.root == "inputs" and not parsed.is_optional(e)}


def _is_given(body: Any) -> bool:
    if isinstance(body, Mapping):
        fields = cast("Mapping[str, Any]", body)
        return fields.get("path") not in {None, ""} or "value" in fields
    return body is not None


def _check_defaults(check: Check, inputs: Any) -> None:
    for name, body in mapping(inputs).items():
        for field in ("path", "default"):
            refuse_secrets_at(check, ("inputs", name, field), mapping(body).get(field))


def _check_optional(check: Check, value: Mapping[str, Any]) -> None:
    command = value.get("command")
    if not isinstance(command, str):
        return
    parsed = parse_expressions(command)
    optional = {
        name
        for name, body in mapping(value.get("inputs")).items()
        if mapping(body).get("optional") is True and mapping(body).get("default") is None
    }
    for expression in parsed.expressions:
        if (
            expression.root == "inputs"
            and expression.name in optional
            and not parsed.is_optional(expression)
        ):
            written = command[expression.start : expression.end]
            hint = f"Write $[[--{expression.name} {written}]]."
            message = f"{written} is optional and stands outside of an optional block"
            check.warning(message, ("command",), find=written, hint=hint)


def _check_places(check: Check, value: Mapping[str, Any]) -> None:
    check.reference(("code",), value.get("code"))
    check_environment_at(check, value.get("environment"), ("environment",))
    check_paths(check, value)


def check_paths(check: Check, job: Mapping[str, Any]) -> None:
    """Where the inputs of a job come from, and its outputs go."""
    inputs = mapping(job.get("inputs"))
    for name, body in inputs.items():
        path, text = ("inputs", name, "path"), mapping(body).get("path")
        check_data(check, path, text)
        check.path_expressions(path, text, BARE, "the path of an input")
        if (folder := folder_of(body)) is not None:
            hint = f"Write: path: {folder}"
            check.warning("`/**` is read as the whole folder", path, hint=hint)
    known = {*IN_OUTPUTS, *(f"inputs.{name}" for name, v in inputs.items() if _is_literal(v))}
    for name, body in mapping(job.get("outputs")).items():
        path, text = ("outputs", name, "path"), mapping(body).get("path")
        check_data(check, path, text)
        check.path_expressions(path, text, known, "the path of an output")


def _is_literal(body: Any) -> bool:
    return "value" in mapping(body) or isinstance(body, str | bool | int | float)


def check_data(check: Check, path: tuple[str, ...], text: Any) -> None:
    check.reference(path, text)
    refuse_secrets_at(check, path, text)


def check_environment_at(check: Check, environment: Any, path: tuple[str, ...]) -> None:
    if isinstance(environment, str):
        check.reference(path, environment)
        return
    body = mapping(environment)
    check.reference((*path, "conda_file"), body.get("conda_file"))
    check.reference((*path, "build", "path"), mapping(body.get("build")).get("path"))
    if body.get("conda_file") and not body.get("image") and not body.get("build"):
        hint = "Azure asks for `image` beside `conda_file`; here it is not needed."
        check.warning("`image` is missing", (*path, "conda_file"), key=True, hint=hint)


def check_compute(check: Check, compute: Any) -> None:
    if not isinstance(compute, str) or compute.startswith("${{"):
        return
    try:
        compute_name(compute)
    except Invalid as error:
        check.error(f"`compute` names no compute: {error.message}", ("compute",))


def _check_version(check: Check) -> None:
    """`version: 1.10` is the number 1.1 before anybody can ask."""
    version = mapping(check.value).get("version")
    written = check.written(("version",))
    if written is not None and type(version) in {int, float} and str(version) != written:
        hint = f'Quote it to keep it as it is: "{written}".'
        check.warning(f"the version {written} is read as {version}", ("version",), hint=hint)


def without_effect(job: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Fields of a command job that are understood and kept, but change nothing on the local
    compute."""
    resources = mapping(job.get("resources"))
    for name in ("instance_type", "locations", "shm_size", "max_instance_count", "docker_args"):
        if resources.get(name):
            yield ("resources", name), f"`resources.{name}`"
    for name, body in mapping(job.get("services")).items():
        yield (
            ("services", name),
            f"the service {name!r} ({mapping(body).get('type') or 'no type'})",
        )
    identity = _word(mapping(job.get("identity")).get("type"))
    if identity and identity != "amltoken":
        yield ("identity",), f"`identity` of type {mapping(job.get('identity'))['type']}"
    if _word(mapping(job.get("distribution")).get("type")) == "ray":
        yield ("distribution",), "`distribution` of type ray"
    if _word(mapping(job.get("queue_settings")).get("job_tier")) not in {"", "null"}:
        yield ("queue_settings", "job_tier"), "`queue_settings.job_tier`"
    for name, body in mapping(job.get("inputs")).items():
        if mapping(body).get("datastore"):
            yield ("inputs", name, "datastore"), f"`datastore` of the input {name!r}"


def warn_without_effect(check: Check) -> None:
    for path, what in without_effect(mapping(check.value)):
        check.warning(f"{what} is accepted and has no effect on the local compute", path, key=True)


def _word(value: Any) -> str:
    return value.replace("_", "").lower() if isinstance(value, str) else ""


def mapping(value: Any) -> Mapping[str, Any]:
    """The value, where it is a mapping; else an empty one."""
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}
