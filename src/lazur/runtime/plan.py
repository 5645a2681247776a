"""plan.json as the runtime sees it. The other side of this contract is `lazur.engine.plan`."""

from __future__ import annotations

from lazur.runtime.documents import read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

VERSION = 1


class Unprepared(Exception):
    """An input, the code or the place of an output could not be prepared. The text is for
    people."""


class Unkept(Exception):
    """The command ended well, but an output could not be kept. The text is for people."""


class Canceled(Exception):
    """Somebody canceled the job while its files were moved."""


def _name(text: str) -> str:
    """Becomes part of a path."""
    if "/" in text or "\0" in text or text in ("", ".", ".."):
        raise Unprepared("%r cannot be the name of an input or output" % text[:80])
    return text


class Source:
    def __init__(self, data: dict[str, Any]) -> None:
        self.tree: str | None = data.get("tree")
        self.path: str | None = data.get("path")
        self.uri: str | None = data.get("uri")
        self.remote: str | None = data.get("remote")
        self.table: list[list[str]] | None = data.get("table")


class Input:
    def __init__(self, data: dict[str, Any]) -> None:
        self.name = _name(data["name"])
        self.mode: str = data["mode"]
        self.file: bool = data["file"]
        self.source = Source(data["source"])
        self.path_on_compute: str | None = data.get("path_on_compute")


class Output:
    def __init__(self, data: dict[str, Any]) -> None:
        self.name = _name(data["name"])
        self.mode: str = data["mode"]
        self.file: bool = data["file"]
        self.destination: str = data["destination"]
        self.remote: bool = data.get("remote", False)


class Distribution:
    def __init__(self, data: dict[str, Any]) -> None:
        self.type: str = data["type"]
        self.processes: int = data.get("processes", 1)
        self.workers: int = data.get("workers", 0)
        self.parameter_servers: int = data.get("parameter_servers", 0)


class Private:
    """What came through the pipe: never written down, and handed on as little as possible."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.stores: dict[str, dict[str, Any]] = data.get("stores") or {}
        self.variables: dict[str, str] = data.get("variables") or {}
        self.masked: list[str] = data.get("masked") or []


class Carrier:
    def __init__(self, data: dict[str, Any]) -> None:
        self.argv: list[str] = data["argv"]
        self.rule: list[str] = data["rule"]
        self.limit: int = data["limit"]


class Plan:
    def __init__(self, data: dict[str, Any]) -> None:
        self.job: str = data["job"]
        self.workspace: str = data["workspace"]
        self.attempt: int = data["attempt"]
        self.folder: str = data["folder"]
        self.artifacts: str = data["artifacts"]
        self.command: str = data["command"]
        self.values: dict[str, str] = data.get("values") or {}
        self.inputs = [Input(i) for i in data.get("inputs") or ()]
        self.outputs = [Output(o) for o in data.get("outputs") or ()]
        self.code = Source(data["code"]) if data.get("code") else None
        self.environment: str | None = data.get("environment")
        self.variables: dict[str, str] = data.get("variables") or {}
        shape = data.get("distribution")
        self.distribution = Distribution(shape) if shape else None
        self.nodes: int = data.get("nodes") or 1
        demand: dict[str, int] = data.get("demand") or {}
        self.memory = demand.get("memory", 0)
        self.gpus = demand.get("gpus", 0)
        self.gpu_ids: list[int] = data.get("gpu_ids") or []
        self.timeout: float | None = data.get("timeout")
        self.grace: float = data.get("grace", 10.0)
        self.blobs: str | None = data.get("blobs")
        self.cache: str | None = data.get("cache")
        self.hints: str | None = data.get("hints")
        self.word: str = data.get("word") or self.workspace + "/" + self.job
        carrier = data.get("carrier")
        self.carrier = Carrier(carrier) if carrier else None
        self.private = Private({})

    @property
    def key(self) -> str:
        return "%s/%s/%d" % (self.workspace, self.job, self.attempt)


def load(folder: str, private: dict[str, Any] | None = None) -> Plan:
    data = read(folder + "/plan.json")
    version = data.get("version", VERSION)
    if version > VERSION:
        text = "this runtime reads plans up to version %d, and the plan is of version %s"
        raise Unprepared(text % (VERSION, version) + ": update Lazur on this node")
    plan = Plan(data)
    plan.folder = folder
    plan.private = Private(private or {})
    return plan
