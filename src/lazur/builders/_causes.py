"""Why uv failed, in a sentence, and what to do next."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lazur.errors import BuildFailed

_NETWORK = re.compile(
    r"dns error|error sending request|connection refused|network is unreachable|timed? ?out"
    r"|connection reset|Failed to fetch|could not resolve host|tunnel error",
    re.IGNORECASE,
)
_DENIED = re.compile(r"\b(401|403)\b.*(unauthorized|forbidden)", re.IGNORECASE)
_UNKNOWN = re.compile(r"Because (?P<name>[\w.\[\]-]+) was not found in the package registry")
_NO_VERSION = re.compile(
    r"there is no version of (?P<name>[A-Za-z0-9._-]+)(?P<version>[=<>!~][^\s,]*)"
)
_PYTHON = re.compile(
    r"does not satisfy Python|no wheels with a matching Python|Python requirement"
)
_HASH = re.compile(r"Hash mismatch for `?(?P<name>[^`\s]+)")
_BUILD = re.compile(r"Failed to (?:download and )?build `(?P<name>[^`]+)`")
_DISK = re.compile(r"No space left on device|Disk quota exceeded", re.IGNORECASE)
_MARK = re.compile(r"^\s*(?:error:|cause:|hint:|×|╰─▶|├─▶|│)\s?")
_URL = re.compile(r"https?://[^\s`'\")]+")
_SHOWN = 40


def failed(phase: str, tail: Sequence[str], python: str) -> BuildFailed:
    text = " ".join(_plain(tail))
    message, hint = _cause(text, python)
    return BuildFailed(
        message, hint=hint, phase=phase, python=python, log_tail="\n".join(tail[-_SHOWN:])
    )


def is_network(tail: Sequence[str]) -> bool:
    return _NETWORK.search(" ".join(tail)) is not None


def missing_version(tail: Sequence[str]) -> str | None:
    """The package of which the version asked for does not exist."""
    found = _NO_VERSION.search(" ".join(_plain(tail)))
    return found["name"] if found else None


def _cause(text: str, python: str) -> tuple[str, str]:
    if _DISK.search(text):
        return "The disk is full.", "Free space: lazur environment prune"
    if found := _HASH.search(text):
        return (
            (
                f"What the index gave for {found['name']} is not what the lock says: its hash"
                " differs."
            ),
            (
                "Somebody changed the file on the index, or it was damaged on the way. Build"
                " again; if it stays, ask the keeper of the index."
            ),
        )
    if found := _UNKNOWN.search(text):
        name = found["name"]
        return (
            f"There is no package {name} on the index.",
            (
                "Look for its right name (conda and PyPI differ at times); if it is your own, give"
                " its index with `--extra-index-url` under `pip:`."
            ),
        )
    if _DENIED.search(text):
        return (
            f"The index refused access{_host(text)}.",
            "Check its credentials in pip's or uv's settings.",
        )
    if found := _NO_VERSION.search(text):
        return (
            f"There is no {found['name']}{found['version']} for Python {python}.",
            "Choose a version that exists, or another Python.",
        )
    if "No solution found" in text:
        return _conflict(text, python)
    if _NETWORK.search(text):
        return (
            f"The network could not be reached{_host(text)}.",
            (
                "Check the connection or the proxy (HTTPS_PROXY); without a network, give a folder"
                " of wheels in pip's `find-links`."
            ),
        )
    if found := _BUILD.search(text):
        return (
            (
                f"{found['name']} has no wheel for Python {python} here, and building it from"
                " source failed."
            ),
            (
                "Take a version that has a wheel for this Python, or install what its build needs;"
                " the log says what."
            ),
        )
    return (_first(text) or "uv failed.", "The log says more.")


def _conflict(text: str, python: str) -> tuple[str, str]:
    sentence = text.partition("No solution found when resolving dependencies")[2].strip(" :")
    sentence = re.sub(r"\s+", " ", sentence)
    sentence = sentence.replace(
        "we can conclude that your requirements are unsatisfiable", "nothing fits"
    )
    hint = "Loosen one of the versions named above."
    if _PYTHON.search(text):
        hint = (
            f"It is resolved for Python {python}: ask for another Python, or for versions that fit"
            " this one."
        )
    return f"These requirements do not fit together: {sentence[:1500]}", hint


def _host(text: str) -> str:
    found = _URL.search(text)
    return f": {found[0].split('/')[2].rpartition('@')[2]}" if found else ""


def _plain(tail: Sequence[str]) -> list[str]:
    """From the error on, without uv's drawing."""
    starts = [n for n, line in enumerate(tail) if re.match(r"^\s*(error:|×)", line)]
    return [_MARK.sub("", line).strip() for line in tail[starts[0] if starts else 0 :]]


def _first(text: str) -> str:
    return re.sub(r"\s+", " ", text)[:500]
