"""MLflow's routes for files, answered here and never by upstream: streamed both ways, below the
workspace's own artifact store."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from posixpath import basename
from typing import Any, TypeVar
from urllib.parse import parse_qs

from anyio.to_thread import run_sync

from lazur.errors import Invalid, NotFound, TooLarge, Unsupported
from lazur.safe import Entry
from lazur.server.asgi import Receive, Scope, Send, answer
from lazur.server.mlflow import downloads, uploads
from lazur.server.mlflow.counting import counted, length
from lazur.services.base import artifact_uris
from lazur.services.base.access import Principal
from lazur.services.base.home import ARTIFACTSTORE
from lazur.services.base.site import Context, Site
from lazur.services.tracking import registered_files, uris
from lazur.services.tracking.artifacts import Artifacts, File, check
from lazur.services.tracking.places import Place
from lazur.store.mlflow import artifacts as store

T = TypeVar("T")

_FILES = "2.0/mlflow-artifacts/artifacts"
_MODELS = "2.0/mlflow/logged-models/"
_FROM_PAGE = 10 << 20
"""Bytes that upstream takes by `upload-artifact`, which its pages use."""


@dataclass
class Transfer:
    """One request, after the access decision about its route. `path` is `Rule.path`."""

    site: Site
    who: Principal
    place: Place
    scope: Scope
    receive: Receive
    send: Send
    path: str
    query: bytes
    body: bytes = b""

    @property
    def files(self) -> Artifacts:
        return Artifacts(self.site.home.datastore(self.place.name, ARTIFACTSTORE))

    def below(self, prefix: str) -> str:
        """The path in the store that follows `prefix` in the address."""
        return artifact_uris.scoped(self.place.mlflow, self.path.removeprefix(prefix).lstrip("/"))

    def open(self, path: str) -> File:
        if not registered_files.is_one(path):
            return self.files.open(path)
        return self._registered(path).opened()

    def entries(self, path: str) -> Iterable[Entry]:
        if not registered_files.is_one(path):
            return self.files.entries(path)
        return self._registered(path).entries()

    def _registered(self, path: str) -> registered_files.Held:
        with self.site.context(self.who, write=False) as context:
            return registered_files.find(context, self.place, path)

    def parameter(self, *names: str) -> str | None:
        """The first value of the first of these names that the query has."""
        found = parse_qs(self.query.decode("latin-1"), keep_blank_values=True)
        return next((found[name][0] for name in names if name in found), None)

    async def look_up(self, look: Callable[[Context], T]) -> T:
        def read() -> T:
            with self.site.context(self.who, write=False) as context:
                return look(context)

        return await run_sync(read)

    def counted(self, path: str, coming: int | None) -> AbstractAsyncContextManager[None]:
        return counted(self.site, self.who, self.place, self.files, path, coming)

    async def check_writable(self, path: str) -> None:
        def check_rights() -> None:
            with self.site.context(self.who, write=False) as context:
                uris.require_writable(context, self.place.mlflow, path)

        check(path)
        registered_files.check_writable(path)
        if self.who.job is not None:
            await run_sync(check_rights)


Handler = Callable[[Transfer], Awaitable[bool]]
"""False: upstream shall answer, and nothing was sent."""


def find(method: str, path: str) -> Handler | None:
    """None: the route is not about files."""
    method = "GET" if method == "HEAD" else method
    if path.startswith(f"{_FILES}/"):
        return _BY_PATH.get(method)
    if path.startswith(_MODELS) and method == "GET":
        return _OF_MODELS.get(path.rpartition("/artifacts/")[2])
    for beginning, handler in _UNSUPPORTED.items():
        if path.startswith(beginning):
            return handler
    return _ROUTES.get((method, path))


async def _upload(transfer: Transfer) -> bool:
    if transfer.path.endswith("/"):
        raise Invalid("Artifact path must include a filename (cannot end with '/').")
    path = transfer.below(_FILES)
    await transfer.check_writable(path)
    async with transfer.counted(path, length(transfer.scope)):
        await uploads.receive(transfer.files, path, transfer.receive)
    await answer(transfer.send, 200, kind=b"")
    return True


async def _download(transfer: Transfer) -> bool:
    await _send(transfer, transfer.below(_FILES))
    return True


async def _delete(transfer: Transfer) -> bool:
    path = transfer.below(_FILES)
    await transfer.check_writable(path)
    async with transfer.counted(path, None):
        await run_sync(transfer.files.remove, path)
    await answer(transfer.send, 200, b"{}")
    return True


async def _list(transfer: Transfer) -> bool:
    path = artifact_uris.scoped(transfer.place.mlflow, transfer.parameter("path") or "")
    await _send_list(transfer, path, "")
    return True


async def _unsupported_upload(transfer: Transfer) -> bool:
    """Upstream's words: its client then sends the file in one piece."""
    raise Unsupported("Multipart upload is not supported for the current artifact repository")


async def _unsupported_download(transfer: Transfer) -> bool:
    raise Unsupported("Multipart download is not supported for the current artifact repository")


async def _list_of_run(transfer: Transfer) -> bool:
    run = transfer.parameter("run_id") or transfer.parameter("run_uuid")
    if not run:
        return False
    return await _list_in(transfer, await _run(transfer, run), transfer.parameter("path"))


async def _file_of_run(transfer: Transfer) -> bool:
    run, path = transfer.parameter("run_id", "run_uuid"), transfer.parameter("path")
    if not run or path is None:
        return False
    return await _send_in(transfer, await _run(transfer, run), path)


