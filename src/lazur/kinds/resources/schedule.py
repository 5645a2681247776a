"""A schedule: what is run, and when or upon what."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, cast

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from lazur.engine import cron, recurrence, zones
from lazur.engine.ticks import MOST_CAUGHT_UP, Missed
from lazur.engine.timetable import Timetable
from lazur.errors import Invalid
from lazur.kinds.resources.common import mapping
from lazur.spec.checking import Check
from lazur.spec.model import Map, Number, Spec, Tags, Whole, spelled, squashed
from lazur.spec.names import Name

_Frequency = Literal["minute", "hour", "day", "week", "month"]
_Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_Missed = Literal["skip", "catch_up"]
_Event = Literal["data_updated", "model_registered", "job_finished"]
_Status = Literal["Completed", "Failed", "Canceled"]
_Spelled = Annotated[_Day, spelled(_Day)]
TIMED = ("cron", "recurrence")
UTC = "UTC"
_ACTIONS = ("create_job", "import_data", "create_monitor")


def _list(value: Any) -> Any:
    if value is None or isinstance(value, list):
        return cast("Any", value)
    return [value]


def _text(value: Any) -> Any:
    """A moment that Python code gives."""
    return value.isoformat() if isinstance(value, datetime) else value


Hour = Annotated[Whole, Field(ge=0, le=23)]
Minute = Annotated[Whole, Field(ge=0, le=59)]
MonthDay = Annotated[Whole, Field(ge=-31, le=31)]
Hours = Annotated[list[Hour], BeforeValidator(_list)]
Minutes = Annotated[list[Minute], BeforeValidator(_list)]
Days = Annotated[list[_Spelled], BeforeValidator(_list)]
MonthDays = Annotated[list[MonthDay], BeforeValidator(_list)]
Moment = Annotated[str, BeforeValidator(_text)]


class _Timed(Spec):
    start_time: Moment | None = None
    """When it begins; a time without a zone of its own is one of `time_zone`."""
    end_time: Moment | None = None
    time_zone: str | None = None
    """As Windows calls it (`Pacific Standard Time`) or the IANA database; UTC when left out."""
    missed: Annotated[_Missed, spelled(_Missed)] | None = None
    """What becomes of ticks that nobody was there for: `skip` (default) or `catch_up`."""
    catch_up_limit: Annotated[Whole, Field(ge=1, le=MOST_CAUGHT_UP)] | None = None
    """How many of the last missed ticks fire; 1 when left out."""

    @property
    def policy(self) -> Missed:
        return Missed((self.catch_up_limit or 1) if self.missed == "catch_up" else 0)


class CronTrigger(_Timed):
    """At the times of a cron expression."""

    type: Annotated[Literal["cron"], spelled(Literal["cron"])]
    expression: str
    """minute hour day-of-month month day-of-week."""


class Pattern(Spec):
    """At which times of which days."""

    hours: Hours | None = None
    minutes: Minutes | None = None
    week_days: Days | None = None
    month_days: MonthDays | None = None


class RecurrenceTrigger(_Timed):
    """Every so many minutes, hours, days, weeks or months."""

    type: Annotated[Literal["recurrence"], spelled(Literal["recurrence"])]
    frequency: Annotated[_Frequency, spelled(_Frequency)]
    interval: Annotated[Whole, Field(ge=1, le=10_000)]
    schedule: Pattern | None = None
    """Azure's documentation calls it `pattern`, too."""

    @model_validator(mode="before")
    @classmethod
    def _pattern(cls, value: Any) -> Any:
        said = dict(mapping(value))
        if "pattern" not in said or "schedule" in said:
            return value
        said["schedule"] = said.pop("pattern")
        return said


class EventTrigger(Spec):
    """Whenever something happens in the workspace."""

    type: Annotated[Literal["event"], spelled(Literal["event"])]
    event: Annotated[_Event, spelled(_Event)]
    """`data_updated`, `model_registered` or `job_finished`."""
    name: str | None = None
    """Of the data, the model or the job; `*` stands for any text. Any, when left out."""
    experiment_name: str | None = None
    """Of the job; `*` as above."""
    status: (
        Annotated[list[Annotated[_Status, spelled(_Status)]], BeforeValidator(_list)] | None
    ) = None
    """Of the job; any end, when left out."""


class WebhookTrigger(Spec):
    """Whenever somebody asks for it over HTTP, with its own key or a token."""

    type: Annotated[Literal["webhook"], spelled(Literal["webhook"])]
    inputs: list[str] | Map[str] | None = None
    """Which inputs of the job the request may set; all that are plain values, when left out. Or
    for each of them where it stands in the body: `branch: repository.default_branch`."""
    per_minute: Annotated[Number, Field(gt=0, le=6000)] | None = None
    """How often at most; 60 when left out."""


def _trigger(value: Any) -> str | None:
    if isinstance(value, Mapping):
        word = squashed(cast("Mapping[str, Any]", value).get("type"))
    else:
        word = squashed(getattr(value, "type", None))
    return f"\0{word}" if word in {"cron", "recurrence", "event", "webhook"} else None


Trigger = Annotated[
    Annotated[CronTrigger, Tag("\0cron")]
    | Annotated[RecurrenceTrigger, Tag("\0recurrence")]
    | Annotated[EventTrigger, Tag("\0event")]
    | Annotated[WebhookTrigger, Tag("\0webhook")],
    Discriminator(
        _trigger,
        custom_error_type="trigger",
        custom_error_message="a trigger is a mapping whose `type` is cron, recurrence, event or "
        "webhook",
    ),
]


