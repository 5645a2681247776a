"""Upstream's server for those that ask for what only it can answer."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from site import getuserbase
from typing import Any

from lazur.errors import MissingExtra
from lazur.server.asgi import Receive, Send
from lazur.server.children import Child, Recipe, Running
from lazur.server.mlflow import egress
from lazur.server.proxy import Outgoing, Proxy
from lazur.server.settings import Settings
from lazur.services.base.site import Site
from lazur.store.mlflow import schema

_WORKSPACE = b"x-mlflow-workspace"


class Upstream:
    def __init__(self, site: Site, settings: Settings) -> None:
        recipe = Recipe("mlflow", "lazur.server.mlflow.child", lambda: _told(site, settings))
        idle = settings.mlflow_idle_minutes * 60.0
        self._is_installed = schema.installed() is not None
        self._jobs = site.home.run / "mlflow-jobs"
        self.child = Child(recipe, site.home.path, idle, busy=self._works)
        self._proxy = Proxy(self.child)

    async def answer(self, request: Outgoing, space: str, receive: Receive, send: Send) -> None:
        """Pass it on as one of the workspace that MLflow calls `space`."""
        self._require_mlflow()
        await self._proxy.forward(_placed(request, space), receive, send)

    async def fetch(self, request: Outgoing, space: str) -> tuple[int, bytes]:
        self._require_mlflow()
        return await self._proxy.fetch(_placed(request, space))

    async def _works(self, _running: Running) -> bool:
        """A file for each of upstream's jobs, see workers.py."""
        return self._jobs.is_dir() and any(self._jobs.iterdir())

    async def stop(self) -> None:
        await self._proxy.close()
        await self.child.stop()

    def _require_mlflow(self) -> None:
        if not self._is_installed:
            raise MissingExtra("MLflow is not installed where the server runs.", extra="server")


def _placed(request: Outgoing, space: str) -> Outgoing:
    """In the workspace that we say, whichever the client would like."""
    kept = [pair for pair in request.headers if pair[0] != _WORKSPACE]
    return replace(request, headers=[*kept, (_WORKSPACE, space.encode("ascii"))])


def _told(site: Site, settings: Settings) -> dict[str, Any]:
    """Upstream's settings. It tells nobody about itself, loads no pickles, reaches no private
    addresses unless it is allowed to, and finds no credentials in the home of the server's
    account."""
    key = site.home.key("mlflow")
    private = "true" if settings.mlflow_private_urls else "false"
    schemes = "https,http" if settings.mlflow_private_urls else "https"
    return {
        "environ": {
            "HOME": str(site.home.run),
            "PYTHONUSERBASE": getuserbase(),
            "MLFLOW_ENABLE_WORKSPACES": "true",
            "_MLFLOW_SERVER_FILE_STORE": schema.url(site.db),
            "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
            "_MLFLOW_SERVER_ARTIFACT_DESTINATION": str(site.home.mlflow),
            "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
            "_MLFLOW_IN_JOB_EXECUTOR": "false",
            "_MLFLOW_SGI_NAME": "uvicorn",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "DO_NOT_TRACK": "true",
            "MLFLOW_MODEL_CATALOG_URI": "",
            "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
            "MLFLOW_SERVER_ENABLE_CUSTOM_SCORERS": "false",
            "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": private,
            "MLFLOW_WEBHOOK_ALLOWED_SCHEMES": schemes,
            "MLFLOW_GATEWAY_API_BASE_ALLOW_PRIVATE_IPS": private,
            "MLFLOW_GATEWAY_API_BASE_ALLOWED_SCHEMES": schemes,
            "MLFLOW_CRYPTO_KEK_PASSPHRASE": key,
            "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY": _fernet(key),
            egress.SETTING: egress.ANYWHERE if settings.mlflow_private_urls else "public",
        },
        "jobs": str(site.home.run / "mlflow-jobs"),
    }


def _fernet(key: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(f"webhooks {key}".encode()).digest()).decode()
