"""Against a stand-in that answers as Azure Files is documented to: there is no emulator of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from lazur.datastores.azure_file import AzureFile
from lazur.egress import PUBLIC, Rule
from lazur.engine.contracts import Datastore
from lazur.engine.secret import Secret
from lazur.errors import BackendError, Conflict, Forbidden, Invalid
from lazur.testing.datastores import DatastoreContract
from tests.datastores import azurite, shares
from tests.datastores.recorder import recording

HERE = Rule.of(["127.0.0.1"])
SETTINGS = {"name": "mine", "account_name": azurite.ACCOUNT, "file_share_name": "share"}
SAS = {"sas_token": Secret("sig=canary")}


class TestContract(DatastoreContract):
    @pytest.fixture
    def share(self) -> shares.Share:
        return shares.Share()

    @pytest.fixture
    def store(self, share: shares.Share) -> Iterator[Datastore]:
        with shares.serving(share) as url:
            yield AzureFile({**SETTINGS, "endpoint": url}, SAS, rule=HERE)

    def test_two_versions_are_never_mixed(self, store: Any) -> None:
        """Replaced after it was looked at, before it is read."""
        store.put("a", iter([b"one"]), 3)
        found = store.info("a")
        store.put("a", iter([b"two"]), 3)
        with pytest.raises(Conflict), store._calling("a"):
            list(store._chunks(found, 0))

    @pytest.mark.parametrize("path", ["a+b", "ü/é.txt", "100%/x#z", "a b/'c'", "a=b&c", "%41"])
    def test_names_are_taken_as_they_are(self, store: Datastore, path: str) -> None:
        super().test_names_are_taken_as_they_are(store, path)

    @pytest.mark.parametrize("path", ["a?b", "a:b", "folder/a*"])
    def test_names_that_it_cannot_have_are_refused(self, store: AzureFile, path: str) -> None:
        with pytest.raises(Invalid, match="no name in Azure Files"):
            store.put(path, iter([b"x"]), 1)

    def test_drafts_are_not_listed_and_do_not_stay(
        self, store: AzureFile, share: shares.Share
    ) -> None:
        store.put("a/b", iter([b"x"]), 1)
        with pytest.raises(Invalid):
            store.put("c", iter([b"x"]), 2)
        assert ".lazur-drafts" in share.folders
        assert list(share.files) == ["a/b"]
        assert [item.path for item in store.list()] == ["a/b"]


class TestAzureFile:
    def test_who_signs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", azurite.KEY)
        with recording() as (url, seen):
            store = AzureFile({**SETTINGS, "endpoint": url}, SAS, rule=HERE)
            with pytest.raises(BackendError) as caught:
                store.check()
        assert "sig=canary" in seen[0][":target"]
        assert "authorization" not in seen[0]
        assert "canary" not in str(caught.value)

    def test_a_private_endpoint_is_refused(self) -> None:
        with recording() as (url, seen), pytest.raises(Forbidden):
            AzureFile({**SETTINGS, "endpoint": url}, SAS, rule=PUBLIC).check()
        assert seen == []
