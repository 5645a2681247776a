"""Quotas in words: which one, how much of it is used, and whom to ask."""

from __future__ import annotations

from lazur.engine import quotas as rules
from lazur.engine.quotas import Quota, Shortage
from lazur.services.base.job_views import size_text

_ONES = {
    rules.RUNNING: "running job",
    rules.QUEUED: "waiting job",
    rules.CORES: "core",
    rules.GPUS: "GPU",
    rules.ENDPOINTS: "endpoint",
}


def waits(lack: Shortage, workspace: str, person: str, owners: list[str]) -> str:
    used = "" if lack.is_final else f" ({_short(lack.quota.name, lack.used)} in use)"
    return f"{which(lack.quota, workspace, person)}{used}; ask {_names(owners)} for more"


def refusal(lack: Shortage, workspace: str, person: str) -> str:
    quota = lack.quota
    named = which(quota, workspace, person)
    if lack.is_final:
        return f"This takes {amount(quota.name, lack.wanted)}: more than the {named}."
    return (
        f"The {named} is used up: {_short(quota.name, lack.used)} of "
        f"{_short(quota.name, quota.most)}, and this takes "
        f"{_short(quota.name, lack.wanted)} more."
    )


def advice(lack: Shortage, owners: list[str]) -> str:
    return f"{_FIRST[lack.quota.name]}, or ask for more: {_names(owners)}. See: lazur quota list"


def which(quota: Quota, workspace: str, person: str) -> str:
    whose = f" of {person}" if quota.person else ""
    where = f"in workspace {workspace!r}" if quota.workspace_id is not None else "on this server"
    return f"quota of {amount(quota.name, quota.most)}{whose} {where}"


def amount(name: str, number: int) -> str:
    if name in rules.SIZES:
        return f"{size_text(number)} {'of memory' if name == rules.MEMORY else 'stored'}"
    return f"{number} {_ONES[name]}{'s' if number != 1 else ''}"


def _short(name: str, number: int) -> str:
    return size_text(number) if name in rules.SIZES else str(number)


def _names(owners: list[str]) -> str:
    return " or ".join(owners) if owners else "an owner of the server"


_FREE = "Wait until others end, ask for less"
_FIRST = {
    rules.RUNNING: _FREE,
    rules.CORES: _FREE,
    rules.MEMORY: _FREE,
    rules.GPUS: _FREE,
    rules.QUEUED: "Wait until some have begun, cancel others",
    rules.BYTES: "Delete and purge what is no longer needed",
    rules.ENDPOINTS: "Delete one",
}
