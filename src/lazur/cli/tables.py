"""`-o table`: the columns that help, in reading order."""

from __future__ import annotations

from collections import OrderedDict
from datetime import UTC, datetime
from typing import Any

from lazur.sdk import durations

Row = OrderedDict[str, Any]


def job_row(job: dict[str, Any]) -> Row:
    shown = job.get("display_name")
    row: Row = OrderedDict(Name=job["name"])
    row["Display name"] = shown if shown != job["name"] else ""
    row["Experiment"] = job.get("experiment_name")
    row["Status"] = job.get("status")
    row["Created"] = when((job.get("creation_context") or {}).get("created_at"))
    row["Duration"] = duration(job.get("duration"))
    row["Why"] = short_line(job.get("waiting_for") or (job.get("error") or {}).get("message"))
    return OrderedDict((key, value if value is not None else "") for key, value in row.items())


def job_rows(jobs: list[dict[str, Any]]) -> list[Row]:
    return [job_row(job) for job in jobs]


def asset_row(asset: dict[str, Any]) -> Row:
    row: Row = OrderedDict(Name=asset["name"], Version=asset.get("version") or asset.get("latest"))
    row["Type"] = asset.get("type") or ""
    row["Created"] = when((asset.get("creation_context") or {}).get("created_at"))
    row["Description"] = short_line(asset.get("description"))
    return row


def asset_rows(assets: list[dict[str, Any]]) -> list[Row]:
    return [asset_row(asset) for asset in assets]


def when(iso: str | None) -> str:
    """Local time to the minute, as a clock on the wall shows it."""
    if not iso:
        return ""
    time = datetime.fromisoformat(iso)
    return (
        (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone().strftime("%Y-%m-%d %H:%M")
    )


def duration(seconds: float | None) -> str:
    return "" if seconds is None else durations.duration(seconds)


def short_line(text: str | None) -> str:
    first = (text or "").split("\n")[0]
    return first if len(first) <= 50 else first[:49] + "…"
