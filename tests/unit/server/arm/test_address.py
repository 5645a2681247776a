from __future__ import annotations

from typing import Any

import pytest

from lazur.server.arm import address
from lazur.server.arm.address import Place
from lazur.server.arm.ids import Ids, Named, parse, type_of

GROUP = "/subscriptions/s/resourceGroups/g"
MLS = f"{GROUP}/providers/Microsoft.MachineLearningServices"


class TestShort:
    @pytest.mark.parametrize(
        "path, text, place",
        [
            (f"{MLS}/workspaces/w/jobs/j", "WS/jobs/j", Place("s", "g", "w")),
            (f"{MLS}/workspaces/w", "WS", Place("s", "g", "w")),
            (
                f"/history/v1.0{MLS}/workspaces/w/runs/r",
                "/history/v1.0WS/runs/r",
                Place("s", "g", "w"),
            ),
            (f"{MLS}/registries/r/models", "REG/models", Place("s", "g", registry="r")),
            (f"{MLS}/workspaces/", "MLS/workspaces", Place("s", "g")),
            (GROUP, "RG", Place("s", "g")),
            ("/subscriptions/s/resourceGroups", "SUB/resourceGroups", Place("s")),
            ("/discovery/", "/discovery", Place()),
            (f"/_blob/w/c{GROUP}", f"/_blob/w/c{GROUP}", Place()),
        ],
    )
    def test_what_a_path_is_about(self, path: str, text: str, place: Place) -> None:
        assert address.short(path) == (place, text)
        if not address.is_blob(path):
            assert address.short(path.replace("resourceGroups", "RESOURCEGROUPS"))[0] == place

    @pytest.mark.parametrize(
        "path", ["/subscriptions/s", "/metadata/endpoints", "/t/oauth2/v2.0/token", "/msi/token"]
    )
    def test_these_are_azures(self, path: str) -> None:
        assert address.belongs(path)

    @pytest.mark.parametrize(
        "path", ["/", "/api/v1/me", "/mlflow/", "/subscriptionsx", "/jobs/w/j", "/sign-in"]
    )
    def test_these_are_ours(self, path: str) -> None:
        assert not address.belongs(path)


class TestSecret:
    def scope(self, path: str, query: bytes = b"", **headers: str) -> dict[str, Any]:
        given = [(name.encode(), value.encode()) for name, value in headers.items()]
        return {"path": path, "query_string": query, "headers": given}

    def test_an_identity_shows_a_token_of_ours(self) -> None:
        assert address.secret(self.scope("/msi/token", secret="x")) == ("bearer", "x")
        assert address.secret(self.scope("/msi/token", authorization="Bearer x")) is None

    def test_a_signed_address_is_asked_by_its_signature(self) -> None:
        kind, text = address.secret(self.scope("/_blob/w/c/p", b"sig=a&sp=r&comp=list")) or (
            "",
            "",
        )
        assert kind == "sas"
        assert "sig=a" in text
        assert "comp" not in text
        assert address.secret(self.scope("/_blob/w/c/p", b"sp=r")) is None

    def test_a_signature_opens_nothing_but_files(self) -> None:
        assert address.secret(self.scope(MLS, b"sig=a&sp=r")) is None
        found = address.secret(self.scope(MLS, b"", authorization="Bearer x"))
        assert found == ("azure", "x")


class TestIds:
    IDS = Ids(Place("s", "g", "w"))

    @pytest.mark.parametrize("prefix", ["", "azureml:", "azureml:/"])
    def test_a_version_is_named_and_found_again(self, prefix: str) -> None:
        made = self.IDS.version("models", "m", "2")
        assert parse(prefix + made) == Named("models", "m", "2", "w", None)

    def test_so_is_one_of_a_registry(self) -> None:
        made = Ids(Place("s", "g", registry="r")).version("models", "m", "2")
        assert made == "azureml://registries/r/models/m/versions/2"
        assert parse(made) == Named("models", "m", "2", None, "r")

    def test_a_resource_has_no_version(self) -> None:
        assert parse(self.IDS.resource("computes", "c")) == Named("computes", "c", None, "w", None)

    @pytest.mark.parametrize("text", ["m:2", "azureml:m:2", "https://x/y", "", "runs:/a/b"])
    def test_other_words_are_no_ids(self, text: str) -> None:
        assert parse(text) is None

    def test_types_say_what_a_thing_is(self) -> None:
        assert type_of("models", versioned=True).endswith("workspaces/models/versions")
