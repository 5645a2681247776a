"""`connect()`: the way in for programs, and for the command line."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cached_property
from inspect import isfunction
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

from lazur.errors import Invalid, Unauthenticated
from lazur.sdk import local
from lazur.sdk.assets import Assets
from lazur.sdk.audits import Audit
from lazur.sdk.components import Components
from lazur.sdk.computes import Computes
from lazur.sdk.data import DataAssets
from lazur.sdk.entities import (
    AmlCompute,
    Component,
    Data,
    Entity,
    Environment,
    Model,
    Submittable,
)
from lazur.sdk.environments import Environments
from lazur.sdk.experiments import Experiments
from lazur.sdk.home import defaults, find, token_for
from lazur.sdk.http import Address, Http
from lazur.sdk.jobs import Jobs
from lazur.sdk.lineage import Lineage
from lazur.sdk.models import Models
from lazur.sdk.people import Groups, Principals, RoleAssignments, Roles, Tokens
from lazur.sdk.poller import Poller
from lazur.sdk.quotas import Quotas
from lazur.sdk.resources import Connections, Datastores
from lazur.sdk.rooms import Registries, Workspaces
from lazur.sdk.runs import Runs
from lazur.sdk.schedules import Schedules
from lazur.sdk.scope import Scope
from lazur.sdk.usage import Usage
from lazur.sdk.views import Asset, Compute, Job, Schedule, View

DEFAULT_WORKSPACE = "default"


class Client:
    """One server, one workspace. Attributes are named as those of `azure.ai.ml.MLClient`."""

    def __init__(
        self,
        url: str | Http | None = None,
        token: str | None = None,
        workspace: str | None = None,
        home: str | os.PathLike[str] | None = None,
    ) -> None:
        """See `connect`; an `Http` speaks to some server already."""
        folder = find(home)
        saved = defaults(folder).get("defaults", {})
        place = workspace or os.environ.get("LAZUR_WORKSPACE") or saved.get("workspace")
        chosen = url or os.environ.get("LAZUR_SERVER") or saved.get("server")
        self.http = _remote(folder, chosen, token) if chosen else _own(folder)
        self.scope = Scope(self.http, place or DEFAULT_WORKSPACE, folder)

    @property
    def workspace_name(self) -> str:
        return self.scope.workspace

    @property
    def url(self) -> str:
        return self.http.address.url

    @cached_property
    def jobs(self) -> Jobs:
        return Jobs(self.scope)

    @cached_property
    def runs(self) -> Runs:
        return Runs(self.scope)

    @cached_property
    def experiments(self) -> Experiments:
        return Experiments(self.scope)

    @property
    def tracking_uri(self) -> str:
        """What `mlflow.set_tracking_uri` wants, for this workspace. MLflow takes the token from
        MLFLOW_TRACKING_TOKEN."""
        return f"{self.url}/mlflow/workspaces/{quote(self.workspace_name, safe='')}"

    @cached_property
    def environments(self) -> Environments:
        return Environments(self.scope)

    @cached_property
    def data(self) -> DataAssets:
        return DataAssets(self.scope, "data")

    @cached_property
    def models(self) -> Models:
        return Models(self.scope, "models")

    @cached_property
    def components(self) -> Components:
        return Components(self.scope, "components")

    @cached_property
    def compute(self) -> Computes:
        return Computes(self.scope)

    @property
    def computes(self) -> Computes:
        return self.compute

    @cached_property
    def datastores(self) -> Datastores:
        return Datastores(self.scope)

    @cached_property
    def connections(self) -> Connections:
        return Connections(self.scope)

    @cached_property
    def schedules(self) -> Schedules:
        return Schedules(self.scope)

    @cached_property
    def workspaces(self) -> Workspaces:
        return Workspaces(self.http)

    @cached_property
    def users(self) -> Principals:
        return Principals(self.http, "users")

    @cached_property
    def groups(self) -> Groups:
        return Groups(self.http, "groups")

    @cached_property
    def services(self) -> Principals:
        return Principals(self.http, "services")

    @cached_property
    def roles(self) -> Roles:
        return Roles(self.http)

    @cached_property
    def role_assignments(self) -> RoleAssignments:
        return RoleAssignments(self.scope)

    @cached_property
    def tokens(self) -> Tokens:
        return Tokens(self.http)

    @cached_property
    def lineage(self) -> Lineage:
        return Lineage(self.scope)

    @cached_property
    def audit(self) -> Audit:
        return Audit(self.scope)

    @cached_property
    def quotas(self) -> Quotas:
        return Quotas(self.scope)

    @cached_property
    def usage(self) -> Usage:
        return Usage(self.scope)

    @cached_property
    def registries(self) -> Registries:
        return Registries(self.http)

    def create_or_update(self, entity: Entity | Job | Callable[..., Any]) -> Job | Asset | Compute:
        """Whatever it is: a job is submitted, an asset registered."""
        if isinstance(entity, AmlCompute):
            return self.compute.create_or_update(entity)
        if isfunction(entity):
            return self.components.create_or_update(entity)
        if isinstance(entity, Submittable | Job):
            return self.jobs.create_or_update(entity)
        rooms: dict[type[Entity], Assets] = {
            Environment: self.environments,
            Data: self.data,
            Model: self.models,
            Component: self.components,
        }
        for cls, room in rooms.items():
            if isinstance(entity, cls):
                return room.create_or_update(entity)
        raise Invalid(f"A {type(entity).__name__} cannot be created by itself.")

    def begin_create_or_update(self, entity: Entity | Schedule) -> Poller[Any]:
        """As in Azure's client, of computes and schedules."""
        if isinstance(entity, AmlCompute):
            return self.compute.begin_create_or_update(entity)
        return self.schedules.begin_create_or_update(entity)

    def me(self) -> View:
        """Who the server takes us for."""
        return View(self.http.request("GET", "/api/v1/me").json())

    def sign_in_url(self, page: str) -> str:
        """An address that opens `page` in a browser that need not be signed in. It works once, and
        soon."""
        code = self.http.request("POST", "/api/v1/sign-in-codes").json()
        path = page.removeprefix(self.url) if page.startswith(self.url) else "/"
        return f"{code['url']}&next={quote(path, safe='')}" if path != "/" else code["url"]

    def close(self) -> None:
        self.http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client(url={self.url!r}, workspace={self.workspace_name!r})"


