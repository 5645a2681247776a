"""Microsoft's own client, over real HTTPS, with real jobs: each release line that we keep up
with."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.datastores.web import Web, serving
from tests.parity import clients
from tests.parity.conftest import Cloud, cases

pytestmark = pytest.mark.slow

SCHEMAS = "azuremlschemasprod.azureedge.net"
"""The client looks there for the schema of an MLTable, and goes on without."""


class TestClient:
    @pytest.mark.parametrize("noun", cases())
    @pytest.mark.parametrize("release", clients.RELEASES)
    def test_every_operation_does_as_in_azure(
        self, cloud: Cloud, release: str, noun: str, tmp_path: Path
    ) -> None:
        told = cloud.run(release, noun, tmp_path)
        assert told.cases
        failed = {one["case"]: one["error"] for one in told.cases if one["error"]}
        assert not failed, "\n\n".join(f"{case}\n{error}" for case, error in failed.items())
        assert set(told.foreign) <= {SCHEMAS}


class TestSignIn:
    """The ways in that scripts have."""

    def test_a_script_with_its_config_beside_it(self, cloud: Cloud, tmp_path: Path) -> None:
        assert cloud.cli("azure", "config", "--dir", str(tmp_path)).code == 0
        ran = cloud.script(
            tmp_path,
            "client = MLClient.from_config(DefaultAzureCredential())",
            "print(client.workspaces.get(client.workspace_name).name)",
        )
        assert ran.stdout.split() == [cloud.variables["AZUREML_WORKSPACE_NAME"]], ran.stderr

    def test_a_client_with_a_secret(self, cloud: Cloud, tmp_path: Path) -> None:
        who = cloud.cli.ok("me")["name"]
        lines = (
            "from azure.identity import ClientSecretCredential",
            "here = os.environ['ARM_CLOUD_METADATA_URL'].partition('/metadata')[0]",
            f"asked = ('any-tenant', {who!r}, os.environ['MSI_SECRET'])",
            "options = {'authority': here, 'disable_instance_discovery': True}",
            "who = ClientSecretCredential(*asked, **options)",
            "client = MLClient(who, 'any', 'group', os.environ['AZUREML_WORKSPACE_NAME'])",
            "print(len(list(client.compute.list())))",
        )
        ran = cloud.script(tmp_path, *lines)
        assert int(ran.stdout) >= 1, ran.stderr

    def test_a_client_with_a_wrong_secret_reads_what_to_do(
        self, cloud: Cloud, tmp_path: Path
    ) -> None:
        lines = (
            "from azure.identity import ClientSecretCredential",
            "here = os.environ['ARM_CLOUD_METADATA_URL'].partition('/metadata')[0]",
            "options = {'authority': here, 'disable_instance_discovery': True}",
            "who = ClientSecretCredential('any-tenant', 'nobody', 'wrong', **options)",
            "who.get_token(f'{here}/.default')",
        )
        ran = cloud.script(tmp_path, *lines)
        assert "ClientAuthenticationError" in ran.stderr
        assert "The identity is unknown" in ran.stderr
        assert "lazur azure env" in ran.stderr

    def test_who_has_no_token_is_refused_in_azures_words(
        self, cloud: Cloud, tmp_path: Path
    ) -> None:
        ran = cloud.script(
            tmp_path,
            "client = MLClient(DefaultAzureCredential(), 'a', 'b', 'default')",
            "client.workspaces.get('default')",
            MSI_SECRET="lzr_wrong",
        )
        assert "ClientAuthenticationError" in ran.stderr


class TestUnserved:
    @pytest.mark.parametrize("release", clients.RELEASES)
    def test_what_is_not_there_is_said_by_name_with_what_to_do(
        self, cloud: Cloud, release: str, tmp_path: Path
    ) -> None:
        ran = cloud.script(
            tmp_path,
            "from azure.ai.ml.entities import ModelPackage, AzureMLOnlineInferencingServer",
            "from azure.core.exceptions import HttpResponseError",
            "place = (os.environ['AZURE_SUBSCRIPTION_ID'], 'lazur')",
            "client = MLClient(DefaultAzureCredential(), *place, 'default')",
            "server = AzureMLOnlineInferencingServer()",
            "asked = ModelPackage(target_environment='e', inferencing_server=server)",
            "for ask in (",
            "    lambda: list(client.online_endpoints.list()),",
            "    lambda: client.models.package('m', '1', asked),",
            "):",
            "    try:",
            "        ask()",
            "    except HttpResponseError as error:",
            "        print(error.status_code, error.message)",
            release=release,
        )
        assert ran.returncode == 0, ran.stderr
        endpoints, packages = ran.stdout.split("501 ")[1:]
        assert "online_endpoints.list" in endpoints
        assert "mlflow models serve" in endpoints
        assert "models.package" in packages
        assert "build-docker" in packages


class TestPromises:
    @pytest.mark.parametrize("release", clients.RELEASES)
    def test_a_workspace_that_would_not_be_closed_is_not_made(
        self, cloud: Cloud, release: str, tmp_path: Path
    ) -> None:
        name = f"ajar{release.replace('.', '')}"
        ran = cloud.script(
            tmp_path,
            "from azure.ai.ml.entities import ManagedNetwork, Workspace",
            "from azure.core.exceptions import HttpResponseError",
            "place = (os.environ['AZURE_SUBSCRIPTION_ID'], 'lazur')",
            "client = MLClient(DefaultAzureCredential(), *place)",
            "closed = ManagedNetwork(isolation_mode='AllowInternetOutbound')",
            "for more in (",
            "    {'public_network_access': 'Disabled'},",
            "    {'managed_network': closed},",
            "    {'hbi_workspace': True},",
            "):",
            "    try:",
            "        client.workspaces.begin_create(Workspace(name='shut', **more)).result()",
            "    except Exception as error:",
            "        print('refused', error)",
            f"open_one = Workspace(name={name!r}, public_network_access='Enabled')",
            "client.workspaces.begin_create(open_one).result()",
            "open_one.public_network_access = 'Disabled'",
            "try:",
            "    client.workspaces.begin_update(open_one).result()",
            "except HttpResponseError as error:",
            "    print('refused', error.status_code, error.message)",
            "print([one.name for one in client.workspaces.list()])",
            release=release,
        )
        assert ran.returncode == 0, ran.stderr[-3000:]
        told = [line for line in ran.stdout.splitlines() if line.startswith("refused")]
        assert [line.count("is not served") for line in told] == [1, 1, 1, 1], ran.stdout
        assert "config.toml" in ran.stdout
        known = ran.stdout.splitlines()[-1]
        assert f"{name!r}" in known
        assert "'shut'" not in known


class TestFilesElsewhere:
    @pytest.mark.parametrize("release", clients.RELEASES)
    def test_a_model_in_another_store_is_shared(
        self, cloud: Cloud, release: str, tmp_path: Path
    ) -> None:
        name = f"far{release.replace('.', '')}"
        with serving(Web(files={"/m.bin": b"weights" * 1000})) as web:
            store = tmp_path / "store.yml"
            store.write_text(f"name: {name}\ntype: http\nendpoint: {web.url}\n")
            assert cloud.cli("datastore", "create", "-f", str(store)).code == 0
            assert cloud.cli("registry", "create", "-n", name).code == 0
            ran = cloud.script(
                tmp_path,
                "from azure.ai.ml.entities import Model",
                "place = (os.environ['AZURE_SUBSCRIPTION_ID'], 'lazur')",
                "client = MLClient(DefaultAzureCredential(), *place, 'default')",
                f"at = 'azureml://datastores/{name}/paths/m.bin'",
                f"client.models.create_or_update(Model(name={name!r}, version='1', path=at))",
                "to = {'share_with_name': 'mm', 'share_with_version': '2'}",
                f"made = client.models.share({name!r}, '1', registry_name={name!r}, **to)",
                "print(made.id)",
                f"inside = MLClient(DefaultAzureCredential(), *place, registry_name={name!r})",
                "inside.models.download('mm', '2', download_path='.')",
                release=release,
            )
        assert ran.returncode == 0, ran.stderr
        assert f"azureml://registries/{name}/models/mm/versions/2" in ran.stdout
        (file,) = [path for path in tmp_path.rglob("m.bin") if path.is_file()]
        assert file.read_bytes() == b"weights" * 1000


PIPELINE = """
type: pipeline
settings: {default_compute: local}
inputs: {text: ahoy, times: 2}
outputs: {final: {type: uri_folder}}
jobs:
  write: {type: command, component: ./write.yml, inputs: {text: "${{parent.inputs.text}}"}}
  copy:
    type: command
    command: cp ${{inputs.made}}/t.txt ${{outputs.to}}/; echo ${{inputs.times}} times
    environment: {image: "python:3.11"}
    code: ./src
    inputs:
      made: {path: "${{parent.jobs.write.outputs.made}}", mode: download}
      times: ${{parent.inputs.times}}
    outputs: {to: "${{parent.outputs.final}}"}
  inner:
    type: pipeline
    inputs: {times: "${{parent.inputs.times}}"}
    jobs:
      say:
        type: command
        command: echo ${{inputs.times}}
        environment: {image: "python:3.11"}
        inputs: {times: "${{parent.inputs.times}}"}
