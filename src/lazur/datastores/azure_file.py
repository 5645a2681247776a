"""Azure Files. Settings: `account_name`, `file_share_name`, `endpoint`, `protocol`; credentials:
`account_key`, `sas_token`, or a service principal's."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from typing import Any

from lazur.datastores._azure import (
    EXTRA,
    OPTIONS,
    authority,
    credential,
    endpoint,
    failure,
    quoted,
)
from lazur.datastores._remote import Remote, changed
from lazur.datastores._settings import library, name
from lazur.engine import paths
from lazur.engine.contracts import Stored
from lazur.errors import Invalid

_DRAFTS = ".lazur-drafts"
_FORBIDDEN = frozenset('":|<>*?')
_BLOCK = 4 << 20
"""The most that one request may carry."""


class AzureFile(Remote):
    """A share is a tree of folders, written to in place: files are put aside and renamed."""

    def _urls(self) -> list[str]:
        return [*authority(self.credentials), endpoint(self.settings, "file")]

    def _made(self) -> Any:
        return library("azure.storage.fileshare", EXTRA).ShareClient(
            endpoint(self.settings, "file"),
            name(self.settings, "file_share_name"),
            credential=credential(self.credentials, ambient=self.ambient),
            token_intent="backup",  # noqa: S106 - what service principals must say they come for
            **OPTIONS,
        )

    def _pages(self, prefix: str) -> Iterable[Iterable[Stored]]:
        todo = [prefix.rstrip("/")]
        while todo:
            folder = todo.pop()
            found = list(self._listed(folder))
            todo += [path for path, item in found if item.is_directory]
            yield [self._info(path) for path, item in found if not item.is_directory]

    def _info(self, path: str) -> Stored:
        found = self._client.get_file_client(path).get_file_properties()
        return Stored(
            path, int(found.size), quoted(str(found.etag)), found.last_modified.timestamp()
        )

    def _chunks(self, found: Stored, offset: int) -> Iterable[bytes]:
        """There are no conditions here: what the answer is of is looked at when it comes."""
        answer = self._client.get_file_client(found.path).download_file(
            offset, found.size - offset
        )
        if quoted(str(answer.properties.etag)) != found.version:
            raise changed(found.path)
        return answer.chunks()

    def _send(self, path: str, given: Iterator[bytes], size: int) -> None:
        if odd := _FORBIDDEN & set(path):
            raise Invalid(
                f"{paths.shown(path)}: no name in Azure Files has {' '.join(odd)} in it."
            )
        draft = f"{_DRAFTS}/{uuid.uuid4().hex}"
        with self._calling(path):
            self._make_folders(draft)
            self._make_folders(path)
            file = self._client.get_file_client(draft)
            file.create_file(size)
        try:
            self._fill(path, file, given)
            with self._calling(path):
                file.rename_file(path, overwrite=True)
        except BaseException:
            with self._calling(path):
                file.delete_file()
            raise

    def _fill(self, path: str, file: Any, given: Iterator[bytes]) -> None:
        offset = 0
        for data in given:
            if data:
                with self._calling(path):
                    file.upload_range(data, offset, len(data))
            offset += len(data)

    def _block(self, size: int) -> int:
        return _BLOCK

    def _delete(self, path: str) -> None:
        self._client.get_file_client(path).delete_file()

    def _failure(self, error: Any) -> tuple[int, str] | None:
        return failure(error)

    def _listed(self, folder: str) -> Iterator[tuple[str, Any]]:
        """Nothing where there is no such folder, as everywhere else."""
        absent = library("azure.core.exceptions", EXTRA).ResourceNotFoundError
        try:
            for item in self._client.list_directories_and_files(folder or None):
                path = f"{folder}/{item.name}" if folder else str(item.name)
                if path != _DRAFTS:
                    yield path, item
        except absent:
            if not folder:
                raise

    def _make_folders(self, path: str) -> None:
        there = library("azure.core.exceptions", EXTRA).ResourceExistsError
        parts = path.split("/")[:-1]
        for count in range(1, len(parts) + 1):
            try:
                self._client.create_directory("/".join(parts[:count]))
            except there:
                continue
