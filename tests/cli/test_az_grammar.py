"""What public scripts type is understood: the commands and options that were counted in them."""

from __future__ import annotations

import re
import shlex
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
from knack.events import EVENT_INVOKER_POST_PARSE_ARGS

from lazur.cli.az import absent, groups
from lazur.cli.az.app import Az
from tests.cli.test_grammar import Parsed

TYPED = """
ml job create -f j.yml --query name -o tsv --set a.b=1 --set c=2 --web
ml job create --file j.yml --workspace-name w --resource-group g --subscription s
ml job show -n j --query services.Studio.endpoint -o tsv --web
ml job stream --name j --workspace-name w --resource-group g
ml job stream -n j
ml job download --name j --download-path p --output-name score
ml job download -n j --all
ml job list --parent-job-name j --query [0].name -o tsv -w w -g g --max-results 5
ml job update -n j --set display_name=x
ml job cancel -n j
ml job archive -n j
ml job restore -n j
ml model show --name m --registry-name r --label latest --query id --output tsv
ml model show --name m --version 1 -r azureml
ml model create --name m --path p --type mlflow_model --version 1 -w w -g g
ml model create -f m.yml --set name=x -n m -v 1 -p x
ml model create --file m.yml
ml model list --name m --registry-name r
ml model archive -n m --version 1
ml model archive -n m -v 1
ml model share --name m --version 1 --share-with-name n --share-with-version 2 --registry-name r
ml compute create --name c --type amlcompute --min-instances 0 --max-instances 2 --size S -o none
ml compute create -n c --type ComputeInstance --identity-type SystemAssigned --output none
ml compute create -n c --type amlcompute --user-assigned-identities x -g g -w w
ml compute create -n c --type amlcompute --idle-time-before-scale-down 60 --tier low_priority
ml compute show --name c --query provisioning_state --resource-group g --workspace-name w --out tsv
ml compute list --query [].name --type AmlCompute -o table --resource-group g
ml compute update --name c --identity-type SystemAssigned --max-instances 3
ml compute update -n c --user-assigned-identities x --identity-type UserAssigned
ml compute delete --name c --yes --no-wait
ml component create --file c.yml --registry-name r -n c -v 1
ml component create -f c.yml --set version=1 environment=e -o none
ml component show --name c --label latest --registry-name r
ml component list --name c
ml component archive -n c -v 1
ml component restore -n c -v 1
ml component update -n c -v 1 --set tags.a=b
ml workspace show -n w -g g --query container_registry -o tsv
ml workspace show --name w --resource-group g
ml workspace create -n w -l eastus -g g -m allow_internet_outbound
ml workspace create --name w --resource-group g --location l --no-wait --tags a=b --query id
ml workspace update --resource-group g --name w --file w.yml --subscription s
ml workspace delete -n w --yes --no-wait --all-resources
ml workspace list --query [].name --resource-group g -o tsv
ml data create -f d.yml --set version=3 --name d --version 2 --path p --type uri_folder -o json
ml data update -n d -v 1 --set description=x
ml data list
ml data show -n d --version 1
ml data create -n d -v 1 -t uri_folder -p p --datastore workspaceblobstore
ml model create -n m -v 1 -p p --datastore workspaceblobstore
ml data import -f d.yml
ml datastore show -n d --query account_name -o tsv
ml datastore create --file d.yml --resource-group g --workspace-name w
ml environment create --file e.yml --registry-name r --version 1 --name e
ml environment create -f e.yml --set version=1 -o none
ml environment create --name e --build-context x
ml environment show --name e --label latest --query id --output tsv
ml registry list --resource-group g --query [].name
ml registry create --resource-group g --file r.yml --name r
ml schedule create --file s.yml --no-wait
ml schedule show -n s
ml schedule list
ml schedule update -n s --set is_enabled=false --no-wait
ml schedule update -f s.yml --set trigger.expression=15
ml schedule enable -n s --no-wait
ml schedule disable -n s --no-wait
ml schedule delete -n s
ml connection create --file c.yml
ml connection show --name c
ml connection list
ml connection delete --name c --yes
configure --defaults group=g workspace=w location=l
configure -l --query "[?name=='workspace'].value" -o tsv
configure --list-defaults
account show --query id -o tsv
account show -s x
account list --all
account set -s x
account set --subscription x
account set -n x
account get-access-token --query accessToken -o tsv
account get-access-token --resource https://management.azure.com --subscription s
account get-access-token --scope https://ml.azure.com/.default -t t
config set defaults.group=g defaults.workspace=w
config set extension.use_dynamic_install=yes_without_prompt -o none
config get
logout --username u
group show --name g --query id -o tsv
group show -g g
group show --subscription s --name g
group exists --resource-group g --output tsv
group create --name g --location l --tags a=b c
group create -n g -l l
group list --query [].name
extension add -n ml -y
extension add --source https://example.org/ml-0.0.18-py3-none-any.whl --yes
extension add -n ml --upgrade --allow-preview true
extension list -o table --query [].name
extension remove -n azure-cli-ml
extension update -n ml
extension show -n ml
login
login --identity
login --service-principal -u a -p b --tenant t
login --service-principal --username a --password b -t t --allow-no-subscriptions
login --use-device-code
role assignment create --role Reader --assignee x --scope /subscriptions/s/resourceGroups/g
role assignment create --role Reader --assignee-object-id x --assignee-principal-type User
role assignment list --assignee x --all --query [].roleDefinitionName
role assignment delete --assignee x --role Reader --scope s --yes
rest --method get --url /subscriptions?api-version=1
rest -m PUT --uri https://management.azure.com/x -b {} --headers Content-Type=application/json
storage blob upload-batch -s data -d workspaceblobstore --account-name w --auth-mode login
storage blob upload-batch --account-name w -d c/x -s data --pattern *.csv --overwrite --dryrun
storage blob upload-batch -d c -s data --destination-path x --account-key k --no-progress
storage blob upload-batch -d c -s data --overwrite true --max-connections 8
storage blob download-batch -s c -d here --pattern x/* --account-name w --overwrite true
storage blob list --container-name c --account-name w --prefix x --num-results 5 --query [].name
storage blob list -c c --account-name w --auth-mode login --num-results *
version
upgrade --yes
"""
LINES = [line for line in TYPED.splitlines() if line]
HELP = [
    (f"{before}{command}", found.HELP[command])
    for words in (
        *([name] for name in (*groups.GROUPS, *groups.SINGLE)),
        *(["ml", n] for n in groups.ML),
    )
    if (asked := groups.module(words)) is not None
    for found, before in [asked]
    for command in found.COMMANDS
]
EXAMPLES = [
    example["text"]
    for name, told in HELP
    if not name.startswith("ml ")
    for example in told["examples"]
    if example["text"].startswith("az ")
]


