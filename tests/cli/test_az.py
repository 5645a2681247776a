"""Scripts written for Azure's command line, against a real server."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Cli, Ran

GROUP = "/subscriptions/00000000-0000-0000-0000-000000000/resourceGroups/rg"


@dataclass(frozen=True)
class Az:
    lazur: Cli
    tools: Path

    def __call__(self, *words: str, **variables: str) -> Ran:
        return self.run([str(self.tools / "az"), *words], variables)

    def ok(self, *words: str) -> Any:
        return self(*words).json()

    def run(self, words: list[str], variables: dict[str, str]) -> Ran:
        done = subprocess.run(
            words,
            capture_output=True,
            text=True,
            cwd=self.lazur.folder,
            env={
                **os.environ,
                "LAZUR_HOME": str(self.lazur.home),
                "AZURE_CONFIG_DIR": str(self.lazur.folder / "azure"),
                "PATH": f"{self.tools}:{os.environ['PATH']}",
                "COLUMNS": "100",
                **variables,
            },
            stdin=subprocess.DEVNULL,
            timeout=120,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def script(self, text: str, *arguments: str) -> Ran:
        path = self.lazur.folder / "script.sh"
        path.write_text(text)
        return self.run(["bash", str(path), *arguments], {})


@pytest.fixture
def az(lazur: Cli) -> Az:
    folder = lazur.folder / "tools"
    made = lazur("azure", "shim", "--dir", str(folder))
    assert made.code == 0, made.err
    return Az(lazur, folder)


def names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


DRIVER = """
run_id=$(az ml job create -f $1 --query name -o tsv --set experiment_name=$2)
if [[ -z "$run_id" ]]; then echo "no job"; exit 3; fi
az ml job show -n $run_id -o none
uri=$(az ml job show -n $run_id --query services.Studio.endpoint)
status=$(az ml job show -n $run_id --query status -o tsv)
if [[ -z "$status" ]]; then echo "no status"; exit 4; fi
busy=("Queued" "NotStarted" "Starting" "Preparing" "Running" "Finalizing")
while [[ ${busy[*]} =~ $status ]]; do
  sleep 0.2
  status=$(az ml job show -n $run_id --query status -o tsv)