"""
WRITE = """
name: never_registered
version: "7"
type: command
command: echo ${{inputs.text}} > ${{outputs.made}}/t.txt
environment: {image: "python:3.11"}
inputs: {text: {type: string}}
outputs: {made: {type: uri_folder}}
"""


class TestWrittenInPlace:
    """What `lazur job create` takes as it stands in a file, and Azure's client by ids."""

    @pytest.mark.parametrize("release", clients.RELEASES)
    def test_steps_are_fetched_by_their_ids_and_the_job_runs_again(
        self, cloud: Cloud, release: str, tmp_path: Path
    ) -> None:
        (tmp_path / "src").mkdir()
        (tmp_path / "src" / "a.txt").write_text(release)
        (tmp_path / "write.yml").write_text(WRITE)
        (tmp_path / "pipeline.yml").write_text(PIPELINE)
        job = cloud.cli.ok("job", "create", "-f", str(tmp_path / "pipeline.yml"))["name"]
        assert cloud.cli("job", "stream", "-n", job).code == 0
        ran = cloud.script(
            tmp_path,
            "place = (os.environ['AZURE_SUBSCRIPTION_ID'], 'lazur')",
            "client = MLClient(DefaultAzureCredential(), *place, 'default')",
            "def parts(text):",
            "    text = text.replace('/versions/', ':').rpartition('/')[2]",
            "    return text.removeprefix('azureml:').split(':')",
            f"found = client.jobs.get({job!r})",
            "for name, step in sorted(found.jobs.items()):",
            "    one = client.components.get(*parts(step.component))",
            "    print(name, one.type, sorted((k, v['type']) for k, v in one.inputs.items()))",
            "    if one.type == 'command':",
            "        print(client.environments.get(*parts(one.environment)).image)",
            "for one in client.jobs.list(parent_job_name=found.name):",
            "    step = client.jobs.get(one.name)",
            "    if step.type == 'command':",
            "        print(client.environments.get(*parts(step.environment)).image)",
            "again = client.jobs.create_or_update(client.jobs.get(found.name))",
            "assert again.name == found.name",
            "found.name = None",
            "again = client.jobs.create_or_update(found)",
            "client.jobs.stream(again.name)",
            "print('again', client.jobs.get(again.name).status == 'Completed')",
            "for one in client.jobs.list(parent_job_name=again.name):",
            "    print('reused', one.properties.get('azureml.isreused'))",
            release=release,
        )
        assert ran.returncode == 0, ran.stderr[-4000:]
        told = ran.stdout.splitlines()
        assert "copy command [('made', 'uri_folder'), ('times', 'integer')]" in told
        assert "inner pipeline [('times', 'integer')]" in told
        assert "write command [('text', 'string')]" in told
        assert told.count("python:3.11") == 4
        assert "again True" in told
        assert told.count("reused true") == 2

    @pytest.mark.parametrize("release", clients.RELEASES)
    def test_a_command_runs_again(self, cloud: Cloud, release: str, tmp_path: Path) -> None:
        job = tmp_path / "job.yml"
        conda = "{name: c, dependencies: [python=3.11]}"
        job.write_text(
            "type: command\ncompute: local\ncommand: echo ${{inputs.n}}\ninputs: {n: 1}\n"
            f"environment: {{image: 'python:3.11', conda_file: {conda}}}\n"
        )
        name = cloud.cli.ok("job", "create", "-f", str(job))["name"]
        assert cloud.cli("job", "stream", "-n", name).code == 0
        ran = cloud.script(
            tmp_path,
            "place = (os.environ['AZURE_SUBSCRIPTION_ID'], 'lazur')",
            "client = MLClient(DefaultAzureCredential(), *place, 'default')",
            f"found = client.jobs.get({name!r})",
            "told = found.environment.replace('/versions/', ':').rpartition('/')[2].split(':')",
            "print(client.environments.get(*told).conda_file)",
            "found.name = None",
            "again = client.jobs.create_or_update(found)",
            "client.jobs.stream(again.name)",
            "print(client.jobs.get(again.name).status == 'Completed')",
            release=release,
        )
        assert ran.returncode == 0, ran.stderr[-4000:]
        assert "{'name': 'c', 'dependencies': ['python=3.11']}" in ran.stdout
        assert ran.stdout.splitlines()[-1] == "True"


