"""What data, models, components and environments have in common: everything but how one is
created."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from lazur.cli import session, specs, terminal
from lazur.cli.arguments import (
    ARCHIVED_ONLY,
    DESCRIPTION,
    FILE,
    INCLUDE_ARCHIVED,
    LABEL,
    NO_WAIT,
    REGISTRY,
    SET,
    SKIP_VALIDATION,
    TAGS,
    VERSION,
    YES,
    name,
    option,
)
from lazur.cli.tables import asset_row, asset_rows, when

DATASTORE = option(
    "--datastore", help="Accepted for Azure's scripts: files lie in the server's own store."
)
_ONLY = {**VERSION, "help": "Only this version."}
Commands = dict[str, tuple[str, dict[str, Any]]]
Arguments = dict[str, dict[str, dict[str, Any]]]


def commands(noun: str) -> Commands:
    return {
        f"{noun} create": ("create", {"table_transformer": asset_row}),
        f"{noun} show": ("show", {"table_transformer": asset_row}),
        f"{noun} list": ("list_", {"table_transformer": asset_rows}),
        f"{noun} update": ("update", {"table_transformer": asset_row}),
        f"{noun} archive": ("archive", {}),
        f"{noun} restore": ("restore", {}),
        f"{noun} share": ("share", {"table_transformer": asset_row}),
        f"{noun} download": ("download", {}),
        f"{noun} delete": ("delete", {"table_transformer": _gone}),
        f"{noun} trash": ("trash", {"table_transformer": _gone}),
        f"{noun} purge": ("purge", {"table_transformer": _purged}),
    }


def arguments(noun: str, create: dict[str, dict[str, Any]]) -> Arguments:
    """`create`: the flags of `create` that only this noun has."""
    return {
        noun: {
            "name": name(noun),
            "version": VERSION,
            "label": LABEL,
            "registry_name": REGISTRY,
            "description": DESCRIPTION,
            "tags": TAGS,
            "sets": SET,
            "skip_validation": SKIP_VALIDATION,
            "no_wait": NO_WAIT,
        },
        f"{noun} create": {
            "file": FILE,
            "version": {**VERSION, "help": "Version. Without it, the next number."},
            **create,
        },
        f"{noun} list": {
            "name": name(noun, required=False) | {"help": "Show all versions of this one."},
            "max_results": option("--max-results", help="At most so many.", type=int),
            "include_archived": INCLUDE_ARCHIVED,
            "archived_only": ARCHIVED_ONLY,
        },
        f"{noun} archive": {"version": _ONLY},
        f"{noun} restore": {"version": _ONLY},
        f"{noun} delete": {"version": _ONLY},
        f"{noun} share": {
            "registry_name": {**REGISTRY, "help": "The registry to share it in."},
            "share_with_name": option("--share-with-name", help="Another name there."),
            "share_with_version": option("--share-with-version", help="Another version there."),
        },
        f"{noun} download": {
            "download_path": option(
                "--download-path", "-p", help="Folder to put it into. Default: this one."
            )
        },
        f"{noun} purge": {
            "names": option("--name", "-n", help="Only these names.", nargs="+"),
            "older_than_days": option(
                "--older-than-days", help="Only what has lain there longer.", type=float
            ),
            "dry_run": option("--dry-run", help="Tell, and free nothing.", action="store_true"),
            "force": option(
                "--force",
                help="Also what jobs or assets came of. Its name stays in their lineage.",
                action="store_true",
            ),
            "yes": YES,
        },
    }


def texts(noun: str, what: str, create: list[dict[str, str]]) -> dict[str, dict[str, Any]]:
    """`what`: the noun in a sentence; `create`: examples of `create`."""
    example = "NAME"
    return {
        f"{noun} create": {"short-summary": f"Register {what}.", "examples": create},
        f"{noun} show": {
            "short-summary": f"Show one version of {what}.",
            "examples": [
                {"name": "The latest", "text": f"lazur {noun} show -n {example}"},
                {"name": "A version", "text": f"lazur {noun} show -n {example} -v 3"},
            ],
        },
        f"{noun} list": {
            "short-summary": f"List {noun} assets with their latest version.",
            "examples": [
                {"name": "All", "text": f"lazur {noun} list -o table"},
                {
                    "name": "All versions of one",
                    "text": f"lazur {noun} list -n {example} -o table",
                },
            ],
        },
        f"{noun} update": {
            "short-summary": "Change its notes or labels, never its content.",
            "examples": [
                {
                    "name": "Tag",
                    "text": f"lazur {noun} update -n {example} -v 3 --set tags.reviewed=yes",
                },
                {
                    "name": "Give it these labels; whichever version had them loses them",
                    "text": f"lazur {noun} update -n {example} -v 3 --set labels=tested,best",
                },
            ],
        },
        f"{noun} archive": {
            "short-summary": "Hide it from lists: one version, or all of them.",
            "examples": [
                {"name": "One version", "text": f"lazur {noun} archive -n {example} -v 3"}
            ],
        },
        f"{noun} restore": {
            "short-summary": "Take it out of the trash, or show it in lists again.",
            "examples": [{"name": "All versions", "text": f"lazur {noun} restore -n {example}"}],
        },
        f"{noun} share": {
            "short-summary": "Give it to other workspaces, in a registry.",
            "examples": [
                {
                    "name": "Under the same name and version",
                    "text": f"lazur {noun} share -n {example} -v 3 --registry-name shared",
                }
            ],
        },
        f"{noun} download": {
            "short-summary": "Fetch its files, into a folder of its name.",
            "examples": [
                {"name": "Fetch", "text": f"lazur {noun} download -n {example} -v 3 -p ./here"}
            ],
        },
        f"{noun} delete": {
            "short-summary": "Put it into the trash. `restore` takes it out again.",
            "long-summary": "Refused while another asset needs it.",
            "examples": [
                {"name": "One version", "text": f"lazur {noun} delete -n {example} -v 3"},
                {"name": "All versions", "text": f"lazur {noun} delete -n {example}"},
            ],
        },
        f"{noun} trash": {
            "short-summary": "List what was deleted and can be restored.",
            "examples": [{"name": "List", "text": f"lazur {noun} trash -o table"}],
        },
        f"{noun} purge": {
            "short-summary": "Free what is in the trash, for ever.",
            "examples": [
                {"name": "What would go", "text": f"lazur {noun} purge --dry-run -o table"},
                {
                    "name": "What has lain there for a month",
                    "text": f"lazur {noun} purge --older-than-days 30 --yes",
                },
            ],
        },
    }


def create_from(
    room: str, file: str | None, sets: Any, flags: dict[str, Any], registry: str | None = None
) -> Any:
    """Register what the file, the flags and `--set` say; `room` is the client's attribute."""
    source = specs.source(file, sets, flags)
    with terminal.Progress("Uploading") as progress:
        found = getattr(session.client(), room)
        asset = found.submit(source, specs.watch(progress), registry=registry)
    specs.warn(asset.to_dict())
    return asset.to_dict()