done
echo $run_id $uri $status
[[ $status == "Completed" ]] && exit 0
[[ $status == "Failed" ]] && exit 1
exit 2
"""


class TestShim:
    def test_prints_what_puts_it_on_the_path(self, lazur: Cli) -> None:
        done = lazur("azure", "shim", "--dir", "./my tools")
        assert done.out == f"export PATH='{lazur.folder}/my tools':\"$PATH\"\n"
        assert (lazur.folder / "my tools" / "az").stat().st_mode & 0o777 == 0o755

    def test_is_the_same_once_more(self, az: Az) -> None:
        before = (az.tools / "az").read_text()
        assert az.lazur("azure", "shim", "--dir", str(az.tools)).code == 0
        assert (az.tools / "az").read_text() == before
        assert names(az.tools) == ["az"]

    def test_is_taken_away(self, az: Az) -> None:
        assert az.lazur("azure", "shim", "--dir", str(az.tools), "--remove").code == 0
        assert names(az.tools) == []
        assert "no az" in az.lazur("azure", "shim", "--dir", str(az.tools), "--remove").err

    @pytest.mark.parametrize("more", [(), ("--remove",)])
    @pytest.mark.parametrize("kind", ["file", "link", "folder"])
    def test_leaves_what_is_not_ours(self, lazur: Cli, kind: str, more: tuple[str, ...]) -> None:
        theirs = lazur.folder / "az"
        if kind == "file":
            theirs.write_text("#!/bin/sh\necho Azure\n")
        elif kind == "link":
            theirs.symlink_to(lazur.folder / "elsewhere")
        else:
            theirs.mkdir()
        done = lazur("azure", "shim", "--dir", ".", *more)
        assert (done.code, done.out) == (1, "")
        assert "is not Lazur's" in done.err
        assert names(lazur.folder) == ["az"]

    def test_takes_no_modules_from_the_working_directory(self, az: Az) -> None:
        (az.lazur.folder / "json.py").write_text("raise SystemExit('not this one')")
        assert az.ok("version")["lazur"]


class TestJobs:
    def test_a_driver_of_scripts_runs_one(self, az: Az) -> None:
        done = az.script(DRIVER, az.lazur.job("echo hello"), "drivers")
        assert done.code == 0, done.out + done.err
        name, uri, status = done.out.split()
        assert status == "Completed"
        assert uri.startswith('"http')
        assert uri.endswith(f'/{name}"')

    def test_a_driver_of_scripts_sees_it_fail(self, az: Az) -> None:
        done = az.script(DRIVER, az.lazur.job("exit 7"), "drivers")
        assert (done.code, done.out.split()[-1]) == (1, "Failed")

    def test_a_driver_of_scripts_sees_that_none_was_made(self, az: Az) -> None:
        done = az.script(DRIVER, "nothing.yml", "drivers")
        assert (done.code, done.out) == (3, "no job\n")

    def test_that_are_watched_are_told_after_their_log(self, az: Az) -> None:
        done = az("ml", "job", "create", "-f", az.lazur.job("echo the log"), "--stream")
        log, _, job = done.out.partition("\n")
        assert log == "the log"
        assert json.loads(job)["status"] == "Completed"

    def test_has_azures_fields_and_no_others(self, az: Az) -> None:
        job = az.ok(
            *("ml", "job", "create", "-f", az.lazur.job("true"), "-g", "rg"),
            *("--stream", "-o", "json"),
        )
        name = job["name"]
        place = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/default"
        assert job["id"] == f"azureml:{place}/jobs/{name}"
        assert job["resourceGroup"] == "rg"
        assert job["status"] == "Completed"
        assert job["compute"] == "azureml:local"
        assert job["services"]["Studio"]["endpoint"].endswith(name)
        assert set(job) == {
            *("command", "compute", "creation_context", "display_name", "environment"),
            *("environment_variables", "experiment_name", "id", "inputs", "name", "outputs"),
            *("parameters", "properties", "resourceGroup", "services", "status", "tags", "type"),
        }

    def test_are_streamed_downloaded_archived_and_canceled(self, az: Az) -> None:
        file = az.lazur.job(
            "echo to the log; echo 5 > ${{outputs.score}}/n; echo 6 > outputs/a.txt",
            outputs={"score": {"type": "uri_folder"}},
        )
        done = az.script(
            f"""set -e
            name=$(az ml job create -f {file} --query name -o tsv)
            az ml job stream -n $name
            az ml job download --name $name --download-path here --output-name score
            az ml job download -n $name --all -p all
            az ml job cancel -n $name
            az ml job archive -n $name
            az ml job list --query "[?name=='$name'].name" -o tsv
            az ml job restore -n $name
            az ml job list --query "[?name=='$name'].name" -o tsv --max-results 100
            """
        )
        assert done.code == 0, done.err
        log, name = done.out.splitlines()
        assert log == "to the log"
        assert "_" in name
        assert (az.lazur.folder / "here/named-outputs/score/n").read_text() == "5\n"
        assert (az.lazur.folder / "all/artifacts/outputs/a.txt").read_text() == "6\n"

    def test_of_pipelines_name_their_children(self, az: Az) -> None:
        step = {"command": "true", "environment": {"image": "python:3.11"}}
        file = az.lazur.folder / "pipeline.yml"
        file.write_text(json.dumps({"type": "pipeline", "jobs": {"one": step}}))
        made = az.ok(
            *("ml", "job", "create", "-f", str(file), "--set", "settings.force_rerun=True"),
            *("--stream", "-o", "json"),
        )
        assert made["settings"]["force_rerun"] is True
        assert "steps" not in made
        children = az.ok("ml", "job", "list", "--parent-job-name", made["name"])
        assert [child["display_name"] for child in children] == ["one"]


class TestAssets:
    def test_are_made_and_shown_with_azures_ids(self, az: Az) -> None:
        (az.lazur.folder / "data").mkdir()
        (az.lazur.folder / "data" / "x.csv").write_text("a,b\n")
        flags = ("-n", "az-data", "-v", "1", "--path", "data", "--type", "uri_folder")
        made = az.ok("ml", "data", "create", *flags, "-g", "rg")
        place = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/default"
        assert made["id"] == f"{place}/data/az-data/versions/1"
        assert "etag" not in made
        shown = az(
            "ml", "data", "show", "-n", "az-data", "--version", "1", "-o", "tsv", "--query", "name"
        )
        assert shown.out == "az-data\n"

    def test_have_tags_without_values(self, az: Az) -> None:
        """As Azure's have; `""` is none."""
        words = ("ml", "data", "create", "-n", "az-tags", "-v", "1", "-p", "https://example.org/x")
        made = az.ok(*words, "--tags", "NVIDIA AI", "a=b", "")
        assert made["tags"] == {"NVIDIA AI": "", "a": "b"}

    def test_of_the_built_in_registry_have_its_ids(self, az: Az) -> None:
        shown = az.ok(
            *("ml", "environment", "show", "--name", "sklearn-1.5", "--label", "latest"),
            *("--registry-name", "azureml"),
        )
        assert shown["id"].startswith("azureml://registries/azureml/environments/sklearn-1.5/")
        assert "resourceGroup" not in shown

    def test_go_through_a_registry(self, az: Az) -> None:
        file = az.lazur.folder / "component.yml"
        file.write_text(
            json.dumps(
                {
                    "type": "command",
                    "name": "c",
                    "command": "true",
                    "environment": {"image": "python:3.11"},
                }
            )
        )
        (az.lazur.folder / "registry.yml").write_text("name: shelf\nlocation: eastus\n")
        made = az.script(
            """set -e
            az ml registry create --resource-group rg --file registry.yml --name az-shelf -o none
            az ml registry list --resource-group rg --query "[?name == 'az-shelf'] | length(@)"
            az ml registry list --query "[?name == 'nothing']" | tail -n1 | tr -d "[:cntrl:]"
            shelf="--registry-name az-shelf"
            az ml component create --file component.yml $shelf -n mine -v 3 -o none
            az ml component show --name mine --label latest $shelf --query version
            """
        )
        assert made.out == '1\n[]"3"\n', made.err


