"""Small tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lazur import mltable

PEOPLE = (
    "id,name,born,height,member\n1,Ann,2001-05-06,1.70,true\n2,,2002-07-08,,false\n3,Cy,,1.9,\n"
)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    """Writes a file below the test's folder, and gives its path."""

    def writing(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return writing


@pytest.fixture
def people(write: Callable[..., Path]) -> mltable.MLTable:
    return mltable.from_delimited_files([{"file": str(write("people.csv", PEOPLE))}])
