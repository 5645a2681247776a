"""One provider at work."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from lazur.services.people.oidc import (
    code_flow,
    device_flow,
    discovery,
    id_tokens,
    logout_tokens,
    people,
)
from lazur.services.people.oidc.code_flow import Attempt
from lazur.services.people.oidc.codes import Random
from lazur.services.people.oidc.device_flow import Pending
from lazur.services.people.oidc.discovery import Endpoints
from lazur.services.people.oidc.jwts import untrue
from lazur.services.people.oidc.keeping import Kept
from lazur.services.people.oidc.keys import KeyRing
from lazur.services.people.oidc.logout_tokens import Logout
from lazur.services.people.oidc.people import Identity
from lazur.services.people.oidc.settings import Provider
from lazur.services.people.oidc.wire import Fetch, Refusal, get_json, post_form, text


class Client:
    """Keep one for as long as the provider's settings stay: it remembers what the provider said of
    itself, and its keys. Threads may share it. Every method may wait for the provider, so none
    belongs into a transaction.

    All raise BackendError when the provider cannot be reached or talks nonsense, Unauthenticated
    for who has not proved anything, and Forbidden for who has, and is none of ours.
    """

    def __init__(
        self,
        provider: Provider,
        fetch: Fetch,
        clock: Callable[[], float],
        random: Random = secrets.token_bytes,
    ) -> None:
        self.provider = provider
        self._fetch = fetch
        self._clock = clock
        self._random = random
        self._endpoints: Kept[Endpoints] = Kept(lambda: discovery.discover(provider, fetch), clock)
        self._keys = KeyRing(lambda: self.endpoints.keys, fetch, clock)

    @property
    def endpoints(self) -> Endpoints:
        return self._endpoints.get()

    def begin(self, redirect_uri: str) -> tuple[str, Attempt]:
        """Where to send the browser, and what to keep for `finish`."""
        return code_flow.begin(
            self.provider, self.endpoints, redirect_uri, self._clock(), self._random
        )

    def finish(self, attempt: Attempt, query: Mapping[str, str]) -> Identity:
        """`query`: what the browser brought back. Forget the attempt first, whatever comes."""
        code = code_flow.answered(self.provider, self.endpoints, attempt, query, self._clock())
        tokens = self._tokens(code_flow.redemption(attempt, code))
        return self._identity(tokens, attempt.nonce)

    def signed_out(self, token: str) -> Logout:
        """Whom the provider tells to have left, by a token that it sent by itself."""
        return logout_tokens.check(self.provider, self._keys, token, self._clock())

    def begin_elsewhere(self) -> Pending:
        """Ask the provider for a code that somebody types in where there is a browser."""
        url = device_flow.address(self.provider, self.endpoints)
        asked = {"scope": " ".join(self.provider.scopes)}
        return device_flow.begun(self.provider, self._posted(url, asked), self._clock())

    def poll(self, pending: Pending) -> Pending | Identity:
        """Ask whether they have. Before its time this asks nobody and gives the same back."""
        now = self._clock()
        device_flow.check_time(pending, now)
        if now < pending.next_at:
            return pending
        try:
            tokens = self._tokens(device_flow.redemption(pending))
        except Refusal as said:
            return device_flow.waited(pending, said, self._clock())
        return self._identity(tokens, None)

    def _tokens(self, form: Mapping[str, str]) -> dict[str, Any]:
        return self._posted(self.endpoints.token, form)

    def _posted(self, url: str, form: Mapping[str, str]) -> dict[str, Any]:
        return post_form(self._fetch, self.provider, url, form, self.endpoints.token_methods)

    def _identity(self, tokens: Mapping[str, Any], nonce: str | None) -> Identity:
        access = tokens.get("access_token")
        said = id_tokens.check(
            self.provider,
            self._keys,
            text(tokens, "id_token"),
            self._clock(),
            nonce=nonce,
            access_token=access if isinstance(access, str) else None,
        )
        if isinstance(access, str) and people.lacks(self.provider, said):
            said = people.merged(said, self._userinfo(access, said["sub"]))
        return people.identify(self.provider, said)

    def _userinfo(self, access_token: str, subject: str) -> dict[str, Any]:
        """What is not in the token. Many providers keep it short."""
        if (url := self.endpoints.userinfo) is None:
            return {}
        found = get_json(self._fetch, url, access_token)
        if found.get("sub") != subject:
            raise untrue("the provider tells about somebody else")
        return found
