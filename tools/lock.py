"""Pinned, hashed requirements for development: write them, or say that they no longer fit.

    python -m tools.lock            exit 1 when pyproject.toml asks for other things than locked
    python -m tools.lock --write    resolve anew (needs an index); --upgrade takes the newest

The check needs no network: the locks carry a digest of what they were made from.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DEV = ROOT / "requirements" / "dev.txt"
UV = ROOT / "requirements" / "uv.txt"
CLIENTS = {
    line: f"azure-ai-ml=={line}.*\nazure-identity\nsix\n" for line in ("1.35", "1.34", "1.33")
}
"""Azure's own client: the newest release line, and the two before it. Each by itself. They import
six, and do not say so."""
_DIGEST = "# made from: "


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--upgrade", action="store_true")
    arguments = parser.parse_args()
    if arguments.write or arguments.upgrade:
        write(upgrade=arguments.upgrade)
        return 0
    if recorded(DEV) == digest() == recorded(UV) and all(
        recorded(client(line)) == _digest_of(text) for line, text in CLIENTS.items()
    ):
        return 0
    print("requirements/ was made from other dependency lists than pyproject.toml has: make lock")
    return 1


def digest() -> str:
    """Changes when, and only when, pyproject.toml asks for something else."""
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
    asked = {
        "python": project["project"]["requires-python"],
        "dependencies": project["project"]["dependencies"],
        "extras": project["project"]["optional-dependencies"],
        "groups": project["dependency-groups"],
    }
    return _digest_of(asked)


def client(line: str) -> Path:
    return ROOT / "requirements" / f"azure-ai-ml-{line}.txt"


def recorded(lock: Path) -> str | None:
    lines = lock.read_text().splitlines() if lock.exists() else []
    return next((x.removeprefix(_DIGEST) for x in lines if x.startswith(_DIGEST)), None)


def write(*, upgrade: bool) -> None:
    DEV.parent.mkdir(exist_ok=True)
    everything = ["--all-extras", "--group", "dev", "--group", "docs", "pyproject.toml"]
    _compile(DEV, everything, upgrade=upgrade)
    uv = next(line for line in DEV.read_text().splitlines() if line.startswith("uv=="))
    _compile(UV, ["-"], upgrade=False, text=uv.split(" ")[0])
    for line, text in CLIENTS.items():
        _compile(client(line), ["-"], upgrade=upgrade, text=text, made_from=_digest_of(text))


def _digest_of(asked: Any) -> str:
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def _compile(
    lock: Path,
    sources: list[str],
    *,
    upgrade: bool,
    text: str | None = None,
    made_from: str | None = None,
) -> None:
    """No index or host gets into the file: whoever installs brings their own."""
    argv = ["uv", "pip", "compile", "--universal", "--generate-hashes", "--python-version", "3.11"]
    argv += ["--no-header", "--quiet"]
    argv += ["--output-file", str(lock), *(["--upgrade"] if upgrade else []), *sources]
    subprocess.run(
        [str(Path(sys.executable).parent / argv[0]), *argv[1:]],
        cwd=ROOT,
        check=True,
        input=text,
        text=True,
        stdout=subprocess.DEVNULL,
    )
    made_from = made_from or digest()
    lock.write_text(f"# Written by `make lock`.\n{_DIGEST}{made_from}\n{lock.read_text()}")


if __name__ == "__main__":
    sys.exit(main())
