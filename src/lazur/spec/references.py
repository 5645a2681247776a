"""Every way in which a spec points at something: `azureml:data:1`, a datastore path, a job's
output, a URL, a local path.

`parse` is total: whatever it is not, is a local path or an error. `str(reference)` writes it back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from lazur.errors import Invalid
from lazur.spec.names import check_name

AssetKind = Literal["environments", "data", "models", "components", "codes"]

_SHA256 = re.compile(r"[0-9a-f]{64}")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_REMOTE = frozenset(
    {"http", "https", "wasb", "wasbs", "abfs", "abfss", "adl", "s3", "gs", "ftp", "sftp"}
)
_BLOB = re.compile(
    r"wasbs?://(?P<container>[$A-Za-z0-9-]+)@(?P<account>[A-Za-z0-9.-]+\.blob\.core\.[A-Za-z0-9.-]+)"
    r"/(?P<path>.+[^/])"
)
_GIT = ("git+", "git@")
_FORMS = (
    "Known forms: azureml:<name>:<version>, azureml:<name>@<label>, "
    "azureml://registries/<registry>/<kind>/<name>/versions/<version>, "
    "azureml://datastores/<datastore>/paths/<path>, azureml://jobs/<job>/outputs/<output>, "
    "an ARM id, a URL or a local path."
)
_KINDS: dict[str, AssetKind] = {
    "environments": "environments",
    "data": "data",
    "datasets": "data",
    "models": "models",
    "components": "components",
    "codes": "codes",
    "code": "codes",
}


@dataclass(frozen=True)
class Arm:
    """Where in Azure a long form says it is. Kept to write it back; one Lazur serves one place."""

    subscription: str | None = None
    resource_group: str | None = None
    workspace: str | None = None
    location: str | None = None
    provider: bool = False
    """True for `azureml:/subscriptions/…/providers/Microsoft.MachineLearningServices/…`."""


@dataclass(frozen=True)
class Asset:
    """`azureml:name:version`, `azureml:name@label`, bare `azureml:name`, and the long forms of the
    same."""

    name: str
    version: str | None = None
    label: str | None = None
    kind: AssetKind | None = None
    """None: the place where it is written says which kind is meant."""
    registry: str | None = None
    arm: Arm | None = None

    def __str__(self) -> str:
        return _asset_text(self)


@dataclass(frozen=True)
class Resource:
    """An ARM id of something without versions: a compute, a datastore, a job."""

    kind: str
    name: str
    arm: Arm

    def __str__(self) -> str:
        return f"azureml:{_arm_prefix(self.arm)}/{self.kind}/{self.name}"


@dataclass(frozen=True)
class DatastorePath:
    datastore: str
    path: str
    arm: Arm | None = None

    def __str__(self) -> str:
        prefix = f"azureml:/{_arm_prefix(self.arm)}/" if self.arm else "azureml://"
        return f"{prefix}datastores/{self.datastore}/paths/{self.path}"


@dataclass(frozen=True)
class JobOutput:
    """`artifacts` is the job's whole artifact folder."""

    job: str
    output: str
    path: str = ""

    def __str__(self) -> str:
        paths = f"/paths/{self.path}" if self.path else ""
        return f"azureml://jobs/{self.job}/outputs/{self.output}{paths}"


@dataclass(frozen=True)
class RunArtifact:
    """MLflow's `runs:/<run>/<path>`."""

    run: str
    path: str

    def __str__(self) -> str:
        return f"runs:/{self.run}/{self.path}"


@dataclass(frozen=True)
class Tree:
    """Content that a client uploaded: a folder, or with `path` a thing inside."""

    digest: str
    path: str = ""

    def __str__(self) -> str:
        return f"tree:{self.digest}/{self.path}" if self.path else f"tree:{self.digest}"


@dataclass(frozen=True)
class Uri:
    uri: str

    @property
    def scheme(self) -> str:
        return self.uri.partition("://")[0].lower()

    @property
    def web(self) -> str | None:
        """The address by which anybody can fetch a public file: blobs of Azure have an https one
        beside the one that Spark uses. None for what the web does not know."""
        if self.scheme in ("http", "https"):
            return self.uri
        blob = _BLOB.fullmatch(self.uri)
        return blob and f"https://{blob['account']}/{blob['container']}/{blob['path']}"

    def __str__(self) -> str:
        return self.uri


@dataclass(frozen=True)
class Git:
    """`git+https://host/repository.git@ref#subdirectory=path`, `git@host:repository.git`."""

    url: str
    ref: str | None = None
    subdirectory: str | None = None
    written: str = ""

    def __str__(self) -> str:
        return self.written


