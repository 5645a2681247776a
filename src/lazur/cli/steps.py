"""The steps of a job in tables: a tree, and why each is where it is."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from lazur.cli.tables import Row, duration, job_row, job_rows, short_line, when

_OTHER_WAY = "the condition went the other way"
_MANY = 1000
"""Children of one job in a list; `job show` has all."""


def shown(job: dict[str, Any]) -> Row | list[Row]:
    """`job show -o table`: of a job with steps one line for each."""
    if not job.get("steps"):
        return job_row(job)
    return _filled([_top(job), *_below(job, "")])


def opened(client: Any, job: dict[str, Any]) -> dict[str, Any]:
    """With the steps of those steps that are pipelines."""
    steps = [dict(step) for step in job.get("steps") or []]
    for step in steps:
        if step["type"] == "pipeline" and step["job"]:
            within = opened(client, client.jobs.get(step["job"]).to_dict())
            step |= {"steps": within.get("steps"), "jobs": within.get("jobs")}
    return {**job, "steps": steps} if steps else job


def with_children(client: Any, jobs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Jobs that others are steps of have those in `children`."""
    return [_with_children(client, job) for job in jobs]


def listed(jobs: list[dict[str, Any]]) -> list[Row]:
    """`job list -o table`."""
    if not any("children" in job for job in jobs):
        return job_rows(jobs)
    return [row for job in jobs for row in _tree(job, "", "")]


def _with_children(client: Any, job: dict[str, Any]) -> dict[str, Any]:
    if job.get("type") not in ("pipeline", "sweep"):
        return {**job, "children": []}
    found = client.jobs.list(parent_job_name=job["name"], max_results=_MANY, list_view_type="All")
    children = [_with_children(client, child.to_dict()) for child in found][::-1]
    return {**job, "children": children}


def _tree(job: dict[str, Any], lead: str, indent: str) -> list[Row]:
    row = job_row(job)
    rows = [OrderedDict(row, Name=lead + row["Name"])]
    children = job.get("children") or []
    for at, child in enumerate(children):
        last = at == len(children) - 1
        branch = indent + ("└─ " if last else "├─ ")
        rows += _tree(child, branch, indent + ("   " if last else "│  "))
    return rows


def _top(job: dict[str, Any]) -> Row:
    error = job.get("error") or {}
    return OrderedDict(
        Step=job["name"],
        Type=job.get("type") or "",
        Status=job.get("status") or "",
        Began=when(job.get("started_at")),
        Duration=duration(job.get("duration")),
        Job="",
        Why=short_line(job.get("waiting_for") or error.get("message")),
    )


def _below(above: dict[str, Any], indent: str) -> list[Row]:
    rows: list[Row] = []
    steps: list[dict[str, Any]] = above.get("steps") or []
    for at, step in enumerate(steps):
        last = at == len(steps) - 1
        branch = indent + ("└─ " if last else "├─ ")
        rows.append(_row(step, branch, _why(step, above)))
        rows += _below(step, indent + ("   " if last else "│  "))
    return rows


def _row(step: dict[str, Any], lead: str, why: str | None) -> Row:
    return OrderedDict(
        Step=lead + step["name"],
        Type=step["type"],
        Status=step["status"],
        Began=when(step.get("started_at")),
        Duration="" if step.get("reused_from") else duration(step.get("duration")),
        Job=step.get("job") or "",
        Why=short_line(why),
    )


def _why(step: dict[str, Any], above: dict[str, Any]) -> str | None:
    if step.get("reused_from"):
        return f"done before, by {step['reused_from']}"
    if step.get("waiting_for"):
        return f"waits for {step['waiting_for']}"
    if step["status"] == "Queued":
        return "waits for free slots"
    if step["status"] == "NotRun":
        if above.get("status") == "Canceled":
            return "all was canceled before"
        return "a step that it needs did not end well"
    if step["status"] == "Skipped":
        watched = ((above.get("jobs") or {}).get(step["name"]) or {}).get("on_failure")
        return "nothing failed that it is there for" if watched else _OTHER_WAY
    return (step.get("error") or {}).get("message")


def _filled(rows: list[Row]) -> list[Row]:
    """Without columns that hold nothing."""
    used = [name for name in rows[0] if any(row[name] for row in rows)]
    return [OrderedDict((name, row[name]) for name in used) for row in rows]
