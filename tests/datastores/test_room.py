"""What holds for all datastores."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from typing import Any

import pytest

from lazur import registry
from lazur.engine.contracts import Datastore
from lazur.errors import Forbidden
from tests.datastores.recorder import recording

pytestmark = pytest.mark.filterwarnings("ignore:Please install grpcio-status:ImportWarning")
EXTRAS = {"azure_blob": "azure", "azure_file": "azure", "s3": "s3", "gcs": "gcs"}
SETTINGS = {
    "account_name": "a",
    "container_name": "c",
    "file_share_name": "f",
    "bucket_name": "bucket",
    "endpoint": "https://127.0.0.1:9",
}
PROGRAM = """
import sys
for name in ("azure", "botocore", "google"):
    sys.modules[name] = None
from lazur import registry
from lazur.engine.contracts import Datastore
from lazur.errors import MissingExtra
store = registry.find("datastores", sys.argv[1], Datastore)({settings!r})
try:
    store.check()
except MissingExtra as error:
    print(error)
"""


@pytest.mark.parametrize("name", EXTRAS)
def test_a_missing_library_is_an_error_that_names_the_extra(name: str) -> None:
    program = PROGRAM.replace("{settings!r}", repr(SETTINGS))
    done = subprocess.run(
        [sys.executable, "-c", program, name], capture_output=True, text=True, check=True
    )
    assert f"pip install 'lazur[{EXTRAS[name]}]'" in done.stdout


@pytest.mark.parametrize("name", registry.built_in("datastores"))
def test_finding_one_imports_no_vendors_library(name: str) -> None:
    program = (
        "import sys\nfrom lazur import registry\nfrom lazur.engine.contracts import Datastore\n"
        f"registry.find('datastores', {name!r}, Datastore)\n"
        "print({'azure', 'botocore', 'google', 'requests', 'ssl'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    heavy = {"ssl"} if name in ("http", "web_file") else set()
    assert eval(done.stdout) <= heavy


@pytest.mark.parametrize("name", ["azure_blob", "azure_file", "s3", "gcs"])
def test_a_name_that_changes_after_it_was_looked_at_leads_nowhere(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Public when it is looked at, this machine when somebody connects, in whatever thread."""
    real = socket.getaddrinfo
    answers = iter(["93.184.216.34"])

    def resolve(host: str, port: int, *args: Any, **named: Any) -> Any:
        host = next(answers, "127.0.0.1") if host == "rebinding.example" else host
        return real(host, port, *args, **named)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    with recording() as (url, seen):
        settings = {**SETTINGS, "endpoint": url.replace("127.0.0.1", "rebinding.example")}
        sas = {"sas_token": "sig=x"} if name.startswith("azure") else {}
        store = registry.find("datastores", name, Datastore)(settings, sas)
        with pytest.raises(Forbidden, match="not a public address"):
            store.check()
    assert next(answers, None) is None
    assert seen == []


def test_they_have_azures_names() -> None:
    assert set(registry.built_in("datastores")) == {
        "local",
        "azure_blob",
        "azure_data_lake_gen2",
        "azure_file",
        "one_lake",
        "s3",
        "gcs",
        "http",
        "web_file",  # of a job's input, and of no datastore: so without a name of Azure's
    }
    assert all(registry.find("datastores", n, Datastore) for n in registry.built_in("datastores"))
