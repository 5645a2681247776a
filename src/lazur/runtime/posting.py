"""JSON to the server, by HTTP. `http.client` costs a job 25 ms of a core, so that it is imported
only where the way is encrypted, where it is the least of what that costs."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from typing import Any

_PATIENCE = 5.0
_LONGEST = 1 << 16
"""Bytes of an answer. Nobody reads more than its first line."""


class Post:
    """To an address `http[s]://host[:port]/path`. Raises OSError for what may go better next
    time."""

    def __init__(self, url: str, headers: dict[str, str], authority: str | None) -> None:
        scheme, _, rest = url.partition("://")
        self._secure = scheme == "https"
        self._authority = authority
        self._host, _, path = rest.partition("/")
        self._path = "/" + path
        self._headers = headers

    def send(self, body: str) -> int:
        """The status of the answer."""
        return self._send_sealed(body) if self._secure else self._send_plainly(body)

    def _send_sealed(self, body: str) -> int:
        from http.client import HTTPException, HTTPSConnection  # noqa: PLC0415  # as above
        from ssl import create_default_context  # noqa: PLC0415

        context = create_default_context(cafile=self._authority)
        connection = HTTPSConnection(self._host, timeout=_PATIENCE, context=context)
        try:
            connection.request("POST", self._path, body, self._headers)
            return connection.getresponse().status
        except HTTPException as error:
            raise OSError("%s: %s" % (type(error).__name__, error)) from None
        finally:
            connection.close()

    def _send_plainly(self, body: str) -> int:
        data = body.encode("utf-8")
        lines = ["POST %s HTTP/1.1" % self._path, "Host: " + self._host, "Connection: close"]
        lines += ["%s: %s" % pair for pair in self._headers.items()]
        lines += ["Content-Length: %d" % len(data), "", ""]
        wire = _connect(self._host)
        try:
            wire.sendall("\r\n".join(lines).encode("latin-1") + data)
            return _status(_answer(wire))
        finally:
            wire.close()


def _connect(host: str) -> _socket.socket:
    import _socket  # noqa: PLC0415  # jobs that are not sampled do without

    name, colon, port = host.rpartition(":")
    if not colon or port.endswith("]"):
        name, port = host, "80"
    asked = name.strip("[]").encode("ascii")  # as text it would be looked at as a foreign name
    failure = OSError("%s has no address" % host)
    for family, kind, protocol, _, address in _socket.getaddrinfo(
        asked, int(port), 0, _socket.SOCK_STREAM
    ):
        wire = _socket.socket(family, kind, protocol)
        wire.settimeout(_PATIENCE)
        try:
            wire.connect(address)
        except OSError as error:
            wire.close()
            failure = error
        else:
            return wire
    raise failure


def _answer(wire: _socket.socket) -> bytes:
    """All of it, up to a limit: who hangs up early is taken for somebody in trouble."""
    parts: list[bytes] = []
    size = 0
    while size < _LONGEST:
        data = wire.recv(_LONGEST)
        if not data:
            break
        parts.append(data)
        size += len(data)
    return b"".join(parts)


def _status(answer: bytes) -> int:
    words: list[Any] = answer.partition(b"\r\n")[0].split()
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        raise OSError("it did not answer as servers do")
    return int(words[1])
