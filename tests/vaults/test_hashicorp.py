from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lazur.engine.contracts import Vault
from lazur.engine.secret import Secret
from lazur.errors import BackendError, Unavailable
from lazur.testing.vaults import Make, VaultContract
from lazur.vaults.hashicorp import HashiCorp
from tests.vaults.site import serving
from tests.vaults.transit import ROLE, SECRET, TOKEN, Transit


@pytest.fixture
def transit() -> Transit:
    return Transit()


@pytest.fixture
def address(transit: Transit) -> Iterator[str]:
    with serving(transit.answer) as url:
        yield url


class TestContract(VaultContract):
    @pytest.fixture
    def make(self, transit: Transit, address: str) -> Make:
        self.transit = transit
        return lambda: HashiCorp({"address": address, "key": "lazur", "token": Secret(TOKEN)})

    def rotate(self, vault: Vault) -> None:
        self.transit.rotate()


class TestWho:
    def test_an_approle_signs_in_and_again_when_its_token_ended(
        self, transit: Transit, address: str, tmp_path: Path
    ) -> None:
        (tmp_path / "secret").write_text(f"{SECRET}\n")
        vault = HashiCorp(
            {
                "address": address,
                "key": "lazur",
                "role_id": ROLE,
                "secret_id_file": str(tmp_path / "secret"),
            }
        )
        wrapped = vault.wrap(b"k" * 32)
        transit.tokens.clear()
        assert vault.unwrap(wrapped) == b"k" * 32

    def test_an_agent_may_renew_the_token_in_its_file(
        self, transit: Transit, address: str, tmp_path: Path
    ) -> None:
        file = tmp_path / "token"
        file.write_text(TOKEN)
        vault = HashiCorp({"address": address, "key": "lazur", "token_file": str(file)})
        wrapped = vault.wrap(b"k" * 32)
        transit.tokens = {"hvs.renewed"}
        file.write_text("hvs.renewed")
        assert vault.unwrap(wrapped) == b"k" * 32

    def test_a_wrong_token_is_told_and_not_shown(self, address: str) -> None:
        vault = HashiCorp({"address": address, "key": "lazur", "token": "hvs.canary"})
        with pytest.raises(BackendError, match=r"403.*permission denied") as caught:
            vault.key_id()
        assert "canary" not in str(caught.value)

    def test_a_namespace_is_sent_along(self, transit: Transit, address: str) -> None:
        settings = {"address": address, "key": "lazur", "token": TOKEN, "namespace": "team/a"}
        HashiCorp(settings).key_id()
        assert transit.namespaces == {"team/a"}


class TestTrouble:
    def test_a_sealed_vault_is_worth_another_try(self, transit: Transit, address: str) -> None:
        transit.sealed = True
        with pytest.raises(Unavailable, match="Vault is sealed"):
            HashiCorp({"address": address, "key": "lazur", "token": TOKEN}).wrap(b"k" * 32)

    def test_so_is_one_that_does_not_answer(self) -> None:
        vault = HashiCorp({"address": "http://127.0.0.1:9", "key": "lazur", "token": TOKEN})
        with pytest.raises(Unavailable, match="did not answer"):
            vault.key_id()

    def test_an_unknown_key_is_an_error_of_the_settings(self, address: str) -> None:
        with pytest.raises(BackendError, match="404"):
            HashiCorp({"address": address, "key": "other", "token": TOKEN}).key_id()

    def test_no_vault_is_asked_without_tls_but_on_this_machine(self) -> None:
        with pytest.raises(BackendError, match="without TLS"):
            HashiCorp({"address": "http://vault.example.org:8200", "key": "k", "token": TOKEN})

    @pytest.mark.parametrize("key", ["../sys/seal", "a?x", "a b", "", "/a"])
    def test_a_key_cannot_be_another_path(self, key: str) -> None:
        with pytest.raises(BackendError, match="cannot be the key"):
            HashiCorp({"address": "http://127.0.0.1:9", "key": key, "token": TOKEN})
