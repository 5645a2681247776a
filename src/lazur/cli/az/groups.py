"""What there is, and which file has it. `az ml …` is Lazur's own behind the word `ml`."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any

from lazur.cli import nouns

ML = {
    noun: nouns.GROUPS[noun]
    for noun in (
        "job",
        "data",
        "model",
        "environment",
        "component",
        "compute",
        "datastore",
        "workspace",
        "schedule",
        "registry",
        "connection",
    )
}
GROUPS = {
    "ml": "Jobs, assets, computes, workspaces.",
    "account": "Who one is signed in as, and where.",
    "config": "Settings, by section and name.",
    "extension": "What Azure's command line has to install, and is here.",
    "group": "Resource groups: any name is taken.",
    "role": "Who may do what, where.",
    "storage": "Files in the workspace's datastores.",
}
SINGLE = {name: name for name in ("configure", "login", "logout", "rest", "version")}
SINGLE["upgrade"] = "version"
_FILES = {"group": "resource_group"}

WELCOME = """
Lazur's az: what scripts for Azure Machine Learning call, answered by Lazur.

    az ml job create -f job.yml --stream     run a job and watch it
    az ml <noun> -h                          examples for each command
"""
_TOP: dict[str, dict[str, Any]] = {
    "": {"type": "group", "short-summary": "What scripts for Azure Machine Learning call."},
    **{name: {"type": "group", "short-summary": text} for name, text in GROUPS.items()},
    **{f"ml {name}": {"type": "group", "short-summary": text} for name, text in ML.items()},
}


def module(words: list[str]) -> tuple[ModuleType, str] | None:
    """The file with the command that begins so, and what stands before its commands' names."""
    first, second = (*words, "", "")[:2]
    if first == "ml":
        return (nouns.module(second), "ml ") if second in ML else None
    if first in GROUPS or first in SINGLE:
        return import_module(f"lazur.cli.az.{_file(first)}"), ""
    return None


def singles() -> list[tuple[ModuleType, str]]:
    """The files of commands that stand alone."""
    return [(import_module(f"lazur.cli.az.{name}"), "") for name in sorted(set(SINGLE.values()))]


def text_of(command: str) -> dict[str, Any] | None:
    """Its help. Lazur's own examples are told in these words."""
    found = module(command.split())
    if found is None or command in _TOP:
        return _TOP.get(command)
    told = found[0].HELP.get(command.removeprefix(found[1]))
    if not told or not found[1]:
        return told
    examples = [
        {**one, "text": one["text"].replace("lazur ", "az ml ")}
        for one in told.get("examples", [])
    ]
    return {**told, "examples": examples} if examples else told


def is_group(words: list[str]) -> bool:
    """`az ml`, `az role assignment`: no command yet."""
    if words in (["ml"], *([name] for name in GROUPS)):
        return True
    return bool((text_of(" ".join(words)) or {}).get("type") == "group")


def _file(name: str) -> str:
    return _FILES.get(name) or SINGLE.get(name) or name
