"""What is written in YAML of assets and datastores goes to Azure's wire and comes back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lazur.errors import Invalid, Unsupported
from lazur.server.arm.ids import Ids
from lazur.server.arm.translate import assets, codes, datastores, registries
from lazur.server.arm.translate.assets import NOUNS
from lazur.server.arm.translate.places import Blobs, Here
from tests.unit.server.arm.translate.strategies import IDS

HERE = Here("https://ml.example.org:8443", IDS)
SHARED = Here(HERE.base, Ids(replace(IDS.place, workspace="", registry="reg")))
DIGEST = "0123456789abcdef" * 4
LONG = IDS.datastore_path("workspaceblobstore", "")

names = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
words = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=20)
texts = st.dictionaries(names, words, max_size=3)
places = st.one_of(
    st.builds("azureml://datastores/{}/paths/{}/{}".format, names, names, names),
    st.builds("https://example.org/{}.csv".format, names),
    st.builds("tree:{}/{}".format, st.just(DIGEST), names),
    st.just(f"tree:{DIGEST}"),
    st.builds("azureml://jobs/{}/outputs/{}/paths/{}".format, names, names, names),
    st.builds("azureml:{}:1".format, names),
)
notes = st.fixed_dictionaries({}, optional={"tags": texts, "properties": texts})
conditions = st.sampled_from(["created_greater_than", "last_accessed_greater_than"])
data = st.fixed_dictionaries(
    {"path": places, "type": st.sampled_from(["uri_file", "uri_folder", "mltable"])},
    optional={
        "auto_delete_setting": st.fixed_dictionaries(
            {
                "condition": st.sampled_from(
                    ["created_greater_than", "last_accessed_greater_than"]
                ),
                "value": st.just("30d"),
            }
        )
    },
)
models = st.fixed_dictionaries(
    {"path": places, "type": st.sampled_from(["custom_model", "mlflow_model", "triton_model"])},
    optional={
        "stage": names,
        "flavors": st.dictionaries(names, st.dictionaries(names, words, min_size=1), min_size=1),
        "system_metadata": st.dictionaries(names, words, min_size=1),
        "default_deployment_template": st.fixed_dictionaries({"asset_id": names}),
        "allowed_deployment_templates": st.lists(
            st.fixed_dictionaries({"asset_id": names}), min_size=1, max_size=2
        ),
    },
)
conda = st.dictionaries(names, st.one_of(words, st.lists(words, max_size=3)), min_size=1)
route = st.fixed_dictionaries({"port": st.integers(1, 9999), "path": st.just("/live")})
environments = st.one_of(
    st.fixed_dictionaries(
        {"image": names},
        optional={
            "conda_file": conda,
            "os_type": st.sampled_from(["linux", "windows"]),
            "inference_config": st.fixed_dictionaries(
                {"liveness_route": route, "readiness_route": route, "scoring_route": route}
            ),
        },
    ),
    st.fixed_dictionaries(
        {
            "build": st.fixed_dictionaries(
                {"path": st.just(f"tree:{DIGEST}"), "dockerfile_path": st.just("docker/File")}
            )
        }
    ),
)
port = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("number"), "default": st.floats(allow_nan=False, allow_infinity=False)},
        optional={"optional": st.booleans()},
    ),
    st.fixed_dictionaries(
        {"type": st.just("integer"), "default": st.integers(), "max": st.integers()}
    ),
    st.fixed_dictionaries({"type": st.just("boolean"), "default": st.booleans()}),
    st.fixed_dictionaries({"type": st.just("string"), "default": words}),
    st.fixed_dictionaries({"type": st.just("uri_folder")}, optional={"mode": st.just("download")}),
)
references = st.fixed_dictionaries(
    {
        "environment": st.one_of(
            st.builds("azureml:{}:1".format, names),
            st.builds("azureml://registries/r/environments/{}/versions/2".format, names),
        )
    },
    optional={
        "code": st.one_of(st.builds("azureml:{}:1".format, names), st.just(f"tree:{DIGEST}"))
    },
)
command = st.builds(
    lambda found, ports: {
        "type": "command",
        "command": "true",
        **found,
        **({"inputs": ports} if ports else {}),
    },
    references,
    st.dictionaries(names, port, max_size=3),
)
parallel = st.builds(
    lambda found: {"type": "parallel", "task": {"type": "run_function", **found}}, references
)
steps = st.just(
    {"type": "pipeline", "jobs": {"a": {"type": "command", "component": "azureml:c:1"}}}
)
components = st.one_of(command, parallel, steps)


def around(kind: str, spec: dict[str, Any], here: Here = HERE) -> dict[str, Any]:
    noun = NOUNS[kind]
    view = {"name": "n", "version": "1", **spec}
    body = assets.version(noun, view, here)
    found = assets.spec(noun, {**body, "name": "n"}, here)
    return {key: value for key, value in found.items() if key not in ("name", "version")}


def plain(spec: dict[str, Any]) -> dict[str, Any]:
    return {
        key: value
        for key, value in spec.items()
        if not (key in ("tags", "properties") and not value)
    }


class TestRoundTrips:
    @given(data, notes)
    def test_of_data(self, spec: dict[str, Any], said: dict[str, Any]) -> None:
        assert plain(around("data", {**spec, **said})) == plain({**spec, **said})

    @given(models, notes)
    def test_of_models(self, spec: dict[str, Any], said: dict[str, Any]) -> None:
        assert plain(around("models", {**spec, **said})) == plain({**spec, **said})

    @given(environments)
    def test_of_environments(self, spec: dict[str, Any]) -> None:
        assert plain(around("environments", spec)) == {"os_type": "linux", **spec}

    @given(components)
    def test_of_components(self, spec: dict[str, Any]) -> None:
        assert plain(around("components", spec)) == spec

    @pytest.mark.parametrize("kind", ["data", "models"])
    def test_of_content_in_registries(self, kind: str) -> None:
        spec = {"path": f"tree:{DIGEST}/a b", "type": "custom_model"}
        assert around(kind, spec, SHARED)["path"] == spec["path"]

    def test_of_folders_to_build_in_registries(self) -> None:
        spec = {"build": {"path": f"tree:{DIGEST}", "dockerfile_path": "Dockerfile"}}
        assert around("environments", spec, SHARED)["build"] == spec["build"]


class TestVersions:
    def test_what_has_no_name_of_its_own_is_marked(self) -> None:
        noun = NOUNS["data"]
        given = {"dataUri": "https://x.org/a", "isAnonymous": True, "description": ""}
        spec = assets.spec(noun, {"properties": given}, HERE)
        assert "description" not in spec
        view = assets.version(noun, {"name": "n", "version": "1", **spec}, HERE)
        assert view["properties"]["isAnonymous"] is True
        assert view["properties"]["properties"] == {}

    def test_the_same_is_known_by_what_it_is(self) -> None:
        noun = NOUNS["environments"]
        spec = {"image": "a", "build": None}
        assert assets.is_same(noun, spec, {"image": "a", "build": {"path": None}})
        assert assets.is_archived({"properties": {"isArchived": True}})
        assert not assets.is_same(noun, spec, {"image": "b"})
        assert not assets.is_same(NOUNS["components"], spec, spec)
        assert assets.is_same(NOUNS["data"], {"path": "a/"}, {"path": "a", "type": "uri_file"})

    def test_a_container_says_what_comes_next(self) -> None:
        view = {"name": "n", "latest_version": "1", "next_version": "2", "type": "mltable"}
        for kind, more in (
            ("data", {"dataType": "mltable"}),
            ("models", {"modelType": "mltable"}),
        ):
            body = assets.container(NOUNS[kind], view, HERE)
            assert body["properties"].items() >= {"nextVersion": "2", **more}.items()
        for kind in ("environments", "components"):
            assert assets.container(NOUNS[kind], view, HERE)["id"].endswith(f"/{kind}/n")

    def test_data_must_lie_somewhere(self) -> None:
        with pytest.raises(Invalid, match="dataUri"):
            assets.spec(NOUNS["data"], {"properties": {}}, HERE)

    def test_a_mapping_of_conda_is_taken_as_it_is(self) -> None:
        body = {"properties": {"image": "a", "condaFile": {"name": "e"}, "osType": "Linux"}}
        assert assets.spec(NOUNS["environments"], body, HERE)["conda_file"] == {"name": "e"}

    def test_numbers_that_are_none_stay_texts(self) -> None:
        ports = {"a": {"type": "number", "default": "x", "optional": "True"}}
        body = {"properties": {"componentSpec": {"type": "command", "inputs": ports}}}
        found = assets.spec(NOUNS["components"], body, HERE)["inputs"]["a"]
        assert (found["default"], found["optional"]) == ("x", True)

    def test_a_number_of_too_many_digits_stays_text(self) -> None:
        ports = {"a": {"type": "integer", "default": "9" * 5000}}
        body = {"properties": {"componentSpec": {"type": "command", "inputs": ports}}}
        found = assets.spec(NOUNS["components"], body, HERE)["inputs"]["a"]
        assert found["default"] == "9" * 5000


class TestPlaces:
    @pytest.mark.parametrize(
        "uri, found",
        [
            (f"{HERE.base}/_blob/ws/store/a/b", Blobs("ws", "store", "a/b")),
            (f"{HERE.base}/_blob/store/a/b/", Blobs("ws", "store", "a/b")),
            ("https://ws.blob.ml.example.org:8443/store/a", Blobs("ws", "store", "a")),
            (f"{HERE.base}/trees/{DIGEST}/x", Blobs("ws", "trees", f"{DIGEST}/x")),
            ("https://ws.blob.core.windows.net/store/a", None),
            (f"{HERE.base}/elsewhere", None),
            ("http://ml.example.org/_blob/a/b", None),
        ],
    )
    def test_addresses_of_ours_are_known(self, uri: str, found: Blobs | None) -> None:
        here = replace(HERE, ids=Ids(replace(IDS.place, workspace="ws")))
        assert here.blobs(uri) == found

    def test_a_datastores_file_may_stay_where_it_is(self) -> None:
        account = HERE.account
        assert HERE.stored(f"{HERE.base}/_blob/{account}/store/a%20b") == (
            "azureml://datastores/store/paths/a b"
        )
        area = f"upload-{'ab12' * 10}"
        assert HERE.stored(f"{HERE.base}/_blob/{account}/{area}/f") == Blobs(account, area, "f")

    def test_content_is_known_by_its_address(self) -> None:
        assert HERE.written(HERE.address(f"tree:{DIGEST}") or "") == f"tree:{DIGEST}"
        assert HERE.written(HERE.uri(f"tree:{DIGEST}/a") or "") == f"tree:{DIGEST}/a"
        with pytest.raises(Invalid):
            SHARED.written(f"{HERE.base}/trees/nothing")

    def test_a_folder_in_a_datastore_has_an_address(self) -> None:
        found = HERE.address("azureml://datastores/store/paths/a/b")
        assert found == f"{HERE.base}/_blob/{HERE.account}/store/a/b"
        assert HERE.address("https://x.org/a") == "https://x.org/a"
        assert HERE.address(None) is HERE.uri(None) is None

    def test_another_workspaces_files_are_not_read(self) -> None:
        with pytest.raises(Unsupported, match="other"):
            HERE.written(LONG.replace(f"/{HERE.account}/", "/other/") + "a")


class TestCodes:
    def test_they_come_from_an_upload_or_are_there(self) -> None:
        uri = f"{HERE.base}/_blob/{HERE.account}/upload-ab/src"
        body = {"properties": {"codeUri": uri, "properties": {"hash_sha256": "x"}}}
        spec, place = codes.from_arm(body, HERE)
        assert place == Blobs(HERE.account, "upload-ab", "src")
        assert spec == {"properties": {"hash_sha256": "x"}}
        body = {"properties": {"codeUri": HERE.address(f"tree:{DIGEST}")}}
        assert codes.from_arm(body, HERE) == ({"path": f"tree:{DIGEST}"}, None)
        with pytest.raises(Invalid, match="codeUri"):
            codes.from_arm({}, HERE)

    def test_they_say_where_their_files_are(self) -> None:
        view = {"name": "hash-ab", "version": "1", "path": f"tree:{DIGEST}"}
        body = codes.to_arm(view, HERE)["properties"]
        assert body["codeUri"].endswith(f"/workspaceblobstore/.tree.{DIGEST}")
        assert codes.from_arm({"properties": body}, HERE)[0]["path"] == view["path"]
        assert body["isAnonymous"] is True

    def test_those_that_are_a_part_of_something_have_an_address(self) -> None:
        for path in (f"tree:{DIGEST}/a", "azureml://datastores/store/paths/a", "", None):
            assert HERE.code(path) == HERE.address(path)


class TestDatastores:
    @pytest.mark.parametrize(
        "spec, credentials",
        [
            (
                {"type": "azure_blob", "account_name": "a", "container_name": "c"},
                {"type": "account_key", "account_key": "k"},
            ),
            (
                {"type": "azure_file", "account_name": "a", "file_share_name": "c"},
                {"type": "sas_token", "sas_token": "s"},
            ),
            (
                {"type": "azure_data_lake_gen2", "account_name": "a", "filesystem": "c"},
                {
                    "type": "service_principal",
                    "client_secret": "s",
                    "client_id": "c",
                    "tenant_id": "t",
                },
            ),
            ({"type": "azure_data_lake_gen1", "store_name": "s"}, None),
            (
                {
                    "type": "one_lake",
                    "one_lake_workspace_name": "w",
                    "endpoint": "e",
                    "artifact": {"type": "lake_house", "name": "l"},
                },
                None,
            ),
        ],
    )
    def test_azures_come_back(self, spec: dict[str, Any], credentials: Any) -> None:
        given = credentials or {"type": "none"}
        view = {**spec, "name": "n", "credentials": {"type": given["type"]}, "tags": {"a": "b"}}
        body = datastores.to_arm(view, HERE)
        hidden = datastores.secrets({"credentials": given})
        open_ = {"clientId": "c", "tenantId": "t"} if len(given) > 2 else {}
        body["properties"]["credentials"] |= {"secrets": hidden, **open_}
        found = datastores.from_arm(body, "n")
        wanted = {**spec, "name": "n", "tags": {"a": "b"}, "is_default": False}
        assert found == wanted | ({"credentials": credentials} if credentials else {})

    def test_others_are_reached_through_this_server(self) -> None:
        for kind in ("local", "storage", "s3", "gcs", "http"):
            view = {"type": kind, "name": "n"}
            assert datastores.is_ours(view)
            body = datastores.to_arm(view, HERE)["properties"]
            assert body["accountName"] == f"ml.example.org:8443/_blob/{HERE.account}#"
            assert body["containerName"] == "n"

    def test_of_those_what_is_said_otherwise_is_a_change(self) -> None:
        view = {"type": "s3", "name": "n", "tags": {"a": "b"}, "description": None}
        shown = datastores.to_arm(view, HERE)["properties"]
        assert datastores.changes(shown, view) == {}
        said = {**shown, "description": "d", "tags": {}, "isDefault": True}
        wanted = {"description": "d", "tags": {}, "is_default": True}
        assert datastores.changes(said, view) == wanted

    def test_unknown_types_are_named(self) -> None:
        with pytest.raises(Invalid, match="'Hdfs'"):
            datastores.from_arm({"properties": {"datastoreType": "Hdfs"}}, "n")


class TestRegistries:
    def test_they_come_back(self) -> None:
        spec = {
            "name": "r",
            "tags": {"a": "b"},
            "location": "here",
            "public_network_access": "Enabled",
            "replication_locations": [{"location": "here"}, {"location": "there"}],
        }
        assert registries.from_arm("r", registries.to_arm(spec, IDS, HERE.base)) == spec

    def test_clients_glue_a_path_to_the_address(self) -> None:
        found = registries.discovery("r", IDS, HERE.base)
        assert found["primaryRegionResourceProviderUri"] == f"{HERE.base}/"
