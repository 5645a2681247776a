"""Which release of Azure's client asks. The layer below its operations was written anew in 1.35:
a few answers have another form before."""

from __future__ import annotations

import re

from lazur.server.arm.calls import Call
from lazur.server.arm.replies import POLL

_RELEASE = re.compile(r"azure-ai-ml/1\.(\d{1,4})")
_ANEW = 35
_LAYER = "azsdk-python-mgmt-machinelearningservices/"
"""The layer before. Of registries it asks without the name of the release."""


def is_old(call: Call) -> bool:
    agent = call.headers.get("user-agent", "")
    found = _RELEASE.search(agent)
    return _LAYER in agent or (found is not None and int(found[1]) < _ANEW)


def waiting(call: Call, path: str) -> dict[str, str]:
    """Old releases cannot read the first answer to a change twice, as they do where it is the last
    one, too: they are sent to `path`, to ask whether it is done."""
    if not is_old(call):
        return {}
    return {"Azure-AsyncOperation": call.url(path), "Retry-After": POLL}
