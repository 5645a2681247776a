"""Azure Blob Storage. Settings: `account_name`, `container_name`, `endpoint`, `protocol`;
credentials: `account_key`, `sas_token`, or a service principal's."""

from __future__ import annotations

from lazur.datastores._azure import Blobs


class AzureBlob(Blobs):
    """All of it is what blobs have in common."""