def connect(
    url: str | None = None,
    token: str | None = None,
    workspace: str | None = None,
    home: str | os.PathLike[str] | None = None,
) -> Client:
    """A client for the server at `url`, else LAZUR_SERVER, else the one chosen by `lazur login`,
    else the server of the home folder, which is started when it does not run. `workspace`
    likewise: LAZUR_WORKSPACE, then `lazur configure --defaults workspace=…`, then `default`."""
    return Client(url, token, workspace, home)


def unsigned(home: Path, url: str) -> Http:
    """For who is about to sign in there. Close it."""
    return Http(Address(url, None, _authority(home, url)))


def _own(home: Path) -> Http:
    def recover() -> Address:
        return local.ensure(home)

    return Http(local.ensure(home), recover=recover, patience=30.0)


def _remote(home: Path, url: str | Http, token: str | None) -> Http:
    """The home's own server may be named by its address too; its token goes to that address
    only."""
    if isinstance(url, Http):
        return url
    if not isinstance(url, str):
        raise Invalid(
            f"The address of a server is text, this is a {type(url).__name__}.",
            hint="lazur.connect() takes the server that `lazur` takes; lazur.connect(url, token,"
            " workspace) another. Azure's MLClient runs as it is, with `lazur azure env`.",
        )
    own = local.address(home)
    if own is not None and own.url == url.rstrip("/"):
        return Http(Address(own.url, token or os.environ.get("LAZUR_TOKEN") or own.token, own.ca))
    secret = token or os.environ.get("LAZUR_TOKEN") or token_for(home, url)
    if not secret:
        raise Unauthenticated(
            f"There is no token for {url}.",
            hint=f"Sign in with `lazur login --server {url}`, or set LAZUR_TOKEN.",
        )
    return Http(Address(url, secret, _authority(home, url)))


def _authority(home: Path, url: str) -> str | None:
    ca = home / "tls" / "ca.pem"
    return str(ca) if url.startswith("https:") and ca.exists() else None
