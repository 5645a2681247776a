"""What a plan is told of content that was not sent, so that it can say what would come of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from lazur.engine.tree import Manifest


@dataclass(frozen=True)
class Lent:
    """Of one request, and never stored. Nothing is accepted by it: a plan only looks."""

    trees: dict[str, Manifest]
    files: dict[str, bytes]

    @classmethod
    def of(cls, trees: Iterable[str], files: Iterable[str]) -> Lent:
        """Each is known by its own digest, whatever is said of it. Raises Invalid for what is no
        manifest."""
        manifests = [Manifest.decode(text.encode()) for text in trees]
        contents = [text.encode() for text in files]
        return cls(
            {manifest.digest: manifest for manifest in manifests},
            {hashlib.sha256(data).hexdigest(): data for data in contents},
        )
