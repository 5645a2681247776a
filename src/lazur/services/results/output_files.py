"""The files of one output of a job: to list, and to fetch.

A job asks with its own token, for what an MLTable file in it names. It may read what whoever
submitted it may read now, and lineage says that it did.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from typing import Any, BinaryIO

from lazur.engine import paths
from lazur.engine.lineage import JOBS, Edge, Node
from lazur.errors import NotFound
from lazur.services.assets import edges
from lazur.services.base.access import Principal, Resource
from lazur.services.base.site import Context, Site
from lazur.services.base.workspaces import open_workspace
from lazur.services.content.far import Far
from lazur.services.jobs import jobs
from lazur.services.people import submitters
from lazur.services.results import files
from lazur.services.results.files import Place
from lazur.spec.references import JobOutput
from lazur.store import lineage
from lazur.store.jobs import JobRow

READ = "workspaces/jobs/read"
_WHOLE = ("artifacts", "default")
"""All files of the job that are no named output."""
_NAMED = "named-outputs"
_ROLE = "table"
_MOST = 10_000


def find(
    context: Context, workspace: str, name: str, output: str
) -> tuple[list[dict[str, Any]], list[tuple[str, Far]]]:
    """All files, by their paths in the output; and where more of them lie that are elsewhere, to
    be listed once nothing is held."""
    with _asking(context, workspace, name) as asking:
        top = _top(jobs.find_row(asking, workspace, name, READ), output)
        found = files.find(asking, workspace, name, top)["value"]
        outside = files.outside(asking, workspace, name) if top else []
    mine = [one for one in found if top or not str(one["path"]).startswith(f"{_NAMED}/")]
    cut = len(top)
    here = [{**one, "path": one["path"][cut:]} for one in mine]
    return here, [(at[cut:], one) for at, one in outside if f"{at}/".startswith(top)]


def listed(found: list[dict[str, Any]], outside: list[tuple[str, Far]], prefix: str) -> Any:
    """The file `prefix`, or all that is below the folder of that name. Blocks."""
    inside = prefix.strip("/")
    value = [*found]
    for at, folder in outside:
        told = folder.listed()
        value += [{**one, "path": f"{at}/{one['path']}".lstrip("/")} for one in told]
    wanted = (one for one in value if f"{one['path']}/".startswith(f"{inside}/" if inside else ""))
    return {"value": sorted(wanted, key=lambda one: str(one["path"])), "next": None}


def opened(
    context: Context, workspace: str, name: str, output: str, path: str
) -> Callable[[], tuple[BinaryIO, int]]:
    """How to get one file, and its size: called once nothing is held, since it may lie elsewhere.
    Whoever gets it closes it."""
    paths.check(path)
    with _asking(context, workspace, name) as asking:
        top = _top(jobs.find_row(asking, workspace, name, READ), output)
        whole = f"{top}{path}"
        for at, folder in files.outside(asking, workspace, name) if top else ():
            if whole.startswith(f"{at}/"):
                return partial(folder.opened, whole[len(at) + 1 :])
        place = files.place(asking, workspace, name, whole)
    return partial(_here, place)


def note(site: Site, who: Principal, workspace: str, name: str, output: str) -> None:
    """That this job has read it: in the lineage, once."""
    if who.job is None:
        return
    with site.context(who, write=False) as context:
        home = open_workspace(context, workspace, READ)
        mine = Node(home.id, JOBS, who.job)
        known = {edge.source for edge in lineage.of(context.db, [mine], up=True, most=_MOST)}
        sources = edges.sources(context, home, str(JobOutput(name, output)), "data")
    new = [Edge(source, mine, _ROLE) for source in sources if source not in known]
    if new:
        with site.context(who) as context:
            edges.write(context, new)


def _here(place: Place) -> tuple[BinaryIO, int]:
    try:
        file = os.fdopen(place.open(), "rb")
    except FileNotFoundError:
        raise NotFound(f"There is no file {paths.shown(place.path)}.") from None
    return file, os.fstat(file.fileno()).st_size


@contextmanager
def _asking(context: Context, workspace: str, name: str) -> Generator[Context]:
    """With the rights that count."""
    home = open_workspace(context, workspace, READ, "outputs", name)  # jobs know of no other job
    who = context.who
    if who.job is not None:
        submitter = submitters.of(context, home, who.job)
        if submitter is None or not submitter.may(READ, Resource(workspace, "jobs", name)):
            message = f"There is no job {name!r} in workspace {workspace!r}."
            raise NotFound(message, hint="See: lazur job list")
        who = submitter
    with context.site.context(who, write=False) as asking:
        yield asking


def _top(row: JobRow, output: str) -> str:
    if output in _WHOLE:
        return ""
    known = [str(one["name"]) for one in row.resolved["outputs"]]
    if output not in known:
        raise NotFound(
            f"Job {row.name!r} has no output {output!r}.",
            hint=f"It has: {', '.join(known) or 'none'}, artifacts.",
        )
    return f"{_NAMED}/{output}/"
