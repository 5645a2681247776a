"""Below which address a workspace's MLflow lies."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SHAPES = re.compile(
    r"/mlflow"
    r"(?:/workspaces/(?P<plain>[^/]+)"
    r"|/v[12]\.0/subscriptions/[^/]+/resourceGroups/[^/]+/providers"
    r"/Microsoft\.MachineLearningServices/workspaces/(?P<azure>[^/]+))?"
    r"(?P<rest>/.*)?",
    re.IGNORECASE | re.DOTALL,
)
_MISSED = re.compile(r"/(?:ajax-)?api/[23]\.0/mlflow")
_UPLOADS = re.compile(r"/(?:ajax-)?api/2\.0/mlflow-artifacts/(?:artifacts|mpu)/")


@dataclass(frozen=True)
class Address:
    workspace: str | None
    """None: the caller's own."""
    path: str
    """What upstream is asked for; empty where the slash is missing that makes links relative."""


def parse(path: str) -> Address | None:
    found = _SHAPES.fullmatch(path)
    if found is None:
        return None
    return Address(found["plain"] or found["azure"], found["rest"] or "")


def belongs(path: str) -> bool:
    return path == "/mlflow" or path.startswith("/mlflow/")


def is_missed(path: str) -> bool:
    """Asked by a client whose tracking URI is the server's address, without MLflow's."""
    return _MISSED.match(path) is not None


def is_upload(method: str, path: str) -> bool:
    """Files come without a limit and are streamed."""
    if method not in {"PUT", "POST"} or not belongs(path):
        return False
    address = parse(path)
    return address is not None and _UPLOADS.match(address.path) is not None
