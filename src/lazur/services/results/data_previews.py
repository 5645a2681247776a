"""What people ask about data: its first rows, and a profile of all of it."""

from __future__ import annotations

from typing import Any

from lazur.services.looks.desk import Task
from lazur.services.looks.questions import MOST_ROWS, Question, Verb, find

__all__ = ["MOST_ROWS", "Question", "Verb", "find", "view"]


def view(question: Question, task: Task) -> dict[str, Any]:
    """How it stands: `computing`, or `ready` with the answer. Raises what went wrong."""
    told = {"name": question.name, "version": question.version, "type": question.type}
    if not task.future.done():
        return {"status": "computing", **told, "progress": dict(task.progress)}
    return {"status": "ready", **told, **task.future.result()}
