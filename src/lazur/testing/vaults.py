"""What every vault must do. Inherit `VaultContract` and say how to make one:

class TestMine(VaultContract):
    @pytest.fixture
    def make(self):
        return lambda: Mine({...})       # twice: two views of the same keys

    def rotate(self, vault): ...         # where root keys are not Lazur's own to change
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from lazur.engine.contracts import Rotates, Vault, Wrapped
from lazur.engine.secret import Secret
from lazur.errors import LazurError
from lazur.sealing import Keyring, Place, rewrap, seal, unseal

Make = Callable[[], Vault]
PLACE = Place("w", "s", "1")


class VaultContract:
    @pytest.fixture
    def make(self) -> Make:
        raise NotImplementedError("a contract's heir says how to make its vault")

    def rotate(self, vault: Vault) -> None:
        """Change the root key, wherever that is done."""
        assert isinstance(vault, Rotates)
        vault.rotate()

    def test_what_is_wrapped_is_unwrapped(self, make: Make) -> None:
        for size in (16, 32, 64):
            key = os.urandom(size)
            assert make().unwrap(make().wrap(key)) == key

    def test_the_wrap_shows_nothing_of_the_key(self, make: Make) -> None:
        key = os.urandom(32)
        wrapped = make().wrap(key)
        assert key not in wrapped.data
        assert key.hex().encode() not in wrapped.data

    def test_the_same_key_is_wrapped_differently_each_time(self, make: Make) -> None:
        key = os.urandom(32)
        assert make().wrap(key).data != make().wrap(key).data

    def test_the_id_is_that_of_the_key_in_use(self, make: Make) -> None:
        vault = make()
        assert vault.key_id() == make().key_id() == vault.wrap(b"k" * 32).key_id
        assert vault.knows(vault.key_id())
        assert not vault.knows("other:key")

    def test_what_was_altered_does_not_open(self, make: Make) -> None:
        wrapped = make().wrap(os.urandom(32))
        for at in (0, len(wrapped.data) // 2, len(wrapped.data) - 3):
            data = bytearray(wrapped.data)
            data[at] = ord("A") if data[at] != ord("A") else ord("B")
            with pytest.raises(LazurError):
                make().unwrap(Wrapped(wrapped.key_id, bytes(data)))

    def test_another_vaults_wrap_does_not_open(self, make: Make) -> None:
        with pytest.raises(LazurError):
            make().unwrap(Wrapped("other:key", make().wrap(os.urandom(32)).data[:-4]))

    def test_rotation_changes_the_id_and_old_wraps_open(self, make: Make) -> None:
        vault = make()
        key = os.urandom(32)
        before = vault.wrap(key)
        self.rotate(vault)
        after = make().wrap(key)
        assert before.key_id != after.key_id == make().key_id()
        assert vault.unwrap(before) == vault.unwrap(after) == key

    def test_secrets_are_wrapped_anew_and_read_all_the_while(self, make: Make) -> None:
        vault = make()
        sealed = seal(Secret("value"), PLACE, Keyring(vault))
        assert rewrap(sealed, Keyring(vault)) is None
        self.rotate(vault)
        assert unseal(sealed, PLACE, Keyring(make())) == Secret("value")
        again = rewrap(sealed, Keyring(make()))
        assert again is not None
        assert unseal(again, PLACE, Keyring(make())) == Secret("value")
        assert rewrap(again, Keyring(make())) is None

    def test_many_threads_use_it(self, make: Make) -> None:
        vault = make()
        keys = [os.urandom(32) for _ in range(16)]
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(lambda key: vault.unwrap(vault.wrap(key)), keys)) == keys