class Schedule(Spec):
    """A job or a data import, run by the clock, upon an event or upon a request."""

    name: Name = Field()
    display_name: str | None = None
    description: str | None = None
    tags: Tags = Field(default_factory=dict)
    properties: Tags = Field(default_factory=dict)
    trigger: Trigger
    create_job: str | Map[Any] | None = None
    """A job: its YAML file, `azureml:<job>`, or the job itself; with `job:` one of these, and what
    stands beside it is changed."""
    import_data: str | Map[Any] | None = None
    """A data import: its YAML file, or the import itself."""
    create_monitor: Any = None
    is_enabled: bool | None = None


def check_schedule(check: Check) -> None:
    value = mapping(check.value)
    if value.get("create_monitor") is not None:
        check.error(
            "schedules with `create_monitor` are not supported yet",
            ("create_monitor",),
            key=True,
            hint="Supported: create_job and import_data.",
        )
    elif sum(value.get(name) is not None for name in _ACTIONS) != 1:
        check.error("one of `create_job` and `import_data` is needed: what is run", ())
    trigger = mapping(value.get("trigger"))
    if squashed(trigger.get("type")) in TIMED:
        _check_times(check, trigger)


def timetable(trigger: CronTrigger | RecurrenceTrigger, made: float) -> Timetable:
    """`made`: when the schedule was, for want of a start. Raises Invalid."""
    place = zones.zone(trigger.time_zone or UTC)
    begin = _moment(trigger.start_time, trigger.time_zone)
    start = float(int(made)) if begin is None else begin
    end = _moment(trigger.end_time, trigger.time_zone)
    if isinstance(trigger, CronTrigger):
        return Timetable(cron.parse(trigger.expression), place, start, end)
    pattern = trigger.schedule or Pattern()
    passes = trigger.frequency in recurrence.SECONDS
    wall = zones.on_the_wall(start, place).replace(tzinfo=None)
    rule = recurrence.of(
        trigger.frequency,
        trigger.interval,
        wall,
        *((None, None, None, None) if passes else _parts(pattern)),
    )
    return Timetable(rule, place, start, end)


def _parts(pattern: Pattern) -> tuple[Any, Any, Any, Any]:
    return pattern.hours, pattern.minutes, pattern.week_days, pattern.month_days


def _moment(text: str | None, zone: str | None) -> float | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(_tidied(text))
    except ValueError:
        raise Invalid(
            f"{text[:60]!r} is no moment", hint="Write it as 2026-05-01T10:00:00."
        ) from None
    if found.tzinfo is not None:
        return float(int(found.timestamp()))
    wall = found.replace(microsecond=0)
    return zones.moments(wall, zones.zone(zone or UTC))[0]


def _tidied(text: str) -> str:
    """`2026-5-1 9:00`, which YAML knows as a moment, too."""
    whole = re.sub(r"\.\d+|\s+(?=[-+zZ])", "", text.strip())
    return re.sub(r"(?<!\d)(\d)(?!\d)", r"0\1", whole)


def _check_times(check: Check, trigger: Mapping[str, Any]) -> None:
    """All that is wrong at once, whatever else is: a zone that is not known hides no bad time."""
    is_cron = squashed(trigger.get("type")) == "cron"
    said = {name: text for name in _TEXTS if isinstance(text := _text(trigger.get(name)), str)}
    zone, expression = said.get("time_zone"), said.get("expression")
    is_lost = _try(check, "time_zone", lambda: zones.zone(zone or UTC))
    known = None if is_lost else zone
    looks: dict[str, Callable[[], Any]] = {
        "start_time": lambda: _moment(said.get("start_time"), known),
        "end_time": lambda: _moment(said.get("end_time"), known),
    }
    if is_cron and expression is not None:
        looks["expression"] = lambda: cron.parse(expression)
    wrong = [_try(check, field, look) for field, look in looks.items()]
    if is_lost or any(wrong):
        return
    cls = CronTrigger if is_cron else RecurrenceTrigger
    try:
        made = cls.model_validate(trigger)
    except ValueError:
        return  # the model itself has said so
    if not _try(check, "expression" if is_cron else "schedule", lambda: timetable(made, 0.0)):
        _warn(check, made)


_TEXTS = ("time_zone", "start_time", "end_time", "expression")


def _try(check: Check, field: str, look: Callable[[], Any]) -> bool:
    """Whether it is wrong."""
    try:
        look()
    except (Invalid, OverflowError, OSError) as error:
        message = error.message if isinstance(error, Invalid) else "is out of all bounds"
        check.error(message, ("trigger", field), hint=getattr(error, "hint", None))
        return True
    return False


def _warn(check: Check, trigger: CronTrigger | RecurrenceTrigger) -> None:
    begin, end = (_moment(t, trigger.time_zone) for t in (trigger.start_time, trigger.end_time))
    if begin is not None and end is not None and end < begin:
        check.warning("it ends before it begins, and never fires", ("trigger", "end_time"))
    if trigger.catch_up_limit is not None and trigger.missed != "catch_up":
        check.warning(
            "`catch_up_limit` has no effect without `missed: catch_up`",
            ("trigger", "catch_up_limit"),
            key=True,
        )
    if not isinstance(trigger, RecurrenceTrigger) or trigger.schedule is None:
        return
    if trigger.frequency in recurrence.SECONDS:
        check.warning(
            f"`schedule` has no effect with the frequency {trigger.frequency}",
            ("trigger", "schedule"),
            key=True,
        )
    elif trigger.frequency != "month" and trigger.schedule.month_days:
        check.warning(
            f"`month_days` has no effect with the frequency {trigger.frequency}",
            ("trigger", "schedule", "month_days"),
            key=True,
        )
