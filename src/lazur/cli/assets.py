"""What data, models, components and environments have in common: everything but how one is
created."""

from __future__ import annotations

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
    name,
    option,
)
from lazur.cli.tables import asset_row, asset_rows

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
        f"{noun} archive": {"version": {**VERSION, "help": "Only this version."}},
        f"{noun} restore": {"version": {**VERSION, "help": "Only this version."}},
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
            "short-summary": "Change its description, tags or properties, never its content.",
            "examples": [
                {
                    "name": "Tag",
                    "text": f"lazur {noun} update -n {example} -v 3 --set tags.reviewed=yes",
                }
            ],
        },
        f"{noun} archive": {
            "short-summary": "Hide it from lists: one version, or all of them.",
            "examples": [
                {"name": "One version", "text": f"lazur {noun} archive -n {example} -v 3"}
            ],
        },
        f"{noun} restore": {
            "short-summary": "Show it in lists again.",
            "examples": [{"name": "All versions", "text": f"lazur {noun} restore -n {example}"}],
        },
    }


def create_from(room: str, file: str | None, sets: Any, flags: dict[str, Any]) -> Any:
    """Register what the file, the flags and `--set` say; `room` is the client's attribute."""
    source = specs.source(file, sets, flags)
    with terminal.Progress("Uploading") as progress:
        asset = getattr(session.client(), room).submit(source, specs.watch(progress))
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
    ) -> Any:
        assets = getattr(session.client(), room)
        current = assets.get(name, version, label).to_dict() if sets else {}
        changed = specs.changes(sets, current, description=description, tags=specs.pairs(tags))
        return assets.update(name, version, label, **changed).to_dict()

    return update


def archive_of(room: str) -> Callable[..., None]:
    def archive(name: str, version: str | None = None, label: str | None = None) -> None:
        getattr(session.client(), room).archive(name, version, label)

    return archive


def restore_of(room: str) -> Callable[..., None]:
    def restore(name: str, version: str | None = None, label: str | None = None) -> None:
        getattr(session.client(), room).restore(name, version, label)

    return restore
