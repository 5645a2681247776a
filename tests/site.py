"""A server's parts without the server: real database, real blobs, fake backend and builder, and a
clock that moves when it is told to."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lazur.blobs.local import Local as LocalBlobs
from lazur.engine.contracts import Backend
from lazur.engine.tree import File, Manifest
from lazur.loops.builds import Builds
from lazur.loops.dispatch import Dispatch
from lazur.loops.jobs import Jobs
from lazur.services.base import workspaces
from lazur.services.base.access import Principal
from lazur.services.base.home import Home
from lazur.services.base.site import Site
from lazur.services.jobs import jobs
from lazur.services.people import tokens
from lazur.store import schema
from lazur.store.db import Database
from lazur.store.mlflow import schema as mlflow_schema
from lazur.testing.fakes import Engine, FakeBackend, FakeBuilder, Inline

OWNER = Principal.of("ann", "user", "Owner")
ENVIRONMENT = {"image": "python:3.11"}


@dataclass
class Clock:
    time: float = 1_700_000_000.0

    def __call__(self) -> float:
        return self.time


@dataclass
class TestSite(Site):
    """`engine` is what runs, beside the server."""

    __test__ = False

    engine: Engine = field(default_factory=lambda: Engine(Clock()))

    def backend(self, kind: str, settings: dict[str, Any]) -> Backend:
        return FakeBackend(self.engine, settings)


def open_site(
    folder: Path, url: str, engine: Engine, builder: FakeBuilder, db: Database | None = None
) -> TestSite:
    """As `create_site`, with fakes: what a server does when it starts."""
    home = Home(folder)
    home.prepare()
    db = db or Database(url)
    schema.bring_up(db)
    mlflow_schema.bring_up(db)
    site = TestSite(
        home=home,
        db=db,
        blobs=LocalBlobs(home.blobs),
        builder=builder,
        runner="here",
        now=engine.now,
        engine=engine,
    )
    with site.context() as context:
        workspaces.ensure_default(context)
        tokens.ensure_owner(context)
    return site


def call(site: Site, service: Callable[..., Any], *args: Any, **more: Any) -> Any:
    """One use case in one transaction, by the owner or by `who`."""
    with site.context(more.pop("who", OWNER), write=more.pop("write", True)) as context:
        return service(context, *args, **more)


def command(**more: Any) -> dict[str, Any]:
    return {"type": "command", "command": "true", "environment": ENVIRONMENT, **more}


def submit(site: Site, workspace: str = "default", who: Principal = OWNER, **more: Any) -> Any:
    return call(site, jobs.submit, workspace, command(**more), who=who)


def put_tree(site: Site, files: dict[str, bytes]) -> str:
    """Upload a folder; returns its hash."""
    entries = [
        File(path, hashlib.sha256(data).hexdigest(), len(data)) for path, data in files.items()
    ]
    manifest = Manifest.of(entries)
    for data in (*files.values(), manifest.encode()):
        site.blobs.put(hashlib.sha256(data).hexdigest(), iter([data]))
    return manifest.digest


class Server:
    """The loops of one server, moved by hand in one thread."""

    def __init__(self, site: TestSite) -> None:
        self.site = site
        self.jobs = Jobs(site, Inline())
        self.dispatch = Dispatch(site, self.jobs)
        self.builds = Builds(site, Inline())

    def settle(self) -> None:
        """Everything that is due now is done, by loops that go on whatever fails."""
        for _ in range(4):
            for loop in (self.builds, self.dispatch, self.jobs):
                loop._guarded()

    def show(self, name: str) -> dict[str, Any]:
        return call(self.site, jobs.get, "default", name, write=False)
