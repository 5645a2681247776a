"""The file that `export` made, as it is read: nothing in it is believed before it is checked."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
import zlib
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from lazur.engine import paths
from lazur.engine.tree import MAX_BYTES, Manifest
from lazur.errors import Invalid, LazurError, TooLarge
from lazur.services.base.site import Site
from lazur.services.tracking import runs
from lazur.services.tracking.export import FORMAT, MANIFEST, VERSION

_CHUNK = 1 << 20
_MANIFEST = 64 << 20
_DOCUMENT = 64 << 20
_LINE = 4096
_NEEDED = {"run.json", "metrics.jsonl"}
_BROKEN = (zipfile.BadZipFile, zlib.error, KeyError, EOFError, RuntimeError)
"""What zipfile raises."""


@dataclass(frozen=True)
class Source:
    """The file, with what its manifest promises."""

    zip: zipfile.ZipFile
    home: str
    runs: list[str]
    files: dict[str, tuple[int, str]]
    by_run: dict[str, list[str]]
    lasting: bool = False
    """Whether a run is the same under the same id, though there is more of it by now: so where it
    goes on elsewhere, and is fetched again."""

    def of(self, run: str) -> list[str]:
        return self.by_run[run]

    def digest(self, run: str) -> str:
        """The same for the same content."""
        known = json.dumps([[name, *self.files[name]] for name in sorted(self.of(run))])
        return hashlib.sha256(known.encode()).hexdigest()

    def chunks(self, name: str) -> Iterator[bytes]:
        """Raises Invalid at the end where it is not what the manifest says."""
        size, wanted = self.files[name]
        digest, seen = hashlib.sha256(), 0
        with self.zip.open(name) as file:
            while chunk := file.read(_CHUNK):
                seen += len(chunk)
                if seen > size:
                    break
                digest.update(chunk)
                yield chunk
        if seen != size or digest.hexdigest() != wanted:
            raise Invalid(f"{name} in the file is damaged.", hint="Export the runs again.")

    def document(self, name: str) -> dict[str, Any]:
        return _object(self._whole(name, _DOCUMENT), name)

    def tree(self, digest: str) -> Manifest:
        """Of code, with all its files in the file. Raises Invalid where they are not."""
        name = f"code/{digest}.json"
        found = Manifest.decode(self._whole(name, MAX_BYTES)) if name in self.files else None
        if found is None or found.digest != digest:
            raise Invalid("The run's code is not in the file.", hint="Export the runs again.")
        for file in found.files:
            if self.files.get(f"code/{digest}/{file.path}") != (file.size, file.digest):
                raise Invalid(
                    f"{paths.shown(file.path)} of the run's code is not in the file as it was.",
                    hint="Export the runs again.",
                )
        return found

    def lines(self, name: str) -> Iterator[bytes]:
        rest = b""
        for chunk in self.chunks(name):
            *whole, rest = (rest + chunk).split(b"\n")
            if len(rest) > _LINE:
                raise Invalid(f"{name} has a line that is no point of a metric.")
            yield from whole
        if rest:
            yield rest

    def _whole(self, name: str, most: int) -> bytes:
        if self.files[name][0] > most:
            raise TooLarge(f"{name} in the file is larger than {most >> 20} MiB.")
        return b"".join(self.chunks(name))


@contextmanager
def opened(site: Site, file: Path) -> Generator[Source]:
    try:
        with zipfile.ZipFile(file) as found:
            yield _source(site, found)
    except LazurError:
        raise
    except _BROKEN as error:
        raise Invalid(
            f"This is not a file of exported runs, or it is damaged: {error}.",
            hint="Make one with `lazur run export`.",
        ) from error


def _source(site: Site, found: zipfile.ZipFile) -> Source:
    if MANIFEST not in found.namelist() or found.getinfo(MANIFEST).file_size > _MANIFEST:
        raise Invalid(
            "This is not a file of exported runs: it has no manifest.",
            hint="Make one with `lazur run export`. A download that broke off lacks it, too.",
        )
    manifest = _object(found.read(MANIFEST), MANIFEST)
    if manifest.get("format") != FORMAT or manifest.get("version") != VERSION:
        raise Invalid(
            f"The file is of format {manifest.get('format')!r}, version "
            f"{manifest.get('version')!r}; this server reads {FORMAT!r}, version {VERSION}.",
            hint="A newer Lazur may read it.",
        )
    listed = manifest.get("files")
    if not isinstance(listed, dict) or not isinstance(manifest.get("home"), str):
        raise Invalid("The file's manifest is not what this server writes.")
    files = {name: _promise(found) for name, found in cast("dict[str, Any]", listed).items()}
    needed, free = sum(size for size, _ in files.values()), shutil.disk_usage(site.home.path).free
    if needed > free:
        raise TooLarge(f"The file holds {needed:,} bytes, and {free:,} are free here.")
    by_run = _by_run(files)
    if missing := [run for run in by_run if any(f"runs/{run}/{n}" not in files for n in _NEEDED)]:
        raise Invalid(f"The file has only a part of run {missing[0][:100]!r}.")
    lasting = manifest.get("lasting") is True
    return Source(found, manifest["home"], list(by_run), files, by_run, lasting)


def _by_run(files: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in files:
        if name.startswith("runs/"):
            found.setdefault(name.split("/")[1], []).append(name)
    if len(found) > runs.MOST:
        raise Invalid(f"At most {runs.MOST:,} runs at once; in the file are {len(found):,}.")
    return found


def _promise(found: Any) -> tuple[int, str]:
    match found:
        case [int(size), str(digest)] if size >= 0:
            return size, digest
        case _:
            raise Invalid("The file's manifest is not what this server writes.")


def _object(text: bytes, name: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Invalid(f"{name} in the file is not JSON.") from error
    if not isinstance(found, dict):
        raise Invalid(f"{name} in the file is not an object.")
    return cast("dict[str, Any]", found)