def show_of(room: str) -> Callable[..., Any]:
    def show(
        name: str,
        version: str | None = None,
        label: str | None = None,
        registry_name: str | None = None,
    ) -> Any:
        assets = getattr(session.client(), room)
        return assets.get(name, version, label, registry=registry_name).to_dict()

    return show


def list_of(room: str) -> Callable[..., Any]:
    def list_(
        name: str | None = None,
        max_results: int | None = None,
        include_archived: bool = False,
        archived_only: bool = False,
        registry_name: str | None = None,
    ) -> Any:
        found = getattr(session.client(), room).list(
            name,
            max_results=max_results,
            list_view_type=specs.list_view(include_archived, archived_only),
            registry=registry_name,
        )
        return [asset.to_dict() for asset in found]

    return list_


def update_of(room: str) -> Callable[..., Any]:
    def update(
        name: str,
        version: str | None = None,
        label: str | None = None,
        description: str | None = None,
        tags: Any = None,
        sets: Any = None,
        registry_name: str | None = None,
    ) -> Any:
        assets = getattr(session.client(), room)
        there = {"registry": registry_name}
        current = assets.get(name, version, label, **there).to_dict() if sets else {}
        changed = specs.changes(sets, current, description=description, tags=specs.pairs(tags))
        return assets.update(name, version, label, **there, **changed).to_dict()

    return update


