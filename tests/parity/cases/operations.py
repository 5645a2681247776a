"""What of Azure's client a case shows. Runs where only the client is installed: no imports of
ours but these cases."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Case = Callable[[Any], None]


@dataclass(frozen=True)
class Operation:
    name: str
    """`jobs.create_or_update`, as of MLClient."""
    note: str
    """In which use."""
    case: Case
    lacks: str = ""
    """What of the operation is not there: then it works in part."""


OPERATIONS: list[Operation] = []


@contextlib.contextmanager
def raises(kind: type[BaseException], text: str = "") -> Iterator[None]:
    """As pytest's, which is not there."""
    try:
        yield
    except kind as error:
        if text not in str(error):
            raise AssertionError(f"it was said otherwise: {error}") from error
    else:
        raise AssertionError(f"no {kind.__name__} was raised")


def operation(name: str, note: str = "", lacks: str = "") -> Callable[[Case], Case]:
    """One case may show several."""

    def add(case: Case) -> Case:
        OPERATIONS.append(Operation(name, note, case, lacks))
        return case

    return add
