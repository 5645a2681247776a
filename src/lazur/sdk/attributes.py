"""What is read and assigned by attribute, and what is said of a name that is not there."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from lazur.spec.suggestions import did_you_mean


def missing(whose: str, name: str, known: Collection[str]) -> AttributeError:
    """`whose` begins the sentence: "A Command", "The job"."""
    told = did_you_mean(name, known)
    return AttributeError(f"{whose} has no {name!r}.{f' {told}' if told else ''}", name=name)


class Named(dict[str, Any]):
    """Inputs or outputs by their names: `job.inputs.rate` and `job.inputs["rate"]` are the same,
    and both may be assigned to. A new one comes by `job.inputs["rate"] = …`, so that a slip of the
    pen is none."""

    def __getattr__(self, name: str) -> Any:
        if name in self:
            return self[name]
        raise missing("The job", name, self)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self:
            raise missing("The job", name, self)
        self[name] = value

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *(name for name in self if name.isidentifier())]
