"""What the gate refuses before it looks at who is asking. Pure: each function looks at a scope and
raises Refused."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from lazur.server.arm import address as azure
from lazur.server.arm import replies
from lazur.server.mlflow import address
from lazur.server.settings import Settings

Headers = Sequence[tuple[bytes, bytes]]

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
_UGLY_PATH = re.compile(
    rb"//|\\|[\x00-\x20\x7f-\xff#]|%(?![0-9A-Fa-f]{2})|%2[fF]|%5[cC]|%[01][0-9A-Fa-f]|%7[fF]"
)
_MCP_SERVER = re.compile(rb"(/mlflow/(?:[^%]+/)?(?:ajax-)?api/3\.0/mlflow/mcp-servers/)(.+)")
_DOTS = re.compile(rb"/(?:\.|%2[eE]){1,2}(?=/|$)")
_MLFLOW_CODES = {
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    429: "REQUEST_LIMIT_EXCEEDED",
    500: "INTERNAL_ERROR",
}
_HOST = re.compile(r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9_.-]{1,253})(?::([0-9]{1,5}))?\Z")


class Refused(Exception):
    """Rendered like every other error, by status and code; `close` ends the connection with it."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        hint: str,
        *,
        headers: Headers = (),
        close: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error = {"code": code, "message": message, "hint": hint}
        self.headers = [*headers, *([(b"connection", b"close")] if close else [])]

    def body(self, path: str) -> bytes:
        """MLflow's clients, and Azure's, print `message`; to others it is one error as all are."""
        text = f"{self.error['message']}. {self.error['hint']}"
        if azure.belongs(path):
            return json.dumps(replies.told(self.error["code"], text)).encode()
        found: dict[str, object] = {"error": self.error}
        if path.startswith("/mlflow"):
            found |= {"error_code": _MLFLOW_CODES.get(self.status, "BAD_REQUEST"), "message": text}
        return json.dumps(found).encode()


def check_method(method: str) -> None:
    if method not in METHODS:
        raise Refused(
            405,
            "Invalid",
            f"the method {method[:32]} is not served",
            f"Served are {', '.join(sorted(METHODS))}.",
            headers=[(b"allow", ", ".join(sorted(METHODS)).encode())],
            close=True,
        )


def check_target(raw_path: bytes, query: bytes, limit: int) -> None:
    """A path has one spelling here, so that no layer behind can read it differently than this one
    did."""
    if len(raw_path) + len(query) > limit:
        raise Refused(
            414,
            "TooLarge",
            f"the address is longer than {limit} bytes",
            "Send long values in a body.",
            close=True,
        )
    path = _plain(raw_path)
    if path[:1] != b"/" or _UGLY_PATH.search(path) or _DOTS.search(path):
        raise Refused(
            400,
            "Invalid",
            "the path of the address holds an empty or dot segment, an encoded slash, a control "
            "character, or a character that must be percent-encoded",
            "Write the path plainly, each segment percent-encoded once.",
        )


def _plain(path: bytes) -> bytes:
    """MLflow's client encodes the slash in an MCP server's name. It is looked at as the slash that
    it is for those behind: what is refused with one is refused with the other."""
    found = _MCP_SERVER.fullmatch(path) if b"%2F" in path else None
    return found[1] + found[2].replace(b"%2F", b"/") if found else path


def check_headers(headers: Headers, limit: int) -> None:
    if len(headers) > 100 or sum([len(name) + len(value) for name, value in headers]) > limit:
        raise Refused(
            431,
            "TooLarge",
            f"the request's headers are more than 100 or larger than {limit} bytes",
            "A browser sends fewer after its cookies for this host are deleted.",
            close=True,
        )


def check_host(headers: Headers, hosts: frozenset[str]) -> str:
    """The `Host` header, checked: a page that points its own name here (DNS rebinding) ends at
    this line."""
    given = [value for name, value in headers if name == b"host"]
    text = given[0].decode("latin-1").lower() if len(given) == 1 else ""
    match = _HOST.match(text)
    if match is None or not _is_known(match[1].strip("[]"), hosts):
        raise Refused(
            421,
            "Forbidden",
            f"this server is not known as {text[:100]!r}"
            if text
            else "the request names no host, or several",
            "Use http://localhost:PORT, or add the name to allowed_hosts in config.toml.",
            close=True,
        )
    return text


