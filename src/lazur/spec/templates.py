"""`{{NAME}}`: a placeholder that a script should have replaced before the file was used.

Unquoted it is YAML for a mapping inside a mapping, or plain text; either way not what its author
meant.
"""

from __future__ import annotations

import re

_TEMPLATE = re.compile(r"(?<!\$)\{\{[ ]?([A-Za-z_][A-Za-z0-9_-]{0,99})[ ]?\}\}")
_CAPITALS = re.compile(r"(?<!\$)\{\{[ ]?([A-Z_][A-Z0-9_-]{0,99})[ ]?\}\}")


def template_in(text: str) -> str | None:
    """The placeholder that `text` begins with, or an upper-case one anywhere in it."""
    if "{{" not in text:
        return None
    found = _TEMPLATE.match(text.lstrip()) or _CAPITALS.search(text)
    if found is None and (value := text.partition(": ")[2]):
        found = _TEMPLATE.match(value.lstrip())
    return found[0] if found else None


def template_mistake(found: str, span: tuple[int, int]) -> tuple[str, tuple[int, int], str]:
    message = f"{found} is a template that nobody filled in"
    return message, span, f'Put the value in its place, or quote it: "{found}".'
