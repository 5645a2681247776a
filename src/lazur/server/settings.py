"""Settings of a server: defaults, then `config.toml` in the home, then `LAZUR_*`, then the command
line."""

from __future__ import annotations

import difflib
import ipaddress
import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

from lazur.errors import Invalid

Role = Literal["all", "api", "loops"]
Level = Literal["debug", "info", "warning", "error"]
DEFAULT_PORT = 8765
DEFAULT_VAULT = "file"
LOOPBACK_NAMES = frozenset({"localhost", "lazur.localhost", "127.0.0.1", "::1"})


def _setting(default: Any, doc: str) -> Any:
    return field(default=default, metadata={"doc": doc})


@dataclass(frozen=True)
class Settings:
    """One field per setting: its name is the key in `config.toml`, `LAZUR_<NAME>`, `--<name>`."""

    home: Path = field(metadata={"internal": True})
    oidc: Mapping[str, Any] = field(
        default_factory=dict[str, Any], kw_only=True, metadata={"internal": True}
    )
    """The tables `[oidc.NAME]` of `config.toml`, as they are written: see `doors`."""
    host: str = _setting("127.0.0.1", "Address to listen on. Anything but loopback needs `tls`.")
    port: int = _setting(
        0, f"Port to listen on. 0: the last one used, else {DEFAULT_PORT}, else any free one."
    )
    tls: bool = _setting(
        False, "Serve HTTPS, with a certificate made by a local authority under `tls/`."
    )
    insecure_bind: bool = _setting(
        False,
        "Allow a `host` beyond loopback without `tls`, say behind a proxy that speaks TLS.",
    )
    allowed_hosts: tuple[str, ...] = _setting(
        (), "Names under which browsers and clients may reach the server, beyond loopback's."
    )
    allowed_origins: tuple[str, ...] = _setting(
        (),
        "Origins (`https://ml.example.org`) of the proxy in front, compared by equality.",
    )
    database: str = _setting("", "Database URL. Empty: SQLite in the home.")
    role: Role = field(
        default="all",
        metadata={"doc": "`api` serves requests, `loops` moves jobs along, `all` does both."},
    )
    log_level: Level = field(
        default="info", metadata={"doc": "Least level written to `logs/server.log`."}
    )
    unknown_compute: str = _setting(
        "local",
        "Where jobs run whose `compute` does not exist here. Empty: they are refused.",
    )
    environment_days: int = _setting(
        60, "Environments that no job used for so many days are removed."
    )
    environment_gigabytes: int = _setting(
        50, "Of unused environments, the longest unused are removed beyond so many gigabytes."
    )
    data_cache_gigabytes: int = _setting(
        50, "Of data that jobs read from elsewhere, a machine keeps so many gigabytes for others."
    )
    storage: str = _setting(
        "",
        "Where content lies: `s3://BUCKET/FOLDER`, `gs://BUCKET/FOLDER`, "
        "`wasbs://CONTAINER@ACCOUNT.blob.core.windows.net/FOLDER`. Credentials are in "
        "`storage.toml` in the home. Empty: all of it is in the home.",
    )
    storage_copies_gigabytes: int = _setting(
        50, "Of content in `storage`, a machine keeps copies of so many gigabytes."
    )
    workspace_trash_days: int = _setting(
        14, "Deleted workspaces can be recovered for so many days; then they are purged."
    )
    mlflow_idle_minutes: int = _setting(
        30, "MLflow's own server is stopped when nobody needed it for so many minutes."
    )
    mlflow_private_urls: bool = _setting(
        False,
        "Let MLflow's webhooks, gateway and judges reach addresses of private networks and of "
        "this machine, by http too.",
    )
    tensorboard_idle_minutes: int = _setting(
        15, "A TensorBoard is stopped when nobody looked at it for so many minutes."
    )
    tensorboard_processes: int = _setting(4, "At most so many TensorBoards run at once.")
    tensorboard_megabytes: int = _setting(
        2048, "Memory that one TensorBoard may take, in megabytes (on Linux)."
    )
    password_sign_in: bool = _setting(
        False, "Let people sign in with a name and a password; an administrator sets the first."
    )
    sign_in_contact: str = _setting(
        "", "Whom to ask who may not sign in: a name or an address, shown on the sign-in page."
    )
    vault: str = _setting(
        DEFAULT_VAULT,
        "Where the root key is that secrets are wrapped by: `file` (in the home), `environment`, "
        "`hashicorp`, `azure_key_vault`. What these need to know is in `vault.toml` in the home.",
    )
    egress_allow: tuple[str, ...] = _setting(
        (),
        "Private addresses that datastores may lead to: `10.1.2.0/24`, `minio.example.lan:9000`; "
        "`*` is everything. Public ones always may.",
    )
    ambient_datastores: tuple[str, ...] = _setting(
        (),
        "Datastores without credentials, as `workspace/name`, that may use this machine's own "
        "identity. Whoever may write to such a workspace acts as it.",
    )
    openlineage_url: str = _setting(
        "",
        "Where an event is posted when a job begins and ends, such as "
        "`https://marquez.example.org/api/v1/lineage`. A private address needs `egress_allow`.",
    )
    openlineage_token_file: str = _setting(
        "",
        "File, of mode 0600, with the token that goes there as `Authorization: Bearer`: its path, "
        "or its name in the home. It is read each time.",
    )
    max_body: int = _setting(
        16 << 20, "Largest request body in bytes. Uploads of blobs have no limit."
    )
    max_url: int = _setting(16 << 10, "Longest path and query, in bytes.")
    max_headers: int = _setting(64 << 10, "Largest sum of a request's headers, in bytes.")
    header_seconds: float = _setting(15.0, "Time for a client to send its headers.")
    body_seconds: float = _setting(
        30.0, "Time for a client to send a body, plus one second for every KiB of it."
    )
    idle_seconds: float = _setting(75.0, "Time after which an idle connection is closed.")

    @property
    def scheme(self) -> str:
        return "https" if self.tls else "http"

    @property
    def hosts(self) -> frozenset[str]:
        """Every name that a `Host` header may carry, in lower case and without a port."""
        own = () if is_wildcard(self.host) else (self.host,)
        return LOOPBACK_NAMES | {name.lower().strip("[]") for name in (*self.allowed_hosts, *own)}

    def client_host(self) -> str:
        """The name under which clients on this machine reach the server, as it stands in a URL."""
        host = "127.0.0.1" if is_wildcard(self.host) else self.host
        return f"[{host}]" if ":" in host else host