async def _file_of_model_version(transfer: Transfer) -> bool:
    name, version = transfer.parameter("name"), transfer.parameter("version")
    path = transfer.parameter("path")
    if not name or path is None or not (version and version.isdecimal() and len(version) < 10):
        return False
    number, space = int(version), transfer.place.mlflow
    uri = await transfer.look_up(
        lambda context: store.of_model_version(context.db, space, name, number)
    )
    return uri is not None and await _send_in(transfer, uri, path)


async def _file_of_model(transfer: Transfer) -> bool:
    path = transfer.parameter("artifact_file_path")
    uri = await _model(transfer)
    return uri is not None and bool(path) and await _send_in(transfer, uri, path or "")


async def _list_of_model(transfer: Transfer) -> bool:
    uri = await _model(transfer)
    if uri is None:
        return False
    return await _list_in(transfer, uri, transfer.parameter("artifact_directory_path"))


async def _file_of_trace(transfer: Transfer) -> bool:
    """Its attachments. What was said in it is in the database mostly: upstream's to find."""
    trace, path = transfer.parameter("request_id"), transfer.parameter("path")
    if not trace or not path or "/" in path:
        return False
    space = transfer.place.mlflow
    uri = await transfer.look_up(lambda context: store.of_trace(context.db, space, trace))
    try:
        return uri is not None and await _send_in(transfer, uri, f"attachments/{path}")
    except NotFound:
        return False


async def _upload_from_page(transfer: Transfer) -> bool:
    run, path = transfer.parameter("run_uuid"), transfer.parameter("path")
    if not run or not path or not transfer.body:
        return False
    if len(transfer.body) > _FROM_PAGE:
        raise TooLarge("Artifact size is too large. Max size is 10MB.")
    found = _joined(transfer, await _run(transfer, run), path)
    if found is None:
        return False
    await transfer.check_writable(found)
    async with transfer.counted(found, len(transfer.body)):
        await run_sync(uploads.put, transfer.files, found, transfer.body)
    await answer(transfer.send, 200)
    return True


async def _run(transfer: Transfer, run: str) -> str:
    uri = await transfer.look_up(
        lambda context: store.of_run(context.db, transfer.place.mlflow, run)
    )
    if uri is None:
        raise NotFound(f"Run with id={run[:100]} not found")
    return uri


async def _model(transfer: Transfer) -> str | None:
    model = transfer.path.removeprefix(_MODELS).partition("/")[0]
    return await transfer.look_up(
        lambda context: store.of_model(context.db, transfer.place.mlflow, model)
    )


def _joined(transfer: Transfer, uri: str, path: str | None) -> str | None:
    """The path in the store of what lies at `path` below a URI."""
    if (folder := artifact_uris.inside(transfer.place.mlflow, uri)) is None:
        return None
    return "/".join(filter(None, [folder, artifact_uris.relative(path or "")]))


async def _send_in(transfer: Transfer, uri: str, path: str) -> bool:
    if (found := _joined(transfer, uri, path)) is None:
        return False
    await _send(transfer, found)
    return True


async def _send(transfer: Transfer, path: str) -> None:
    try:
        file = await run_sync(transfer.open, path)
    except NotFound:
        place = f"workspaces/{transfer.place.mlflow}/{path}"
        raise NotFound(f"No such artifact: '{place}'") from None
    await downloads.send(file, basename(path), transfer.scope, transfer.send)


async def _list_in(transfer: Transfer, uri: str, path: str | None) -> bool:
    if (found := _joined(transfer, uri, path)) is None:
        return False
    inner = artifact_uris.relative(path or "")
    await _send_list(transfer, found, f"{inner}/" if inner else "", uri)
    return True


async def _send_list(transfer: Transfer, path: str, prefix: str, uri: str | None = None) -> None:
    entries = await run_sync(transfer.entries, path)
    body = await run_sync(_rendered, entries, prefix, uri)
    await answer(transfer.send, 200, body)


def _rendered(entries: Iterable[Entry], prefix: str, uri: str | None) -> bytes:
    """As upstream spells its message: an empty file has no size, an empty folder no files."""
    told: dict[str, Any] = {} if uri is None else {"root_uri": uri}
    files = [_file(entry, prefix + basename(entry.path)) for entry in entries]
    if files:
        told["files"] = files
    return json.dumps(told, indent=2).encode()


def _file(entry: Entry, path: str) -> dict[str, Any]:
    told = {"path": path, "is_dir": entry.folder}
    return {**told, "file_size": entry.size} if entry.size else told


_BY_PATH: dict[str, Handler] = {"PUT": _upload, "GET": _download, "DELETE": _delete}
_OF_MODELS: dict[str, Handler] = {"files": _file_of_model, "directories": _list_of_model}
_UNSUPPORTED: dict[str, Handler] = {
    "2.0/mlflow-artifacts/mpu/": _unsupported_upload,
    "2.0/mlflow-artifacts/presigned/": _unsupported_download,
}
_ROUTES: dict[tuple[str, str], Handler] = {
    ("GET", _FILES): _list,
    ("GET", "2.0/mlflow/artifacts/list"): _list_of_run,
    ("GET", "/get-artifact"): _file_of_run,
    ("GET", "/model-versions/get-artifact"): _file_of_model_version,
    ("GET", "2.0/mlflow/get-trace-artifact"): _file_of_trace,
    ("GET", "3.0/mlflow/get-trace-artifact"): _file_of_trace,
    ("POST", "2.0/mlflow/upload-artifact"): _upload_from_page,
}
