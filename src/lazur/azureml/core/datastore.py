"""`azureml.core.datastore`: files of datastores, to read."""

from __future__ import annotations

from .._lazur.absent import lacking, refused
from .._lazur.workspace_wire import Room, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


_BY_FILES = "Its files are had by download(), or as an input."


class Datastore:
    """A job may read there what whoever submitted it may read."""

    def __init__(self, workspace: Any = None, name: str = "workspaceblobstore", **_: Any) -> None:
        self.workspace = workspace
        self.name = name

    @staticmethod
    def get(workspace: Any, datastore_name: str) -> Datastore:
        return Datastore(workspace, datastore_name)

    @staticmethod
    def get_default(workspace: Any) -> Datastore:
        known = Room().listed("/datastores")
        return Datastore(workspace, next(s["name"] for s in known if s["is_default"]))

    def download(
        self, target_path: str, prefix: str | None = None, overwrite: bool = False, **_: Any
    ) -> int:
        place = "/datastores/%s/files" % quoted(self.name)
        return len(Room().download(place, target_path, (prefix or "").strip("/")))

    def path(self, path: str | None = None, *_: Any, **__: Any) -> tuple[Datastore, str]:
        """As datasets take it."""
        return self, path or ""

    def upload(self, *_: Any, **__: Any) -> Any:
        raise refused(
            "Datastore.upload",
            "Declare an output there, and write into the folder that the job gets:"
            " outputs: {x: {path: azureml://datastores/%s/paths/…}}." % self.name,
        )

    upload_files = upload

    account_key = property(lacking("Datastore.account_key", _BY_FILES))
    sas_token = property(lacking("Datastore.sas_token", _BY_FILES))

    def __repr__(self) -> str:
        return "Datastore(name=%r)" % self.name
