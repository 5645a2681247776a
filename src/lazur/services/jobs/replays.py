"""What a job ran, for who runs it once more by hand, on the server's machine: its command, exact
inputs, code and environment. Without what is secret, and without the job's own token."""

from __future__ import annotations

from typing import Any

from lazur.errors import Conflict, Invalid
from lazur.services.assets.places import that_ran
from lazur.services.base.site import Context
from lazur.services.jobs import plans
from lazur.services.jobs.jobs import find_row
from lazur.services.jobs.plans import EnvironmentGone
from lazur.store.jobs import JobRow


def show(context: Context, workspace: str, name: str) -> dict[str, Any]:
    row = _runnable(context, find_row(context, workspace, name, "workspaces/jobs/write"))
    try:
        plan = plans.repeatable(context.site, row)
    except EnvironmentGone as error:
        raise Conflict(
            f"The environment of job {row.name!r} is not there any more.",
            hint="Submit the job again: that builds it.",
        ) from error
    secret: dict[str, str] = row.resolved.get("secret_variables") or {}
    return {"job": row.name, "plan": plan.to_dict(), "secret_variables": sorted(secret)}


def _runnable(context: Context, row: JobRow) -> JobRow:
    """The job that did a step, which runs something itself."""
    found = that_ran(context, row)
    if found.build_key is None:
        raise Invalid(
            f"Job {row.name!r} runs nothing itself.",
            hint=f"Choose one of its steps: lazur job replay -n {row.name} --step STEP",
        )
    return found