@dataclass(frozen=True)
class Bound:
    """An expression stands where the reference will be."""

    expression: str

    def __str__(self) -> str:
        return self.expression


@dataclass(frozen=True)
class Local:
    """A file or folder of the person's, relative to the YAML file."""

    path: str
    scheme: str = ""
    """`file:` when it was written so."""

    def __str__(self) -> str:
        return f"{self.scheme}{self.path}"


Reference = (
    Asset | Resource | DatastorePath | JobOutput | RunArtifact | Tree | Uri | Git | Bound | Local
)


def parse(text: str) -> Reference:
    """Raises Invalid for what looks like a reference and is none."""
    if not text or "\0" in text or "\n" in text:
        raise Invalid(f"{text[:80]!r} is not a path or reference", hint=_FORMS)
    if text.startswith("${{") and text.endswith("}}") and text.count("${{") == 1:
        return Bound(text)
    if text.startswith("azureml://"):
        return _long(text, text.removeprefix("azureml://"))
    if text.startswith("azureml:/subscriptions/"):
        return _arm_id(text, text.removeprefix("azureml:/"))
    if text.startswith("azureml:"):
        return _short(text, text.removeprefix("azureml:"))
    if text.startswith("/subscriptions/"):
        return _arm_id(text, text.removeprefix("/"))
    if text.startswith("tree:"):
        return _tree(text, text.removeprefix("tree:"))
    if text.startswith("runs:/"):
        return _run(text, text.removeprefix("runs:").lstrip("/"))
    if text.startswith(_GIT):
        return _git(text)
    return _uri_or_local(text)


def is_local(text: str) -> bool:
    """True when the client has to replace `text` by content before the server can use it."""
    return isinstance(parse(text), Local)


def compute_name(text: str) -> str:
    """`azureml:cpu-cluster`, `cpu-cluster`, `local` or an ARM id -> the compute's name. Raises
    Invalid."""
    found = parse(text) if text.startswith(("azureml:", "/subscriptions/")) else None
    if isinstance(found, Resource) and found.kind in {"computes", "virtualclusters"}:
        return found.name
    name = found.name if isinstance(found, Asset) and found.version is None else text
    return _name(name, text)


def _short(text: str, rest: str) -> Reference:
    """`azureml:` and a name: an asset, a datastore's path, or a job's output."""
    if "/" in rest:
        head, _, path = rest.partition("/")
        if ":" not in head:
            return DatastorePath(_name(head, text), _inner(path, text))
    if "@" in rest:
        name, _, label = rest.partition("@")
        return Asset(_name(name, text), label=_name(label, text))
    name, _, version = rest.partition(":")
    if version.startswith(("outputs/", "outputs.")):
        output, _, path = version[len("outputs/") :].partition("/")
        return JobOutput(_name(name, text), _name(output, text), _inner(path, text))
    if ":" not in rest:
        return Asset(_name(rest, text))
    return Asset(_name(name, text), _name(version, text))


def _long(text: str, rest: str) -> Reference:
    parts = rest.split("/")
    match parts:
        case ["registries" | "feeds", registry, kind, name, *version]:
            return _versioned(text, kind, name, version, registry=_name(registry, text))
        case ["datastores", datastore, "paths", *path]:
            return DatastorePath(_datastore(datastore, text), _inner("/".join(path), text))
        case ["jobs", job, "outputs", output]:
            return JobOutput(_name(job, text), _name(output, text))
        case ["jobs", job, "outputs", output, "paths", *path]:
            return JobOutput(_name(job, text), _name(output, text), _inner("/".join(path), text))
        case ["subscriptions", *_]:
            return _arm_id(text, rest)
        case ["locations", location, "workspaces", workspace, kind, name, *version]:
            arm = Arm(workspace=workspace, location=location)
            return _versioned(text, kind, name, version, arm=arm)
        case [kind, name, *version] if kind in _KINDS:
            return _versioned(text, kind, name, version)
        case _:
            raise _unknown(text)


def _arm_id(text: str, rest: str) -> Reference:
    parts = rest.split("/")
    lowered = [part.lower() for part in parts]
    provider = lowered[4:6] == ["providers", "microsoft.machinelearningservices"]
    inside = parts[6:] if provider else parts[4:]
    if lowered[0] != "subscriptions" or lowered[2:3] != ["resourcegroups"]:
        raise _unknown(text)
    if inside[:1] != ["workspaces"] or len(inside) < len(["workspaces", "name", "kind"]):
        raise _unknown(text)
    return _in_workspace(text, inside[2:], Arm(parts[1], parts[3], inside[1], provider=provider))


