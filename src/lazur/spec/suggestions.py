"""`Did you mean …?`"""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

_LONGEST = 60
_MOST = 500


def did_you_mean(word: str, known: Collection[str]) -> str | None:
    """A sentence that names the closest of `known`, or all when there are few; None when there is
    nothing to say."""
    close = closest(word, known)
    if close:
        return f"Did you mean {close!r}?"
    few = 8
    if known and len(known) <= few:
        return f"There are: {', '.join(sorted(known))}."
    return None


def closest(word: str, known: Collection[str]) -> str | None:
    """Of very long words, or very many, none: that would take long to tell."""
    if len(word) > _LONGEST or len(known) > _MOST:
        return None
    folded = {name.lower(): name for name in known}
    found = get_close_matches(word.lower(), list(folded), n=1, cutoff=0.7)
    return folded[found[0]] if found else None
