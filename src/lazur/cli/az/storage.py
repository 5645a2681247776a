"""`az storage blob …`: files in a workspace's datastores, by Azure's names: the workspace is the
account, the datastore the container."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from knack.util import CLIError

from lazur.cli import session
from lazur.cli.arguments import count, option
from lazur.cli.az import blobs, wire
from lazur.cli.terminal import note

COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {
    "storage blob upload-batch": ("upload_batch", {}),
    "storage blob download-batch": ("download_batch", {}),
    "storage blob list": ("list_", {}),
}
_CONTAINER = re.compile(r"(?P<container>[^/]+)(?:/(?P<path>.*))?")
_SIGNED = "Accepted for Azure's scripts: you act as who you are signed in as."
_UNUSED: dict[str, dict[str, Any]] = {
    "_account_key": option("--account-key", help=_SIGNED),
    "_auth_mode": option("--auth-mode", help=_SIGNED),
    "_sas_token": option("--sas-token", help=_SIGNED),
}
_BATCH: dict[str, dict[str, Any]] = {
    "pattern": option("--pattern", help="Only files whose path is like this: *.csv"),
    "overwrite": option(
        "--overwrite", help="Also over what is there.", nargs="?", const="true", metavar="BOOL"
    ),
    "dry_run": option("--dryrun", help="Tell, and send nothing.", action="store_true"),
    "_no_progress": option(
        "--no-progress", help="Accepted for Azure's scripts.", action="store_true"
    ),
    "_connections": option("--max-connections", help="Accepted for Azure's scripts."),
    **_UNUSED,
}


def number_or_star(text: str) -> int | None:
    """argparse names it in its error."""
    return None if text == "*" else count(text)


ARGUMENTS: dict[str, dict[str, dict[str, Any]]] = {
    "storage blob": {
        "account_name": option("--account-name", help="The workspace. Default: the one in use."),
    },
    "storage blob upload-batch": {
        **_BATCH,
        "source": option("--source", "-s", help="The folder here."),
        "destination": option(
            "--destination", "-d", help="The datastore, or its address, and a path in it."
        ),
        "destination_path": option("--destination-path", help="A path put before each file's."),
    },
    "storage blob download-batch": {
        **_BATCH,
        "source": option(
            "--source", "-s", help="The datastore, or its address, and a path in it."
        ),
        "destination": option("--destination", "-d", help="The folder here."),
    },
    "storage blob list": {
        **_UNUSED,
        "container": option("--container-name", "-c", help="The datastore."),
        "prefix": option("--prefix", help="Only names that begin so."),
        "most": option("--num-results", help="At most so many; * for all.", type=number_or_star),
    },
}
HELP: dict[str, dict[str, Any]] = {
    "storage blob": {"type": "group", "short-summary": "Files in the workspace's datastores."},
    "storage blob upload-batch": {
        "short-summary": "Send a folder's files into a datastore.",
        "examples": [
            {
                "name": "Into a folder of the default datastore",
                "text": "az storage blob upload-batch -s ./data -d workspaceblobstore/iris",
            }
        ],
    },
    "storage blob download-batch": {
        "short-summary": "Fetch files of a datastore into a folder.",
        "examples": [
            {
                "name": "Those of one kind",
                "text": "az storage blob download-batch -s workspaceblobstore -d ./here"
                " --pattern 'iris/*.csv'",
            }
        ],
    },
    "storage blob list": {
        "short-summary": "List files of a datastore.",
        "examples": [
            {
                "name": "Names below a folder",
                "text": "az storage blob list -c workspaceblobstore --prefix iris/"
                " --query [].name -o tsv",
            }
        ],
    },
}


def upload_batch(
    source: str,
    destination: str,
    destination_path: str | None = None,
    account_name: str | None = None,
    pattern: str | None = None,
    overwrite: str | None = None,
    dry_run: bool = False,
) -> Any:
    folder = _folder(source)
    place = _place(destination, account_name)
    before = "/".join(part.strip("/") for part in (place.path, destination_path or "") if part)
    files = [
        (path, f"{before}/{name}".lstrip("/"))
        for path, name in _files(folder)
        if _matches(name, pattern)
    ]
    if dry_run:
        return _dry("upload", [name for _, name in files])
    sent = []
    for path, name in files:
        sent.append(place.put(name, path, new=not _is_true(overwrite)))
        note(f"{path} -> {name}")
    return sent


def download_batch(
    source: str,
    destination: str,
    account_name: str | None = None,
    pattern: str | None = None,
    overwrite: str | None = None,
    dry_run: bool = False,
) -> Any:
    folder = _folder(destination)
    place = _place(source, account_name)
    before = f"{place.path.strip('/')}/" if place.path else ""
    names = [one["name"] for one in place.list(before) if _matches(one["name"], pattern)]
    if dry_run:
        return _dry("download", names)
    taken = [name for name in names if (folder / name).exists()]
    if taken and not _is_true(overwrite):
        raise CLIError(
            f"{folder / taken[0]} is there, and {len(taken) - 1} others. Say --overwrite, or"
            " choose another folder."
        )
    for name in names:
        place.get(name, folder)
    return names


def list_(
    container: str,
    account_name: str | None = None,
    prefix: str | None = None,
    most: int | None = 5000,
) -> Any:
    place = _place(container, account_name)
    found = place.list(prefix or "", most)
    return [{**one, "container": place.container} for one in found]


def parse(named: str, account: str | None) -> tuple[str | None, str, str]:
    """`https://account.blob.…/container/path`, or `container/path`."""
    parts = urlsplit(named)
    if parts.scheme in {"http", "https"}:
        account = account or (parts.hostname or "").partition(".")[0]
        named = unquote(parts.path).lstrip("/")
    found = _CONTAINER.fullmatch(named)
    if found is None:
        raise CLIError(
            f"{named!r} names no container. Write, for example: workspaceblobstore/data"
        )
    return account, found["container"], found["path"] or ""


def _place(named: str, account: str | None) -> blobs.Place:
    account, container, path = parse(named, account)
    return blobs.Place(wire.find(), account or session.client().workspace_name, container, path)


def _folder(named: str) -> Path:
    if not Path(named).is_dir():
        raise CLIError(f"incorrect usage: {named!r} should be an existing directory.")
    return Path(named)


def _files(folder: Path) -> Iterator[tuple[Path, str]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path, path.relative_to(folder).as_posix()


def _matches(name: str, pattern: str | None) -> bool:
    return pattern is None or fnmatchcase(name, pattern)


def _is_true(text: str | None) -> bool:
    return (text or "").lower() in {"true", "1", "yes"}


def _dry(verb: str, names: list[str]) -> None:
    for name in names:
        note(f"would {verb} {name}")
