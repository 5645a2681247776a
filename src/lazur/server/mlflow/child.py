"""Upstream's own server as a child of ours: `python -m lazur.server.mlflow.child`, see leash.py.

Its web app only, one worker. What ran beside it or did more than answering is left out: the job
workers (workers.py starts them when a request needs them), the assistant, which runs commands on
the server, and making or upgrading tables, which is ours to do.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import logging
import os
import socket
import warnings
from pathlib import Path
from typing import Any

import uvicorn

from lazur.server import leash
from lazur.server.mlflow import egress, locations
from lazur.server.mlflow.door import Door
from lazur.server.mlflow.workers import Workers

log = logging.getLogger("lazur.server.mlflow.child")

_DESTINATION = "_MLFLOW_SERVER_ARTIFACT_DESTINATION"

BUSY_SECONDS = 30
"""How long a write waits for other writers of an SQLite database."""
POOL = 8
"""Requests that are worked on at once; each may hold a connection to the database."""


def main() -> None:
    settings = leash.take()
    os.environ.update(settings["environ"])
    egress.restrict()
    logging.basicConfig(level="WARNING", format="%(levelname)s %(name)s: %(message)s")
    warnings.simplefilter("ignore")
    listening = leash.listen(settings["socket"])
    app = load()
    warm_up()
    locations.restrict(Path(os.environ[_DESTINATION]))
    Workers(Path(settings["jobs"]), Door(app, serve)).take_over()
    gc.collect()
    gc.freeze()
    serve(app, listening)
    leash.leave()


def load() -> Any:
    """Upstream's app, without what is not for it to do."""
    _keep_tables(importlib.import_module("mlflow.store.db.utils"))
    _set_up_connections()
    _drop_assistant()
    _follow_links(importlib.import_module("mlflow.store.artifact.local_artifact_repo"))
    return importlib.import_module("mlflow.server.fastapi_app").app


def warm_up() -> None:
    """Open the stores now, so that a database that does not fit is known before anybody asks, and
    the folder of all artifacts, which nobody opens later."""
    handlers = importlib.import_module("mlflow.server.handlers")
    handlers._get_tracking_store()
    handlers._get_model_registry_store()
    handlers._get_artifact_repo_mlflow_artifacts()
    importlib.import_module("mlflow.server.workspace_helpers")._get_workspace_store()


def serve(app: Any, listening: socket.socket) -> None:
    config = uvicorn.Config(
        settled(app),
        http="httptools",
        loop="asyncio",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=1,
    )
    asyncio.run(_serve(Server(config), listening))


def settled(app: Any) -> Any:
    """Upstream's gateway raises after it has answered 500. uvicorn would then drop the connection,
    and with it the next request that somebody sends there."""

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        over = False

        async def tell(message: Any) -> None:
            nonlocal over
            await send(message)
            over = message["type"] == "http.response.body" and not message.get("more_body")

        try:
            await app(scope, receive, tell)
        except Exception:
            if not over:
                raise
            log.exception("MLflow failed, and has said so")

    return answer


class Server(uvicorn.Server):
    """Idle means asleep: upstream's looks around ten times a second."""

    async def main_loop(self) -> None:
        while not self.should_exit:  # noqa: ASYNC110 - set by a signal handler, which wakes no event
            await asyncio.sleep(0.5)


async def _serve(server: uvicorn.Server, listening: socket.socket) -> None:
    threads = importlib.import_module("anyio").to_thread.current_default_thread_limiter()
    threads.total_tokens = POOL
    await server.serve(sockets=[listening])


def _keep_tables(utils: Any) -> None:
    def refuse(*_args: object) -> None:
        raise importlib.import_module("mlflow.exceptions").MlflowException(
            "MLflow's tables are not in the database. Start Lazur's server again: it makes them."
        )

    utils._initialize_tables = refuse
    utils._safe_initialize_tables = lambda engine: None
    utils._upgrade_db = refuse


def _set_up_connections() -> None:
    """As our own in store/db.py: readers do not wait, writers wait for each other."""
    sqlalchemy = importlib.import_module("sqlalchemy")

    @sqlalchemy.event.listens_for(sqlalchemy.engine.Engine, "connect")
    def connected(connection: Any, _record: Any) -> None:
        if "sqlite" in type(connection).__module__:
            for pragma in (
                "journal_mode=WAL",
                "synchronous=FULL",
                f"busy_timeout={BUSY_SECONDS * 1000}",
                "temp_store=MEMORY",
            ):
                connection.execute(f"PRAGMA {pragma}")


def _follow_links(repository: Any) -> None:
    """Upstream refuses what leads out of its folder. Below `workspaces/` our own links do; behind
    each of them the same holds for the folder that it leads to."""
    within = repository.validate_path_within_directory

    def validate(base: str, path: str) -> str:
        spaces = Path(os.environ[_DESTINATION]) / "workspaces"
        absolute = Path(path).absolute()
        if absolute.is_relative_to(spaces) and absolute != spaces:
            base = str(spaces / absolute.relative_to(spaces).parts[0])
        return within(base, path)

    repository.validate_path_within_directory = validate


def _drop_assistant() -> None:
    assistant: Any = importlib.import_module("mlflow.server.assistant.api")
    assistant.assistant_router = importlib.import_module("fastapi").APIRouter()


if __name__ == "__main__":
    main()
