"""A workspace of Azure as plain files, in the form of `lazur workspace export`.

    CONFIG FOLDER [KIND,…] [--with-files] [--with-artifacts] [--experiments=JSON]

Runs in a Python that has azure-ai-ml, and imports nothing of Lazur but the files beside it that
are named `azure_…`. Lines of JSON behind `lazur:` tell how it goes. Begun anew on the same folder,
it goes on with what is not there yet.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sys
import warnings
from pathlib import Path
from typing import Any

from lazur.sdk.azure_tracking import Tracking
from lazur.sdk.azure_wire import Wire

KINDS = (
    *("environments", "data", "models", "components"),
    *("datastores", "schedules", "jobs", "experiments"),
)
_ASSETS = KINDS[:4]
_LONG = re.compile(
    r"azureml://subscriptions/[^/]+/resource[gG]roups/[^/]+"
    r"(?:/providers/Microsoft\.MachineLearningServices)?/workspaces/[^/]+/"
)
_ARM = re.compile(
    r"(azureml:)/subscriptions/[^/]+/resource[gG]roups/[^/]+/providers/"
    r"Microsoft\.MachineLearningServices/workspaces/[^/]+/"
    r"(?:\w+)/(?P<name>[^/]+)(?:/versions/(?P<version>[^/]+))?$"
)
_REFERENCE = re.compile(r"azureml:(?P<name>[^:/@]+):(?P<version>[^:/]+)")
_NAMELESS = {"environment": "CliV2AnonymousEnvironment", "component": "azureml_anonymous"}
"""What Azure's client calls those that were written where they are used: no list has them."""
_SENT = re.compile(r"azureml://datastores/workspaceblobstore/paths/(?:LocalUpload/|\.tree/).+")
"""What a client has sent of a folder or file beside it: nobody has given it a name."""
_NAMES = "--experiments="
_ARCHIVED = "ArchivedOnly"
_SERVERS = ("id", "creation_context", "base_path", "provisioning_state", "status", "services")


