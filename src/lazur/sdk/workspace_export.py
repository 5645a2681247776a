"""A workspace as plain files: `workspace_files` says which."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, cast

import yaml

import lazur
from lazur.errors import Conflict
from lazur.sdk.client import Client
from lazur.sdk.contents import Contents, digest, places
from lazur.sdk.downloads import fetch
from lazur.sdk.workspace_files import ASSETS, BAD, FORMAT, HEAD, PARTS, VERSION, Note, assets

_PART_OF = {"experiments": "runs"}
_SERVERS = frozenset({"id", "labels", "creation_context", "archived", "etag", "latest"})
_OF_A_RUN = (
    _SERVERS
    | {"run_id", "status", "services", "git", "phases", "waiting_for", "warnings", "error"}
    | {"attempt", "build", "started_at", "ended_at", "duration", "properties", "steps"}
)
_OF_A_RESOURCE = _SERVERS | {"credentials", "is_default", "in_jobs"}
_OF_A_SCHEDULE = frozenset(
    "name display_name description tags properties trigger create_job import_data".split()
)
_RUNS_IN_A_FILE = 200
_ALWAYS = ("people, groups, roles and tokens", "quotas", "the audit log")
_NOUNS = {
    "environments": "environment",
    "data": "data",
    "models": "model",
    "components": "component",
    "datastores": "datastore",
    "connections": "connection",
    "schedules": "schedule",
    "jobs": "job",
}
Form = Callable[[str, Mapping[str, Any]], tuple[dict[str, dict[str, Any]], list[str]]]
"""Of what (a noun) something is, as it is written: files in the other form, by what is added to
the name, and what is lost."""


def export(
    client: Client,
    folder: str | os.PathLike[str],
    note: Note = str,
    form: Form | None = None,
    kinds: Collection[str] = (),
) -> dict[str, Any]:
    """The client's workspace, into a new folder. The answer's `left_out` names what cannot go.
    `form` gives each thing another form, of another's YAML, in which there are no runs. `kinds`:
    those of PARTS that are wanted, where not all are."""
    top = Path(folder)
    if top.exists() and any(top.iterdir()):
        raise Conflict(f"{top} is not empty.", hint="Name a new folder.")
    top.mkdir(parents=True, exist_ok=True)
    here = client.workspaces.get(client.workspace_name).to_dict()
    writer = _Writer(client, top, note, form)
    wanted = frozenset(kinds or PARTS) - ({"runs"} if form else set())
    others = {
        "datastores": partial(writer.resources, "datastores"),
        "connections": partial(writer.resources, "connections"),
        "schedules": writer.schedules,
        "jobs": writer.jobs,
        "experiments": writer.experiments,
        "runs": writer.runs,
    }
    head = {
        "format": FORMAT,
        "version": VERSION,
        "lazur": lazur.__version__,
        **{key: here.get(key) for key in ("name", "display_name", "description", "tags")},
        "assets": [one for kind in ASSETS if kind in wanted for one in writer.assets(kind)],
        **{
            kind: list(make()) if _PART_OF.get(kind, kind) in wanted else []
            for kind, make in others.items()
        },
        "left_out": [*_ALWAYS, *writer.left_out],
    }
    (top / HEAD).write_text(json.dumps(head, indent=2, ensure_ascii=False) + "\n")
    return head


class _Writer:
    def __init__(self, client: Client, top: Path, note: Note, form: Form | None) -> None:
        self._client = client
        self._top = top
        self._note = note
        self._form = form
        self._contents = Contents(client, top)
        self.left_out: list[str] = []

    def assets(self, kind: str) -> Iterator[dict[str, Any]]:
        """Older versions first."""
        room = assets(self._client, kind)
        for name in sorted({found.name for found in room.list(list_view_type="All")}):
            versions = list(room.list(name, list_view_type="All"))
            for found in reversed(versions):
                self._note(f"{kind}/{name}:{found.version}")
                try:
                    yield self._asset(kind, found.to_dict())
                except BAD as error:
                    self.left_out.append(f"{kind}/{name}:{found.version}: {error.message}")

    def resources(self, kind: str) -> Iterator[str]:
        """Those that somebody made."""
        for found in getattr(self._client, kind).list():
            spec = found.to_dict()
            if (spec.get("creation_context") or {}).get("created_by") == "system":
                continue
            if (spec.get("credentials") or {}).get("type") not in (None, "none"):
                self.left_out.append(f"{kind}/{spec['name']}: its credentials")
            if self._write(f"{kind}/{spec['name']}.yml", _without(spec, _OF_A_RESOURCE)):
                yield f"{kind}/{spec['name']}.yml"

    def schedules(self) -> Iterator[str]:
        for found in self._client.schedules.list(list_view_type="All"):
            written = {k: v for k, v in found.to_dict().items() if k in _OF_A_SCHEDULE}
            try:
                placed = self._placed(written)
            except BAD as error:
                self.left_out.append(f"schedules/{found.name}: {error.message}")
                continue
            spec = _without(placed, frozenset()) | {"is_enabled": False}
            self._write(f"schedules/{found.name}.yml", spec)
            yield f"schedules/{found.name}.yml"

    def jobs(self) -> Iterator[str]:
        for found in self._client.jobs.list(list_view_type="All"):
            spec = _without(self._client.jobs.get(found.name).to_dict(), _OF_A_RUN)
            spec["outputs"] = _asked(spec.get("outputs") or {}, found.name)
            try:
                placed = self._placed(spec)
            except BAD as error:
                self.left_out.append(f"jobs/{found.name}: {error.message}")
                continue
            self._write(f"jobs/{found.name}.yml", _without(placed, frozenset()))
            yield f"jobs/{found.name}.yml"

    def experiments(self) -> Iterator[dict[str, Any]]:
        """What is said of them; those in the trash stay there, as their runs do."""
        for experiment in self._client.experiments.list():
            found = experiment.to_dict()
            yield {key: found[key] for key in ("name", "description", "tags") if found[key]}

    def runs(self) -> Iterator[str]:
        """Oldest first, so that a parent comes with its children, or before them."""
        found = self._client.runs.list(order_by="attributes.start_time ASC")
        for number in range(1, 1 << 30):
            piece = [run.id for run in islice(found, _RUNS_IN_A_FILE)]
            if not piece:
                return
            name = f"runs/{number:04}.zip"
            self._note(name)
            (self._top / "runs").mkdir(exist_ok=True)
            self._client.runs.export(*piece, path=self._top / name, children=False)
            yield name

    def _asset(self, kind: str, found: dict[str, Any]) -> dict[str, Any]:
        name, version = found["name"], found["version"]
        place = f"{kind}/{name}/{version}"
        spec = copy.deepcopy(_without(found, _SERVERS))
        own, key = _content(spec)
        if key is not None:
            own[key] = self._files(kind, name, version, str(own[key]), spec.get("type"))
        for holder, inner in places(spec):
            if (holder, inner) != (own, key):
                holder[inner] = self._contents.replaced(holder[inner], "../../")
        self._write(f"{place}.yml", spec)
        return {
            "kind": kind,
            "name": name,
            "file": f"{place}.yml",
            "version": version,
            "archived": bool(found.get("archived")),
            "labels": [label for label in found.get("labels") or [] if label != "latest"],
        }

    def _files(self, kind: str, name: str, version: str, path: str, of_type: Any) -> str:
        """The path for the YAML: of files beside it, or as it was where they are elsewhere."""
        beside = self._top / kind / name / version
        if tree := digest(path):
            listed = self._contents.write(tree, beside)
        else:
            files = self._client.scope.path(kind, name, "versions", version, "files")
            try:
                entries = self._client.http.request("GET", files).json()["value"]
            except BAD as error:
                self.left_out.append(f"{kind}/{name}:{version}: its files, at {path} ({error})")
                return path
            listed = [str(entry["path"]) for entry in entries]
            beside.mkdir(parents=True, exist_ok=True)
            fetch(self._client.http, files, list(zip(listed, entries, strict=True)), beside, None)
        if len(listed) == 1:
            single = listed[0]
            if of_type == "uri_file" or path.endswith(f"/{single}"):
                return f"./{version}/{single}"
        return f"./{version}"

    def _placed(self, value: Any) -> Any:
        """With folders in the place of trees."""
        if isinstance(value, str):
            return self._contents.replaced(value, "../")
        if isinstance(value, dict):
            held = cast("dict[str, Any]", value)
            return {key: self._placed(inner) for key, inner in held.items()}
        if isinstance(value, list):
            return [self._placed(inner) for inner in cast("list[Any]", value)]
        return value

    def _write(self, name: str, spec: Mapping[str, Any]) -> bool:
        """Whether there is a form of it."""
        files: Mapping[str, Mapping[str, Any]] = {"": spec}
        if self._form is not None:
            files, lost = self._form(_NOUNS[name.partition("/")[0]], spec)
            self.left_out += [f"{name}: {what}" for what in lost]
        for added, made in files.items():
            path = self._top / f"{name.removesuffix('.yml')}{added}.yml"
            path.parent.mkdir(parents=True, exist_ok=True)
            text = yaml.safe_dump(dict(made), sort_keys=False, allow_unicode=True)
            path.write_text(text, encoding="utf-8")
        return bool(files)


def _content(spec: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
    """Where an asset says what it holds."""
    build = spec.get("build")
    for holder, key in ((spec, "path"), (spec, "code"), (build, "path")):
        if isinstance(holder, dict) and isinstance(holder.get(key), str):
            return holder, key
    return spec, None


def _asked(outputs: Mapping[str, Any], job: str) -> dict[str, Any]:
    """Without what the server added."""
    found: dict[str, Any] = {}
    for name, output in outputs.items():
        if name == "default":
            continue
        own = dict(output)
        if f"/azureml/{job}/" in str(own.get("path")):
            del own["path"]
        found[name] = own
    return found


def _without(found: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    return {k: v for k, v in found.items() if k not in names and v not in (None, {}, [])}
