"""The part of Azure's blob storage that its clients use, over datastores: blobs whole or in
blocks, their metadata, ranges, lists."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from email.utils import formatdate

from anyio import CancelScope
from anyio.to_thread import run_sync

from lazur.engine import paths
from lazur.errors import Forbidden, Invalid, NotFound, PreconditionFailed, Unsupported
from lazur.server import room
from lazur.server.arm import address
from lazur.server.arm.calls import Call
from lazur.server.arm.dataplane import blob_lists, receiving
from lazur.server.arm.dataplane.sending import send_blob, send_head
from lazur.server.arm.replies import Reply
from lazur.server.arm.routes import Routes
from lazur.server.arm.translate.places import bare
from lazur.services.azure import blobs, boxes, sas
from lazur.services.azure.blobs import Opened
from lazur.services.azure.blocks import Blocks
from lazur.services.azure.boxes import Blob
from lazur.services.azure.notes import Notes
from lazur.services.content import stored
from lazur.services.content.stored import Waiting
from lazur.services.tracking.artifacts import Draft
from lazur.store.stored import PATH

routes = Routes()

_HERE = "/_blob/{account}/{container}"
_BLOB = f"{_HERE}/{{path:path}}"
_ID = re.compile(r"<(Latest|Uncommitted|Committed)>([^<>]{1,200})</\1>")
_KEY = re.compile(r"[a-z_][a-z0-9_]*")
_MOST_BLOCKS = 50_000
_LIST_BYTES = 8 << 20
_PIECE = 1 << 20
_METADATA = "x-ms-meta-"
_CONDITIONS = ("if-match", "if-modified-since", "if-unmodified-since")
_OTHERS = ("comp", "snapshot", "versionid")
"""In the query of who asks for something else than the blob."""
_LONGEST = 8192
"""Of all metadata together, as Azure has it."""


@dataclass(frozen=True)
class Target:
    """A blob, or a container, that the caller may reach so."""

    account: str
    name: str
    path: str
    opened: Opened

    @property
    def notes(self) -> Notes:
        return Notes(self.opened.notes)


@routes.on("GET", _HERE, blobs.READ)
async def find(call: Call, account: str, container: str) -> Reply:
    """The container's blobs."""
    if call.query.get("comp") != "list":
        raise Unsupported(
            "Of a container only its list of blobs is served.", hint="Ask for it with comp=list."
        )
    prefix = _prefix(call, account, container)

    def look() -> Reply:
        target = _target(call, account, container, prefix, sas.LIST)
        return blob_lists.page(call, target.name, target.opened.container, prefix, target.notes)

    return await run_sync(look)


@routes.on("HEAD", _HERE, blobs.READ)
async def container_properties(call: Call, account: str, container: str) -> Reply:
    await run_sync(_target, call, account, container, "", sas.LIST)
    return Reply(headers={"ETag": '"0"', "Last-Modified": formatdate(0, usegmt=True)})


@routes.on("PUT", _HERE, blobs.WRITE)
async def create_container(call: Call, account: str, container: str) -> None:
    """Containers are datastores: one that is there is not made."""
    await run_sync(_target, call, account, container, "", "w")
    raise Unsupported(
        "Containers are not made by this way.", hint="lazur datastore create -f FILE"
    )


@routes.on("HEAD", _BLOB, blobs.READ)
async def properties(call: Call, account: str, container: str, path: str) -> None:
    _, found, headers = await run_sync(_found, call, account, container, path)
    await send_head(call, found, headers)


@routes.on("GET", _BLOB, blobs.READ)
async def fetch(call: Call, account: str, container: str, path: str) -> Reply | None:
    target, found, headers = await run_sync(_found, call, account, container, path)
    return await send_blob(call, target.opened.container, found, headers)


@routes.on("PUT", _BLOB, blobs.WRITE)
async def put(call: Call, account: str, container: str, path: str) -> Reply:
    """The whole of it, a block, the list of its blocks, or its metadata."""
    target = await run_sync(_target, call, account, container, path, "w")
    blobs.check_writable(path, call.who.job)
    _check_conditions(call)
    if "x-ms-copy-source" in call.headers:
        raise Unsupported(
            "Blobs are not copied on the server.", hint="Fetch it, and put what you have fetched."
        )
    match call.query.get("comp", ""):
        case "":
            return await _put_blob(call, target)
        case "block":
            return await _put_block(call, target)
        case "blocklist":
            return await _put_list(call, target)
        case "metadata":
            return await run_sync(_put_metadata, call, target)
        case other:
            raise Unsupported(
                f"comp={other[:50]} is not served.",
                hint="Send a blob whole, or in blocks (comp=block) with their list "
                "(comp=blocklist); its metadata with comp=metadata.",
            )