def default_home(environ: Mapping[str, str] = os.environ) -> Path:
    return Path(environ.get("LAZUR_HOME") or "~/.lazur").expanduser().absolute()


def load(
    home: Path, flags: Mapping[str, Any] | None = None, environ: Mapping[str, str] = os.environ
) -> Settings:
    """Raises Invalid with the place and the next step. `flags` that are None were not given."""
    values: dict[str, Any] = {}
    written = _file(home / "config.toml")
    oidc = written.pop("oidc", {})
    for place, given in (
        (str(home / "config.toml"), written),
        ("the environment", _environment(environ)),
        ("the command line", {k: v for k, v in (flags or {}).items() if v is not None}),
    ):
        values |= {key: _checked(key, value, place) for key, value in given.items()}
    settings = Settings(home=home, oidc=oidc, **values)
    _refuse_open_bind(settings)
    return settings


def described() -> list[tuple[str, Any, str]]:
    """(name, default, text) of each setting, for `--help` and the documentation."""
    return [(f.name, f.default, str(f.metadata["doc"])) for f in _settable()]


def is_wildcard(host: str) -> bool:
    return host in {"", "::"} or host == "0.0.0.0"  # noqa: S104 - recognised, not used


def is_loopback(host: str) -> bool:
    if host.lower() in LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _settable() -> list[Field[Any]]:
    return [f for f in fields(Settings) if not f.metadata.get("internal")]


def _file(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(
            f"{path} cannot be read: {error}", hint="Correct the file, or delete it."
        ) from error
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Invalid(
            f"{path} is not valid TOML: {error}", hint='Text needs quotes: host = "127.0.0.1"'
        ) from error


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Other `LAZUR_*` variables belong to clients and jobs, so only known names are looked at."""
    names = {f"LAZUR_{f.name.upper()}": f.name for f in _settable()}
    return {name: environ[variable] for variable, name in names.items() if environ.get(variable)}


def _checked(key: str, value: Any, place: str) -> Any:
    known = {f.name: f for f in _settable()}
    if key not in known:
        raise Invalid(f"{place}: there is no setting {key!r}", hint=_meant(key, known))
    wanted = _kind(known[key])
    try:
        return _coerce(value, wanted)
    except ValueError:
        raise Invalid(
            f"{place}: {key} = {value!r} is not {_words(wanted)}",
            hint=f"{known[key].metadata['doc']} Default: {known[key].default!r}",
        ) from None


def _meant(key: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(key.replace("-", "_").lower(), list(known), n=1, cutoff=0.6)
    return f"Did you mean {close[0]}?" if close else f"Settings are: {', '.join(sorted(known))}."


def _kind(setting: Field[Any]) -> Any:
    if setting.name == "role":
        return Role
    return Level if setting.name == "log_level" else type(setting.default)


def _coerce(value: Any, wanted: Any) -> Any:
    if choices := get_args(wanted):
        if value not in choices:
            raise ValueError(value)
        return value
    return {bool: _bool, int: _int, float: _float, tuple: _names, str: _text}[wanted](value)


def _words(wanted: Any) -> str:
    if choices := get_args(wanted):
        return "one of " + ", ".join(choices)
    return {
        bool: "true or false",
        int: "a whole number from 0",
        float: "a number of seconds",
        tuple: "a list of names",
        str: "text",
    }[wanted]


def _bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    known = {"1": True, "true": True, "yes": True, "on": True}
    known |= {"0": False, "false": False, "no": False, "off": False}
    if str(value).lower() not in known:
        raise ValueError(value)
    return known[str(value).lower()]


def _int(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str) or int(value) < 0:
        raise ValueError(value)
    return int(value)


def _float(value: Any) -> float:
    if isinstance(value, bool) or not 0 < float(value) < 1e9:
        raise ValueError(value)
    return float(value)


def _names(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",")]
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) for name in value):
        raise ValueError(value)
    return tuple(name for name in value if name)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(value)  # noqa: TRY004 - told apart by nobody
    return value


def _refuse_open_bind(settings: Settings) -> None:
    if is_loopback(settings.host) or settings.tls or settings.insecure_bind:
        return
    raise Invalid(
        f"the server would listen on {settings.host!r} without encryption: "
        "whoever shares the network could read tokens",
        hint="Set tls = true (--tls), or insecure_bind = true behind a proxy that speaks TLS.",
    )