class TestOtherWorkspaces:
    @pytest.mark.parametrize("release", clients.RELEASES)
    def test_what_lies_there_is_refused_by_both_names(
        self, cloud: Cloud, release: str, tmp_path: Path
    ) -> None:
        ran = cloud.script(
            tmp_path,
            "from azure.ai.ml import Input, command",
            "from azure.ai.ml.entities import Environment",
            "from azure.core.exceptions import HttpResponseError",
            "place = (os.environ['AZURE_SUBSCRIPTION_ID'], 'lazur')",
            "client = MLClient(DefaultAzureCredential(), *place, 'default')",
            "there = f'/subscriptions/{place[0]}/resourceGroups/lazur/providers/'",
            "there += 'Microsoft.MachineLearningServices/workspaces/theirs'",
            "image = Environment(image='python:3.11')",
            "data = Input(type='uri_folder', path=f'{there}/data/d/versions/1')",
            "room = f'subscriptions/{place[0]}/resourcegroups/lazur/workspaces/theirs'",
            "store = f'azureml://{room}/datastores/workspaceblobstore/paths/x'",
            "for more in (",
            "    {'environment': f'{there}/environments/e/versions/1'},",
            "    {'inputs': {'d': data}},",
            "    {'inputs': {'d': Input(type='uri_folder', path=store)}},",
            "):",
            "    job = command(command='true', **{'environment': image, **more})",
            "    try:",
            "        client.jobs.create_or_update(job)",
            "    except HttpResponseError as error:",
            "        print(error.status_code, error.message)",
            release=release,
        )
        assert ran.returncode == 0, ran.stderr
        told = [line for line in ran.stdout.splitlines() if line.startswith("400")]
        assert len(told) == 3, ran.stdout
        assert all("'theirs'" in line and "'default'" in line for line in told)