def _is_known(name: str, hosts: frozenset[str]) -> bool:
    """Of `*.blob.ml.example.org` each name is known that has one part more."""
    first, _, rest = name.partition(".")
    return name in hosts or (first != "" and f"*.{rest}" in hosts)


def body_length(headers: Headers) -> int | None:
    """Announced size of the body: 0 when there is none, None when it is sent in chunks of unknown
    sum."""
    length = 0
    for name, value in headers:
        if name == b"transfer-encoding":
            return None
        if name == b"content-length":
            length = int(value) if value.isdigit() and len(value) < 19 else 1 << 62
    return length


def body_limit(method: str, path: str, settings: Settings) -> int | None:
    """Bytes allowed, or None: blobs and files of exported runs are streamed to disk, and MLflow's
    artifacts to where they belong."""
    parts = path.split("/")
    if address.is_upload(method, path) or (method == "PUT" and azure.is_blob(path)):
        return None
    below = parts[5:] if parts[1:4] == ["api", "v1", "workspaces"] else []
    if method == "POST" and below in (["blobs"], ["runs", "import"]):
        return None
    if method == "PATCH" and below[:1] == ["blobs"] and below[2:] == ["draft"]:
        return None
    return settings.max_body


def too_large(limit: int) -> Refused:
    return Refused(
        413,
        "TooLarge",
        f"the request's body is larger than {limit} bytes",
        "Send files as blobs (the SDK and the CLI do), or raise max_body in config.toml.",
        close=True,
    )


def too_slow() -> Refused:
    return Refused(
        408, "Unavailable", "the request's body came too slowly", "Send it again.", close=True
    )


def too_many(seconds: float) -> Refused:
    wait = str(max(1, round(seconds)))
    return Refused(
        429,
        "Unavailable",
        "there were too many attempts to sign in",
        f"Wait {wait} seconds, then run `lazur login --web` again.",
        headers=[(b"retry-after", wait.encode())],
        close=True,
    )


def unknown_caller(path: str) -> Refused:
    if azure.belongs(path):
        how = 'Set what Azure\'s clients go by anew: eval "$(lazur azure env)"'
    elif address.belongs(path):
        how = (
            "MLflow's client sends what MLFLOW_TRACKING_TOKEN holds, which "
            '`eval "$(lazur mlflow-uri --export)"` sets. In a browser, run `lazur login --web`.'
        )
    else:
        how = (
            "Send `Authorization: Bearer <token>`; the owner's token lies in `token` in the "
            "server's home. In a browser, run `lazur login --web`."
        )
    return Refused(
        401,
        "Unauthenticated",
        "the request carries no valid token or session",
        how,
        headers=[(b"www-authenticate", b"Bearer")],
    )


def ended() -> Refused:
    return Refused(
        401,
        "Unauthenticated",
        "the sign-in, or a role, was taken away while this was being sent",
        "Nothing of it was kept. `lazur me` shows what you may do now.",
    )


def elsewhere(path: str) -> Refused:
    return Refused(
        303,
        "Unauthenticated",
        "sign in first",
        f"Go to {path}",
        headers=[(b"location", path.encode())],
    )


def failed(incident: str) -> Refused:
    """Nothing of the exception is shown: it may hold what the caller must not see."""
    return Refused(
        500,
        "Internal",
        f"the server failed while it answered (incident {incident})",
        f"Whether the change was made is not known: look, then try again. Its log tells more: "
        f"grep {incident} in logs/server.log under the server's home.",
    )


def foreign_page(origin: str) -> Refused:
    return Refused(
        403,
        "Forbidden",
        f"the request comes from a page of another origin ({origin[:100]!r})",
        "Open Lazur's own page. A proxy's origin belongs in allowed_origins in config.toml.",
        close=True,
    )


def unmarked_change() -> Refused:
    return Refused(
        403,
        "Forbidden",
        "a change made with a browser session must name its origin and carry X-Lazur-Csrf",
        "Send `X-Lazur-Csrf: 1` from Lazur's own page, or use a token instead of the cookie.",
    )
