"""The files of jobs, as Azure's client asks for them: by `ExperimentRun/dcid.<name of the job>`.
Two workspaces may have a job of one name, and the run of the second one has another id."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

from lazur.services.azure.boxes import Blob, Container
from lazur.services.base.site import Site
from lazur.services.tracking.artifacts import Draft
from lazur.store import jobs

_JOB = re.compile(r"(?P<runs>ExperimentRun/dcid\.)(?P<name>[^/]+)(?=/|$)")


@dataclass(frozen=True)
class OfJobs:
    """What is asked by a job's name is named so in the answer."""

    site: Site
    workspace_id: int
    inner: Container

    def info(self, path: str) -> Blob:
        asked, real = self._tops(path)
        return replace(self.inner.info(_moved(path, asked, real)), path=path)

    def scan(self, prefix: str, after: str = "", *, flat: bool = True) -> Iterator[Blob | str]:
        asked, real = self._tops(prefix)
        begin, since = _moved(prefix, asked, real), _moved(after, asked, real)
        for one in self.inner.scan(begin, since, flat=flat):
            if isinstance(one, str):
                yield _moved(one, real, asked)
            else:
                yield replace(one, path=_moved(one.path, real, asked))

    def open(self, path: str) -> tuple[BinaryIO, int]:
        return self.inner.open(_moved(path, *self._tops(path)))

    def draft(self) -> Draft:
        return self.inner.draft()

    def put(self, draft: Draft, path: str, *, new: bool = False) -> Blob:
        return self.inner.put(draft, path, new=new)

    def delete(self, path: str) -> None:
        self.inner.delete(path)

    def _tops(self, path: str) -> tuple[str, str]:
        """What a path begins with, and what that is called here."""
        found = _JOB.match(path)
        if found is None:
            return "", ""
        with self.site.db.read() as db:
            row = jobs.by_name(db, self.workspace_id, found["name"])
        if row is None or row.run_id == row.name:
            return "", ""
        return found[0], f"{found['runs']}{row.run_id}"


def _moved(path: str, top: str, other: str) -> str:
    return other + path.removeprefix(top) if top and path.startswith(top) else path
