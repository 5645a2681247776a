"""What must never be in a tracked file: paths of the machine it was written on, package hosts,
conflict markers, and files that grew beyond what a person reads in one go.

    python -m tools.hygiene
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_HOSTS = re.compile(r"\b(?:pypi|pythonhosted|npmjs|debian)\.org\b")
_CONFLICT = re.compile(r"^(?:<{7}|>{7}) ")
_LONGEST = 600
_SELF = {"tools/hygiene.py"}


def main() -> int:
    found = sorted(problems(ROOT))
    print("\n".join(found) or "hygiene: nothing to complain about")
    return 1 if found else 0


def problems(root: Path) -> Iterator[str]:
    local = _local_paths(root)
    for name in _tracked(root):
        text = _text(root / name)
        if text is None or name in _SELF:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            yield from (f"{name}:{number}: {what}" for what in _wrong(line, local))
        if _is_ours(name) and text.count("\n") > _LONGEST:
            yield f"{name}: {text.count(chr(10))} lines; split it by what changes together"


def _wrong(line: str, local: re.Pattern[str]) -> Iterator[str]:
    if local.search(line):
        yield "a path of this machine"
    if _HOSTS.search(line):
        yield "a package host: whoever installs brings their own index"
    if _CONFLICT.match(line):
        yield "a conflict marker"


def _is_ours(name: str) -> bool:
    """Code that was written by hand."""
    return name.startswith("src/") and name.endswith(".py") and "/migrations/versions/" not in name


def _local_paths(root: Path) -> re.Pattern[str]:
    """The folder around this checkout and the home folder, unless they are as common as `/`."""
    around = [str(path) for path in (root.parent, Path.home()) if len(path.parts) > 1]
    paths = "|".join(re.escape(path) for path in around if path != "/tmp")  # noqa: S108
    return re.compile(rf"(?<![\w./-])(?:{paths})/" if paths else r"(?!)")


def _tracked(root: Path) -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=root, check=True, capture_output=True, text=True
    )
    return [name for name in listed.stdout.split("\0") if name]


def _text(path: Path) -> str | None:
    """None for what is no text, or was deleted and not yet committed."""
    try:
        return path.read_text(encoding="utf-8")
    except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
        return None


if __name__ == "__main__":
    sys.exit(main())
