"""Azure Data Lake Storage Gen2. Settings: `account_name`, `filesystem`, `endpoint`, `protocol`;
credentials: a service principal's, and those that blobs take."""

from __future__ import annotations

from lazur.datastores._azure import Blobs
from lazur.datastores._settings import name


class AzureDataLakeGen2(Blobs):
    def _container(self) -> str:
        return name(self.settings, "filesystem")
