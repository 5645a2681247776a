"""What a backend needs to run one attempt of one leaf job. Plain data, everything resolved, JSON
both ways.

A plan is written to disk or sent over a wire and read by `lazur.runtime` on the node, which knows
only the standard library of Python 3.8: so its JSON form is a contract. `version` changes when the
contract does.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal

VERSION = 1

InputMode = Literal["ro_mount", "rw_mount", "download", "direct", "eval_mount", "eval_download"]
OutputMode = Literal["rw_mount", "upload", "direct"]


@dataclass(frozen=True)
class Source:
    """Where bytes come from: exactly one of the fields is set."""

    tree: str | None = None
    """Hash of a tree manifest in the blob store (see contributing/backbone.md, Trees)."""
    path: str | None = None
    """An absolute file or folder on the node."""
    uri: str | None = None
    """http(s), fetched by the runtime unless the mode is `direct`."""
    remote: str | None = None
    """A key of `Private.stores`: what the carrier fetches from a store outside of the site."""
    table: list[list[str]] | None = None
    """Of what a loop made: (name, what, where) of each item. `what` is `path`, on the node; or
    `file` or `folder`, which the MLTable file names as they are."""


@dataclass(frozen=True)
class Input:
    name: str
    """Dotted for groups: `data.train`."""
    mode: InputMode
    file: bool
    """True: the value is the path of one file; False: of a folder."""
    source: Source
    path_on_compute: str | None = None


@dataclass(frozen=True)
class Output:
    name: str
    mode: OutputMode
    file: bool
    destination: str
    """Absolute path on the node where the finished output lies; for `direct`, the URI that the job
    is given; with `remote`, the URI that the carrier takes it to."""
    remote: bool = False


@dataclass(frozen=True)
class Demand:
    """What one attempt holds while it is placed. Zero memory means: no limit, and none
    reserved."""

    cpus: int = 1
    memory: int = 0
    gpus: int = 0


@dataclass(frozen=True)
class Distribution:
    type: Literal["pytorch", "mpi", "tensorflow"]
    processes: int = 1
    """Per node (pytorch, mpi)."""
    workers: int = 0
    """In all (tensorflow)."""
    parameter_servers: int = 0


@dataclass(frozen=True)
class Private:
    """What an attempt needs and nobody may read: handed to its supervisor alone, through a pipe,
    and never written down. Not part of the plan's JSON."""

    stores: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    """By URI: `type`, `settings`, `credentials`, `ambient`, and the `path` in it."""
    variables: dict[str, str] = field(default_factory=dict[str, str])
    """Of the job's environment: values out of connections. They are masked in its logs."""
    masked: list[str] = field(default_factory=list[str])
    """Of those, what must not be in a log."""

    def __bool__(self) -> bool:
        return bool(self.stores or self.variables)

    def __repr__(self) -> str:
        return "Private(***)"

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Carrier:
    """Who moves files between a store and this node: a program of the server's, since jobs' own
    environments lack the vendors' clients."""

    argv: list[str]
    rule: list[str]
    """Where it may connect to: see `egress.Rule.of`."""
    limit: int
    """Bytes that its cache may take."""


@dataclass(frozen=True)
class Plan:
    job: str
    workspace: str
    attempt: int
    folder: str
    """The attempt's own folder on the node. The runtime's files and the working directory lie in
    it."""
    artifacts: str
    """Where `user_logs/`, `system_logs/`, `outputs/` and `logs/` of the job are kept; logs are
    written there live."""
    command: str
    """Bash, with `${{inputs.x}}`, `${{outputs.y}}` and `${{name}}` still in it: paths are known on
    the node only."""
    values: dict[str, str] = field(default_factory=dict[str, str])
    """Literals by expression: {"inputs.lr": "0.1", "name": "nifty_pepper"}."""
    inputs: list[Input] = field(default_factory=list[Input])
    outputs: list[Output] = field(default_factory=list[Output])
    code: Source | None = None
    environment: str | None = None
    """Prefix of the environment (`<prefix>/bin/python`), or None for the node's own PATH."""
    variables: dict[str, str] = field(default_factory=dict[str, str])
    """The job's whole environment beyond the allow-list of the node's (PATH, HOME, LANG, TZ,
    USER…)."""
    distribution: Distribution | None = None
    nodes: int = 1
    demand: Demand = field(default_factory=Demand)
    gpu_ids: list[int] = field(default_factory=list[int])
    timeout: float | None = None
    grace: float = 10.0
    """Seconds between asking the tree to end (TERM) and ending it (KILL)."""
    blobs: str | None = None
    """Root of the local blob store, for tree sources."""
    cache: str | None = None
    """Root of the node's cache of unpacked trees and downloads."""
    hints: str | None = None
    """Folder of Unix datagram sockets; a datagram to each says: look now. May be lost."""
    word: str = ""
    """What the datagram says: `<workspace>/<job>/<the server's number of it>`."""
    carrier: Carrier | None = None
    private: Private = field(default_factory=Private)
    version: int = VERSION

    @property
    def key(self) -> str:
        return f"{self.workspace}/{self.job}/{self.attempt}"

    def to_dict(self) -> dict[str, Any]:
        """Without what is private."""
        made = asdict(replace(self, private=Private()))
        del made["private"]
        return made

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Plan:
        known = {f.name for f in fields(cls)} - {"private"}
        made = {k: v for k, v in data.items() if k in known}
        made["inputs"] = [_input(i) for i in made.get("inputs", [])]
        made["outputs"] = [Output(**o) for o in made.get("outputs", [])]
        made["code"] = Source(**made["code"]) if made.get("code") else None
        made["demand"] = Demand(**made.get("demand", {}))
        made["distribution"] = (
            Distribution(**made["distribution"]) if made.get("distribution") else None
        )
        made["carrier"] = Carrier(**made["carrier"]) if made.get("carrier") else None
        return cls(**made)


def _input(data: dict[str, Any]) -> Input:
    plain: dict[str, Any] = {**data, "source": Source(**data["source"])}
    return Input(**plain)


@dataclass(frozen=True)
class Phase:
    """One bar of the waterfall. Times are seconds since the epoch; `end` is None while it
    lasts."""

    name: str
    start: float
    end: float | None = None
    detail: str | None = None


@dataclass(frozen=True)
class Exit:
    """How an attempt ended. `reason` is the machine's word for it; causes.py turns it into a
    person's."""

    reason: Literal[
        "ok",
        "exit",  # the command ended with `code` != 0
        "signal",  # the command was ended by `signal`, not by us
        "canceled",
        "timeout",
        "memory",
        "input",  # an input, the code or an output's place could not be prepared; see `message`
        "output",  # the command ended well, its outputs could not be kept; see `message`
        "internal",  # the runtime itself failed; see `message`
        "lost",  # the supervisor vanished without a word
    ]
    code: int | None = None
    signal: int | None = None
    message: str | None = None
    warnings: list[str] = field(default_factory=list[str])


@dataclass(frozen=True)
class Status:
    """What a backend knows of an attempt."""

    state: Literal["pending", "preparing", "running", "finalizing", "ended", "lost", "never"]
    """`lost`: it ran, and its supervisor is gone; nothing of it runs any more. `never`: it did not
    begin, and never will (fenced): it is safe to start another attempt."""
    phases: list[Phase] = field(default_factory=list[Phase])
    exit: Exit | None = None
