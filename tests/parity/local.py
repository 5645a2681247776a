"""Files of one's own, and names that nobody has. No imports of ours."""

from __future__ import annotations

import sqlite3
import tempfile
import uuid
from pathlib import Path


def fresh(noun: str) -> str:
    return f"{noun}-{uuid.uuid4().hex[:8]}"


def folder() -> Path:
    made = Path(tempfile.mkdtemp())
    (made / "inner").mkdir()
    (made / "a.csv").write_text("a,b\n1,2\n")
    (made / "inner" / "b.txt").write_text(made.name)
    return made


def files(place: Path) -> list[str]:
    return sorted(p.relative_to(place).as_posix() for p in place.rglob("*") if p.is_file())


def database() -> str:
    """Its address."""
    path = Path(tempfile.mkdtemp()) / "shop.db"
    with sqlite3.connect(path) as link:
        link.execute("create table sales (day text, n int)")
        link.execute("insert into sales values ('mon', 1), ('tue', 2)")
    link.close()
    return f"sqlite:///{path}"
