"""A site whose content and outputs lie in an object store, which a folder plays here."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from lazur.services.base import workspaces
from lazur.services.base.stores import Storage
from lazur.services.content import storage
from lazur.store.workspaces import by_name
from tests.site import Server, TestSite, call, submit

ROOM = "team"
"""A workspace that was made while the server had its store."""


def in_folder(bucket: Path, prefix: str = "lazur") -> Storage:
    return Storage(f"s3://{bucket.name}/{prefix}", "local", {"path": str(bucket)}, prefix)


def move_out(site: TestSite, bucket: Path) -> TestSite:
    """Its content goes to the bucket from now on; outputs do in the workspace ROOM."""
    bucket.mkdir(exist_ok=True)
    site.storage = in_folder(bucket)
    site.blobs = storage.blobs(site.home, site.storage)
    storage.settle(site.db, site.home, site.storage)
    call(site, workspaces.create, {"name": ROOM})
    return site


def number(site: TestSite, workspace: str = ROOM) -> int:
    with site.db.read() as db:
        row = by_name(db, workspace)
    assert row is not None
    return row.id


def place(site: TestSite, path: str, store: str = "workspaceblobstore") -> Path:
    """Where a file of the datastore is in the bucket."""
    assert site.storage is not None
    folder = site.storage.folder(number(site), store)
    return Path(site.storage.settings["path"]) / folder / path


def put(site: TestSite, path: str, data: bytes, store: str = "workspaceblobstore") -> Path:
    at = place(site, path, store)
    at.parent.mkdir(parents=True, exist_ok=True)
    at.write_bytes(data)
    return at


def run(site: TestSite, outputs: dict[str, Any], wrote: dict[str, bytes], **more: Any) -> str:
    """A job from its submission to its end; `wrote`: what its carrier sends, by paths below the
    job's own folder."""
    made = submit(site, ROOM, outputs=outputs, **more)
    name, server = str(made["name"]), Server(site)
    try:
        key = f"{ROOM}/{name}/1"
        _until(server, lambda: key in site.engine.attempts)
        for path, data in wrote.items():
            put(site, f"azureml/{name}/{path}", data)
        for move in (site.engine.run, site.engine.end):
            move(key)
            server.settle()
    finally:
        server.jobs.deliveries.stop()
    return name


def _until(server: Server, done: Any) -> None:
    """What a job begins with comes by threads of its own."""
    for _ in range(200):
        server.settle()
        if done():
            return
        time.sleep(0.02)
    raise AssertionError("it never came")