class TestResources:
    def test_workspaces_have_what_scripts_ask_for(self, az: Az) -> None:
        (az.lazur.folder / "network.yml").write_text("managed_network: {}\n")
        done = az.script(
            """set -e
            flags="-l eastus -g rg -m disabled --tags a=b --no-wait"
            az ml workspace create -n az-room $flags -o none
            for field in location resource_group container_registry name; do
              echo "$field=$(az ml workspace show -n az-room -g rg --query $field -o tsv)"
            done
            basename $(az ml workspace show -n az-room -g rg --query storage_account -o tsv)
            az ml workspace update -g rg --name az-room --file network.yml --query name -o tsv
            """
        )
        assert done.code == 0, done.err
        assert done.out.splitlines() == [
            *("location=eastus", "resource_group=rg", "container_registry=", "name=az-room"),
            *("az-room", "az-room"),
        ]

    def test_computes_are_made_once(self, az: Az) -> None:
        done = az.script(
            """set -e
            az ml compute list --resource-group rg --query "[?name == 'az-c']" | tail -n1
            size="--min-instances 0 --max-instances 2"
            az ml compute create -n az-c --type amlcompute $size -o none
            az ml compute show --name az-c --query provisioning_state -o tsv
            az ml compute update -n az-c --max-instances 3 --query max_instances
            az ml compute delete -n az-c --yes --no-wait
            """
        )
        assert done.out == "[]\nSucceeded\n3\n", done.err

    def test_datastores_are_accounts_and_containers(self, az: Az) -> None:
        shown = az.ok("ml", "datastore", "show", "-n", "workspaceblobstore")
        assert (shown["account_name"], shown["container_name"]) == (
            "default",
            "workspaceblobstore",
        )
        assert shown["type"] == "azure_blob"


