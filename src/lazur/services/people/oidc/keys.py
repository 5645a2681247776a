"""The keys that a provider signs with, which it may change at any time."""

from __future__ import annotations

from collections.abc import Callable

from lazur.errors import BackendError, Invalid
from lazur.services.people.oidc.jwts import Header, untrue
from lazur.services.people.oidc.keeping import Kept
from lazur.services.people.oidc.public_keys import Key, read_keys
from lazur.services.people.oidc.wire import Fetch, get_json


class KeyRing:
    """`url` is asked each time: the address may move as the keys do."""

    def __init__(self, url: Callable[[], str], fetch: Fetch, clock: Callable[[], float]) -> None:
        self._url = url
        self._fetch = fetch
        self._kept = Kept(self._asked, clock)

    def find(self, header: Header) -> tuple[Key, ...]:
        """Those that a token with this header may be signed with. A name that is not known is
        asked for, at most once a minute: anybody can make such names up."""
        found = _matching(self._kept.get(), header) or _matching(self._kept.renewed(), header)
        if not found:
            raise untrue("it is signed with a key that its issuer does not publish")
        return found

    def _asked(self) -> tuple[Key, ...]:
        url = self._url()
        try:
            return read_keys(get_json(self._fetch, url))
        except Invalid as error:
            raise BackendError(f"{url}: {error.message}") from None


def _matching(keys: tuple[Key, ...], header: Header) -> tuple[Key, ...]:
    """Without a name there must be no choice (OpenID Connect Core §10.1)."""
    fitting = tuple(key for key in keys if key.fits(header.alg))
    if header.kid is None:
        return fitting if len(fitting) == 1 else ()
    return tuple(key for key in fitting if key.kid == header.kid)
