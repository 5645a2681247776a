"""A code asset: a folder of sources."""

from __future__ import annotations

from lazur.kinds.assets.common import Asset


class Code(Asset):
    """Code with a name, kept in versions."""

    path: str | None = None
    """A local folder."""