class TestErrors:
    def test_what_is_not_there_is_3_where_it_is_shown(self, az: Az) -> None:
        done = az("ml", "job", "show", "-n", "nothing")
        assert (done.code, done.out) == (3, "")
        assert done.err.startswith("ERROR: (ResourceNotFound) There is no job 'nothing'")
        assert "See: az ml job list" in done.err
        assert az("ml", "job", "cancel", "-n", "nothing").code == 1

    def test_a_spec_that_is_wrong_is_1(self, az: Az) -> None:
        done = az("ml", "job", "create", "-f", az.lazur.job("echo ${{inputs.x}}"))
        assert done.code == 1
        assert done.err.startswith("ERROR: (ValidationError)")

    @pytest.mark.parametrize(
        "line, said",
        [
            ("ml job create", "the following arguments are required: --file/-f"),
            ("ml job show -n x --colour red", "unrecognized arguments: --colour red"),
            ("ml job lst", "'lst' is not in the 'az ml job' command group"),
            ("vm list", "'vm' is not in Lazur's az"),
        ],
    )
    def test_a_command_line_that_is_wrong_is_2(self, az: Az, line: str, said: str) -> None:
        done = az(*line.split())
        assert (done.code, done.out) == (2, "")
        assert said in done.err

    def test_what_is_not_there_yet_is_1(self, az: Az) -> None:
        done = az("ml", "online-endpoint", "create", "-n", "x", "--auth-mode", "key")
        assert (done.code, done.out) == (1, "")
        assert "Online endpoints are not there yet" in done.err

    def test_a_question_that_nobody_answers_is_1(self, az: Az) -> None:
        done = az("ml", "workspace", "delete", "-n", "default")
        assert done.code == 1


class TestOutput:
    @pytest.mark.parametrize(
        "words, out",
        [
            (("-o", "tsv", "--query", "name"), "default\n"),
            (("-o", "json", "--query", "name"), '"default"\n'),
            (("-o", "none"), ""),
            (("-o", "yaml", "--query", "{n: name}"), "n: default\n"),
            (("-o", "tsv", "--query", "[name, resource_group]"), "default\nlazur\n"),
        ],
    )
    def test_is_azures(self, az: Az, words: tuple[str, ...], out: str) -> None:
        assert az("ml", "workspace", "show", "-n", "default", *words).out == out

    def test_may_be_chosen_in_azures_settings(self, az: Az) -> None:
        done = az("ml", "workspace", "show", "--query", "name", AZURE_CORE_OUTPUT="tsv")
        assert done.out == "default\n"

    def test_of_tables_is_lazurs(self, az: Az) -> None:
        assert az("ml", "datastore", "list", "-o", "table").out.split()[:2] == ["Name", "Type"]
        assert az("ml", "compute", "list", "-o", "table").out.split()[0] == "Name"
        assert az("ml", "workspace", "list", "-o", "table").out.split()[0] == "Name"


