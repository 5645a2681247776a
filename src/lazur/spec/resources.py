"""What a job runs on: nodes, and how much of each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, cast

from pydantic import AfterValidator, Field

from lazur.spec.model import Map, Spec, Whole

_SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,6})?)\s*([kmgtp]?)(?:i?b)?", re.IGNORECASE)
_UNITS = {"": 0, "k": 10, "m": 20, "g": 30, "t": 40, "p": 50}
_MOST = 1 << 20


@dataclass(frozen=True)
class Asked:
    """What one node of a job asks for; None where the person said nothing."""

    cpus: int | None = None
    memory: int | None = None
    """Bytes."""
    gpus: int | None = None


def parse_size(text: str | int) -> int:
    """`4GB`, `512m`, `2GiB` -> bytes, in powers of 1024 as Docker reads them. Raises
    ValueError."""
    found = _SIZE.fullmatch(str(text).strip())
    if found is None:
        raise ValueError(f"{text!r} is no size: write 512MB, 4GB or a number of bytes")
    return int(float(found[1]) * (1 << _UNITS[found[2].lower()]))


def asked(properties: Mapping[str, Any]) -> Asked:
    """Read `cpus`, `memory` and `gpus` out of `resources.properties`, or out of `lazur:` in it.
    Raises ValueError."""
    own = properties.get("lazur")
    source = cast("Mapping[str, Any]", own) if isinstance(own, Mapping) else properties
    memory = source.get("memory")
    return Asked(
        cpus=_count("cpus", source, least=1),
        memory=None if memory is None else parse_size(memory),
        gpus=_count("gpus", source, least=0),
    )


def _count(key: str, source: Mapping[str, Any], least: int) -> int | None:
    value = source.get(key)
    if value is None:
        return None
    text = str(value)
    if isinstance(value, bool) or not text.isdecimal() or not least <= int(text) <= _MOST:
        raise ValueError(f"`{key}` is {value!r}: expected a whole number from {least}")
    return int(text)


def _check_size(text: str) -> str:
    parse_size(text)
    return text


def _check_asked(properties: dict[str, Any]) -> dict[str, Any]:
    asked(properties)
    return properties


class Resources(Spec):
    """`resources` of a job or component."""

    instance_count: Annotated[Whole, Field(ge=1, le=10_000)] = 1
    """How many nodes."""
    instance_type: str | None = None
    """The machine's size, where the compute offers a choice."""
    properties: Annotated[Map[Any], AfterValidator(_check_asked)] = Field(default_factory=dict)
    """Free settings. Lazur reads `cpus`, `memory` ("4GB") and `gpus`: what one node of the job
    holds while it runs."""
    locations: list[str] | None = None
    """Regions."""
    shm_size: Annotated[str, AfterValidator(_check_size)] | None = None
    """Size of the shared memory: `2g`."""
    max_instance_count: Annotated[Whole, Field(ge=1)] | None = None
    docker_args: str | list[str] | None = None
    """Arguments for `docker run`."""