class Fetch:
    def __init__(self, client: Any, top: Path, with_files: bool) -> None:
        self.client = client
        self.top = top
        self.with_files = with_files
        self.left_out: list[str] = []
        self.codeless: set[Path] = set()
        self.lost: set[str] = set()
        self.inline: dict[str, dict[str, Any]] = {}
        self.assets: list[dict[str, Any]] = []
        self.found: dict[str, list[str]] = {kind: [] for kind in KINDS}
        self.tracked: dict[str, list[Any]] = {"experiments": [], "runs": []}

    def asset_kind(self, kind: str) -> None:
        """Older versions first, archived ones too. A name that is archived is so with all of its
        versions."""
        room = getattr(self.client, kind)
        names = {one.name for one in room.list()}
        gone = {one.name for one in room.list(list_view_type=_ARCHIVED)} - names
        for name in sorted(names | gone):
            found = [(one, name in gone) for one in room.list(name=name)]
            found += [(one, True) for one in room.list(name=name, list_view_type=_ARCHIVED)]
            for one, archived in sorted(found, key=_age):
                self.tried(f"{kind}/{name}:{one.version}", self.asset, kind, room, one, archived)

    def asset(self, kind: str, room: Any, listed: Any, archived: bool) -> None:
        name, version = str(listed.name), str(listed.version)
        place = self.top / kind / name / f"{version}.yml"
        if not place.exists():
            spec = plain(room.get(name=name, version=version)._to_dict())
            if self.with_files and kind in ("models", "data"):
                self.files(kind, name, version, spec)
            write(place, self.local(spec, "../../") if kind == "components" else spec)
        self.assets.append(
            {
                "kind": kind,
                "name": name,
                "file": f"{kind}/{name}/{version}.yml",
                "version": version,
                "archived": archived,
                "labels": [],
            }
        )

    def files(self, kind: str, name: str, version: str, spec: dict[str, Any]) -> None:
        into = self.top / kind / name / version
        into.mkdir(parents=True, exist_ok=True)
        self.download(str(spec["path"]), into)
        held = sorted(into.iterdir())
        own = str(spec["path"]).rstrip("/").rpartition("/")[2]
        single = [one.name for one in held if one.is_file()] == [own] and len(held) == 1
        spec["path"] = f"./{version}/{own}" if single else f"./{version}"

    def download(self, uri: str, into: Path) -> None:
        from azure.ai.ml._artifacts import (  # pyright: ignore[reportMissingImports]
            _artifact_utilities as artifacts,
        )

        artifacts.download_artifact_from_aml_uri(
            uri=uri, destination=str(into), datastore_operation=self.client.datastores
        )

    def sent(self, reference: str) -> str | None:
        """Where the files of an input are, once they are all there. Asked for once."""
        place = self.top / "inputs" / hashlib.sha256(reference.encode()).hexdigest()[:32]
        if not place.is_dir() and self.with_files and reference not in self.lost:
            self.lost.add(reference)
            self.tried(reference, self.bring, reference, place)
        if not place.is_dir():
            return None
        own = reference.rstrip("/").rpartition("/")[2]
        single = [one.name for one in place.iterdir() if one.is_file()] == [own]
        return f"inputs/{place.name}/{own}" if single else f"inputs/{place.name}"

    def bring(self, reference: str, place: Path) -> None:
        """It appears whole."""
        draft = place.with_name(f".{place.name}")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        self.download(reference, draft)
        draft.replace(place)

    def local(self, value: Any, up: str) -> Any:
        """With what only the workspace in Azure has: folders in the place of code, and what was
        never given a name whole. `up` leads from the file to the top."""
        if isinstance(value, list):
            return [self.local(inner, up) for inner in value]
        if not isinstance(value, dict):
            return value
        return {key: self.inner(key, inner, up) for key, inner in value.items()}

    def inner(self, key: str, value: Any, up: str) -> Any:
        found = _REFERENCE.fullmatch(value) if isinstance(value, str) else None
        if key == "inputs" and isinstance(value, dict):
            return {name: self.given(port, up) for name, port in value.items()}
        if key == "outputs":
            return value
        if found and key == "code":
            return f"{up}{folder}" if (folder := self.code(**found.groupdict())) else value
        if found and _NAMELESS.get(key) == found["name"]:
            return self.nameless(f"{key}s", value, up, **found.groupdict())
        return self.local(value, up)

    def given(self, port: Any, up: str) -> Any:
        """An input: what lay beside its file there lies beside it here."""
        path = port.get("path") if isinstance(port, dict) else None
        if not isinstance(path, str) or not _SENT.fullmatch(path):
            return port
        if folder := self.sent(path):
            return {**port, "path": f"{up}{folder}"}
        if not self.with_files and path not in self.lost:
            self.lost.add(path)
            self.left_out.append(f"{path}: its files stay there: --with-files brings them")
        return port

    def nameless(self, kind: str, reference: str, up: str, name: str, version: str) -> Any:
        """What stood there, or what names it there. Asked for once."""
        if reference not in self.inline:
            self.inline[reference] = {}
            self.tried(reference, self.read_inline, kind, reference, name, version)
        return self.local(self.inline[reference], up) or reference

    def read_inline(self, kind: str, reference: str, name: str, version: str) -> None:
        spec = plain(getattr(self.client, kind).get(name=name, version=version)._to_dict())
        kept = {key: value for key, value in spec.items() if key not in ("name", "version")}
        self.inline[reference] = kept

    def code(self, name: str, version: str) -> str | None:
        """Where its files are, once they are all there; None where they do not come."""
        place = self.top / "code" / f"{name}-{version}"
        draft = place.with_name(f".{place.name}")
        shutil.rmtree(draft, ignore_errors=True)
        if not place.is_dir() and place not in self.codeless:
            draft.parent.mkdir(parents=True, exist_ok=True)
            self.tried(f"code/{name}:{version}", self.client._code.download, name, version, draft)
            if draft.is_dir() and any(draft.iterdir()):
                draft.replace(place)
            else:
                self.codeless.add(place)
        return f"code/{place.name}" if place.is_dir() else None

    def each(self, kind: str, items: Any) -> None:
        for one in items:
            self.tried(f"{kind}/{one.name}", self.one, kind, one)

    def one(self, kind: str, listed: Any) -> None:
        place = self.top / kind / f"{listed.name}.yml"
        if not place.exists():
            spec = plain((self.job(listed) if kind == "jobs" else listed)._to_dict())
            if kind == "datastores":
                spec.pop("credentials", None)
                self.left_out.append(f"{kind}/{listed.name}: its credentials")
            spec = self.local(spec, "../")
            write(place, {**spec, **({"is_enabled": False} if kind == "schedules" else {})})
        self.found[kind].append(f"{kind}/{listed.name}.yml")

    def job(self, listed: Any) -> Any:
        """With the steps of a pipeline, which no list tells; another one as a job, and not as the
        step that Azure's client makes of it."""
        if listed.type == "pipeline":
            return self.client.jobs.get(listed.name)
        return listed._to_job() if hasattr(listed, "_to_job") else listed

    def experiments(self, names: list[str], artifacts: bool) -> None:
        """What was tracked. What cannot be reached leaves the rest as it is."""
        room = self.client.workspaces.get(self.client.workspace_name)
        api = json.loads(read(str(room.discovery_url)))["api"]
        tracking = Tracking(
            Wire(api, room.id, self.token),
            f"azure:{room.id}".lower(),
            self.top,
            lambda told: say(doing=told),
            artifacts=artifacts,
        )
        try:
            tracking.fetch(names)
        finally:
            self.tracked = {"experiments": tracking.experiments, "runs": tracking.files()}
            self.left_out += tracking.left_out

    def token(self) -> tuple[str, float]:
        """As Azure's client asks for it, for this cloud."""
        from azure.ai.ml import (  # pyright: ignore[reportMissingImports]
            _azure_environments as clouds,
        )

        scopes = clouds._resource_to_scopes(clouds._get_base_url_from_metadata())
        found = self.client._credential.get_token(*scopes)
        return found.token, float(found.expires_on)

    def tried(self, told: str, do: Any, *arguments: Any) -> None:
        say(doing=told)
        try:
            do(*arguments)
        except Exception as error:
            text = f"{type(error).__name__}: {error}".splitlines()[0][:300]
            self.left_out.append(f"{told}: {text}")