@routes.on("DELETE", _BLOB, blobs.DELETE)
async def delete(call: Call, account: str, container: str, path: str) -> Reply:
    _check_conditions(call)

    def act() -> Reply:
        target = _target(call, account, container, path, "d")
        size = target.opened.container.info(path).size
        target.opened.container.delete(path)
        target.notes.drop(path)
        _count(call, target, -size)
        return Reply(status=202)

    return await run_sync(act)


def _prefix(call: Call, account: str, container: str) -> str:
    """Who asks for the very folder that their address was signed for gets what is in it."""
    asked, signed = call.query.get("prefix", ""), _signed(call)
    whole = signed is not None and signed.place == f"{bare(account)}/{container}/{asked}"
    return f"{asked}/" if whole else asked


def _found(
    call: Call, account: str, container: str, path: str
) -> tuple[Target, Blob, dict[str, str]]:
    target = _target(call, account, container, path, "r")
    if asked := next((name for name in _OTHERS if call.query.get(name)), None):
        raise Unsupported(
            f"{asked}={call.query[asked][:50]} is not served.",
            hint="Of a blob there are its content, as it is now, and its metadata.",
        )
    found = target.opened.container.info(path)
    if call.headers.get("if-match", "*") not in ("*", _etag(found)):
        raise PreconditionFailed(
            f"{paths.shown(path)} has changed since its first part was fetched.",
            hint="Fetch all of it again.",
        )
    return target, found, _headers(found) | _noted(target, found)


def _target(call: Call, account: str, container: str, path: str, letter: str) -> Target:
    """Once the address, where it is a signed one, and whose it is allow it."""
    account = bare(account)
    signed = _signed(call)
    if signed is not None and not signed.allows(letter, account, container, path):
        raise Forbidden("The signed address is not good for this.")
    action = {"r": blobs.READ, sas.LIST: blobs.READ, "d": blobs.DELETE}.get(letter, blobs.WRITE)
    opened = call.read(lambda context: blobs.opened(context, account, container, action))
    return Target(account, container, path, opened)


def _signed(call: Call) -> sas.Signed | None:
    """What the gate has found to be good: the same text, read in the same way."""
    found = address.secret(call.scope)
    return sas.read(found[1]) if found is not None and found[0] == "sas" else None


async def _put_blob(call: Call, target: Target) -> Reply:
    kind = call.headers.get("x-ms-blob-type", "BlockBlob")
    if kind != "BlockBlob":
        raise Unsupported(f"Blobs of type {kind[:50]} are not served.", hint="Use block blobs.")
    box = target.opened.container
    new = _is_new(call)
    with room.said():
        await run_sync(_check_room, call, target, receiving.length(call), new)
        draft = await run_sync(box.draft)
        try:
            await receiving.receive(call, draft.write)
            return _told(await run_sync(lambda: _published(call, target, draft, new=new)))
        finally:
            with CancelScope(shield=True):
                await run_sync(draft.discard)


async def _put_block(call: Call, target: Target) -> Reply:
    number = call.query.get("blockid", "")
    if not 0 < len(number) <= 200:
        raise Invalid("A block has an id.")
    blocks = _blocks(call, target)
    with room.said():
        size = receiving.length(call)
        await run_sync(lambda: _check_room(call, target, size, waiting=blocks.waiting))
        descriptor, draft = await run_sync(blocks.open, number)
        try:
            await receiving.receive(call, lambda parts: _write(descriptor, parts))
            await run_sync(blocks.keep, draft)
        finally:
            os.close(descriptor)
            with CancelScope(shield=True):
                await run_sync(blocks.discard, draft)
    return Reply(status=201, headers={"x-ms-request-server-encrypted": "false"})