class TestSettings:
    def test_are_kept_where_azure_keeps_them(self, az: Az) -> None:
        file = az.lazur.folder / "azure" / "config"
        assert az("configure", "--defaults", "group=g", "workspace=w", "location=eastus").code == 0
        assert file.read_text() == "[defaults]\ngroup = g\nworkspace = w\nlocation = eastus\n\n"
        assert file.stat().st_mode & 0o777 == 0o600
        listed = az("configure", "-l", "--query", "[?name=='workspace'].value", "-o", "tsv")
        assert listed.out == "w\n"

    def test_leave_what_else_is_in_the_file(self, az: Az) -> None:
        file = az.lazur.folder / "azure" / "config"
        file.parent.mkdir()
        file.write_text("[core]\noutput = tsv\n[defaults]\ngroup = a\nvm = b%c\n")
        az("configure", "-d", "group=", "workspace=''")
        assert file.read_text() == "[core]\noutput = tsv\n\n[defaults]\nvm = b%c\n\n"

    def test_choose_the_workspace(self, az: Az) -> None:
        az("configure", "--defaults", "workspace=az-nowhere")
        assert "'az-nowhere'" in az("ml", "job", "list").err
        assert az("ml", "job", "list", "-w", "default").code == 0
        assert az("ml", "job", "list", AZURE_DEFAULTS_WORKSPACE="default").code == 0

    def test_name_the_workspace_that_is_made(self, az: Az) -> None:
        az("configure", "--defaults", "workspace=az-named")
        assert az.ok("ml", "workspace", "create")["name"] == "az-named"
        assert az.ok("ml", "workspace", "create", "-n", "az-other")["name"] == "az-other"
        for noun in ("workspace", "registry"):
            done = az("ml", noun, "create", AZURE_DEFAULTS_WORKSPACE="")
            assert done.code == 1
            assert f"The {noun} has no name." in done.err
            assert "-n NAME" in done.err

    def test_that_cannot_be_read_are_named(self, az: Az) -> None:
        file = az.lazur.folder / "azure" / "config"
        file.parent.mkdir()
        file.write_text("nothing of the kind")
        done = az("ml", "job", "list")
        assert done.code == 1
        assert str(file) in done.err
        assert "Traceback" not in done.err

    def test_of_a_folder_are_not_read(self, az: Az) -> None:
        assert az("configure", "--scope", "local", "--defaults", "workspace=w").code == 1

    @pytest.mark.parametrize("words", [("--defaults", "workspace"), ()])
    def test_that_are_none_are_refused(self, az: Az, words: tuple[str, ...]) -> None:
        assert az("configure", *words).code == 1


class TestAccount:
    def test_says_who_one_is(self, az: Az) -> None:
        account = az.ok("account", "show")
        assert account["user"]["type"] == "user"
        assert account["state"] == "Enabled"
        assert az.ok("account", "list") == [account]
        assert az.ok("login") == [account]
        assert az.ok("login", "--identity") == [account]

    def test_names_back_whichever_subscription_was_set(self, az: Az) -> None:
        assert az("account", "set", "-s", "my-sub").code == 0
        assert az.ok("account", "show", "--query", "id") == "my-sub"
        assert az.ok("ml", "workspace", "show", "--query", "id").startswith(
            "/subscriptions/my-sub/"
        )
        assert (
            az.ok("group", "show", "-n", "g", "--query", "id")
            == "/subscriptions/my-sub/resourceGroups/g"
        )

    def test_of_a_service_is_not_believed_without_a_server_that_knows_it(self, az: Az) -> None:
        done = az("login", "--service-principal", "-u", "ci", "-p", "secret", "-t", "x")
        assert done.code == 0
        assert "the name and secret were not used" in done.err


class TestGroups:
    def test_of_any_name_are_there(self, az: Az) -> None:
        assert az("group", "exists", "-g", "anything", "-o", "tsv").out == "true\n"
        made = az.ok("group", "create", "-n", "rg", "-l", "eastus", "--tags", "a=b", "c")
        assert made["tags"] == {"a": "b", "c": ""}
        assert made["properties"]["provisioningState"] == "Succeeded"
        assert made["location"] == "eastus"
        assert [one["name"] for one in az.ok("group", "list")] == ["lazur"]


class TestExtensions:
    def test_of_machine_learning_is_there(self, az: Az) -> None:
        for words in (("add", "-n", "ml", "-y"), ("update", "-n", "ml"), ("remove", "-n", "ml")):
            assert az("extension", *words).code == 0
        wheel = "https://example.org/wheels/ml-0.0.18_x-py3-none-any.whl"
        assert az("extension", "add", "--source", wheel, "--yes").code == 0
        assert az("extension", "list", "--query", "[].name", "-o", "tsv").out == "ml\n"

    def test_of_others_are_not(self, az: Az) -> None:
        assert az("extension", "remove", "-n", "azure-cli-ml").code == 1
        assert "It has: ml" in az("extension", "add", "-n", "k8s-extension").err


