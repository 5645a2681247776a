from __future__ import annotations

import statistics
import subprocess
import sys
import time

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type

from lazur.errors import Invalid
from lazur.services.people import passwords

GOOD = "zwölf Kraniche über Usti"


class TestCheck:
    @pytest.mark.parametrize(
        "password",
        [
            GOOD,
            "correct horse battery staple",
            "k7#Qv!m2Xw9z",
            "my password is quite a long one",
            "上海自来水来自海上山西运煤车煤运西山",
        ],
    )
    def test_good_ones_are_taken(self, password: str) -> None:
        passwords.check(password, "ada", "ada.lovelace@example.org")

    @pytest.mark.parametrize(
        "password",
        [
            "",
            "short",
            "elevenchars",
            "123456789012",
            "210987654321",
            "aaaaaaaaaaaa",
            "abababababab",
            "qwertyuiop12",
            "password1234",
            "Password2024!",
            "P@ssw0rd!!!!!",
            "changeme1234",
            "Lazur-admin-2026",
            "            ",
            "passwordpasswordpassword",
            "abcdefghijklmnop",
        ],
    )
    def test_what_is_guessed_first_is_refused(self, password: str) -> None:
        with pytest.raises(Invalid, match="This password will not do") as caught:
            passwords.check(password)
        assert caught.value.hint
        assert not password.strip() or password not in str(caught.value)

    @pytest.mark.parametrize(
        "password", ["ada.lovelace.1815", "Lovelace-Ada-2026!", "adaadaadaada"]
    )
    def test_the_persons_name_does_not_count(self, password: str) -> None:
        with pytest.raises(Invalid, match="names"):
            passwords.check(password, "ada", "ada.lovelace@example.org")

    def test_a_short_one_is_told_its_length(self) -> None:
        with pytest.raises(Invalid, match="it has 5 characters, and 12 are the least"):
            passwords.check("hello")

    def test_one_without_end_is_refused(self) -> None:
        for call in (passwords.check, passwords.protect):
            with pytest.raises(Invalid, match="1024 are the most"):
                call("xyz! " * 1000)
        assert not passwords.verify(None, "xyz! " * 1000).good


class TestVerify:
    def test_the_same_is_good_and_another_is_not(self) -> None:
        kept = passwords.protect(GOOD)
        assert passwords.verify(kept, GOOD) == passwords.Verdict(good=True, stale=False)
        assert not passwords.verify(kept, GOOD + " ").good
        assert not passwords.verify(kept, "").good

    def test_it_is_salted_and_says_what_it_cost(self) -> None:
        first, second = passwords.protect(GOOD), passwords.protect(GOOD)
        assert first != second
        assert GOOD not in first
        found = extract_parameters(first)
        assert found.type is Type.ID
        # OWASP's least: 19 MiB and two passes.
        assert found.memory_cost >= 19 << 10
        assert found.time_cost >= 2

    def test_an_accent_may_be_typed_in_two_ways(self) -> None:
        kept = passwords.protect("zwo\u0308lf Kraniche")
        assert passwords.verify(kept, "zw\u00f6lf Kraniche").good

    def test_one_kept_with_other_costs_is_good_but_stale(self) -> None:
        cheap = PasswordHasher(1, 8192, 1).hash(GOOD.encode())
        assert passwords.verify(cheap, GOOD) == passwords.Verdict(good=True, stale=True)
        assert passwords.verify(cheap, "other") == passwords.Verdict(good=False)

    def test_nobody_has_no_password(self) -> None:
        for guess in ("", GOOD, "\0" * 16):
            assert passwords.verify(None, guess) == passwords.Verdict(good=False)

    def test_not_even_one_that_somebody_finds(self, monkeypatch: pytest.MonkeyPatch) -> None:
        kept = passwords.protect(GOOD)
        monkeypatch.setattr(passwords, "_decoy", lambda: kept)
        assert passwords.verify(kept, GOOD).good
        assert passwords.verify(None, GOOD) == passwords.Verdict(good=False)

    def test_nobody_costs_what_somebody_costs(self) -> None:
        """The work is the same: the decoy carries today's parameters."""
        assert extract_parameters(passwords._decoy()) == extract_parameters(
            passwords.protect(GOOD)
        )

    def test_nobody_takes_as_long_as_somebody(self) -> None:
        """S42. A factor and not a limit: without the decoy it is a thousand."""
        kept = passwords.protect(GOOD)
        known, unknown = ([_seconds(who) for _ in range(4)] for who in (kept, None))
        assert statistics.median(unknown) > 0.3 * statistics.median(known)


class TestStart:
    def test_the_library_is_loaded_when_it_is_needed(self) -> None:
        code = (
            "import sys, lazur.services.people.passwords, lazur.services.base.throttle\n"
            "sys.exit('argon2' in sys.modules)"
        )
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def _seconds(kept: str | None) -> float:
    start = time.perf_counter()
    passwords.verify(kept, "a wrong guess")
    return time.perf_counter() - start
