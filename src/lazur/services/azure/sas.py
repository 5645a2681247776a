"""Signed addresses: who has one reads, or writes, what lies beneath one place, until it ends.

It stands for a token of ours, as the tokens of this wire do, and ends with it. It gives nothing
that its owner may not: the service behind asks for the right, each time.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlencode

from lazur.services.base.access import Principal
from lazur.services.base.site import Site
from lazur.services.people import tokens

READ, WRITE = "rl", "rwcl"
"""As letters: r reads, w and c write, l lists."""
LIST = "l"
SECONDS = 3600
LONGEST = 24 * 3600
_VERSION = "2026-02-06"
_PARTS = ("se", "si", "skoid", "sp", "sr", "sv")
"""Azure's client takes no other names: `si` is the place."""
_TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Signed:
    """What an address says, whose signature is known to be good."""

    place: str
    """`account/container`, or a folder or file of it."""
    letters: str

    def allows(self, letter: str, account: str, container: str, path: str = "") -> bool:
        """`path`: a file, or what all names begin with that are listed: other names begin as a
        folder's own does, without its slash."""
        wanted = f"{account}/{container}/{path}"
        itself = wanted == self.place and letter != LIST
        return letter in self.letters and (itself or wanted.startswith(f"{self.place}/"))


def sign(
    site: Site, holder: str, place: str, letters: str = READ, seconds: float = SECONDS
) -> str:
    """The query of a signed address. `holder`: the digest of the token that it was asked with."""
    until = datetime.fromtimestamp(site.now() + min(seconds, LONGEST), UTC).strftime(_TIME)
    container = place.count("/") < 2
    parts = {
        "sv": _VERSION,
        "sr": "c" if container else "b",
        "sp": letters,
        "se": until,
        "skoid": holder,
        "si": place,
    }
    return urlencode(sorted({**parts, "sig": _signature(site, parts)}.items()))


def principal(site: Site, query: str) -> Principal | None:
    """Whose it is; None where it is forged, over, or what it stands for is gone."""
    parts = dict(parse_qsl(query))
    given = parts.pop("sig", "")
    if set(parts) != set(_PARTS):
        return None
    if not hmac.compare_digest(given.encode(), _signature(site, parts).encode()):
        return None
    until = datetime.strptime(parts["se"], _TIME).replace(tzinfo=UTC)
    if until.timestamp() <= site.now():
        return None
    return tokens.owner(site, parts["skoid"], "bearer")


def read(query: str) -> Signed:
    """Of one that `principal` has found to be good."""
    parts = dict(parse_qsl(query))
    return Signed(parts["si"], parts["sp"])


def _signature(site: Site, parts: dict[str, str]) -> str:
    text = urlencode([(name, parts[name]) for name in _PARTS])
    return hmac.new(site.home.key("azure").encode(), text.encode(), hashlib.sha256).hexdigest()
