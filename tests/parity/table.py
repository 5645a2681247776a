"""The table of what Azure's client can do here, written by what its cases showed:
`python -m tests.parity.table --write`."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.cli.conftest import Cli, stop
from tests.parity import clients
from tests.parity.conftest import Cloud, cases

PAGE = clients.ROOT / "docs" / "azure-compatibility.md"
_BEGIN = "<!-- written by tests.parity.table -->"
_LIST = """
import inspect, json
from azure.ai.ml import MLClient
from azure.core.credentials import AccessToken

class Nobody:
    def get_token(self, *scopes, **options):
        return AccessToken("", 0)

cloud = dict.fromkeys(("azure_portal", "resource_manager", "active_directory", "aml_resource_id",
                       "storage_endpoint", "registry_discovery_endpoint"), "https://localhost/")
client = MLClient(Nobody(), "s", "g", "w", cloud="nowhere", cloud_metadata=cloud)
found = {}
for noun in sorted(dir(MLClient)):
    if noun.startswith("_") or not isinstance(getattr(MLClient, noun), property):
        continue
    value = getattr(client, noun)
    kind = type(value)
    if "operations" in kind.__module__:
        found[noun] = [
            verb for verb in sorted(dir(kind))
            if not verb.startswith("_") and callable(getattr(kind, verb))
        ]
print(json.dumps(found))
"""


def main() -> int:
    if sys.argv[1:] != ["--write"]:
        print(__doc__)
        return 2
    written = _page(operations(), _shown())
    PAGE.write_text(written)
    return 0


def operations() -> dict[str, list[str]]:
    """All public operations of the newest client, by noun."""
    python = clients.python(clients.NEWEST)
    assert python is not None, "make azure-clients"
    done = subprocess.run([python, "-c", _LIST], capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def rows(known: dict[str, list[str]], shown: Iterable[dict[str, Any]]) -> dict[str, list[str]]:
    """Lines of the table, by noun."""
    by_name: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in shown:
        by_name[one["operation"]].append(one)
    return {
        noun: [_row(f"{noun}.{verb}", by_name.get(f"{noun}.{verb}", [])) for verb in verbs]
        for noun, verbs in known.items()
    }


def _row(name: str, shown: list[dict[str, Any]]) -> str:
    good = [one for one in shown if not one["error"]]
    lacking = [one["lacks"] for one in good if one["lacks"]]
    if not good:
        return f"| `{name}` | not yet |" + (f" {_WHY[name]} |" if name in _WHY else " |")
    notes = [one["note"] for one in good if one["note"]]
    told = "; ".join(dict.fromkeys([*notes, *lacking]))
    return f"| `{name}` | {'partial' if lacking else 'works'} | {told} |"


def _shown() -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        cli = Cli(place / "home", place)
        cli.home.mkdir(mode=0o700)
        try:
            cloud = Cloud(cli, cli.ok("azure", "env", "--json"))
            return [x for noun in cases() for x in cloud.run(clients.NEWEST, noun, place).cases]
        finally:
            stop(cli.home)


def _page(known: dict[str, list[str]], shown: list[dict[str, Any]]) -> str:
    head = PAGE.read_text().split(_BEGIN)[0]
    made = rows(known, shown)
    lines = [line for noun in made for line in made[noun]]
    count = {word: sum(f"| {word} |" in line for line in lines) for word in _WORDS}
    told = ", ".join(f"{count[word]} {word}" for word in _WORDS)
    body = [_BEGIN, "", f"Of {len(lines)} operations: {told}.", ""]
    for noun, table in made.items():
        body += [f"## {noun}", "", "| operation | | |", "|---|---|---|", *table, ""]
    return head + "\n".join(body)


_MOUNT = (
    "is done by `azureml-dataprep-rslex` beside the client, which knows Azure's storage alone; "
    "instead: `lazur data download`, or in a job an input with `mode: ro_mount`"
)
_IMAGE = "an image is made by MLflow of what `lazur model download` fetches: `build-docker`"
_WHY = {"data.mount": _MOUNT, "datastores.mount": _MOUNT, "models.package": _IMAGE}
_WORDS = ("works", "partial", "not yet")

if __name__ == "__main__":
    sys.exit(main())
