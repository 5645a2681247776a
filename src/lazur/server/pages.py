"""The plain pages: recent jobs, one job live, its mini-batches, the way to TensorBoard, sign-in.
They hold no data; their scripts ask the API, as anyone must."""

from __future__ import annotations

import hashlib
import mimetypes
from dataclasses import dataclass
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_PAGES = {
    "/": "index.html",
    "/jobs/{workspace}/{name}": "job.html",
    "/jobs/{workspace}/{name}/mini-batches": "mini-batches.html",
    "/sign-in": "sign-in.html",
    "/sign-in/cli": "sign-in-cli.html",
    "/sign-in/device": "sign-in-device.html",
    "/sign-in/password": "sign-in-password.html",
    "/tensorboard/{workspace}/{board}": "tensorboard.html",
}
_TYPES = {".js": "text/javascript", ".svg": "image/svg+xml"}


def routes() -> list[Route]:
    """Everything is read now: what is not in the folder at start can never be asked for."""
    static = {
        entry.name: _load(entry.name)
        for entry in files("lazur.server").joinpath("static").iterdir()
    }
    made = [Route(path, _answer(static[name])) for path, name in _PAGES.items()]
    return [*made, *(Route(f"/static/{name}", _answer(file)) for name, file in static.items())]


@dataclass(frozen=True)
class _File:
    content: bytes
    media_type: str
    tag: str


def _load(name: str) -> _File:
    content = files("lazur.server").joinpath("static", name).read_bytes()
    suffix = "." + name.rpartition(".")[2]
    media_type = _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    return _File(content, media_type, f'"{hashlib.sha256(content).hexdigest()[:20]}"')


def _answer(file: _File):
    headers = {"etag": file.tag, "cache-control": "no-cache"}

    async def answer(request: Request) -> Response:
        if request.headers.get("if-none-match") == file.tag:
            return Response(status_code=304, headers=headers)
        return Response(file.content, media_type=file.media_type, headers=headers)

    return answer
