"""Ids that name a workspace: whether it is the one that they are used in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from lazur.errors import Invalid
from lazur.spec.model import squashed
from lazur.spec.names import fold

_ID = re.compile(
    r"(?:azureml:)?/{0,2}(?:subscriptions/(?P<subscription>[^/]+)/resourcegroups/(?P<group>[^/]+)"
    r"(?:/providers/Microsoft\.MachineLearningServices)?|locations/[^/]+)"
    r"/workspaces/(?P<workspace>[^/]+)/(?P<kind>[^/]+)/(?P<name>[^/]+).*",
    re.IGNORECASE | re.DOTALL,
)
_BEGINNINGS = ("azureml:/", "/subscriptions/", "subscriptions/")
_NOTES = frozenset(
    squashed(word)
    for word in (
        *("tags", "properties", "description", "display_name", "comment", "command", "args"),
        *("program_arguments", "environment_variables", "conda_file", "value", "metadata"),
    )
)
"""Fields with people's own words, which may be about anything."""
_PORTS = "inputs"
"""A text right below it is a parameter: the words of who runs the command."""


@dataclass(frozen=True)
class Room:
    """Where something is used. Subscriptions and groups are Azure's: a request of its clients has
    both, and in any other every one will do."""

    workspace: str
    subscription: str = ""
    group: str = ""
    number: str = ""
    """By which some ids call it."""
    registry: str = ""
    """Where it is no workspace: what lies there uses nothing of any."""

    def __str__(self) -> str:
        if self.registry:
            return f"the registry {self.registry!r}"
        return _told(self.workspace, self.subscription, self.group)

    def holds(self, workspace: str, subscription: str | None, group: str | None) -> bool:
        pairs = ((subscription, self.subscription), (group, self.group))
        if self.registry:
            return False
        same = all(not mine or not named or fold(named) == fold(mine) for named, mine in pairs)
        mine = {fold(self.workspace), self.number.lower() or fold(self.workspace)}
        return same and fold(workspace) in mine


@dataclass(frozen=True)
class Stranger:
    """Where what is named, of which other workspace."""

    where: str
    what: str
    workspace: str
    told: str

    def refusal(self, room: Room) -> Invalid:
        """To take what is called so here in its place would be to run something else."""
        return Invalid(
            f"{self.where} names {self.what} of {self.told}; this is {room}.",
            hint="What lies here uses what is here, or in a registry. Register it here too, "
            "share it by a registry, or submit to the workspace that it lies in.",
            field=self.where,
        )


def check(value: Any, room: Room) -> None:
    """`value` is a job, an asset, or a body that asks for one. Raises Invalid for the first id of
    another workspace."""
    for stranger in strangers(value, room):
        raise stranger.refusal(room)


def strangers(value: Any, room: Room) -> Iterator[Stranger]:
    """All ids of other workspaces in it."""
    for where, text in _texts(value, ""):
        found = _ID.fullmatch(text)
        if found is None:
            continue
        named = (found["workspace"], found["subscription"], found["group"])
        if not room.holds(*named):
            what = f"{found['kind']}/{found['name'][:100]}"
            yield Stranger(where, what, found["workspace"], _told(*named))


def _texts(value: Any, where: str) -> Iterator[tuple[str, str]]:
    """The texts that may be ids, and where they stand."""
    if isinstance(value, str):
        if value.startswith(_BEGINNINGS):
            yield where, value
    elif isinstance(value, Mapping):
        for key, inner in cast("Mapping[str, Any]", value).items():
            is_word = isinstance(inner, str) and where.rpartition(".")[2] == _PORTS
            if not is_word and squashed(key) not in _NOTES:
                yield from _texts(inner, f"{where}.{key}" if where else str(key))
    elif isinstance(value, list):
        for place, inner in enumerate(cast("list[Any]", value)):
            yield from _texts(inner, f"{where}[{place}]")


def _told(workspace: str, subscription: str | None, group: str | None) -> str:
    parts = [f"subscription {subscription!r}"] if subscription else []
    parts += [f"resource group {group!r}"] if group else []
    return f"the workspace {workspace!r}" + (f" ({', '.join(parts)})" if parts else "")
