"""What jobs that only decide decide by: made when they are submitted, and never changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lazur.engine.recipe import Recipe
from lazur.services.base.checks import CheckedJob
from lazur.services.base.site import Context
from lazur.services.jobs import pipelines, sweeps
from lazur.store.db import AnyRow


@dataclass(frozen=True)
class Frozen:
    plan: dict[str, Any]
    """What `advance` sees as `view.frozen`. Plain data."""
    inputs: dict[str, Any]
    """As models, for lineage and the run."""
    compute: str | None = None
    recipes: list[tuple[Recipe, str]] = field(default_factory=list[tuple[Recipe, str]])
    """Environments of what it will submit, with their names: they are built ahead."""
    warnings: list[str] = field(default_factory=list[str])
    apart: frozenset[str] = frozenset()
    """Fields of the spec that are in the plan, and not kept twice."""


def freeze(context: Context, home: AnyRow, name: str, checked: CheckedJob) -> Frozen | None:
    """None for what runs itself. Reads only; raises what a person can mend."""
    make = _FREEZERS.get(checked.type)
    return Frozen(**make(context, home, name, checked)) if make is not None else None


Freezer = Callable[[Context, AnyRow, str, CheckedJob], dict[str, Any]]
_FREEZERS: dict[str, Freezer] = {"pipeline": pipelines.freeze, "sweep": sweeps.freeze}