class TestRoles:
    def test_hold_where_azures_names_say(self, az: Az) -> None:
        az.lazur.ok("user", "create", "-n", "az-bea")
        place = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/default"
        flags = ("--assignee", "az-bea", "--role", "Reader")
        made = az.ok("role", "assignment", "create", *flags, "--scope", place)
        assert made["scope"].endswith("/workspaces/default")
        assert made["roleDefinitionName"] == "Reader"
        listed = az.ok("role", "assignment", "list", "--assignee", "az-bea", "--scope", GROUP)
        assert [one["name"] for one in listed] == [made["name"]]
        assert az("role", "assignment", "delete", *flags, "--scope", place).code == 0
        gone = az("role", "assignment", "delete", *flags, "--scope", place)
        assert (gone.code, gone.err) == (0, "No matched assignments were found to delete.\n")

    @pytest.mark.parametrize(
        "scope",
        [
            f"{GROUP}/providers/Microsoft.Storage/storageAccounts/x",
            f"{GROUP}/providers/Microsoft.ContainerRegistry/registries/x",
            "/subscriptions/s",
        ],
    )
    def test_nowhere_else(self, az: Az, scope: str) -> None:
        az.lazur("user", "create", "-n", "az-bea")
        flags = ("--assignee", "az-bea", "--role", "Reader", "--scope", scope)
        done = az("role", "assignment", "create", *flags)
        assert (done.code, done.out) == (1, "")
        assert az.lazur.ok("role", "assignment", "list", "--all", "--assignee", "az-bea") == []


class TestAddresses:
    def test_of_azure_take_a_token_that_was_asked_for(self, az: Az) -> None:
        token = az.ok("account", "get-access-token")
        assert token["tokenType"] == "Bearer"
        assert token["accessToken"].count(".") == 2
        assert token["tenant"] == az.ok("account", "show")["tenantId"]
        wanted = ("--resource", "https://management.azure.com/", "--query", "accessToken")
        assert az.ok("account", "get-access-token", *wanted).startswith("ey")

    @pytest.mark.parametrize(
        "asked, whom",
        [
            (("--resource-type", "arm"), None),
            (("--resource-type", "ms-graph"), "https://graph.microsoft.com"),
            (("--scope", "https://management.azure.com//.default"), None),
            (("--resource", "https://storage.azure.com"), "https://storage.azure.com"),
        ],
    )
    def test_a_token_is_for_whom_it_was_asked_for(
        self, az: Az, asked: tuple[str, ...], whom: str | None
    ) -> None:
        token = az.ok("account", "get-access-token", *asked, "--query", "accessToken")
        body = token.split(".")[1]
        meant = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))["aud"]
        assert meant == (whom or az.lazur.ok("azure", "env", "-o", "json")["MSI_ENDPOINT"][:-10])

    @pytest.mark.parametrize("host", ["", "https://management.azure.com"])
    def test_of_azure_are_ours(self, az: Az, host: str) -> None:
        path = "/subscriptions/{subscriptionId}/providers/Microsoft.MachineLearningServices"
        flags = ("--url", f"{host}{path}/workspaces", "--uri-parameters", "api-version=2024-10-01")
        found = az.ok("rest", "--method", "GET", *flags, "--query", "value[].name")
        assert "default" in found

    def test_an_answer_that_cannot_be_written_is_told_without_fuss(self, az: Az) -> None:
        done = az("rest", "--url", "/subscriptions?api-version=1", "--output-file", "none/x")
        assert (done.code, done.err) == (1, "ERROR: No such file or directory: none/x\n")

    def test_that_are_not_ours_get_no_token(self, az: Az) -> None:
        done = az("rest", "--url", "https://example.org/x")
        assert (done.code, done.out) == (1, "")
        assert "and not to example.org" in done.err

    def test_that_nothing_is_behind_say_so(self, az: Az) -> None:
        done = az("rest", "--url", "/subscriptions/s/nothing")
        assert done.code == 1
        assert '"code": "NotImplemented"' in done.err

    def test_need_a_token(self, az: Az) -> None:
        flags = ("--url", "/subscriptions/s/nothing", "--skip-authorization-header")
        assert az("rest", *flags).err.startswith("ERROR: Unauthorized(")
        given = ("--headers", "Authorization=Bearer x")
        assert az("rest", *flags[:2], *given).err.startswith("ERROR: Unauthorized(")