def archive_of(room: str) -> Callable[..., None]:
    return _done(room, "archive")


def restore_of(room: str) -> Callable[..., None]:
    return _done(room, "restore")


def download_of(room: str) -> Callable[..., None]:
    def download(
        name: str,
        version: str | None = None,
        label: str | None = None,
        download_path: str = ".",
        registry_name: str | None = None,
    ) -> None:
        assets = getattr(session.client(), room)
        with terminal.Progress("Downloading") as progress:
            folder = assets.download(
                name,
                version,
                label,
                download_path=download_path,
                registry=registry_name,
                progress=progress,
            )
        terminal.note(f"Downloaded into {folder.absolute()}")

    return download


def delete_of(room: str) -> Callable[..., Any]:
    def delete(
        name: str,
        version: str | None = None,
        label: str | None = None,
        registry_name: str | None = None,
    ) -> Any:
        assets = getattr(session.client(), room)
        found = assets.delete(name, version, label, registry=registry_name).to_dict()["value"]
        noun = room.removesuffix("s")
        terminal.note(f"In the trash. To take it out again: lazur {noun} restore -n {name}")
        return found

    return delete


def trash_of(room: str) -> Callable[..., Any]:
    def trash(registry_name: str | None = None) -> Any:
        found = getattr(session.client(), room).trash(registry=registry_name)
        return [item.to_dict() for item in found]

    return trash


def purge_of(room: str) -> Callable[..., Any]:
    def purge(
        names: list[str] | None = None,
        older_than_days: float | None = None,
        dry_run: bool = False,
        force: bool = False,
        yes: bool = False,
        registry_name: str | None = None,
    ) -> Any:
        wanted = {
            "older_than_days": older_than_days,
            "force": force,
            "registry": registry_name,
        }
        assets = getattr(session.client(), room)
        told = assets.purge(*(names or []), dry_run=True, **wanted).to_dict()
        if names and told["kept"] and not dry_run:
            return assets.purge(*names, **wanted).to_dict()  # refused, with the reason
        for kept in told["kept"]:
            terminal.note(
                f"{kept['name']}:{kept['version']} is kept: {', '.join(kept['needed_by'][:3])} "
                "came of it. See --force."
            )
        if dry_run or not told["purged"]:
            return told
        if not yes:
            terminal.note(f"This frees {len(told['purged'])} versions, for ever.")
            terminal.confirm("Free them? This cannot be undone.")
        return assets.purge(*(names or []), **wanted).to_dict()

    return purge


def share_of(room: str) -> Callable[..., Any]:
    def share(
        name: str,
        registry_name: str,
        version: str | None = None,
        label: str | None = None,
        share_with_name: str | None = None,
        share_with_version: str | None = None,
    ) -> Any:
        return (
            getattr(session.client(), room)
            .share(
                name,
                version,
                label,
                registry=registry_name,
                share_with_name=share_with_name,
                share_with_version=share_with_version,
            )
            .to_dict()
        )

    return share


def _done(room: str, verb: str) -> Callable[..., None]:
    def do(
        name: str,
        version: str | None = None,
        label: str | None = None,
        registry_name: str | None = None,
    ) -> None:
        getattr(getattr(session.client(), room), verb)(
            name, version, label, registry=registry_name
        )

    return do


def _gone(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        OrderedDict(
            Name=row["name"],
            Version=row["version"],
            Deleted=when(row["deleted_at"]),
            By=row["deleted_by"],
        )
        for row in rows
    ]


def _purged(told: dict[str, Any]) -> list[dict[str, Any]]:
    return _gone(told["purged"])
