"""How much is tried where there is no end of what could be."""

from __future__ import annotations

import os


def examples(usual: int) -> int:
    """Of a property: a tenth of the usual number with QUICK=1, where somebody waits."""
    return max(10, usual // 10) if "QUICK" in os.environ else usual
