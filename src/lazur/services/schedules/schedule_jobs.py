"""The job that a schedule's tick submits: what was written, with what is changed in it and what is
only known when it fires. Nothing here asks anybody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from lazur.engine import zones
from lazur.errors import Invalid
from lazur.spec import expressions
from lazur.spec.expressions import Expression
from lazur.spec.suggestions import did_you_mean

CREATE_JOB, IMPORT_DATA = "create_job", "import_data"
SCHEDULE, TIME, CAUSE = "lazur.schedule", "lazur.trigger_time", "lazur.trigger"
"""Properties of a job that came of a schedule."""
_TIME = "creation_context.trigger_time"
_TRIGGER = "trigger"
_ASSET = frozenset({"event", "name", "version", "path", "job"})
EVENTS = {
    "data_updated": _ASSET,
    "model_registered": _ASSET,
    "job_finished": frozenset({"event", "name", "job", "status"}),
}
"""What each tells, for `${{trigger.…}}`."""
_MERGED = frozenset(
    "inputs outputs settings tags properties environment_variables resources limits".split()
)
_AS_WRITTEN = frozenset({"command", "code", "conda_file", "environment", "component", "trial"})
"""Values never become a part of what is executed."""
_LITERALS = (str, int, float, bool)
_LONGEST_NAME = 200


@dataclass(frozen=True)
class Facts:
    """What is known of a tick."""

    schedule: str
    at: float
    cause: str
    job: str
    event: Mapping[str, str] = field(default_factory=dict[str, str])
    inputs: Mapping[str, Any] = field(default_factory=dict[str, Any])


def stamp(at: float) -> str:
    return zones.utc(at).strftime("%Y%m%dT%H%M%SZ")


def job_name(schedule: str, at: float) -> str:
    """As Azure shows them: the schedule's name and the time."""
    return f"{schedule[:_LONGEST_NAME]}-{stamp(at)}"


def job(written: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    """`written` is `create_job`, with the job it names in `job` where it names one."""
    made = _filled(merged(written), facts)
    inputs = _given(_named(made.get("inputs") or {}, facts), facts.inputs)
    return {
        **made,
        **({"inputs": inputs} if inputs else {}),
        "name": facts.job,
        "display_name": made.get("display_name") or facts.job,
        "properties": {**(made.get("properties") or {}), **properties(facts)},
    }


def data_import(written: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    return _filled(dict(written), facts)


def properties(facts: Facts) -> dict[str, str]:
    return {SCHEDULE: facts.schedule, TIME: _iso(facts.at), CAUSE: facts.cause}


def merged(written: Mapping[str, Any]) -> dict[str, Any]:
    """The job with what stands beside it: mappings field by field, everything else anew. Its own
    name was good once, and what it was shown as is its."""
    base = written.get("job")
    if not isinstance(base, Mapping):
        return {key: value for key, value in written.items() if key != "name"}
    made = {k: v for k, v in cast("Mapping[str, Any]", base).items() if k not in _OWN}
    for key, value in written.items():
        if key == "job" or value is None:
            continue
        old = made.get(key)
        if key in _MERGED and isinstance(old, Mapping) and isinstance(value, Mapping):
            value = {**cast("Mapping[str, Any]", old), **cast("Mapping[str, Any]", value)}
        if key != "type" or "type" not in made:
            made[key] = value
    return made


_OWN = frozenset({"name", "display_name", "parent_job_name"})


def event_words(written: Any, key: str = "") -> set[str]:
    """What the job gets that is only known in an event: `path` of `${{trigger.path}}`."""
    if key in _AS_WRITTEN:
        return set()
    if isinstance(written, Mapping):
        parts = cast("Mapping[str, Any]", written).items()
        each = (event_words(v, "" if key == "inputs" else name) for name, v in parts)
    elif isinstance(written, list):
        each = map(event_words, cast("list[Any]", written))
    else:
        return set(expressions.names(written, _TRIGGER)) if isinstance(written, str) else set()
    return set[str]().union(*each)


def check_events(written: Any, event: str | None) -> None:
    """Raise Invalid for what no such event tells; None: it is none that the schedule waits for."""
    known = EVENTS.get(event or "", frozenset())
    for word in sorted(event_words(written) - known):
        told = f"An event of the kind {event} tells" if event else "Events alone tell that"
        words = ", ".join(f"${{{{{_TRIGGER}.{name}}}}}" for name in sorted(known))
        raise Invalid(
            f"${{{{{_TRIGGER}.{word}}}}} means nothing in this schedule's job.",
            hint=f"{told}: {words}." if event else f"{told}: `type: event`.",
        )


def check_told(made: Mapping[str, Any]) -> None:
    """Raise Invalid where an event would have said what the job needs, and somebody fired it."""
    for word in sorted(event_words(made)):
        raise Invalid(
            f"The job needs ${{{{{_TRIGGER}.{word}}}}}, and there is no event that tells it.",
            hint="Give the inputs that need it, where they are plain values: "
            "lazur schedule trigger -n NAME --inputs x=…",
        )


def settable(written: Mapping[str, Any], allowed: list[str] | None) -> set[str]:
    """The inputs of the job that a request may set: plain values, or those that are named."""
    inputs = cast("dict[str, Any]", merged(written).get("inputs") or {})
    if allowed is not None:
        return set(allowed)
    return {name for name, value in inputs.items() if not _is_path(value)}


def check_inputs(given: Mapping[str, Any], known: set[str]) -> None:
    for name, value in given.items():
        if name not in known:
            raise Invalid(
                f"The input {name!r} cannot be set by a request.",
                hint=did_you_mean(name, known) or f"Known: {', '.join(sorted(known)) or 'none'}.",
            )
        if not isinstance(value, _LITERALS):
            raise Invalid(f"inputs.{name} must be text, a number, true or false.")


def _given(inputs: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    made = dict(inputs)
    for name, value in given.items():
        old = made.get(name)
        if _is_path(old):
            made[name] = {**(old if isinstance(old, Mapping) else {}), "path": value}
        else:
            made[name] = value
    return made


def _is_path(value: Any) -> bool:
    return isinstance(value, Mapping) and "path" in value


def _filled(value: Any, facts: Facts, key: str = "") -> Any:
    if key in _AS_WRITTEN:
        return value
    if isinstance(value, Mapping):
        found = cast("Mapping[str, Any]", value)
        # Inputs may be called as fields are.
        return {
            name: _filled(v, facts, "" if key == "inputs" else name) for name, v in found.items()
        }
    if isinstance(value, list):
        return [_filled(inner, facts) for inner in cast("list[Any]", value)]
    return _text(value, facts, name=False) if isinstance(value, str) else value


def _named(inputs: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    """`${{name}}` as the value of a job's own input is the job's name; everywhere else it means
    what it means in any job."""
    return {
        name: _text(value, facts, name=True) if isinstance(value, str) else value
        for name, value in inputs.items()
    }


def _text(text: str, facts: Facts, *, name: bool) -> str:
    def known(found: Expression) -> str | None:
        if found.text == _TIME:
            return _iso(facts.at)
        if found.root == _TRIGGER and facts.event:
            return facts.event.get(found.name, "")
        return facts.job if name and found.text == "name" else None

    return expressions.replace(text, known)


def _iso(at: float) -> str:
    return zones.utc(at).strftime("%Y-%m-%dT%H:%M:%SZ")
