"""What a server answers, with attributes: `job.services["Studio"].endpoint` and `job["services"]`
are the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Any, ClassVar

from lazur.sdk.attributes import missing

JOB_CHANGES = (
    "display_name",
    "description",
    "tags",
    "properties",
    "archived",
    "experiment_name",
)
ASSET_CHANGES = ("description", "tags", "properties")
SCHEDULE_CHANGES = ("display_name", "description", "tags", "properties", "trigger")


class View(Mapping[str, Any]):
    """A mapping that is read by attribute too. A field of its class that the server did not send
    is None; what is neither sent nor a field is an AttributeError, as a slip of the pen is."""

    _changeable: ClassVar[tuple[str, ...]] = ()
    """Fields that may be assigned to, for `create_or_update` to send."""
    _plain: ClassVar[tuple[str, ...]] = ()
    """Fields that are ordinary dictionaries, to be changed in place: `job.tags["a"] = "b"`."""
    _inner: ClassVar[Mapping[str, type[View]]] = {}
    """Fields with fields of their own."""
    _written: ClassVar[tuple[str, ...]] = ()
    """The kinds of YAML whose fields it has beside its own."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        # Copied: what is changed here is nobody else's.
        own = {key: dict(data[key]) for key in self._plain if isinstance(data.get(key), Mapping)}
        self._data: dict[str, Any] = {**data, **own}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name in self._plain and self._data.get(name) is None:
            self._data[name] = {}
        if name in self._data:
            return self[name]
        known = _fields(type(self))
        if name in known:
            return None
        raise missing(_named(type(self)), name, {*known, *self._data})

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_"):
            super().__setattr__(name, value)
        elif name in self._changeable:
            self._data[name] = value
        else:
            which = ", ".join(self._changeable) or "nothing"
            raise AttributeError(
                f"{name!r} of a {type(self).__name__} that the server gave cannot be assigned to;"
                f" what can: {which}."
            )

    def __getitem__(self, key: str) -> Any:
        value = self._data[key]
        if key in self._plain:
            return value
        if key in self._inner and isinstance(value, Mapping):
            # Kept, so that what is assigned to its fields is.
            value = self._data[key] = _wrapped(value, self._inner[key])
        return _wrapped(value)

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def __len__(self) -> int:
        return len(self._data)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *(key for key in self._data if key.isidentifier())]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({dict(self._data)!r})"

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as the server sent it, with what was changed since."""
        return {k: v.to_dict() if isinstance(v, View) else v for k, v in self._data.items()}


@cache
def _fields(cls: type[View]) -> frozenset[str]:
    found = [vars(part).get("__annotations__", {}) for part in cls.__mro__]
    if cls._written:
        # Models take a while to import, and nobody asks for what is not there twice.
        catalog = import_module("lazur.kinds.catalog")
        found += [catalog.KINDS[kind].model.model_fields for kind in cls._written]
    return frozenset(name for names in found for name in names if not name.startswith("_"))


def _named(cls: type[View]) -> str:
    return "What the server gave" if cls is View else f"A {cls.__name__}"


class Fault(View):
    """Why a job failed."""

    code: str
    message: str
    hint: str | None


class Job(View):
    _changeable = JOB_CHANGES
    _plain = ("tags", "properties")
    _inner: ClassVar[Mapping[str, type[View]]] = {"error": Fault}
    _written = ("command-job", "sweep-job", "pipeline-job", "parallel-job")

    id: str
    name: str
    status: str
    type: str
    display_name: str | None
    description: str | None
    experiment_name: str | None
    tags: dict[str, str]
    properties: dict[str, str]
    run_id: str | None
    compute: str | None
    inputs: Any
    outputs: Any
    identity: Any
    services: Any
    creation_context: Any
    git: Any
    phases: Any
    waiting_for: str | None
    warnings: Any
    error: Any
    attempt: int
    build: str | None
    archived: bool
    started_at: str | None
    ended_at: str | None
    duration: float | None
    progress: Any
    reuse: Any
    etag: str

    @property
    def studio_url(self) -> str | None:
        """Address of the job's page."""
        return (self._data.get("services") or {}).get("Studio", {}).get("endpoint")

    def __repr__(self) -> str:
        shown = [f"name={self.name!r}", f"status={self.status!r}"]
        shown += [
            f"{key}={self._data[key]!r}"
            for key in ("display_name", "duration")
            if self._data.get(key)
        ]
        if error := self._data.get("error"):
            shown.append(f"error={error.get('message')!r}")
        return f"Job({', '.join(shown)})"