class TestStorage:
    def test_takes_a_folder_that_a_job_reads_and_gives_it_back(self, az: Az) -> None:
        (az.lazur.folder / "data" / "ä b").mkdir(parents=True)
        (az.lazur.folder / "data" / "ä b" / "x.txt").write_text("from the blob store\n")
        (az.lazur.folder / "data" / "empty.csv").touch()
        path = "azureml://datastores/workspaceblobstore/paths/az/in/"
        file = az.lazur.job(
            "cat ${{inputs.data}}/*/x.txt", inputs={"data": {"type": "uri_folder", "path": path}}
        )
        done = az.script(
            f"""set -e
            account=$(az ml datastore show -n workspaceblobstore --query account_name -o tsv)
            container=$(az ml datastore show -n workspaceblobstore --query container_name -o tsv)
            flags="--account-name $account --auth-mode login -o none"
            az storage blob upload-batch -s data -d $container --destination-path az/in $flags
            az ml job create -f {file} --stream -o none
            az storage blob list -c $container --prefix az/in/ --query [].name -o tsv
            mkdir back
            az storage blob download-batch -s $container/az -d back --pattern '*.txt' $flags
            """
        )
        assert done.out.splitlines() == [
            *("from the blob store", "az/in/empty.csv", "az/in/ä b/x.txt")
        ], done.err
        assert (az.lazur.folder / "back/az/in/ä b/x.txt").read_text() == "from the blob store\n"
        assert not (az.lazur.folder / "back/az/in/empty.csv").exists()

    def test_writes_over_nothing_unasked(self, az: Az) -> None:
        (az.lazur.folder / "data").mkdir()
        (az.lazur.folder / "data" / "x").write_text("1")
        up = ("storage", "blob", "upload-batch", "-s", "data", "-d", "workspaceblobstore/az/over")
        down = ("storage", "blob", "download-batch", "-s", up[-1], "-d", ".")
        assert az(*up).code == 0
        assert "already exists: az/over/x" in az(*up).err
        assert az(*up, "--overwrite").code == 0
        assert az(*down).code == 0
        assert "Say --overwrite" in az(*down).err
        assert az(*down, "--overwrite", "true").code == 0

    def test_says_what_it_would_do(self, az: Az) -> None:
        (az.lazur.folder / "data").mkdir()
        (az.lazur.folder / "data" / "x").write_text("1")
        flags = ("-s", "data", "-d", "workspaceblobstore/az/dry", "--dryrun")
        done = az("storage", "blob", "upload-batch", *flags)
        assert (done.code, done.out, done.err) == (0, "", "would upload az/dry/x\n")
        assert (
            az.ok("storage", "blob", "list", "-c", "workspaceblobstore", "--prefix", "az/dry")
            == []
        )

    @pytest.mark.parametrize(
        "words",
        [
            ("list", "-c", "nothing"),
            ("list", "-c", "workspaceblobstore", "--account-name", "az-nowhere"),
            ("upload-batch", "-s", "nothing", "-d", "workspaceblobstore"),
            ("download-batch", "-s", "workspaceblobstore", "-d", "nothing"),
        ],
    )
    def test_says_what_is_not_there(self, az: Az, words: tuple[str, ...]) -> None:
        done = az("storage", "blob", *words)
        assert (done.code, done.out) == (1, "")
        assert "not" in done.err or "no" in done.err
        assert "Traceback" not in done.err

    def test_lists_no_more_than_was_asked_for(self, az: Az) -> None:
        (az.lazur.folder / "data").mkdir()
        for number in range(3):
            (az.lazur.folder / "data" / str(number)).touch()
        flags = ("-s", "data", "-d", "workspaceblobstore/az/some", "--overwrite")
        assert az("storage", "blob", "upload-batch", *flags).code == 0
        listed = ("storage", "blob", "list", "-c", "workspaceblobstore", "--prefix", "az/some/")
        assert len(az.ok(*listed, "--num-results", "2")) == 2
        assert len(az.ok(*listed, "--num-results", "*")) == 3


