"""`import mltable` inside a job, in every environment that has no package of that name.

Ours is copied into the environment, beside `site-packages` and not into it, and a `.pth` line puts
it behind everything that is installed: whoever installs Azure's package, in the environment or in
a job, gets that one.
"""

from __future__ import annotations

import shutil
from pathlib import Path

_SOURCE = Path(__file__).resolve().parent.parent / "mltable"
_FOLDER = "lazur-packages"


def offer(prefix: Path) -> None:
    """Make `import mltable` work in the environment."""
    packages = next((prefix / "lib").glob("python3*/site-packages"), None)
    if packages is None:
        return
    folder = prefix / "lib" / _FOLDER
    shutil.copytree(
        _SOURCE,
        folder / "mltable",
        ignore=shutil.ignore_patterns("__pycache__"),
        dirs_exist_ok=True,
    )
    (packages / "lazur_mltable.pth").write_text(f"{folder}\n")
