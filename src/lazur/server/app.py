"""The composition root: puts the parts together, and nothing else."""

from __future__ import annotations

import contextlib
import json
import logging
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from importlib import import_module as load
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

import lazur
from lazur.builders.venv import Venv
from lazur.egress import Rule
from lazur.errors import Invalid, LazurError, NotFound
from lazur.loops.base import Loop
from lazur.loops.builds import Builds
from lazur.loops.dispatch import Dispatch
from lazur.loops.hints import Hints
from lazur.loops.jobs import Jobs
from lazur.loops.posts import Posts
from lazur.loops.reports import Reports
from lazur.loops.schedules import Schedules
from lazur.loops.shares import Shares
from lazur.loops.sweepup import Sweepup
from lazur.server import pages
from lazur.server.arm import address as azure
from lazur.server.asgi import App, Receive, Scope, Send
from lazur.server.deps import Call
from lazur.server.gate import OPEN, Gate
from lazur.server.headers import retry_after
from lazur.server.identity import Authenticate, SecretKind
from lazur.server.live import Live
from lazur.server.mlflow import address, replies
from lazur.server.mlflow.entry import Entry
from lazur.server.mlflow.upstream import Upstream
from lazur.server.native import (
    assets,
    audits,
    azures,
    computes,
    content,
    curves,
    data,
    environments,
    experiments,
    jobs,
    lineage,
    many_models,
    output_files,
    people,
    quotas,
    registries,
    resources,
    runs,
    schedules,
    sessions,
    sign_ins,
    streams,
    tensorboards,
    usage,
    workspaces,
)
from lazur.server.settings import DEFAULT_VAULT, Settings
from lazur.server.tensorboard import entry as tensorboard
from lazur.server.tensorboard.boards import Boards
from lazur.server.ways import Ways
from lazur.services.base import workspaces as workspace_services
from lazur.services.base.access import Principal, Resource
from lazur.services.base.home import Home
from lazur.services.base.site import Context, Keep, Site
from lazur.services.content import storage as storages
from lazur.services.looks.desk import Desk
from lazur.services.people import tokens
from lazur.services.people.refusals import Refusals
from lazur.spec.names import fold
from lazur.store import schema
from lazur.store.db import Database, sqlite_url
from lazur.store.mlflow import schema as mlflow_schema

log = logging.getLogger("lazur.server")

PARTS = (
    workspaces,
    computes,
    jobs,
    runs,
    experiments,
    curves,
    tensorboards,
    streams,
    content,
    environments,
    sessions,
    sign_ins,
    people,
    quotas,
    usage,
    audits,
    azures,
    lineage,
    many_models,
    output_files,
    registries,
    resources,
    schedules,
    data,
    assets,
)
_ADDRESS_OF_MLFLOW = (
    "MLflow's tracking URI is more than the server's address: `lazur mlflow-uri` prints it."
)
OPEN_ROUTES = frozenset(path for _, path in OPEN)
"""Routes without an access decision: the gate lets them through without identity."""


def create_app(settings: Settings) -> Gate:
    site = create_site(settings)
    app = create_api(site, settings)
    front = Front(app, site, settings)
    return Gate(front, create_authenticator(site), settings, Refusals(site).record)


def create_authenticator(site: Site) -> Authenticate:
    """What the gate asks. What reads Azure's tokens is imported when one is shown."""
    ours = tokens.authenticator(site)
    theirs: list[Authenticate] = []

    def authenticate(kind: SecretKind, secret: str) -> Principal | None:
        if kind in ("bearer", "session"):
            return ours(kind, secret)
        if not theirs:
            theirs.append(load("lazur.services.azure.tokens").authenticator(site, ours))
        return theirs[0](kind, secret)

    return authenticate


class Front:
    """The addresses of MLflow, of Azure's wire and of TensorBoards lead to what serves those,
    everything else to the API. All begin and end together."""

    def __init__(self, api: FastAPI, site: Site, settings: Settings) -> None:
        self.api = api
        self.mlflow = Entry(site, Upstream(site, settings))
        self.tensorboard = tensorboard.Entry(site, api.state.boards)
        self._azure: App | None = None
        self._settle = (site, api.state.missed)
        api.state.endings += [self.mlflow.stop, api.state.boards.stop]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._behind(scope)(scope, receive, send)

    def _behind(self, scope: Scope) -> App:
        if scope["type"] != "http":
            return self.api
        if address.belongs(scope["path"]):
            return self.mlflow
        if tensorboard.belongs(scope["path"]):
            return self.tensorboard
        if azure.belongs(scope["path"]):
            return self._arm()
        return self.api

    def _arm(self) -> App:
        """Imported by the first who asks: many servers are never asked."""
        if self._azure is None:
            self._azure = load("lazur.server.arm.entry").Entry(*self._settle)
        assert self._azure is not None
        return self._azure