class TestLogin:
    def test_is_a_services_where_a_server_is_chosen(self, az: Az, alone: Cli) -> None:
        url = str(az.lazur.ok("server", "start")["url"])
        az.lazur("service", "create", "-n", "az-ci")
        secret = az.lazur.ok("service", "secret", "create", "-n", "az-ci")["secret"]
        there = {"LAZUR_HOME": str(alone.home), "LAZUR_SERVER": url}
        words = ("login", "--service-principal", "-u", "az-ci", "-t", "x", "-p")
        assert az(*words, "wrong", **there).code == 1
        done = az(*words, secret, **there)
        assert json.loads(done.out)[0]["user"] == {"name": "az-ci", "type": "servicePrincipal"}
        assert secret not in done.err
        shown = az("account", "show", "--query", "user.name", "-o", "tsv", **there)
        assert shown.out == "az-ci\n"


class TestConfig:
    def test_is_what_configure_sets(self, az: Az) -> None:
        set_ = ("config", "set", "defaults.workspace=default", "extension.use_dynamic_install=yes")
        assert az(*set_).code == 0
        (found,) = az.ok("configure", "-l")
        assert (found["name"], found["value"]) == ("workspace", "default")
        assert az.ok("config", "get", "defaults.workspace") == found
        assert set(az.ok("config", "get")) == {"defaults", "extension"}
        assert az("config", "unset", "defaults.workspace").code == 0
        assert az.ok("configure", "-l") == []
        assert "is not set" in az("config", "get", "defaults.workspace").err

    @pytest.mark.parametrize(
        "words",
        [("set", "workspace=x"), ("set", "a.b"), ("unset", "x"), ("set", "--local", "a.b=c")],
    )
    def test_mistakes_are_told(self, az: Az, words: tuple[str, ...]) -> None:
        done = az("config", *words)
        assert (done.code, done.out) == (1, "")
        assert not (az.lazur.folder / "azure" / "config").exists()

    def test_ids_name_the_workspace_that_is_used(self, alone: Cli) -> None:
        """It may be that of `lazur configure`."""
        folder = alone.folder / "tools"
        alone("azure", "shim", "--dir", str(folder))
        alone("workspace", "create", "-n", "mine")
        alone("configure", "--defaults", "workspace=mine")
        shown = Az(alone, folder).ok("ml", "compute", "show", "-n", "local", "--query", "id")
        assert "/workspaces/mine/computes/local" in shown


class TestLogout:
    def test_nobody_is_signed_out_of_this_machine(self, az: Az) -> None:
        done = az("logout")
        assert (done.code, done.out) == (0, "")
        assert "needs no sign-in" in done.err
        assert az("account", "show").code == 0


class TestConfigFile:
    """`lazur azure config`."""

    def test_is_written_again_but_never_over_azures_own(self, az: Az) -> None:
        path = az.lazur.folder / "config.json"
        for _ in range(2):
            assert az.lazur("azure", "config").code == 0
        ours = json.loads(path.read_text())
        azures = json.dumps({**ours, "subscription_id": "11111111-2222-3333-4444-555555555555"})
        for text in (azures, "[]", "no JSON"):
            path.write_text(text)
            done = az.lazur("azure", "config")
            assert (done.code, path.read_text()) == (1, text)
            assert "names something else" in done.err


class TestVersion:
    def test_is_told(self, az: Az) -> None:
        assert re.search(r"(?m)^azure-cli +\d+\.\d+\.\d+$", az("--version").out)
        assert re.search(r"(?m)^ml +\d+\.\d+\.\d+$", az("--version").out)
        assert set(az.ok("version")) >= {"azure-cli", "azure-cli-core", "extensions", "lazur"}
        assert "pip install" in az("upgrade", "--yes").err
