"""What a plan is told of content that was not sent, so that it can say what would come of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lazur.engine.tree import Manifest


@dataclass(frozen=True)
class Lent:
    """Of one request, and never stored. Nothing is accepted by it: a plan only looks."""

    trees: dict[str, Manifest]

    @classmethod
    def of(cls, manifests: Iterable[str]) -> Lent:
        """Each is known by its own digest, whatever is said of it. Raises Invalid for what is no
        manifest."""
        found = [Manifest.decode(text.encode()) for text in manifests]
        return cls({manifest.digest: manifest for manifest in found})
