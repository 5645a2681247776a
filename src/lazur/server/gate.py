"""The outermost ASGI layer: nothing behind it sees a request that was not checked here.

In order: method, path, sizes, `Host`, `Origin`, identity. It also puts security headers on every
answer, ends streams and uploads whose sign-in or role was taken back, turns uncaught exceptions
into an incident number, and writes the access log.
"""

from __future__ import annotations

from urllib.parse import quote

from lazur.server import refusal, sign_in
from lazur.server.arm import address as azure
from lazur.server.asgi import App, Receive, Scope, Send
from lazur.server.exchange import Exchange, Note, Stream
from lazur.server.headers import is_visited
from lazur.server.identity import Authenticate, Identities, SecretKind
from lazur.server.refusal import Refused
from lazur.server.settings import Settings
from lazur.services.base.access import Principal
from lazur.services.base.site import SOURCE
from lazur.services.base.throttle import Throttle, origin

OPEN = frozenset(
    {
        ("GET", "/healthz"),
        ("GET", "/sign-in"),
        ("GET", "/sign-in/oidc"),
        ("GET", "/sign-in/oidc/callback"),
        ("POST", "/sign-in/oidc/logout"),
        ("GET", "/api/v1/sign-in-ways"),
        ("POST", "/api/v1/sessions"),
        ("POST", "/api/v1/device-codes"),
        ("POST", "/api/v1/sign-in-tokens"),
        ("POST", "/api/v1/service-tokens"),
    }
)
"""What needs no identity, as exact (method, path); HEAD counts as GET. Beside it only GETs below
`/static/`."""
SIGN_INS = (30, 60.0)
"""So many attempts to sign in from one address, in so many seconds."""
POLLS = (600, 60.0)
"""Of what asks again and again, with a secret that cannot be guessed."""
_POLLED = frozenset({"/api/v1/sign-in-tokens", "/api/v1/service-tokens", "/sign-in/oidc/logout"})


class Gate:
    """`scope["lazur.principal"]` is who asks (None on the open routes); `scope["lazur.recheck"]`
    asks again."""

    def __init__(
        self, app: App, authenticate: Authenticate, settings: Settings, note: Note | None = None
    ) -> None:
        """`note` is told what is refused, before whoever asked is."""
        self.app = app
        self._note: Note = note or (lambda *_: None)
        self.settings = settings
        self.identities = Identities(authenticate)
        self._streams: set[Stream] = set()
        self._hosts = settings.hosts
        self._origins = frozenset(settings.allowed_origins)
        self._sign_ins = Throttle((SIGN_INS,))
        self._polls = Throttle((POLLS,))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        scope["lazur.source"] = str((scope.get("client") or ("",))[0])
        SOURCE.set(scope["lazur.source"])
        exchange = Exchange(scope, receive, send, self.settings.body_seconds, self._note)
        try:
            if (secret := self._check(scope)) is not None:
                await self._identify(scope, exchange, *secret)
        except Refused as refused:
            await exchange.refuse(refused)
            return
        await exchange.run(self.app, self._streams)

    def stop(self) -> None:
        """End every open stream; called in the loop's thread when the server is about to stop."""
        for stream in list(self._streams):
            stream.end("the server stops")

    def _check(self, scope: Scope) -> tuple[SecretKind, str] | None:
        """The secret to look up, or None where the route is open."""
        settings, headers = self.settings, scope["headers"]
        method = scope["method"] if scope["type"] == "http" else "GET"
        refusal.check_method(method)
        refusal.check_headers(headers, settings.max_headers)
        raw_path = scope.get("raw_path") or quote(scope["path"]).encode()
        refusal.check_target(raw_path, scope.get("query_string", b""), settings.max_url)
        host = refusal.check_host(headers, self._hosts)
        scope["lazur.host"] = azure.account_in_path(scope, host, self._hosts)
        scope["lazur.blob_hosts"] = azure.has_blob_hosts(scope["lazur.host"], self._hosts)
        scope["lazur.origins"] = self._origins
        scope["lazur.principal"] = None
        if (foreign := sign_in.foreign_origin(scope)) is not None:
            raise refusal.foreign_page(foreign)
        self._check_size(scope, method)
        if self._is_open(method, scope["path"], scope["lazur.source"]):
            return None
        return self._secret(scope, method)

    def _check_size(self, scope: Scope, method: str) -> None:
        length = refusal.body_length(scope["headers"])
        limit = refusal.body_limit(method, scope["path"], self.settings)
        scope["lazur.body"] = (length != 0, limit)
        if limit is not None and length is not None and length > limit:
            raise refusal.too_large(limit)

    def _is_open(self, method: str, path: str, source: str) -> bool:
        reading = method in sign_in.SAFE
        if ("GET" if reading else method, path) in OPEN:
            brake = self._polls if path in _POLLED else self._sign_ins
            if not reading and (wait := brake.wait(origin(source))):
                raise refusal.too_many(wait)
            return True
        if azure.is_sign_in(method, path):
            if wait := self._polls.wait(origin(source)):
                raise refusal.too_many(wait)
            return True
        return azure.is_open(method, path) or (reading and path.startswith("/static/"))

    def _secret(self, scope: Scope, method: str) -> tuple[SecretKind, str]:
        headers = scope["headers"]
        if azure.belongs(scope["path"]):
            if (found := azure.secret(scope)) is None:
                raise self._unknown(scope, method)
            return found
        if (token := sign_in.bearer_secret(headers)) is not None:
            theirs = azure.is_token_for_tracking(scope["path"], token)
            return "azure" if theirs else "bearer", token
        if (session := sign_in.session_secret(scope)) is None:
            raise self._unknown(scope, method)
        socket = scope["type"] == "websocket"
        if (socket and not sign_in.has(headers, b"origin")) or (
            method not in sign_in.SAFE and not sign_in.may_change(headers, scope["path"])
        ):
            raise refusal.unmarked_change()
        return "session", session

    async def _identify(
        self, scope: Scope, exchange: Exchange, kind: SecretKind, secret: str
    ) -> None:
        principal = self.identities.known(kind, secret)
        if principal is None:
            principal = await self.identities.find(kind, secret)
        if principal is None:
            raise self._unknown(scope, scope.get("method", "GET"))

        async def recheck() -> bool:
            found = await self.identities.find(kind, secret)
            if isinstance(found, Principal) and isinstance(principal, Principal):
                return found.keeps(principal)
            return found is not None

        scope["lazur.principal"] = principal
        scope["lazur.recheck"] = recheck
        exchange.identified(principal, recheck)

    def _unknown(self, scope: Scope, method: str) -> Refused:
        """People are led to the sign-in page, programs get 401."""
        accept = next((value for name, value in scope["headers"] if name == b"accept"), b"")
        if method != "GET" or not is_visited(scope["path"]) or b"text/html" not in accept:
            return refusal.unknown_caller(scope["path"])
        wanted = scope["raw_path"].decode("ascii")
        if scope["query_string"]:
            wanted += "?" + scope["query_string"].decode("latin-1")
        target = "/sign-in" if wanted == "/" else "/sign-in?next=" + quote(wanted, safe="/")
        return refusal.elsewhere(target)
