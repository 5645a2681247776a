"""`lazur schedule …`"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from knack.util import CLIError

from lazur.cli import session, specs, terminal
from lazur.cli.arguments import DESCRIPTION, FILE, MAX_RESULTS, NO_WAIT, SET, TAGS, name, option
from lazur.cli.tables import when

_TIMES = 4
"""Times of day that are told."""


def _row(schedule: dict[str, Any]) -> dict[str, Any]:
    last = schedule.get("last_run") or {}
    coming = schedule.get("next_runs") or []
    return OrderedDict(
        Name=schedule["name"],
        Trigger=_told(schedule.get("trigger") or {}),
        State="enabled" if schedule.get("is_enabled") else "disabled",
        Next=_wall(coming[0]) if coming else "",
        Last=when(last.get("time")),
        Was=last.get("state") or "",
        Job=last.get("job") or "",
    )


def _rows(schedules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [_row(schedule) for schedule in schedules]


def _run_rows(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        OrderedDict(
            Time=when(run["time"]),
            Trigger=run["trigger"],
            State=run["state"] + (f" ({run['count']})" if run.get("count") else ""),
            Job=run.get("job") or "",
            Why=run.get("reason") or "",
        )
        for run in runs
    ]


def _event_rows(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        OrderedDict(
            Time=when(event["at"]),
            What=event["type"],
            Who=event["who"],
            Job=event.get("job") or "",
            Why=event.get("reason") or "",
        )
        for event in events
    ]


def _told(trigger: dict[str, Any]) -> str:
    """In a few words."""
    zone = f"({trigger['time_zone']})" if trigger.get("time_zone") else None
    match trigger.get("type"):
        case "cron":
            words = [trigger.get("expression"), zone]
        case "recurrence":
            count, unit = trigger["interval"], trigger["frequency"]
            every = f"every {unit}" if count == 1 else f"every {count} {unit}s"
            words = [every, *_pattern(trigger.get("schedule") or {}), zone]
        case "event":
            words = [trigger.get("event"), trigger.get("name")]
        case kind:
            words = [kind]
    return " ".join(str(word) for word in words if word)


def _pattern(given: dict[str, Any]) -> Iterator[str]:
    """On which days, and at what times where hours and minutes are both said."""
    days = [str(day) for day in _many(given.get("week_days"))]
    days += ["last" if day == -1 else str(day) for day in _many(given.get("month_days"))]
    if days:
        yield f"on {', '.join(days)}"
    minutes = _many(given.get("minutes"))
    times = [f"{hour:02}:{minute:02}" for hour in _many(given.get("hours")) for minute in minutes]
    if times:
        yield f"at {', '.join([*times[:_TIMES], *(['…'] if len(times) > _TIMES else [])])}"


def _many(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]


def _wall(moment: str) -> str:
    """As the clock shows it where the schedule is."""
    return datetime.fromisoformat(moment).strftime("%Y-%m-%d %H:%M %z")


_ONE = {"table_transformer": _row}
COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {
    "schedule create": ("create", _ONE),
    "schedule list": ("list_", {"table_transformer": _rows}),
    "schedule show": ("show", _ONE),
    "schedule update": ("update", _ONE),
    "schedule enable": ("enable", _ONE),
    "schedule disable": ("disable", _ONE),
    "schedule delete": (
        "delete",
        {"confirmation": "Delete this schedule and the list of its runs? Its jobs stay."},
    ),
    "schedule trigger": ("trigger", {}),
    "schedule list-runs": ("list_runs", {"table_transformer": _run_rows}),
    "schedule history": ("history", {"table_transformer": _event_rows}),
    "schedule regenerate-key": ("regenerate_key", {}),
}
ARGUMENTS: dict[str, dict[str, dict[str, Any]]] = {
    "schedule": {"name": name("schedule"), "no_wait": NO_WAIT},
    "schedule create": {
        "file": FILE,
        "name": name("schedule", required=False),
        "description": DESCRIPTION,
        "tags": TAGS,
        "sets": SET,
    },
    "schedule update": {
        "name": name("schedule", required=False),
        "file": FILE,
        "display_name": option("--display-name", help="What people see."),
        "description": DESCRIPTION,
        "tags": TAGS,
        "sets": SET,
    },
    "schedule list": {
        "max_results": MAX_RESULTS,
        "include_disabled": option(
            "--include-disabled", help="Show disabled ones too.", action="store_true"
        ),
        "disabled_only": option(
            "--disabled-only", help="Show disabled ones only.", action="store_true"
        ),
    },
    "schedule trigger": {
        "schedule_time": option(
            "--schedule-time", help="The time that the job is told: 2026-05-01T10:00:00Z."
        ),
        "inputs": option(
            "--inputs",
            help="Inputs of the job, space-separated: key=value.",
            nargs="+",
            metavar="KEY=VALUE",
        ),
    },
    "schedule list-runs": {"max_results": MAX_RESULTS},
}
HELP: dict[str, dict[str, Any]] = {
    "schedule create": {
        "short-summary": "Make a schedule, or replace it.",
        "long-summary": "What it runs is checked now, and run later with your rights. The key of a"
        " webhook is shown this once.",
        "examples": [
            {"name": "From YAML", "text": "lazur schedule create -f schedule.yml"},
            {
                "name": "Another time",
                "text": "lazur schedule create -f schedule.yml --set "
                "trigger.expression='30 2 * * 1-5'",
            },
        ],
    },
    "schedule list": {
        "short-summary": "List schedules, with what comes next and what became of the last run.",
        "examples": [
            {"name": "Enabled ones", "text": "lazur schedule list -o table"},
            {"name": "All", "text": "lazur schedule list --include-disabled -o table"},
        ],
    },
    "schedule show": {
        "short-summary": "Show a schedule, with its next runs.",
        "examples": [
            {"name": "Next runs", "text": "lazur schedule show -n NAME --query next_runs"}
        ],
    },
    "schedule update": {
        "short-summary": "Change a schedule.",
        "long-summary": "Who changes what it runs, or when, is whom it acts for from then on.",
        "examples": [
            {
                "name": "Another time zone",
                "text": "lazur schedule update -n NAME --set trigger.time_zone=Europe/Berlin",
            },
            {"name": "What its file says", "text": "lazur schedule update -f schedule.yml"},
        ],
    },
    "schedule enable": {
        "short-summary": "Enable a schedule. What fell due meanwhile is not made up for.",
        "examples": [{"name": "Enable", "text": "lazur schedule enable -n NAME"}],
    },
    "schedule disable": {
        "short-summary": "Disable a schedule. Jobs that it submitted go on.",
        "examples": [{"name": "Disable", "text": "lazur schedule disable -n NAME"}],
    },
    "schedule delete": {
        "short-summary": "Delete a schedule. Jobs that it submitted stay.",
        "examples": [{"name": "Delete", "text": "lazur schedule delete -n NAME --yes"}],
    },
    "schedule trigger": {
        "short-summary": "Fire a schedule now, whatever its trigger is.",
        "examples": [
            {"name": "Now", "text": "lazur schedule trigger -n NAME"},
            {
                "name": "With another input",
                "text": "lazur schedule trigger -n NAME --inputs epochs=3",
            },
        ],
    },
    "schedule list-runs": {
        "short-summary": "List what became of its ticks: jobs, failures, and what was left out.",
        "examples": [{"name": "The last ten", "text": "lazur schedule list-runs -n NAME -r 10"}],
    },
    "schedule history": {
        "short-summary": "List everything that happened to a schedule, and who did it.",
        "examples": [{"name": "All", "text": "lazur schedule history -n NAME -o table"}],
    },
    "schedule regenerate-key": {
        "short-summary": "Make a webhook's key anew; the one before is good for nothing any more.",
        "examples": [{"name": "A new key", "text": "lazur schedule regenerate-key -n NAME"}],
    },
}


def create(
    file: str | None = None,
    name: str | None = None,
    description: str | None = None,
    tags: Any = None,
    sets: Any = None,
    no_wait: bool = False,
) -> Any:
    flags = {"name": name, "description": description, "tags": specs.pairs(tags)}
    source = specs.source(file, sets, flags)
    with terminal.Progress("Uploading") as progress:
        made = session.client().schedules.submit(source, specs.watch(progress))
    specs.warn(made)
    if made.get("key"):
        terminal.note("The key is shown this once. Keep it where nobody else sees it.")
    return {key: value for key, value in made.items() if key != "warnings"}


def list_(
    max_results: int | None = None, include_disabled: bool = False, disabled_only: bool = False
) -> Any:
    kind = "DisabledOnly" if disabled_only else "All" if include_disabled else "EnabledOnly"
    found = session.client().schedules.list(list_view_type=kind, max_results=max_results)
    return [schedule.to_dict() for schedule in found]


def show(name: str) -> Any:
    return session.client().schedules.get(name).to_dict()


def update(
    name: str | None = None,
    file: str | None = None,
    display_name: str | None = None,
    description: str | None = None,
    tags: Any = None,
    sets: Any = None,
    no_wait: bool = False,
) -> Any:
    schedules = session.client().schedules
    flags = {"display_name": display_name, "description": description, "tags": specs.pairs(tags)}
    if file:
        source = specs.source(file, sets, {"name": name, **flags})
        called = source.spec.pop("name", None)
    else:
        called = name
        current = schedules.get(name).to_dict() if name and sets else {}
        source = specs.changes(sets, current, **flags)
    if not called:
        raise CLIError("Which schedule? Give its --name, or a --file that says it.")
    with terminal.Progress("Uploading") as progress:
        made = schedules.change(str(called), source, specs.watch(progress))
    specs.warn(made)
    return {key: value for key, value in made.items() if key != "warnings"}


def enable(name: str, no_wait: bool = False) -> Any:
    return session.client().schedules.enable(name).to_dict()


def disable(name: str, no_wait: bool = False) -> Any:
    return session.client().schedules.disable(name).to_dict()


def delete(name: str, no_wait: bool = False) -> None:
    session.client().schedules.delete(name)


def trigger(name: str, schedule_time: str | None = None, inputs: Any = None) -> Any:
    from lazur.spec.overrides import parse  # noqa: PLC0415 - reads YAML

    given = {key: parse(f"x={text}")[1] for key, text in (specs.pairs(inputs) or {}).items()}
    schedules = session.client().schedules
    return schedules.trigger(name, schedule_time=schedule_time, inputs=given).to_dict()


def list_runs(name: str, max_results: int | None = None) -> Any:
    found = session.client().schedules.runs(name, max_results=max_results)
    return [run.to_dict() for run in found]


def history(name: str) -> Any:
    return [event.to_dict() for event in session.client().schedules.history(name)]


def regenerate_key(name: str) -> Any:
    made = session.client().schedules.regenerate_key(name).to_dict()
    terminal.note("The key is shown this once. Keep it where nobody else sees it.")
    return made
