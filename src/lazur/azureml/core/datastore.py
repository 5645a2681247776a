"""`azureml.core.datastore`: files of datastores, to read."""

from __future__ import annotations

from .._lazur.absent import refused
from .._lazur.workspace_wire import Room, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


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
        return Datastore(workspace)

    def download(
        self, target_path: str, prefix: str | None = None, overwrite: bool = False, **_: Any
    ) -> int:
        place = "/datastores/%s/files" % quoted(self.name)
        return len(Room().download(place, target_path, {"prefix": prefix or ""}))

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

    def __repr__(self) -> str:
        return "Datastore(name=%r)" % self.name
