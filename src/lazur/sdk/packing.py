"""A folder in one zip file, the same to the byte wherever and whenever it is made."""

from __future__ import annotations

import zipfile
from pathlib import Path

from lazur.sdk.walk import walk

_MOMENT = (1980, 1, 1, 0, 0, 0)
"""A zip file knows no earlier one."""


def packed(folder: Path, into: Path) -> Path:
    """`<folder>.zip`: what is in it below its own name, without what is ignored."""
    made = into / f"{folder.name}.zip"
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for found in sorted(walk(str(folder.resolve()), "code").files):
            entry = zipfile.ZipInfo(f"{folder.name}/{found.path}", _MOMENT)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, Path(found.source).read_bytes())
    return made