def main() -> int:
    warnings.simplefilter("ignore")
    config, folder, *more = sys.argv[1:]
    wanted = [word for word in more if not word.startswith("--")]
    kinds = wanted[0].split(",") if wanted else list(KINDS)
    names = next((word.partition("=")[2] for word in more if word.startswith(_NAMES)), "[]")
    fetch = Fetch(connect(config), Path(folder), "--with-files" in more)
    for kind in kinds:
        if kind in _ASSETS:
            fetch.asset_kind(kind)
    if "datastores" in kinds:
        built_in = ("workspaceblobstore", "workspaceartifactstore", "workspacefilestore",
                    "workspaceworkingdirectory")  # fmt: skip
        stores = [one for one in fetch.client.datastores.list() if one.name not in built_in]
        fetch.each("datastores", stores)
    if "schedules" in kinds:
        fetch.each("schedules", fetch.client.schedules.list(list_view_type="All"))
    if "jobs" in kinds:
        fetch.each("jobs", fetch.client.jobs.list())
    if "experiments" in kinds:
        artifacts = "--with-artifacts" in more
        fetch.tried("experiments", fetch.experiments, json.loads(names), artifacts)
    write_head(fetch)
    say(done=True)
    return 0


def connect(config: str) -> Any:
    from azure.ai.ml import MLClient  # pyright: ignore[reportMissingImports]
    from azure.identity import DefaultAzureCredential

    path = Path(config)
    return MLClient.from_config(
        DefaultAzureCredential(), path=str(path.parent or "."), file_name=path.name
    )


def _age(found: tuple[Any, bool]) -> str:
    return str(getattr(getattr(found[0], "creation_context", None), "created_at", None) or "")


def plain(spec: Any) -> dict[str, Any]:
    """As YAML has it: names in the place of ids that hold Azure's subscription."""
    made = json.loads(json.dumps(spec, default=str))
    for key in _SERVERS:
        made.pop(key, None)
    return {key: shortened(value) for key, value in made.items() if value not in (None, {}, [])}


def shortened(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: shortened(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shortened(inner) for inner in value]
    if not isinstance(value, str):
        return value
    found = _ARM.fullmatch(value)
    if found:
        version = found["version"]
        return f"azureml:{found['name']}" + (f":{version}" if version else "")
    return _LONG.sub("azureml://", value)


def read(url: str) -> str:
    """What is open to everybody."""
    from azure.core import PipelineClient
    from azure.core.rest import HttpRequest

    answer = PipelineClient(url).send_request(HttpRequest("GET", url))
    answer.raise_for_status()
    return answer.text()


def write(path: Path, spec: dict[str, Any]) -> None:
    """JSON is YAML. It appears whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}")
    draft.write_text(json.dumps(spec, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    draft.replace(path)


def write_head(fetch: Fetch) -> None:
    head = {
        "format": "lazur-workspace",
        "version": 1,
        "lazur": "azure",
        "name": fetch.client.workspace_name,
        "display_name": None,
        "description": None,
        "tags": {},
        "assets": fetch.assets,
        "datastores": fetch.found["datastores"],
        "connections": [],
        "schedules": fetch.found["schedules"],
        "jobs": fetch.found["jobs"],
        **fetch.tracked,
        "left_out": fetch.left_out,
    }
    write(fetch.top / "workspace.json", head)


def say(**words: Any) -> None:
    print("lazur:", json.dumps(words), flush=True)


if __name__ == "__main__":
    sys.exit(main())
