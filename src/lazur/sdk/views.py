"""What a server answers, with attributes: `job.services["Studio"].endpoint` and `job["services"]`
are the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

JOB_CHANGES = (
    "display_name",
    "description",
    "tags",
    "properties",
    "archived",
    "experiment_name",
)
ASSET_CHANGES = ("description", "tags", "properties")


class View(Mapping[str, Any]):
    """A mapping that is read by attribute too. A field that the server did not send is None."""

    _changeable: ClassVar[tuple[str, ...]] = ()
    """Fields that may be assigned to, for `create_or_update` to send."""
    _plain: ClassVar[tuple[str, ...]] = ()
    """Fields that are ordinary dictionaries, to be changed in place: `job.tags["a"] = "b"`."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        # Copied: what is changed here is nobody else's.
        own = {key: dict(data[key]) for key in self._plain if isinstance(data.get(key), Mapping)}
        self._data: dict[str, Any] = {**data, **own}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name in self._plain and self._data.get(name) is None:
            self._data[name] = {}
        return self[name] if name in self._data else None

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
        return value if key in self._plain else _wrapped(value)

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
        return dict(self._data)


class Job(View):
    _changeable = JOB_CHANGES
    _plain = ("tags", "properties")

    name: str
    status: str
    type: str
    display_name: str | None
    experiment_name: str | None

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


class Asset(View):
    """One version of an environment, a data asset, a model or a component."""

    _changeable = ASSET_CHANGES
    _plain = ("tags", "properties")

    id: str
    name: str
    version: str

    def __repr__(self) -> str:
        return f"{type(self).__name__}(name={self.name!r}, version={self.version!r})"


class Datastore(View):
    name: str
    type: str

    def __repr__(self) -> str:
        return f"Datastore(name={self.name!r}, type={self.type!r})"


class Connection(View):
    name: str
    type: str

    def __repr__(self) -> str:
        return f"Connection(name={self.name!r}, type={self.type!r})"


class Workspace(View):
    name: str

    def __repr__(self) -> str:
        return f"Workspace(name={self.name!r})"


class Registry(View):
    name: str

    def __repr__(self) -> str:
        return f"Registry(name={self.name!r})"


class Compute(View):
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


def _wrapped(value: Any) -> Any:
    if isinstance(value, Mapping):
        return value if isinstance(value, View) else View(value)
    if isinstance(value, list):
        return [_wrapped(item) for item in value]
    return value


class Schedule(View):
    name: str
    display_name: str | None
    is_enabled: bool