async def _put_list(call: Call, target: Target) -> Reply:
    listed = _ID.findall(await receiving.text(call, _LIST_BYTES))
    if len(listed) > _MOST_BLOCKS or any(kind == "Committed" for kind, _ in listed):
        raise Unsupported(
            "A blob is put together of blocks that were put just before.",
            hint=f"Put all of its blocks, at most {_MOST_BLOCKS:,}, and list each as Latest.",
        )
    numbers = [number for _, number in listed]
    blocks = _blocks(call, target)
    new = _is_new(call)

    def assemble() -> Blob:
        _check_room(call, target, blocks.size(numbers), new)
        draft = target.opened.container.draft()
        try:
            for piece in blocks.pieces(numbers, _PIECE):
                draft.write([piece])
            made = _published(call, target, draft, new=new)
        finally:
            draft.discard()
        blocks.finish(numbers, made.tag)
        return made

    def once() -> Reply:
        with blocks.turn():
            return _told(_finished(target, blocks.finished(numbers)) or assemble())

    with room.said():
        return await run_sync(once)


def _finished(target: Target, tag: str | None) -> Blob | None:
    """The blob with this tag, where it is still that one."""
    if tag is not None:
        with suppress(NotFound):
            found = target.opened.container.info(target.path)
            return found if found.tag == tag else None
    return None


def _is_new(call: Call) -> bool:
    """A job replaces nothing."""
    return call.headers.get("if-none-match") == "*" or call.who.job is not None


def _check_conditions(call: Call) -> None:
    """What is not looked at must not seem to be."""
    if asked := next((name for name in _CONDITIONS if name in call.headers), None):
        raise Unsupported(
            f"{asked} is not heeded when a blob is written or deleted.",
            hint="If-None-Match: * is, which writes new blobs alone.",
        )


def _put_metadata(call: Call, target: Target) -> Reply:
    found = target.opened.container.info(target.path)
    target.notes.put(target.path, found.tag, _metadata(call))
    return Reply(headers=_headers(found))


def _check_room(
    call: Call,
    target: Target,
    size: int,
    new: bool = False,
    waiting: Callable[[], Waiting] = lambda: Waiting(0, 0),
) -> None:
    """Before any bytes come that are refused at the end."""
    if (workspace_id := target.opened.workspace_id) is not None:
        stored.check_upload(call.site, call.who, workspace_id, size, waiting)
    if new:
        boxes.check_free(target.opened.container, target.path)


def _published(call: Call, target: Target, draft: Draft, *, new: bool) -> Blob:
    box = target.opened.container
    before = 0
    with suppress(NotFound):
        before = box.info(target.path).size
    made = box.put(draft, target.path, new=new)
    if noted := _metadata(call):
        target.notes.put(target.path, made.tag, noted)
    else:
        target.notes.drop(target.path)
    _count(call, target, made.size - before)
    return made


def _told(made: Blob) -> Reply:
    headers = _headers(made) | {"x-ms-request-server-encrypted": "false"}
    return Reply(status=201, headers=headers)


def _count(call: Call, target: Target, size: int) -> None:
    workspace = target.opened.workspace_id
    if workspace is None or not target.opened.lasts:
        return
    top = "/".join([target.name, *target.path.split("/")[:2]])[:255]
    with call.site.context(call.who, synced=False) as context:
        stored.grow(context, workspace, PATH, top, size)


def _blocks(call: Call, target: Target) -> Blocks:
    return Blocks(call.site.home, target.account, call.who.name, target.name, target.path)


def _metadata(call: Call) -> dict[str, str]:
    found = {
        name.removeprefix(_METADATA): text
        for name, text in call.headers.items()
        if name.startswith(_METADATA)
    }
    if wrong := next((name for name in found if not _KEY.fullmatch(name)), None):
        raise Invalid(f"{wrong[:50]!r} is no name of metadata.", hint="Use letters, digits, `_`.")
    if sum(len(name) + len(text) for name, text in found.items()) > _LONGEST:
        raise Invalid(f"A blob's metadata may have {_LONGEST:,} characters.")
    return found


def _noted(target: Target, found: Blob) -> dict[str, str]:
    noted = target.notes.get(found.path, found.tag)
    return {f"{_METADATA}{name}": text for name, text in noted.items()}


def _etag(found: Blob) -> str:
    return f'"{found.tag}"'


def _headers(found: Blob) -> dict[str, str]:
    when = formatdate(found.modified, usegmt=True)
    return {
        "ETag": _etag(found),
        "Last-Modified": when,
        "x-ms-creation-time": when,
        "x-ms-blob-type": "BlockBlob",
        "x-ms-version": "2026-02-06",
        "Accept-Ranges": "bytes",
        "Content-Type": "application/octet-stream",
    }


def _write(descriptor: int, parts: list[bytes]) -> None:
    for part in parts:
        left = memoryview(part)
        while left:
            left = left[os.write(descriptor, left) :]
