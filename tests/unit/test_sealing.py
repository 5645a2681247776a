"""Secrets sealed into text (S47), and wrapped anew (S51)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lazur.engine.secret import Secret
from lazur.errors import BackendError, LazurError
from lazur.sealing import Keyring, Place, key_id, key_ids, rewrap, seal, unseal
from lazur.vaults.file import File

PLACE = Place("workspace", "name", "1")
SECRET = Secret("canary é")


@pytest.fixture
def vault(tmp_path: Path) -> File:
    return File({"folder": str(tmp_path / "keys")})


@pytest.fixture
def keyring(vault: File) -> Keyring:
    return Keyring(vault)


class TestSeal:
    @pytest.mark.parametrize("value", ["", "x", "canary é", "x" * 100_000, "\ud83d\ude00"[:0]])
    def test_what_is_sealed_is_unsealed(self, keyring: Keyring, value: str) -> None:
        assert unseal(seal(Secret(value), PLACE, keyring), PLACE, keyring) == Secret(value)

    def test_the_text_shows_nothing_and_is_never_the_same(self, keyring: Keyring) -> None:
        one, other = (seal(SECRET, PLACE, keyring) for _ in range(2))
        assert one != other
        assert "canary" not in one
        assert one.startswith("lz1.")
        assert one.isascii()

    @pytest.mark.parametrize(
        "moved",
        [
            replace(PLACE, workspace="other"),
            replace(PLACE, name="other"),
            replace(PLACE, version="2"),
            Place("work", "spacename", "1"),
        ],
    )
    def test_it_opens_in_its_place_only(self, keyring: Keyring, moved: Place) -> None:
        with pytest.raises(LazurError, match="does not open"):
            unseal(seal(SECRET, PLACE, keyring), moved, keyring)

    def test_no_character_can_be_changed(self, keyring: Keyring) -> None:
        sealed = seal(SECRET, PLACE, keyring)
        for at in range(0, len(sealed), 3):
            other = "B" if sealed[at] == "A" else "A"
            with pytest.raises(LazurError) as caught:
                unseal(sealed[:at] + other + sealed[at + 1 :], PLACE, keyring)
            assert "canary" not in str(caught.value)

    @pytest.mark.parametrize(
        "text", ["", "lz1", "lz2.a.b.c", "lz1.a.b.c.d", "lz1.é.b.c", "lz1..."]
    )
    def test_what_is_no_sealed_secret_is_told(self, keyring: Keyring, text: str) -> None:
        with pytest.raises(LazurError):
            unseal(text, PLACE, keyring)


class TestRewrap:
    def test_a_rotation_goes_on_where_it_was_broken_off(
        self, vault: File, keyring: Keyring
    ) -> None:
        rows = {
            place.name: seal(SECRET, place, keyring)
            for place in (replace(PLACE, name=str(n)) for n in range(6))
        }
        old = vault.key_id()
        vault.rotate()
        for name in ("0", "1"):  # then killed
            rows[name] = rewrap(rows[name], keyring) or rows[name]
        assert key_ids(rows.values()) == {old, vault.key_id()}
        done = [name for name, text in rows.items() if rewrap(text, keyring) is None]
        assert done == ["0", "1"]
        rows = {name: rewrap(text, keyring) or text for name, text in rows.items()}
        assert key_ids(rows.values()) == {vault.key_id()}
        vault.forget(old)
        for name, text in rows.items():
            assert unseal(text, replace(PLACE, name=name), keyring) == SECRET

    def test_secrets_move_from_one_vault_to_another(self, vault: File, tmp_path: Path) -> None:
        other = File({"folder": str(tmp_path / "other")})
        sealed = seal(SECRET, PLACE, Keyring(vault))
        moved = rewrap(sealed, Keyring(other, (vault,)))
        assert moved is not None
        assert key_id(moved) == other.key_id()
        assert unseal(moved, PLACE, Keyring(other)) == SECRET

    def test_a_key_that_is_nowhere_is_named(self, vault: File, tmp_path: Path) -> None:
        other = File({"folder": str(tmp_path / "other")})
        with pytest.raises(BackendError, match=vault.key_id()):
            unseal(seal(SECRET, PLACE, Keyring(vault)), PLACE, Keyring(other))
