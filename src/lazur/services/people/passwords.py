"""Passwords of small teams: which may be chosen, how they are kept, how they are compared."""

from __future__ import annotations

import base64
import re
import threading
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from lazur.errors import Invalid

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST = 12
LONGEST = 1024
_SUBSTANCE = 8
"""So many characters must be left without names, common words and runs of the keyboard."""

_MEMORY_KIB = 64 << 10
_PASSES = 3
_LANES = 1
"""Above what OWASP asks for (19 MiB, 2 passes), and a seventh of a second of one core. One lane: a
server has other things to do with the rest."""
_AT_ONCE = threading.BoundedSemaphore(2)
"""Each takes 64 MiB and a core, and whoever has no account may ask for it."""

_COMMON = (
    "administrator password passwort passwd qwerty qwertz azerty letmein welcome iloveyou "
    "sunshine princess football baseball basketball superman batman starwars monkey dragon "
    "shadow master trustno secret default changeme login admin user guest root test hello "
    "abc lazur azure microsoft machinelearning jupyter mlflow company summer winter spring "
    "autumn january february march april june july august september october november december "
    "monday tuesday wednesday thursday friday saturday sunday"
).split()
_KEYBOARD = ("01234567890", "abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "asdfghjkl", "zxcvbnm")
_RUN = 4
_LOOK_ALIKES = str.maketrans("4@3€1!|05$7+", "aaeeiiiosstt")


@dataclass(frozen=True)
class Verdict:
    good: bool
    stale: bool = False
    """Good, but kept with other costs than now: keep `protect(password)` in its place."""


def check(password: str, *about: str) -> None:
    """Raise unless this may be chosen. `about`: the person's name, address and the like."""
    if len(password) < SHORTEST:
        raise _refused(f"it has {len(password)} characters, and {SHORTEST} are the least")
    if len(password) > LONGEST:
        raise _refused(f"it has {len(password)} characters, and {LONGEST} are the most")
    left = _substance(password, about)
    if len(left) < _SUBSTANCE or len(set(left)) < _SUBSTANCE // 2:
        raise _refused(
            "without names, common words, repeats and runs of the keyboard too little is left"
        )


def protect(password: str) -> str:
    """What is kept: salted, with the costs in it, in the usual text form."""
    if len(password) > LONGEST:
        raise _refused(f"it has {len(password)} characters, and {LONGEST} are the most")
    with _AT_ONCE:
        return _hasher().hash(_composed(password))


def verify(kept: str | None, password: str) -> Verdict:
    """Is it the one that `kept` came from? `kept` is None for who does not exist or has no
    password: that takes as long."""
    from argon2.exceptions import VerifyMismatchError  # noqa: PLC0415 - as in _hasher

    if len(password) > LONGEST:
        return Verdict(good=False)
    try:
        with _AT_ONCE:
            _hasher().verify(kept or _decoy(), _composed(password))
    except VerifyMismatchError:
        return Verdict(good=False)
    if kept is None:
        return Verdict(good=False)
    return Verdict(good=True, stale=_hasher().check_needs_rehash(kept))


@cache
def _hasher() -> PasswordHasher:
    # Loading the C library takes 20 ms of a server's start, and most sites have no passwords.
    from argon2 import PasswordHasher, Type  # noqa: PLC0415

    return PasswordHasher(_PASSES, _MEMORY_KIB, _LANES, type=Type.ID)


@cache
def _decoy() -> str:
    """Nobody's: of the right form, made without the work."""
    salt, digest = (base64.b64encode(bytes(n)).decode().rstrip("=") for n in (16, 32))
    return f"$argon2id$v=19$m={_MEMORY_KIB},t={_PASSES},p={_LANES}${salt}${digest}"


def _composed(password: str) -> bytes:
    """Keyboards differ in how they send an é."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


def _substance(password: str, about: tuple[str, ...]) -> str:
    words = sorted({*_COMMON, *_own_words(about)}, key=len, reverse=True)
    text = _without_runs(unicodedata.normalize("NFKC", password).casefold())
    text = _without(words, _without(words, text).translate(_LOOK_ALIKES))
    return "".join(_without_repeats(text).split())


def _without(words: list[str], text: str) -> str:
    for word in words:
        text = text.replace(word, " ")
    return text


def _own_words(about: tuple[str, ...]) -> set[str]:
    words = {part for text in about for part in re.split(r"[^\w]|_", text.casefold())}
    return {word for word in words if len(word) >= 3}


def _without_runs(text: str) -> str:
    """Without four and more neighbours of the keyboard or the alphabet, in either direction."""
    lines = [line for row in _KEYBOARD for line in (row, row[::-1])]
    left, at = "", 0
    while at < len(text):
        length = max(_shared(text[at:], line) for line in lines)
        left += " " if length >= _RUN else text[at]
        at += length if length >= _RUN else 1
    return left


def _shared(text: str, line: str) -> int:
    start = line.find(text[0])
    if start < 0:
        return 0
    pairs = zip(text, line[start:], strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(text), len(line) - start))


def _without_repeats(text: str) -> str:
    return re.sub(r"(.)\1{2,}", r"\1", text, flags=re.DOTALL)


def _refused(reason: str) -> Invalid:
    return Invalid(
        f"This password will not do: {reason}.",
        hint="Four words that have nothing to do with each other are a good one.",
    )
