"""Files of an object store, as they are."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Protocol
from urllib.parse import urlsplit

from ._tools import Failed, Progress, need, say

_MAGIC = re.compile(r"[*?\[]")
Given = Mapping[str, str]


class Store(Protocol):
    def list(self, prefix: str) -> Iterator[str]: ...

    def fetch(self, name: str, to: Path) -> int: ...


def copy(asked: dict[str, Any], given: Given, folder: Path) -> None:
    """What `path` names: a file, a folder, or a pattern."""
    source = asked["source"]
    kind = source["connection_type"]
    if kind not in _STORES:
        raise Failed(
            f"A connection of type {kind} is no file system that is known. Known:"
            f" {', '.join(_STORES)}."
        )
    store: Store = _STORES[kind](given)
    path = str(source.get("path") or "").strip("/")
    start = path[: found.start()] if (found := _MAGIC.search(path)) else path
    total = count = 0
    progress = Progress("bytes")
    for name in _called(store, start, given):
        relative = _relative(name, path)
        if relative is None:
            continue
        to = folder / relative
        to.parent.mkdir(parents=True, exist_ok=True)
        total += _fetched(store, name, to, given)
        count += 1
        progress(total)
    if not count:
        raise Failed(f"There is nothing at {path!r} in the connection's target.")
    say(f"Imported {count:,} files, {total:,} bytes.")


def _relative(name: str, path: str) -> str | None:
    """Where a file goes; None for what was not asked for."""
    magic = _MAGIC.search(path)
    if magic:
        if not fnmatch.fnmatchcase(name, path if "**" in path else _within(path, name)):
            return None
        top = path[: magic.start()].rpartition("/")[0]
    elif name == path:
        top = path.rpartition("/")[0]
    elif not path or name.startswith(f"{path}/"):
        top = path
    else:
        return None
    relative = name[len(top) :].lstrip("/")
    parts = PurePosixPath(relative).parts
    if not relative or relative.endswith("/") or ".." in parts or "\0" in relative:
        return None
    return relative


def _within(pattern: str, name: str) -> str:
    """A `*` crosses no folder, but one at the end takes all that is below."""
    if pattern.endswith("*"):
        return pattern
    return pattern if pattern.count("/") == name.count("/") else "\0"


def _called(store: Store, prefix: str, given: Given) -> Iterator[str]:
    try:
        yield from store.list(prefix)
    except Failed:
        raise
    except Exception as error:
        raise Failed(f"The store cannot be listed: {_reason(error, given)}") from None


def _fetched(store: Store, name: str, to: Path, given: Given) -> int:
    try:
        return store.fetch(name, to)
    except Exception as error:
        raise Failed(f"{name} cannot be fetched: {_reason(error, given)}") from None


def _reason(error: Exception, given: Given) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    for name, value in given.items():
        if value and name != "target":
            text = text.replace(value, "***")
    return text[:500]


class S3:
    """The target is `s3://bucket`, `https://bucket.s3.<region>.amazonaws.com`, a bucket's name, or
    `https://host:port/bucket` of a store that speaks as S3 does."""

    def __init__(self, given: Given) -> None:
        session = need("botocore.session", "botocore", "S3").Session()
        endpoint, self._bucket = bucket_of(given["target"])
        if not given.get("access_key_id"):
            raise Failed("The connection has no credentials of type access_key.")
        self._client = session.create_client(
            "s3",
            region_name="us-east-1",
            endpoint_url=endpoint,
            aws_access_key_id=given["access_key_id"],
            aws_secret_access_key=given.get("secret_access_key"),
            aws_session_token=given.get("session_token"),
        )

    def list(self, prefix: str) -> Iterator[str]:
        pages = self._client.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self._bucket, Prefix=prefix):
            for found in page.get("Contents") or []:
                yield found["Key"]

    def fetch(self, name: str, to: Path) -> int:
        body = self._client.get_object(Bucket=self._bucket, Key=name)["Body"]
        with to.open("wb") as file:
            for block in body.iter_chunks(1 << 20):
                file.write(block)
            return file.tell()


class Blob:
    """Azure's: the target is `https://account.blob.core.windows.net/container`."""

    def __init__(self, given: Given) -> None:
        module = need("azure.storage.blob", "azure-storage-blob", "Azure Blob")
        key = given.get("account_key") or given.get("sas_token")
        if not key:
            raise Failed("The connection has no account_key or sas_token.")
        self._client = module.ContainerClient.from_container_url(given["target"], credential=key)

    def list(self, prefix: str) -> Iterator[str]:
        yield from self._client.list_blob_names(name_starts_with=prefix)

    def fetch(self, name: str, to: Path) -> int:
        with to.open("wb") as file:
            return int(self._client.download_blob(name).readinto(file))


def bucket_of(target: str) -> tuple[str | None, str]:
    parts = urlsplit(target if "://" in target else f"s3://{target}")
    path = parts.path.strip("/")
    if parts.scheme == "s3":
        return None, parts.netloc
    host = parts.hostname or ""
    if host.endswith(".amazonaws.com"):
        first = host.split(".")[0]
        return None, path.split("/")[0] if first.startswith("s3") else first
    return f"{parts.scheme}://{parts.netloc}", path.split("/")[0]


_STORES: dict[str, Any] = {"s3": S3, "azure_blob": Blob}
