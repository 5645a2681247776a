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
