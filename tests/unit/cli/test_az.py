"""The parts of our az that need no server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lazur.cli import launcher
from lazur.cli.az import failures, place, role, settings, shapes, storage
from lazur.cli.az.place import Place
from lazur.errors import Conflict, Invalid, JobFailed, NotFound
from lazur.services.azure import identity

PLACE = Place("s", "g")
ROOM = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces"


def shaped(noun: str, **view: Any) -> Any:
    return shapes.shape(noun, view, PLACE, "w", "http://host")


class TestPlace:
    def test_is_the_servers_where_nobody_says(self) -> None:
        assert identity.SUBSCRIPTION == place.SUBSCRIPTION
        assert identity.GROUP == place.GROUP

    def test_takes_any_name(self) -> None:
        assert (
            Place("a/b", "c d")
            .id("workspaces", "e?f")
            .startswith("/subscriptions/a%2Fb/resourceGroups/c d/providers/")
        )


class TestShapes:
    def test_data_is_a_folder_unless_somebody_said(self) -> None:
        """Azure's answers say so; ours leaves out what nobody wrote."""
        told = {"id": "/workspaces/r/data/d/versions/1", "name": "d"}
        assert shaped("data", **told)["type"] == "uri_folder"
        assert shaped("data", **told, type="uri_file")["type"] == "uri_file"

    @pytest.mark.parametrize(
        "noun, ours, azures",
        [
            ("job", "/workspaces/r/jobs/j", f"azureml:{ROOM}/r/jobs/j"),
            ("data", "/workspaces/r/data/d/versions/1", f"{ROOM}/r/data/d/versions/1"),
            (
                "model",
                "/workspaces/r/models/m/versions/1",
                f"azureml:{ROOM}/r/models/m/versions/1",
            ),
            ("workspace", "/workspaces/r", f"{ROOM}/r"),
            ("compute", "/computes/local", f"{ROOM}/w/computes/local"),
            ("compute", "/workspaces/a%20b/computes/c", f"{ROOM}/a b/computes/c"),
            ("registry", "/registries/r", f"{ROOM.removesuffix('workspaces')}registries/r"),
            ("environment", "azureml://registries/azureml/environments/e/versions/1", None),
            (
                "component",
                "/registries/r/components/c/versions/1",
                "azureml://registries/r/components/c/versions/1",
            ),
        ],
    )
    def test_ids_are_azures(self, noun: str, ours: str, azures: str | None) -> None:
        found = shaped(noun, id=ours, name="n")
        assert found["id"] == (azures or ours)
        assert ("resourceGroup" in found) == ("/resourceGroups/" in found["id"])

    def test_what_is_not_set_is_left_out(self) -> None:
        assert "description" not in shaped("data", id="/workspaces/w/data/d", description=None)

    def test_what_is_ours_is_left_out(self) -> None:
        job = shaped("job", id="/workspaces/w/jobs/j", phases=[], etag="1", warnings=[], name="j")
        assert not {"phases", "etag", "warnings"} & set(job)

    def test_of_lists_are_lists(self) -> None:
        found = shapes.shape("data", [{"id": "/workspaces/w/data/d"}], PLACE, "w")
        assert [one["resourceGroup"] for one in found] == ["g"]

    @pytest.mark.parametrize("answer", [None, True, "text", {"result": "Succeeded"}])
    def test_what_is_no_resource_stays(self, answer: Any) -> None:
        assert shapes.shape("job", answer, PLACE, "w") == answer

    def test_of_an_unknown_noun_stays(self) -> None:
        assert shaped("other", id="/x", etag="1") == {"id": "/x", "etag": "1"}

    @pytest.mark.parametrize(
        "ours, azures",
        [("local", "azureml:local"), ("azureml:c", "azureml:c"), ("", ""), (None, None)],
    )
    def test_computes_of_jobs_are_references(self, ours: str | None, azures: str | None) -> None:
        assert shaped("job", id="/workspaces/w/jobs/j", compute=ours).get("compute") == azures

    def test_workspaces_have_what_belongs_to_them(self) -> None:
        found = shaped("workspace", id="/workspaces/r", name="r", location="eastus")
        assert found["mlflow_tracking_uri"] == "http://host/mlflow/workspaces/r"
        assert found["storage_account"].endswith("/Microsoft.Storage/storageAccounts/r")
        assert found["location"] == "eastus"

    def test_datastores_of_the_server_are_containers_of_the_workspaces_account(self) -> None:
        found = shaped(
            "datastore", id="/workspaces/r/datastores/b", name="b", type="local", credentials={}
        )
        assert (found["type"], found["account_name"], found["container_name"]) == (
            "azure_blob",
            "r",
            "b",
        )

    def test_datastores_of_azure_say_where_it_is(self) -> None:
        found = shaped("datastore", id="/workspaces/r/datastores/b", type="azure_blob")
        assert (found["endpoint"], found["protocol"]) == ("core.windows.net", "https")

    @pytest.mark.parametrize(
        "job", ["azureml:j:1", {"command": "true", "inputs": {"x": 1, "y": 3}}]
    )
    def test_schedules_have_their_job_in_place(self, job: Any) -> None:
        action = {"job": job, "inputs": {"x": 2}, "experiment_name": "e"}
        found = shaped("schedule", id="/workspaces/w/schedules/s", create_job=action)
        assert found["provisioning_state"] == "Succeeded"
        if isinstance(job, str):
            assert found["create_job"] == action
        else:
            assert found["create_job"] == {
                "command": "true",
                "experiment_name": "e",
                "inputs": {"x": 2, "y": 3},
            }

    def test_other_datastores_stay(self) -> None:
        found = shaped("datastore", id="/workspaces/r/datastores/b", type="s3", bucket="x")
        assert (found["type"], found["bucket"]) == ("s3", "x")

    def test_a_list_of_assets_tells_their_latest_version(self) -> None:
        assert shaped("model", id="/workspaces/w/models/m", latest="3")["latest_version"] == "3"

    def test_times_are_azures(self) -> None:
        made = {"created_at": "2026-01-02T03:04:05.678901Z", "created_by": "bea"}
        found = shaped("data", id="/workspaces/w/data/d", creation_context=made)
        told = found["creation_context"]
        assert told["created_at"] == told["last_modified_at"] == "2026-01-02T03:04:05.678901+00:00"
        assert told["last_modified_by"] == "bea"
        compute = shaped("compute", id="/computes/c", creation_context=made)
        assert compute["created_on"] == "2026-01-02T03:04:05.678901+00:00"
        assert "creation_context" not in compute

    def test_what_azure_always_says_is_said(self) -> None:
        assert shaped("environment", id="/workspaces/w/environments/e")["os_type"] == "linux"
        assert shaped("component", id="/workspaces/w/components/c")["is_deterministic"] is True


