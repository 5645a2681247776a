"""A recipe that asks for Azure's `mltable` gets Azure's; only where that cannot be had for the
Python and the machine, ours, which `_offered` puts into every environment, takes its place, and
the build says so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_NAME = "mltable"
_PARTS = frozenset({"azureml-dataprep", "azureml-dataprep-native", "azureml-dataprep-rslex"})
"""What Azure's `mltable` is made of: of no use without it."""
_NEEDED = ("pandas", "pyarrow", "PyYAML")
_MENTIONED = re.compile(r"\b(?:mltable|azureml-dataprep(?:-native|-rslex)?)\b")


def instead(lines: Sequence[str], said: Sequence[str]) -> tuple[list[str], list[str]]:
    """The requirements with ours in place of Azure's, and those that are left out. None are,
    unless Azure's was asked for and is what could not be resolved."""
    named = {line: canonicalize_name(Requirement(line).name) for line in lines}
    if _NAME not in named.values() or not _MENTIONED.search(" ".join(said)):
        return list(lines), []
    left_out = [line for line, name in named.items() if name == _NAME or name in _PARTS]
    kept = [line for line in lines if line not in left_out]
    known = {canonicalize_name(Requirement(line).name) for line in kept}
    return [*kept, *(n for n in _NEEDED if canonicalize_name(n) not in known)], left_out