class Trial(View):
    """Of a sweep. `values` are those of its hyperparameters, as in `trial["values"]`."""

    _plain = ("values",)

    name: str
    number: int
    status: str
    score: float | None
    best: bool

    @property
    def values(self) -> dict[str, Any]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self["values"]

    def __repr__(self) -> str:
        return f"Trial({self.number}, {self.values!r}, score={self.score!r})"


class Asset(View):
    """One version of an environment, a data asset, a model or a component."""

    _changeable = ASSET_CHANGES
    _plain = ("tags", "properties")
    _written = ("data", "model", "environment", "command-component", "pipeline-component")

    id: str
    name: str
    version: str
    labels: Any
    creation_context: Any
    archived: bool
    etag: str

    def __repr__(self) -> str:
        return f"{type(self).__name__}(name={self.name!r}, version={self.version!r})"


class Datastore(View):
    _written = ("datastore",)

    name: str
    type: str

    def __repr__(self) -> str:
        return f"Datastore(name={self.name!r}, type={self.type!r})"


class Connection(View):
    _written = ("connection",)

    name: str
    type: str

    def __repr__(self) -> str:
        return f"Connection(name={self.name!r}, type={self.type!r})"


class Workspace(View):
    _written = ("workspace",)

    name: str

    def __repr__(self) -> str:
        return f"Workspace(name={self.name!r})"


class Registry(View):
    _written = ("registry",)

    name: str

    def __repr__(self) -> str:
        return f"Registry(name={self.name!r})"


class Compute(View):
    _written = ("compute",)

    name: str

    def __repr__(self) -> str:
        return f"Compute(name={self.name!r}, type={self._data.get('type')!r})"


class Principal(View):
    """A user, a group or a service."""

    name: str
    kind: str
    disabled: bool

    def __repr__(self) -> str:
        return f"Principal(name={self.name!r}, kind={self.kind!r})"


class Role(View):
    name: str

    def __repr__(self) -> str:
        return f"Role(name={self.name!r})"


class RoleAssignment(View):
    id: str
    principal: str
    role: str
    scope: str
    """`/` is the whole server, `/workspaces/lab` a workspace."""

    def __repr__(self) -> str:
        return f"RoleAssignment({self.principal!r}, {self.role!r}, scope={self.scope!r})"


class Token(View):
    id: str
    token: str | None
    """The secret, where it was just made."""

    def __repr__(self) -> str:
        return f"Token(id={self._data.get('id')!r}, label={self._data.get('label')!r})"


class Quota(View):
    workspace: str | None
    user: str | None
    """None: of all together; `*`: of each person."""
    name: str
    limit: int
    used: int | None

    def __repr__(self) -> str:
        return f"Quota({self._data.get('name')}={self._data.get('limit')})"


class AuditEntry(View):
    who: str
    action: str
    hash: str

    def __repr__(self) -> str:
        shown = " ".join(str(self._data.get(key)) for key in ("at", "who", "action", "name"))
        return f"AuditEntry({shown})"


def _wrapped(value: Any, cls: type[View] = View) -> Any:
    if isinstance(value, Mapping):
        return value if isinstance(value, View) else cls(value)
    if isinstance(value, list):
        return [_wrapped(item) for item in value]
    return value


class Trigger(View):
    """When a schedule fires, or upon what."""

    _changeable = tuple(
        "expression frequency interval schedule start_time end_time time_zone missed"
        " catch_up_limit".split()
    )

    type: str


class Schedule(View):
    _changeable = SCHEDULE_CHANGES
    _plain = ("tags", "properties")
    _inner: ClassVar[Mapping[str, type[View]]] = {"trigger": Trigger}
    _written = ("schedule",)

    name: str
    display_name: str | None
    is_enabled: bool
    url: str | None
    """A webhook's."""

    def __repr__(self) -> str:
        return f"Schedule(name={self.name!r}, is_enabled={self.is_enabled!r})"
