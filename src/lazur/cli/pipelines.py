"""`lazur job graph`"""

from __future__ import annotations

from typing import Any

from knack.util import CLIError

from lazur.cli import session, specs, steps


def graph(
    name: str | None = None, file: str | None = None, sets: Any = None, shape: str = "mermaid"
) -> Any:
    # What checks pipelines takes a while to import.
    from lazur.kinds.pipelines import drawing  # noqa: PLC0415

    if (name is None) == (file is None):
        raise CLIError("Give a job's --name or a --file: one of them.")
    job = _whole(name) if name else specs.source(file, sets).spec
    if not drawing.is_pipeline(job):
        raise CLIError(f"{name or file} is no pipeline: it has no steps to draw.")
    chart = drawing.chart(job)
    if session.current.is_read_by_machine:
        return {"format": shape, "graph": chart}
    print(chart, end="")
    return None


def _whole(name: str) -> dict[str, Any]:
    client = session.client()
    return steps.opened(client, client.jobs.get(name).to_dict())
