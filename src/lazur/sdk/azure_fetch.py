"""A workspace of Azure as plain files, in the form of `lazur workspace export`.

    CONFIG FOLDER [KIND,…] [--with-files] [--with-artifacts] [--experiments=JSON]

Runs in a Python that has azure-ai-ml, and imports nothing of Lazur but the files beside it that
are named `azure_…`. Lines of JSON tell how it goes. Begun anew on the same folder, it goes on with
what is not there yet.
"""

from __future__ import annotations

import json
import re
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
_NAMES = "--experiments="
_SERVERS = ("id", "creation_context", "base_path", "provisioning_state", "status", "services")


class Fetch:
    def __init__(self, client: Any, top: Path, with_files: bool) -> None:
        self.client = client
        self.top = top
        self.with_files = with_files
        self.left_out: list[str] = []
        self.assets: list[dict[str, Any]] = []
        self.found: dict[str, list[str]] = {kind: [] for kind in KINDS}
        self.tracked: dict[str, list[Any]] = {"experiments": [], "runs": []}

    def asset_kind(self, kind: str) -> None:
        room = getattr(self.client, kind)
        for name in sorted({one.name for one in room.list()}):
            versions = list(room.list(name=name))
            for one in reversed(versions):
                self.tried(f"{kind}/{name}:{one.version}", self.asset, kind, room, one)

    def asset(self, kind: str, room: Any, listed: Any) -> None:
        name, version = str(listed.name), str(listed.version)
        place = self.top / kind / name / f"{version}.yml"
        if not place.exists():
            spec = plain(room.get(name=name, version=version)._to_dict())
            if self.with_files and kind in ("models", "data"):
                self.files(kind, name, version, spec)
            if kind == "components" and str(spec.get("code", "")).startswith("azureml:"):
                self.code(name, version, spec)
            write(place, spec)
        self.assets.append(
            {
                "kind": kind,
                "name": name,
                "file": f"{kind}/{name}/{version}.yml",
                "version": version,
                "archived": False,
                "labels": [],
            }
        )

    def files(self, kind: str, name: str, version: str, spec: dict[str, Any]) -> None:
        from azure.ai.ml._artifacts import (  # pyright: ignore[reportMissingImports]
            _artifact_utilities as artifacts,
        )

        into = self.top / kind / name / version
        into.mkdir(parents=True, exist_ok=True)
        artifacts.download_artifact_from_aml_uri(
            uri=str(spec["path"]),
            destination=str(into),
            datastore_operation=self.client.datastores,
        )
        held = sorted(into.iterdir())
        single = len(held) == 1 and (held[0].is_file() or spec.get("type") != "uri_folder")
        spec["path"] = f"./{version}/{held[0].name}" if single else f"./{version}"

    def code(self, name: str, version: str, spec: dict[str, Any]) -> None:
        """The files that a component runs."""
        into = self.top / "components" / name / version
        self.client.components.download(name=name, version=version, download_path=str(into))
        spec["code"] = f"./{version}/code" if (into / "code").is_dir() else f"./{version}"

    def each(self, kind: str, items: Any) -> None:
        for one in items:
            self.tried(f"{kind}/{one.name}", self.one, kind, one)

    def one(self, kind: str, listed: Any) -> None:
        place = self.top / kind / f"{listed.name}.yml"
        if not place.exists():
            spec = plain(listed._to_dict())
            if kind == "datastores":
                spec.pop("credentials", None)
                self.left_out.append(f"{kind}/{listed.name}: its credentials")
            write(place, {**spec, **({"is_enabled": False} if kind == "schedules" else {})})
        self.found[kind].append(f"{kind}/{listed.name}.yml")

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
        fetch.each("schedules", fetch.client.schedules.list())
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
    print(json.dumps(words), flush=True)


if __name__ == "__main__":
    sys.exit(main())
