"""Amazon S3 and what speaks like it. Settings: `bucket_name`, `region`, `endpoint` (a URL, for
MinIO, Ceph and the like), `addressing` (auto, path, virtual); credentials: `access_key_id`,
`secret_access_key`, `session_token`."""

from __future__ import annotations

import builtins
import os
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

from lazur.datastores._remote import BLOCK, READ, InParts
from lazur.datastores._settings import choice, library, name, needed, secret
from lazur.engine.contracts import Stored
from lazur.errors import Invalid

EXTRA = "s3"
_ALONE = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}
"""What botocore takes for a session without anybody's files, whatever variables name them."""


class S3(InParts):
    def _urls(self) -> list[str]:
        given = _endpoint(self.settings)
        return [given] if given else []

    def _made(self) -> Any:
        session = library("botocore.session", EXTRA).Session(None if self.ambient else _ALONE)
        keys = _keys(self.credentials) if secret(self.credentials, "access_key_id") else {}
        nobody = not keys and not self.ambient
        signature = library("botocore", EXTRA).UNSIGNED if nobody else None
        return session.create_client(
            "s3",
            region_name=str(self.settings.get("region") or "us-east-1"),
            endpoint_url=_endpoint(self.settings),
            verify=True,
            config=library("botocore.config", EXTRA).Config(**_options(signature, self.settings)),
            **keys,
        )

    def _pages(self, prefix: str) -> Iterable[Iterable[Stored]]:
        lists = self._client.get_paginator("list_objects_v2")
        for page in lists.paginate(Bucket=self._bucket, Prefix=prefix):
            yield [
                Stored(item["Key"], item["Size"], item["ETag"], item["LastModified"].timestamp())
                for item in page.get("Contents", [])
            ]

    def _info(self, path: str) -> Stored:
        found = self._client.head_object(Bucket=self._bucket, Key=path)
        modified = found["LastModified"].timestamp()
        return Stored(path, found["ContentLength"], found["ETag"], modified)

    def _chunks(self, found: Stored, offset: int) -> Iterable[bytes]:
        return self._client.get_object(
            Bucket=self._bucket,
            Key=found.path,
            Range=f"bytes={offset}-{found.size - 1}",
            IfMatch=found.version,
        )["Body"].iter_chunks(READ)

    def _send(self, path: str, given: Iterator[bytes], size: int) -> None:
        """Parts are seen by nobody until they are completed."""
        to = {"Bucket": self._bucket, "Key": path}
        if size <= BLOCK:
            data = b"".join(given)
            with self._calling(path):
                self._client.put_object(**to, Body=data)
            return
        with self._calling(path):
            to["UploadId"] = self._client.create_multipart_upload(**to)["UploadId"]
        try:
            parts = [self._part(to, number, data) for number, data in enumerate(given, 1)]
            with self._calling(path):
                self._client.complete_multipart_upload(**to, MultipartUpload={"Parts": parts})
        except BaseException:
            with self._calling(path):
                self._client.abort_multipart_upload(**to)
            raise

    def _part(self, to: dict[str, str], number: int, data: bytes) -> dict[str, Any]:
        with self._calling(to["Key"]):
            made = self._client.upload_part(**to, PartNumber=number, Body=data)
        return {"PartNumber": number, "ETag": made["ETag"]}

    def _begin(self, path: str) -> str:
        made = self._client.create_multipart_upload(Bucket=self._bucket, Key=path)
        return str(made["UploadId"])

    def _sent(self, path: str, note: str) -> dict[int, tuple[str, int]]:
        lists = self._client.get_paginator("list_parts")
        pages = lists.paginate(Bucket=self._bucket, Key=path, UploadId=note)
        found = [part for page in pages for part in page.get("Parts", [])]
        return {part["PartNumber"]: (part["ETag"], part["Size"]) for part in found}

    def _put_part(self, path: str, note: str, number: int, data: bytes) -> str:
        to = {"Bucket": self._bucket, "Key": path, "UploadId": note}
        return str(self._client.upload_part(**to, PartNumber=number, Body=data)["ETag"])

    def _finish(self, path: str, note: str, tags: builtins.list[str]) -> None:
        parts = [{"PartNumber": number, "ETag": tag} for number, tag in enumerate(tags, 1)]
        self._client.complete_multipart_upload(
            Bucket=self._bucket, Key=path, UploadId=note, MultipartUpload={"Parts": parts}
        )

    def _give_up(self, path: str, note: str) -> None:
        self._client.abort_multipart_upload(Bucket=self._bucket, Key=path, UploadId=note)

    def _delete(self, path: str) -> None:
        self._client.delete_object(Bucket=self._bucket, Key=path)

    def _failure(self, error: Any) -> tuple[int, str] | None:
        found = library("botocore.exceptions", EXTRA)
        if isinstance(error, found.ClientError):
            answer: Any = error.response
            said = answer.get("Error", {})
            status = int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode") or 502)
            return status, f"{said.get('Code', '')} {said.get('Message', '')}".strip()
        if isinstance(error, found.NoCredentialsError | found.PartialCredentialsError):
            return 403, "there are no credentials"
        if isinstance(error, found.BotoCoreError | library("urllib3", EXTRA).exceptions.HTTPError):
            return 0, str(error).partition("?")[0]
        return None

    @property
    def _bucket(self) -> str:
        return name(self.settings, "bucket_name")


def _endpoint(settings: dict[str, Any]) -> str | None:
    given = str(settings.get("endpoint") or "")
    parts = urlsplit(given)
    if given and (parts.scheme not in ("http", "https") or not parts.hostname or "@" in given):
        raise Invalid("endpoint: a URL of https with a host, and without a user, is needed.")
    return given or None


def _keys(credentials: dict[str, Any]) -> dict[str, Any]:
    key, value = needed(credentials, "access_key_id", "secret_access_key")
    token = secret(credentials, "session_token") or None
    return {
        "aws_access_key_id": key,
        "aws_secret_access_key": value,
        "aws_session_token": token,
    }


def _options(signature: Any, settings: dict[str, Any]) -> dict[str, Any]:
    return {
        "signature_version": signature,
        "connect_timeout": 10,
        "read_timeout": 60,
        "max_pool_connections": 32,
        "retries": {"mode": "standard", "max_attempts": 4},
        "proxies": {},
        "ignore_configured_endpoint_urls": True,
        "request_checksum_calculation": "when_required",
        "response_checksum_validation": "when_required",
        "s3": {"addressing_style": choice(settings, "addressing", "auto", "path", "virtual")},
    }