def create_site(settings: Settings) -> Site:
    home = Home(settings.home)
    home.prepare()
    db = Database(settings.database or sqlite_url(home.database))
    schema.bring_up(db)
    mlflow_schema.bring_up(db)
    storage = storages.read(home, settings.storage)
    storages.settle(db, home, storage)
    site = Site(
        home=home,
        db=db,
        blobs=storages.blobs(home, storage),
        storage=storage,
        builder=Venv(str(home.path)),
        runner=home.identity(),
        server=_this_server(home, settings),
        url=_own_url(settings),
        keep=Keep(settings.environment_days, settings.environment_gigabytes << 30),
        workspace_days=settings.workspace_trash_days,
        unknown_compute=settings.unknown_compute,
        vault=settings.vault,
        cache_bytes=settings.data_cache_gigabytes << 30,
        copies_bytes=settings.storage_copies_gigabytes << 30,
        egress=Rule.of(settings.egress_allow),
        openlineage_url=settings.openlineage_url,
        openlineage_token=_token_file(settings),
        ambient_datastores=frozenset(fold(name) for name in settings.ambient_datastores),
    )
    if settings.vault != DEFAULT_VAULT:
        _ = site.keyring  # what is set up wrongly is said at the start
    with site.context() as context:
        workspace_services.ensure_default(context)
        tokens.ensure_owner(context)
    return site


def create_api(site: Site, settings: Settings) -> FastAPI:
    """The routes over `site`, without the gate in front."""
    app = FastAPI(
        title="Lazur",
        version=lazur.__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=_lifespan(site, settings),
    )
    app.state.site = site
    app.state.live = Live()
    app.state.boards = Boards(site, settings)
    app.state.ways = Ways.of(settings, site)
    app.state.looks = Desk(site)
    app.state.missed = Counter()
    app.state.endings = [app.state.looks.stop]
    site.bus.listen("job", lambda _topic, key: app.state.live.topics.publish(f"job:{key}"))
    site.bus.listen("build", lambda _topic, key: app.state.live.topics.publish(f"build:{key}"))
    for part in PARTS:
        app.include_router(part.routes)
    app.router.routes.extend(pages.routes())
    _add_plain_routes(app)
    _add_error_handlers(app)
    check_decisions(app)
    return app


def check_decisions(app: FastAPI) -> None:
    """Refuse to start with a route that nobody decided about."""
    for route in all_routes(app.routes):
        if not isinstance(route, APIRoute) or route.path in OPEN_ROUTES:
            continue
        if "x-lazur-action" not in (route.openapi_extra or {}):
            raise LazurError(f"The route {route.path} declares no action.")


def all_routes(routes: Iterable[Any]) -> Iterator[Any]:
    """Those of included routers and mounted applications too: FastAPI keeps routers whole."""
    for route in routes:
        yield route
        for inner in (getattr(route, "original_router", None), getattr(route, "app", None)):
            yield from all_routes(getattr(inner, "routes", ()))


def _lifespan(site: Site, settings: Settings) -> Callable[[FastAPI], Any]:
    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        moves = settings.role != "api"
        loops = [*(_loops(site) if moves else ()), Reports(site)]
        hints = Hints(site) if moves else None
        if hints:
            hints.start()
        for loop in loops:
            loop.start()
        yield
        app.state.live.close()
        for end in app.state.endings:
            await end()
        if hints:
            hints.stop()
        for loop in reversed(loops):
            loop.stop(timeout=1.0)

    return lifespan


def _loops(site: Site) -> list[Loop]:
    moving = Jobs(site)
    telling: list[Loop] = [Posts(site)] if site.openlineage_url else []
    always: list[Loop] = [moving, Dispatch(site, moving), Builds(site), Schedules(site)]
    return [*always, Shares(site), Sweepup(site), *telling]


def _add_plain_routes(app: FastAPI) -> None:
    @app.get("/healthz", tags=["server"])
    def healthz() -> dict[str, str]:
        """Open to all: whether the server answers, and which it is."""
        return {"status": "ok", "version": lazur.__version__}

    @app.get(
        "/api/v1/openapi.json", tags=["server"], openapi_extra={"x-lazur-action": "openapi/read"}
    )
    def openapi(call: Call) -> Response:
        def describe(context: Context) -> dict[str, Any]:
            context.require("openapi/read", Resource())
            return app.openapi()

        return call.read(describe)


def _add_error_handlers(app: FastAPI) -> None:
    @app.exception_handler(LazurError)
    async def known(request: Request, error: LazurError) -> JSONResponse:
        request.scope["lazur.denial"] = error.denial
        headers = {name.decode(): value.decode() for name, value in retry_after(error)}
        return JSONResponse(error.to_dict(), error.status, headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        return JSONResponse(Invalid(f"{place}: {first['msg']}.").to_dict(), Invalid.status)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        made = NotFound if error.status_code == 404 else Invalid
        message = f"{error.detail}: {request.method} {request.url.path[:200]}"
        if not address.is_missed(request.url.path):
            return JSONResponse(made(message).to_dict(), error.status_code)
        told = replies.error(made(message, hint=_ADDRESS_OF_MLFLOW))
        return Response(told, error.status_code, media_type="application/json")


def _token_file(settings: Settings) -> Path | None:
    name = settings.openlineage_token_file
    return settings.home / Path(name).expanduser() if name else None


def _own_url(settings: Settings) -> Callable[[], str]:
    """Known once the socket is bound: the lock file of the home names it."""
    found: list[str] = []

    def url() -> str:
        if not found:
            with contextlib.suppress(OSError, ValueError, KeyError):
                facts = json.loads((settings.home / "server.lock").read_text())
                found.append(str(facts["url"]))
        return (
            found[0] if found else f"{settings.scheme}://{settings.client_host()}:{settings.port}"
        )

    return url


def _this_server(home: Home, settings: Settings) -> str:
    """A home has at most one server of each kind at a time: its lock sees to that."""
    kind = "loops" if settings.role == "loops" else "server"
    return f"{home.identity()[:8]}-{kind}"
