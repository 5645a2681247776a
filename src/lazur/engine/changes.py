"""What is another than it was: two sets of named parts, said for people. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

_MOST = 5
_LONGEST = 60


def between(
    before: Mapping[str, str], after: Mapping[str, str], files: Callable[[str, str], list[str]]
) -> list[str]:
    """`files` says which files differ between two trees. Nothing: they are equal."""
    said: list[str] = []
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if old != new:
            said.append(_one(name, old, new, files))
    more = len(said) - _MOST
    return [*said[:_MOST], f"and {more} more"] if more > 0 else said


def files(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Digests by path -> sentences without an end: `train.py changed`."""
    found: list[str] = []
    for path in sorted({*before, *after}):
        if path not in after:
            found.append(f"{path} is gone")
        elif path not in before:
            found.append(f"{path} is new")
        elif before[path] != after[path]:
            found.append(f"{path} changed")
    return found


def _one(
    name: str, old: str | None, new: str | None, differing: Callable[[str, str], list[str]]
) -> str:
    if old is None:
        return f"{name} is new"
    if new is None:
        return f"{name} is gone"
    kinds = _kind(old), _kind(new)
    if kinds == ("tree", "tree"):
        return _trees(name, differing(old, new))
    if kinds == ("version", "version"):
        return f"{name} is {_version(new)}, was {_version(old)}"
    if "job" in kinds:
        return f"{name} was made anew"
    if name in ("environment", "code", "command") or set(kinds) != {"text"}:
        return f"{name} changed"
    return f"{name} is {_short(new)}, was {_short(old)}"


def _trees(name: str, found: list[str]) -> str:
    if not found:
        return f"{name} changed"
    shown = ", ".join(f"{name}/{text}" for text in found[:3])
    return f"{shown} and {len(found) - 3} more files" if len(found) > 3 else shown


def _kind(part: str) -> str:
    head = part.partition(":")[0]
    if head in ("tree", "job", "files"):
        return head
    return "version" if head in ("data", "models") and part.count(":") == 3 else "text"


def _version(part: str) -> str:
    _, _, name, version = part.split(":")
    return f"{name}:{version}"


def _short(text: str) -> str:
    shown = repr(text)
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"