class TestFailures:
    def test_speak_of_our_commands_as_they_are_typed_here(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        error = NotFound("There is no x.", hint="See: lazur job list, and lazur server status")
        assert failures.report(error, "ml job cancel") == 1
        assert capsys.readouterr().err.splitlines() == [
            "ERROR: (ResourceNotFound) There is no x.",
            "Code: ResourceNotFound",
            "Message: There is no x.",
            "See: az ml job list, and lazur server status",
        ]

    def test_are_3_where_something_was_to_be_shown(self) -> None:
        assert failures.report(NotFound("no"), "ml job show") == 3

    def test_say_several_lines_once(self, capsys: pytest.CaptureFixture[str]) -> None:
        failures.report(JobFailed("one\ntwo"), "ml job stream")
        assert capsys.readouterr().err == "ERROR: (UserError) one\ntwo\n"

    def test_of_our_own_making_are_said(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert failures.report(KeyError("x"), "ml job show", debug=True) == 1
        said = capsys.readouterr().err
        assert "Lazur itself failed: KeyError" in said


class TestScopes:
    @pytest.mark.parametrize(
        "azures, ours",
        [
            (None, None),
            ("/", "/"),
            ("w", "w"),
            ("/subscriptions/s/resourceGroups/g", None),
            ("/subscriptions/s/resourcegroups/g/", None),
            (f"{ROOM}/w", f"{ROOM}/w"),
            (f"{ROOM.removesuffix('workspaces')}registries/r", "/registries/r"),
        ],
    )
    def test_are_places_of_ours(self, azures: str | None, ours: str | None) -> None:
        assert role._scope(azures) == ours

    @pytest.mark.parametrize("kind", ["Microsoft.Storage/storageAccounts", "Microsoft.X/y/z/w"])
    def test_of_what_is_not_here_are_refused(self, kind: str) -> None:
        with pytest.raises(Invalid, match=r"There is no Microsoft\."):
            role._scope(f"/subscriptions/s/resourceGroups/g/providers/{kind}/x")


class TestSettings:
    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AZURE_CONFIG_DIR", str(tmp_path / "azure"))

    def test_are_none_at_first(self) -> None:
        assert settings.get("defaults", "workspace") is None
        assert settings.listed("defaults") == []
        assert not settings.folder().exists()

    def test_are_kept(self) -> None:
        settings.change("defaults", {"workspace": "w", "x": "100%"})
        settings.change("core", {"output": "tsv"})
        assert settings.get("defaults", "x") == "100%"
        assert settings.get("core", "output") == "tsv"

    def test_of_variables_come_first(self, monkeypatch: pytest.MonkeyPatch) -> None:
        settings.change("defaults", {"workspace": "w", "group": "g"})
        monkeypatch.setenv("AZURE_DEFAULTS_WORKSPACE", "v")
        monkeypatch.setenv("AZURE_DEFAULTS_GROUP", "")
        assert settings.get("defaults", "workspace") == "v"
        assert settings.get("defaults", "group") is None
        assert settings.listed("defaults") == [
            {"name": "workspace", "source": "AZURE_DEFAULTS_WORKSPACE", "value": "v"}
        ]


class TestContainers:
    @pytest.mark.parametrize(
        "named, account, expected",
        [
            ("c", "a", ("a", "c", "")),
            ("c/x/y", "a", ("a", "c", "x/y")),
            ("https://b.blob.core.windows.net/c/x%20y", None, ("b", "c", "x y")),
            ("https://b.blob.core.windows.net/c", "a", ("a", "c", "")),
        ],
    )
    def test_are_named_with_a_path(
        self, named: str, account: str | None, expected: tuple[str, str, str]
    ) -> None:
        assert storage.parse(named, account) == expected


class TestLauncher:
    def test_is_not_written_over_what_came_meanwhile(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = launcher._text

        def late() -> str:
            (tmp_path / "az").write_text("theirs")
            return made()

        monkeypatch.setattr(launcher, "_text", late)
        with pytest.raises(Conflict):
            launcher.write(tmp_path)
        assert (tmp_path / "az").read_text() == "theirs"
        assert [one.name for one in tmp_path.iterdir()] == ["az"]

    def test_quotes_where_python_is(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sys.executable", "/some where/python")
        text = launcher.write(tmp_path / "new" / "folder").read_text()
        assert "exec '/some where/python' -P -m lazur.cli.az \"$@\"" in text
