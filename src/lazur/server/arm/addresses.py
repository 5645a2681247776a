"""Addresses of blobs that carry their own signature, for who asks."""

from __future__ import annotations

from typing import Any

from lazur.server.arm.calls import Call
from lazur.server.arm.ids import Ids
from lazur.server.arm.translate.places import Blobs, Here
from lazur.server.sign_in import bearer_secret
from lazur.services.azure import sas, staging, tokens
from lazur.services.azure.uploads import Place


def here(call: Call) -> Here:
    return Here(call.base, Ids(call.place), bool(call.scope.get("lazur.blob_hosts")))


def signature(
    call: Call, container: str, path: str = "", letters: str = sas.READ, seconds: float = 0
) -> str:
    """The query of an address that is good for this place of the caller's room, and ends with the
    token that was shown."""
    place = f"{here(call).account}/{container}" + (f"/{path}" if path else "")
    secret = bearer_secret(call.scope["headers"]) or ""
    return sas.sign(call.site, tokens.holder(secret), place, letters, seconds or sas.SECONDS)


def signed(
    call: Call, container: str, path: str = "", letters: str = sas.READ, seconds: float = 0
) -> str:
    """The whole address."""
    query = signature(call, container, path, letters, seconds)
    return f"{here(call).url(container, path)}?{query}"


def pending_upload(call: Call, key: str) -> dict[str, Any]:
    """Where files go that are about to be registered: an area of their own."""
    area = staging.area(call.site.home, call.who.name, key)
    url = signed(call, area, letters=sas.WRITE)
    return {
        "pendingUploadId": None,
        "pendingUploadType": "TemporaryBlobReference",
        "blobReferenceForConsumption": {
            "blobUri": here(call).url(area),
            "storageAccountArmId": _account_id(call),
            "credential": {"credentialType": "SAS", "sasUri": url},
        },
    }


def place_of(found: Blobs) -> Place:
    return Place(found.account, found.container, found.path)


def _account_id(call: Call) -> str:
    name = here(call).account.lstrip(staging.REGISTRY)
    return f"{call.ids.group}/providers/Microsoft.Storage/storageAccounts/{name}"
