"""What a workspace or a registry of Azure promises about its network and its disks, and one here
does not: who asks for it is told so. Answered with silence, it would be believed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lazur.errors import Unsupported
from lazur.server.arm.translate.cases import mapping, snaked
from lazur.spec.model import squashed

_OPEN = (
    "Leave it out. Whom the server lets in, and where it leads, is said for all of it in its "
    "config.toml: host, allowed_hosts, egress_allow. Who sees what is in here, roles say."
)
_PLAIN = (
    "Leave it out. Credentials are sealed under the server's root key; files lie as they are: put "
    "the server's home on a disk that is encrypted."
)


def check(given: Mapping[str, Any], known: Mapping[str, Any] | None = None) -> None:
    """`given`: properties of a body, or parameters of a template. What was told the same of a
    room that is `known` is no change. Raises Unsupported."""
    body = snaked(given)
    access = body.get("public_network_access")
    same = known is not None and squashed(known.get("public_network_access")) == squashed(access)
    if squashed(access) == "disabled" and not same:
        raise _refusal("publicNetworkAccess: Disabled", "nothing would be closed off by it", _OPEN)
    mode = snaked(body.get("managed_network")).get("isolation_mode")
    if squashed(mode) not in ("", "disabled"):
        raise _refusal(
            f"managedNetwork: {str(mode)[:50]}", "a workspace has no network of its own", _OPEN
        )
    if squashed(snaked(body.get("network_acls")).get("default_action")) == "deny":
        raise _refusal("networkAcls", "nothing would be closed off by them", _OPEN)
    sealed = mapping(body.get("encryption")).get("status") or body.get("encryption_status")
    if squashed(sealed) == "enabled":
        raise _refusal("encryption by a key of yours", "files would lie open all the same", _PLAIN)
    if str(body.get("hbi_workspace") or body.get("confidential_data")).lower() == "true":
        raise _refusal("hbiWorkspace", "nothing would be encrypted by it", _PLAIN)


def _refusal(what: str, instead: str, hint: str) -> Unsupported:
    return Unsupported(f"{what} is not served: {instead}.", hint=hint)
