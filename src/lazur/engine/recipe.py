"""What an environment must hold, whatever form it was written in. Builders turn it into something
runnable."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Recipe:
    kind: Literal["python", "image"] = "python"
    """`python`: the packages below on the Python below. `image`: only an image builder can make
    it; `reason` says why."""
    python: str | None = None
    """Version wanted (`3.10`, `3.9.18`), or None: whatever is closest."""
    exact_python: bool = True
    """False: when `python` is not to be had, the closest one serves, with a warning (bare images,
    curated environments)."""
    requirements: list[str] = field(default_factory=list[str])
    """PEP 508 lines and the options that pip allows in a requirements file (`--extra-index-url`,
    `--find-links`)."""
    image: str | None = None
    context: str | None = None
    """Hash of the build context's tree, for image builders."""
    dockerfile: str | None = None
    reason: str | None = None
    variables: dict[str, str] = field(default_factory=dict[str, str])
    warnings: list[str] = field(default_factory=list[str])
    """What the reader should know: `cudatoolkit has no Python package and was left out`. Not part
    of the identity."""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Recipe:
        return cls(**data)

    def identity(self) -> dict[str, Any]:
        """What makes two recipes the same."""
        return {k: v for k, v in asdict(self).items() if k not in {"warnings", "reason"}}
