"""Datastores."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lazur.azureml._lazur.files import fits
from lazur.sdk.downloads import fetch
from lazur.v1.core import staging
from lazur.v1.core.places import Consumed, DataReference, Port
from lazur.v1.told import ignored

if TYPE_CHECKING:
    from lazur.v1.core.workspace import Workspace


class Datastore:
    def __init__(self, workspace: Workspace, name: str = "workspaceblobstore") -> None:
        self.workspace = workspace
        self.name = name

    @staticmethod
    def get(workspace: Workspace, datastore_name: str) -> Datastore:
        found = workspace.client.datastores.get(datastore_name)
        return Datastore(workspace, found.name)

    @staticmethod
    def get_default(workspace: Workspace) -> Datastore:
        return Datastore(workspace, workspace.client.datastores.get_default().name)

    @staticmethod
    def register_azure_blob_container(
        workspace: Workspace,
        datastore_name: str,
        container_name: str,
        account_name: str,
        sas_token: str | None = None,
        account_key: str | None = None,
        **more: Any,
    ) -> Datastore:
        place = {"account_name": account_name, "container_name": container_name}
        return _registered(
            workspace, "azure_blob", datastore_name, place, sas_token, account_key, more
        )

    @staticmethod
    def register_azure_file_share(
        workspace: Workspace,
        datastore_name: str,
        file_share_name: str,
        account_name: str,
        sas_token: str | None = None,
        account_key: str | None = None,
        **more: Any,
    ) -> Datastore:
        place = {"account_name": account_name, "file_share_name": file_share_name}
        return _registered(
            workspace, "azure_file", datastore_name, place, sas_token, account_key, more
        )

    @staticmethod
    def register_azure_data_lake_gen2(
        workspace: Workspace,
        datastore_name: str,
        filesystem: str,
        account_name: str,
        tenant_id: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        **more: Any,
    ) -> Datastore:
        ignored("Datastore.register_azure_data_lake_gen2", _odd(more))
        body: dict[str, Any] = {"account_name": account_name, "filesystem": filesystem}
        if client_id:
            body["credentials"] = {
                "tenant_id": tenant_id, "client_id": client_id, "client_secret": client_secret,
            }  # fmt: skip
        return _made(workspace, {"name": datastore_name, "type": "azure_data_lake_gen2", **body})

    def path(self, path: str | None = None, data_reference_name: str | None = None) -> Any:
        return DataReference(self, data_reference_name, path)

    def as_mount(self) -> Consumed:
        return DataReference(self).as_mount()

    def as_download(self) -> Consumed:
        return DataReference(self).as_download()

    def upload(self, src_dir: str, target_path: str | None = None, **_: Any) -> Consumed:
        """What comes back is the data, stored by content when a job first uses them; so are they
        when this script names the place again."""
        folder = Path(src_dir).absolute()
        staging.put(self.name, target_path or "", folder)
        return Consumed(Port(target_path or "data", str(folder)))

    def upload_files(
        self,
        files: Sequence[str],
        relative_root: str | None = None,
        target_path: str | None = None,
        **_: Any,
    ) -> Consumed:
        for file in map(Path, files):
            inside = os.path.relpath(file, relative_root) if relative_root else file.name
            staging.put(self.name, _below(target_path, inside), file.absolute())
        name = target_path or "data"
        if len(files) == 1:
            return Consumed(Port(name, str(Path(files[0]).absolute()), is_file=True))
        return Consumed(Port(name, str(staging.find(self.name, target_path or ""))))

    def download(
        self, target_path: str, prefix: str | None = None, overwrite: bool = False, **_: Any
    ) -> int:
        listed = Listed(self.workspace, "datastores", self.name, "files")
        return len(listed.fetch(Path(target_path), prefix or "", is_whole=True))

    def __repr__(self) -> str:
        return f"Datastore(name={self.name!r})"


class Listed:
    """Files at the server, through which those of a datastore come, too."""

    def __init__(self, workspace: Workspace, *parts: str) -> None:
        self._scope = workspace.client.scope
        self._path = self._scope.path(*parts)

    def fetch(
        self, folder: Path, prefix: str = "", pattern: str = "", *, is_whole: bool = False
    ) -> list[Path]:
        """Those at a place and below it, by their paths from there, or by the whole ones."""
        top = prefix.strip("/")
        query = {"prefix": top} if top else {}
        listed = self._scope.http.request("GET", self._path, query=query).json()["value"]
        by_name = {f["path"] if is_whole else _from(top, f["path"]): f for f in listed}
        chosen = [(name, f) for name, f in by_name.items() if fits(name, pattern)]
        fetch(self._scope.http, self._path, chosen, folder, None)
        return sorted(folder / name for name, _ in chosen)


def _from(top: str, path: str) -> str:
    if not top:
        return path
    return path.rpartition("/")[2] if path == top else path.removeprefix(f"{top}/")


def _registered(
    workspace: Workspace,
    kind: str,
    name: str,
    place: dict[str, Any],
    sas_token: str | None,
    account_key: str | None,
    more: dict[str, Any],
) -> Datastore:
    ignored("Datastore.register", _odd(more))
    told = {"sas_token": sas_token, "account_key": account_key}
    credentials = {key: value for key, value in told.items() if value}
    body = {**place, **({"credentials": credentials} if credentials else {})}
    return _made(workspace, {"name": name, "type": kind, **body})


def _made(workspace: Workspace, body: dict[str, Any]) -> Datastore:
    workspace.client.datastores.create_or_update(body)
    return Datastore(workspace, body["name"])


def _odd(more: dict[str, Any]) -> dict[str, Any]:
    """Of no use here, and in most scripts."""
    usual = ("overwrite", "create_if_not_exists", "subscription_id", "resource_group",
             "skip_validation", "blob_cache_timeout", "grant_workspace_access")  # fmt: skip
    return {key: value for key, value in more.items() if key not in usual}


def _below(target_path: str | None, inside: str) -> str:
    return f"{target_path.strip('/')}/{inside}" if target_path else inside
