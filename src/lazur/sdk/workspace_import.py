"""A workspace out of plain files again, on this server or another one."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from lazur.errors import Conflict, Invalid, NotFound
from lazur.sdk import brought
from lazur.sdk.assets import Assets
from lazur.sdk.client import Client
from lazur.sdk.source import read
from lazur.sdk.views import Asset
from lazur.sdk.walk import lies_in
from lazur.sdk.workspace_files import BAD, FORMAT, HEAD, VERSION, Note, assets


def import_(
    connect: Callable[[str], Client],
    folder: str | os.PathLike[str],
    name: str | None = None,
    note: Note = str,
) -> dict[str, Any]:
    """Into the workspace `name`, or that of the name it had, which is made where it is not there;
    `connect` gives a client for a workspace. What is there already is left as it is, so twice is
    once."""
    top = Path(folder)
    head = _head(top)
    wanted = name or str(head["name"])
    with connect(wanted) as client:
        _make_room(client, wanted, head)
        reader = _Reader(client, top, note)
        for kind in ("datastores", "connections"):
            for resource in head[kind]:
                reader.add_resource(kind, resource)
        for asset in head["assets"]:
            reader.add_asset(asset)
        for file in head.get("schedules", []):
            reader.add_schedule(file)
        for experiment in head.get("experiments", []):
            reader.add_experiment(experiment)
        for file in head["runs"]:
            reader.add_runs(file)
        reader.archive_experiments()
        if head["jobs"]:
            reader.left_out.append("jobs: their runs are there; jobs/ has what to submit again")
        return {"name": wanted, **reader.done, "left_out": [*head["left_out"], *reader.left_out]}


class _Reader:
    def __init__(self, client: Client, top: Path, note: Note) -> None:
        self._client = client
        self._top = top
        self._note = note
        self.done = {"made": 0, "there": 0, "runs": 0}
        self.left_out: list[str] = []
        self._to_archive: list[str] = []

    def add_resource(self, kind: str, file: str) -> None:
        """Where it is there, somebody may have given it credentials."""
        room = getattr(self._client, kind)
        source = read(self._file(file))
        try:
            room.get(str(source.spec.get("name")))
            self.done["there"] += 1
        except NotFound:
            try:
                room.create_or_update(self._file(file))
                self.done["made"] += 1
            except BAD as error:
                self.left_out.append(f"{file}: {error.message}")

    def add_schedule(self, file: str) -> None:
        """It acts for who imports it."""
        self._note(file)
        room, source = self._client.schedules, read(self._file(file))
        name = str(source.spec.get("name"))
        try:
            room.get(name)
            self.done["there"] += 1
        except NotFound:
            try:
                room.submit(replace(source, within=self._top))
            except (*BAD, Conflict) as error:
                self.left_out.append(f"{file}: {error.message}")
                return
            self.done["made"] += 1
            self.left_out.append(f"{file}: it is disabled: lazur schedule enable -n {name}")

    def add_asset(self, asset: Mapping[str, Any]) -> None:
        room = assets(self._client, str(asset["kind"]))
        name, version = str(asset["name"]), str(asset["version"])
        told = f"{asset['kind']}/{name}:{version}"
        self._note(told)
        there = _is_there(room, name, version)
        try:
            # Also where it is there: other content of the same version is told.
            source = read(self._file(str(asset["file"])))
            made = room.submit(replace(source, within=self._top))
        except Conflict as error:
            self.left_out.append(f"{told}: what is here stays: {error.message}")
            return
        except BAD as error:
            self.left_out.append(f"{told}: {error.message}")
            return
        self.done["there" if there else "made"] += 1
        _mark(room, made, asset)

    def add_experiment(self, spec: Mapping[str, Any]) -> None:
        """One that holds no run yet, too. What is said of one that is there stays."""
        name = str(spec.get("name"))
        said = {key: spec[key] for key in ("description", "tags") if key in spec}
        try:
            self._client.experiments.create(name, **said)
        except Conflict:
            return
        except BAD as error:
            self.left_out.append(f"experiments/{name}: {error.message}")
            return
        if spec.get("archived"):
            self._to_archive.append(name)

    def archive_experiments(self) -> None:
        """Once their runs are there. Those that were here before stay as they are."""
        for name in self._to_archive:
            try:
                self._client.experiments.archive(name)
            except (*BAD, Conflict) as error:
                self.left_out.append(f"experiments/{name}: it is not archived: {error.message}")

    def add_runs(self, file: str) -> None:
        self._note(file)
        place = self._file(file)
        if brought.is_there(self._client.runs, place):
            return
        found = self._client.runs.import_(place)
        brought.note(place, [run.id for run in found])
        self.done["runs"] += sum(1 for run in found if run.get("imported", True))

    def _file(self, name: str) -> Path:
        path = Path(name)
        if path.is_absolute() or ".." in path.parts:
            raise Invalid(f"{HEAD} names {name!r}, which is not in the folder.")
        if not lies_in(self._top / path, self._top):
            raise Invalid(f"{HEAD} names {name!r}, a link that leads out of the folder.")
        return self._top / path


def _head(top: Path) -> dict[str, Any]:
    try:
        found: Any = json.loads((top / HEAD).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotFound(
            f"{top} is no exported workspace, or one that was interrupted: it has no {HEAD}.",
            hint="Make one: lazur workspace export -n NAME --to FOLDER",
        ) from None
    except ValueError as error:
        raise Invalid(f"{top / HEAD} is not valid JSON: {error}") from None
    if not isinstance(found, dict) or cast("dict[str, Any]", found).get("format") != FORMAT:
        raise Invalid(f"{top / HEAD} is not of an exported workspace.")
    head = cast("dict[str, Any]", found)
    if head["version"] > VERSION:
        raise Conflict(f"{top} was exported by Lazur {head['lazur']}, in a newer form.")
    return head


def _make_room(client: Client, name: str, head: Mapping[str, Any]) -> None:
    try:
        client.workspaces.get(name)
    except NotFound:
        fields = {key: head.get(key) for key in ("display_name", "description", "tags")}
        client.workspaces.create(name, **{k: v for k, v in fields.items() if v})


def _is_there(room: Assets, name: str, version: str) -> bool:
    try:
        room.get(name, version)
    except NotFound:
        return False
    return True


def _mark(room: Assets, made: Asset, asset: Mapping[str, Any]) -> None:
    """Labels and the archived flag come after the asset: an import that was interrupted between
    them is made whole by the next. What somebody added here stays."""
    has = [label for label in made.get("labels") or [] if label != "latest"]
    lacking = [label for label in asset.get("labels") or [] if label not in has]
    if lacking:
        room.update(made.name, made.version, labels=[*has, *lacking])
    if asset.get("archived") and not made.get("archived"):
        room.archive(made.name, made.version)
