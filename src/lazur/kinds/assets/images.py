"""What the name of a container image says about the Python inside it."""

from __future__ import annotations

import re
from dataclasses import dataclass

_CURATED = re.compile(r"^mcr\.microsoft\.com/azureml/curated/(?P<name>[A-Za-z0-9._-]+)$")
_AZUREML = re.compile(r"^mcr\.microsoft\.com/(azureml|aifx/acpt|o16n-sample-user-base)/")
_PYTHON = re.compile(
    r"^((docker\.io|index\.docker\.io|registry-1\.docker\.io|public\.ecr\.aws/docker"
    r"|mcr\.microsoft\.com/mirror/docker)/)?(library/)?python$"
    r"|^mcr\.microsoft\.com/(devcontainers|vscode/devcontainers)/python$"
)
_UBUNTU = {"18.04": "3.8", "20.04": "3.8", "22.04": "3.10", "24.04": "3.12"}
"""The Python of Azure ML's base images, which their names do not tell."""
_TAG_VERSION = re.compile(r"(?:^|[-_.])(?P<version>[23](?:\.\d{1,2}){1,2})(?=$|[-_.a-z])")
_PY_HINT = re.compile(r"(?:^|[-_.])(?:py|python|cp)-?(?P<version>3\.?\d{1,2})(?=$|[-_.])")
_REFERENCE = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._/:@+-]{0,510}$")


@dataclass(frozen=True)
class Image:
    name: str
    """Without tag and digest."""
    tag: str | None
    python: str | None
    """The version its name tells, `3.10`."""
    curated: str | None
    """The curated environment it belongs to (`mcr.microsoft.com/azureml/curated/sklearn-1.5`)."""
    official: bool
    """Docker's own image of Python, in which there is nothing to miss."""
    plain: bool
    """Python and nothing else is known to be inside: `python:3.11-slim`, Azure ML's base
    images."""


def is_reference(text: str) -> bool:
    return _REFERENCE.match(text) is not None


def read(reference: str) -> Image:
    name, tag = _split(reference.strip())
    curated = _CURATED.match(name)
    official = _PYTHON.match(name) is not None
    return Image(
        name=name,
        tag=tag,
        python=_tag_version(tag) if official else _told(name, tag),
        curated=curated["name"] if curated else None,
        official=official,
        plain=official or (_AZUREML.match(name) is not None and not curated),
    )


def _split(reference: str) -> tuple[str, str | None]:
    """A colon before the last slash is a registry's port, not a tag."""
    reference = reference.partition("@")[0]
    head, slash, last = reference.rpartition("/")
    last, _, tag = last.partition(":")
    return head + slash + last, tag or None


def _tag_version(tag: str | None) -> str | None:
    found = _TAG_VERSION.match(tag) if tag else None
    return found["version"] if found else None


def _told(name: str, tag: str | None) -> str | None:
    last = name.rpartition("/")[2]
    told = _hint(f"{last}-{tag or ''}")
    if told or not _AZUREML.match(name):
        return told
    return next((python for release, python in _UBUNTU.items() if release in last), None)


def _hint(text: str) -> str | None:
    found = _PY_HINT.search(text)
    if not found:
        return None
    digits = found["version"].replace(".", "")
    return f"{digits[0]}.{digits[1:]}"