KNOWN = {*groups.GROUPS, *groups.SINGLE}


PAGE = (Path(__file__).parents[2] / "docs" / "azure-cli.md").read_text()
SHOWN = sorted(set(re.findall(r"(?:^\$ |`)(az [^`\n]+)", PAGE, re.MULTILINE)))


def parse(words: list[str], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    got: dict[str, Any] = {}

    def stop(_: Any, **event: Any) -> None:
        got.update(vars(event["args"]))
        raise Parsed

    app = Az()
    app._event_handlers[EVENT_INVOKER_POST_PARSE_ARGS].clear()
    app.register_event(EVENT_INVOKER_POST_PARSE_ARGS, stop)
    monkeypatch.setattr("sys.argv", ["az", *words])
    with pytest.raises(Parsed):
        app.invoke(words)
    return got


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("AZURE_CONFIG_DIR", str(tmp_path / "azure"))


class TestScripts:
    @pytest.mark.parametrize("line", LINES)
    def test_type_what_is_understood(self, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
        words = shlex.split(line)
        assert absent.told(words, KNOWN, set(groups.ML)) is None
        parse(words, monkeypatch)

    @pytest.mark.parametrize(
        "line, expected",
        [
            ("ml job create --f a.yml", {"file": "a.yml"}),
            ("ml model show --name m --reg azureml --lab latest", {"registry_name": "azureml"}),
            ("account set --subscription x", {"_subscription": "x", "name": None}),
            ("group show -g rg", {"_resource_group": "rg", "name": None}),
            ("rest -m PUT -u /x", {"method": "put"}),
        ],
    )
    def test_shorten_options(
        self, line: str, expected: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        got = parse(line.split(), monkeypatch)
        assert {key: got.get(key) for key in expected} == expected


class TestPage:
    @pytest.mark.parametrize("line", SHOWN)
    def test_shows_what_is_there(self, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
        words = shlex.split(line)[1:]
        names = [name.split() for name, _ in HELP]
        if words == ["--version"] or groups.is_group(words) or words in names:
            return
        parse(words, monkeypatch)

    def test_has_every_command(self) -> None:
        own = [name for name, _ in HELP if not name.startswith("ml ")]
        assert [name for name in own if f"`az {name}" not in PAGE] == []
        assert [noun for noun in groups.ML if f"`az ml {noun}" not in PAGE] == []


class TestHelp:
    @pytest.mark.parametrize("name, told", HELP)
    def test_every_command_has_a_summary_and_an_example(
        self, name: str, told: dict[str, Any]
    ) -> None:
        assert told["short-summary"]
        assert told["examples"]

    @pytest.mark.parametrize("line", EXAMPLES)
    def test_every_example_can_be_typed(self, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
        parse(list(takewhile(lambda word: word != "|", shlex.split(line)))[1:], monkeypatch)

    @pytest.mark.parametrize("line", ["", "ml", "ml job", "role assignment", "ml job create"])
    def test_is_shown(self, line: str, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as done:
            Az().invoke([*line.split(), "--help"])
        assert done.value.code == 0
        assert f"az {line}".strip() in capsys.readouterr().out

    def test_of_the_whole_names_everything(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit):
            Az().invoke(["--help"])
        told = capsys.readouterr().out
        assert [name for name in KNOWN if f"    {name} " not in told] == []

    def test_is_named_where_an_option_is_not_known(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit) as done:
            Az().invoke(["ml", "job", "show", "-n", "x", "--colour", "red"])
        assert done.value.code == 2
        assert "See: az ml job show -h" in capsys.readouterr().err

    def test_tells_examples_in_the_words_of_this_program(self) -> None:
        told = groups.text_of("ml job create")
        assert told is not None
        assert all("az ml job" in one["text"] for one in told["examples"])


class TestAbsent:
    @pytest.mark.parametrize(
        "line, code, said",
        [
            ("vm create -n x", 2, "'vm' is not in Lazur's az: it has account, config, configure"),
            ("ml pipeline list", 2, "'pipeline' is not in Lazur's az ml: it has component"),
            ("ml online-endpoint create -f x", 1, "Online endpoints are not there yet."),
            ("ml batch-deployment list-jobs", 1, "Batch endpoints are not there yet."),
            ("ml feature-set backfill", 1, "Feature stores are not there yet."),
            ("ml compute attach -n x", 1, "'az ml compute attach' is not in Lazur's az"),
            ("ml workspace list-keys -n w", 1, "Keys of a workspace's storage are not there yet."),
            ("ml workspace outbound-rule list", 1, "Managed networks are not there yet."),
        ],
    )
    def test_is_said_by_name(self, line: str, code: int, said: str) -> None:
        words = list(takewhile(lambda word: not word.startswith("-"), line.split()))
        told = absent.told(words, KNOWN, set(groups.ML))
        assert told is not None
        assert said in told[0]
        assert told[1] == code

    @pytest.mark.parametrize("line", ["", "ml", "ml job", "ml job lst", "version"])
    def test_what_is_there_is_not(self, line: str) -> None:
        assert absent.told(line.split(), KNOWN, set(groups.ML)) is None
