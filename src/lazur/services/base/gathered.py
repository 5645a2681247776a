"""What the items of a loop made, as one table: `azureml://jobs/PIPELINE/outputs/BODY.PORT`.

No output of a job has a dot in front of its name but these: a step's name has none in it. An
output of the pipeline that is bound to such a one has this address in place of a place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lazur.engine.states import State
from lazur.errors import NotFound
from lazur.services.base.site import Context
from lazur.spec import references
from lazur.spec.references import JobOutput
from lazur.store import jobs, parents, workspaces
from lazur.store.db import AnyRow
from lazur.store.jobs import JobRow

_PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}")


@dataclass(frozen=True)
class Item:
    name: str
    """Of its entry: the item's, where that can be the name of a folder."""
    job: str
    output: str


def output(job: str, name: str, found: str, said: dict[str, Any]) -> dict[str, Any]:
    """An output of a pipeline as it is kept: all that the items made. `found` is BODY.PORT."""
    uri = str(JobOutput(job, found))
    return {
        "name": name,
        "type": "mltable",
        "mode": "rw_mount",
        "uri": uri,
        "destination": uri,
        "remote": False,
        "asset_name": said.get("name"),
        "asset_version": said.get("version"),
    }


def items_at(context: Context, home: AnyRow, uri: str) -> list[Item] | None:
    """None: the output lies at a place of its own."""
    found = references.parse(uri) if is_one(uri) else None
    return items(context, home, found) if isinstance(found, JobOutput) else None


def parts(context: Context, row: JobRow, uri: str) -> Iterator[tuple[str, JobRow, dict[str, Any]]]:
    """Of an output of this pipeline, or none: each item's name, its job, and what is known of its
    output."""
    home = workspaces.by_id(context.db, row.workspace_id) if is_one(uri) else None
    for item in (items_at(context, home, uri) if home is not None else None) or ():
        maker = jobs.by_name(context.db, row.workspace_id, item.job)
        if maker is None:
            continue
        made: list[dict[str, Any]] = maker.resolved["outputs"]
        yield from ((item.name, maker, one) for one in made if one["name"] == item.output)


def is_one(uri: str) -> bool:
    """Places of outputs are in datastores, or at addresses elsewhere."""
    return uri.startswith("azureml://jobs/")


def within(each: list[Item], path: str) -> JobOutput | None:
    """What `path` is in the table: an item's output, or what lies below it."""
    name, _, rest = path.strip("/").partition("/")
    found = next((item for item in each if item.name == name), None)
    return JobOutput(found.job, found.output, rest) if found is not None else None


def items(context: Context, home: AnyRow, found: JobOutput) -> list[Item] | None:
    """In the order in which they began. None: it is an output like any."""
    body, dot, port = found.output.partition(".")
    if not dot or not port:
        return None
    row = jobs.by_name(context.db, home.id, found.job)
    if row is None:
        raise NotFound(f"There is no job {found.job!r} in workspace {home.name!r}.")
    if row.nodes:
        return None  # it has no steps
    made: list[Item] = []
    taken = {"mltable"}
    for child in parents.children(context.db, row.id):
        step, _, key = child.step.partition(".")
        if step == body and key and child.state == State.COMPLETED.value:
            name = key if _PLAIN.fullmatch(key) and key.lower() not in taken else f"_{len(made)}"
            taken.add(name.lower())
            made.append(Item(name, child.name, port))
    return made