def _in_workspace(text: str, inside: list[str], arm: Arm) -> Reference:
    match inside:
        case ["datastores", datastore, "paths", *path]:
            return DatastorePath(_datastore(datastore, text), _inner("/".join(path), text), arm)
        case [kind, name, *version] if kind.lower() in _KINDS and version:
            return _versioned(text, kind.lower(), name, version, arm=arm)
        case [kind, name]:
            return Resource(_name(kind, text), _name(name, text), arm)
        case _:
            raise _unknown(text)


def _versioned(
    text: str,
    kind: str,
    name: str,
    version: list[str],
    registry: str | None = None,
    arm: Arm | None = None,
) -> Asset:
    if kind not in _KINDS:
        raise _unknown(text)
    made = Asset(_name(name, text), kind=_KINDS[kind], registry=registry, arm=arm)
    match version:
        case []:
            return made
        case ["versions", number]:
            return Asset(made.name, _name(number, text), None, made.kind, registry, arm)
        case ["labels", label]:
            return Asset(made.name, None, _name(label, text), made.kind, registry, arm)
        case _:
            raise _unknown(text)


def _tree(text: str, rest: str) -> Tree:
    digest, _, path = rest.partition("/")
    if not _SHA256.fullmatch(digest):
        raise Invalid(f"{text!r} is not a tree: 64 hexadecimal digits follow `tree:`")
    return Tree(digest, _inner(path, text))


def _run(text: str, rest: str) -> RunArtifact:
    run, _, path = rest.partition("/")
    return RunArtifact(_name(run, text), _inner(path, text))


def _git(text: str) -> Git:
    address, _, fragment = text.removeprefix("git+").partition("#")
    subdirectory = None
    if fragment.startswith("subdirectory="):
        subdirectory = _inner(fragment.removeprefix("subdirectory="), text)
    host_ends = (
        address.find("/", address.find("://") + 3) if "://" in address else address.find(":")
    )
    at = address.rfind("@")
    url, ref = (address[:at], address[at + 1 :]) if at > host_ends >= 0 else (address, None)
    if url.startswith("-") or (ref is not None and (not ref or ref.startswith("-"))):
        raise Invalid(f"{text!r} is not a git address: no part of it may begin with '-'")
    return Git(url, ref, subdirectory, text)


def _uri_or_local(text: str) -> Reference:
    if text.startswith("file:"):
        path = text.removeprefix("file:")
        return Local("/" + path.lstrip("/") if path.startswith("//") else path, "file:")
    found = _SCHEME.match(text)
    if found is None:
        return Local(text)
    if found[1].lower() in _REMOTE:
        return Uri(text)
    raise Invalid(f"{text[:80]!r} has a scheme that is not known: {found[1]}", hint=_FORMS)


def _name(name: str, text: str) -> str:
    try:
        return check_name(name)
    except ValueError as error:
        raise Invalid(f"{text[:200]!r} is not a reference: {error}", hint=_FORMS) from None


def _datastore(name: str, text: str) -> str:
    return name if name.startswith("${{") and name.endswith("}}") else _name(name, text)


def _inner(path: str, text: str) -> str:
    """A path below something: it may not climb out."""
    if ".." in path.split("/") or "\\" in path:
        raise Invalid(f"{text[:200]!r} leaves its place: '..' and '\\' may not be in it")
    return path


def _unknown(text: str) -> Invalid:
    return Invalid(f"{text[:200]!r} is not a reference that is known", hint=_FORMS)


def _asset_text(asset: Asset) -> str:
    version = f"/versions/{asset.version}" if asset.version else ""
    version = f"/labels/{asset.label}" if asset.label else version
    if asset.registry:
        return f"azureml://registries/{asset.registry}/{asset.kind}/{asset.name}{version}"
    if asset.arm:
        prefix = _arm_prefix(asset.arm)
        colon = "azureml:" if asset.arm.provider else "azureml:/"
        return f"{colon}{prefix}/{asset.kind}/{asset.name}{version}"
    if asset.kind:
        return f"azureml://{asset.kind}/{asset.name}{version}"
    if asset.label:
        return f"azureml:{asset.name}@{asset.label}"
    return f"azureml:{asset.name}:{asset.version}" if asset.version else f"azureml:{asset.name}"


def _arm_prefix(arm: Arm | None) -> str:
    if arm is None:
        return ""
    if arm.location:
        return f"/locations/{arm.location}/workspaces/{arm.workspace}"
    provider = "/providers/Microsoft.MachineLearningServices" if arm.provider else ""
    groups = "resourceGroups" if arm.provider else "resourcegroups"
    return (
        f"/subscriptions/{arm.subscription}/{groups}/{arm.resource_group}{provider}"
        f"/workspaces/{arm.workspace}"
    )
