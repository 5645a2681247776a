from __future__ import annotations

import os

import pytest

from lazur.engine.contracts import Vault
from lazur.errors import BackendError
from lazur.testing.vaults import Make, VaultContract
from lazur.vaults._ring import new_key
from lazur.vaults.environment import VARIABLE, Environment


class TestContract(VaultContract):
    @pytest.fixture
    def make(self, monkeypatch: pytest.MonkeyPatch) -> Make:
        monkeypatch.setenv(VARIABLE, new_key())
        return lambda: Environment({})

    def rotate(self, vault: Vault) -> None:
        """As a person does it: the new one in front, and the server started again."""
        os.environ[VARIABLE] = f"{new_key()},{os.environ[VARIABLE]}"
        vault.__init__({})


class TestEnvironment:
    def test_it_says_which_variable_is_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv(VARIABLE, raising=False)
        with pytest.raises(BackendError, match=VARIABLE):
            Environment({})

    @pytest.mark.parametrize("key", ["canary", "ab" * 16, "A" * 44, "ÿ" * 44])
    def test_a_key_of_another_size_is_told_and_not_shown(
        self, monkeypatch: pytest.MonkeyPatch, key: str
    ) -> None:
        monkeypatch.setenv(VARIABLE, key)
        with pytest.raises(BackendError, match="not a root key") as caught:
            Environment({})
        assert key not in str(caught.value)

    def test_hex_will_do(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OTHER", "ab" * 32)
        assert Environment({"variable": "OTHER"}).key_id().startswith("environment:")
