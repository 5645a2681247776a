"""Parallel jobs and parallel steps in the storm: each row is counted in their results, by the step
that reads these, and in a ledger that the rows themselves keep."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from lazur.sdk.client import connect
from lazur.sdk.source import Source
from lazur.testing.server import FINAL, Client, Server, W
from tests.chaos.checker import Verdict
from tests.chaos.ledger import Ledger

ROWS = 90
_COMPONENT = "azureml:score:1"
_INPUT = {"type": "uri_folder", "path": "azureml:rows:1"}
SCRIPT = """\
import os, time

def run(mini_batch):
    time.sleep(0.2)
    names = [os.path.basename(path) for path in mini_batch]
    with open(os.path.join(os.environ["LEDGER"], os.environ["AZUREML_RUN_ID"]), "a") as file:
        file.write("".join(f"row {name}\\n" for name in names))
    return names
"""
READER = r"""file="$LEDGER/$AZUREML_RUN_ID"
echo "started $LAZUR_ATTEMPT pid $$" >> "$file"
sed 's/^/row /' ${{inputs.rows}} >> "$file"
echo "ended $LAZUR_ATTEMPT" >> "$file"
"""


def prepare(server: Server, folder: Path, ledger: Path) -> dict[str, Any]:
    """What parallel jobs need, sent before anything is killed; returns their `task`."""
    for part in ("src", "data"):
        (folder / part).mkdir(parents=True)
    (folder / "src" / "score.py").write_text(SCRIPT)
    for number in range(ROWS):
        (folder / "data" / f"f{number:03}").write_text(str(number))
    with connect(server.url, server.token, home=server.home) as person:
        data = {"name": "rows", "version": "1", "type": "uri_folder", "path": "data"}
        person.data.submit(Source(data, folder))
        made = person.components.submit(Source(_component(ledger), folder))
    return {**made.to_dict()["task"], "append_row_to": "${{outputs.rows}}"}


def job(task: dict[str, Any], ledger: Path) -> dict[str, Any]:
    inputs = {"files": _INPUT}
    return {"type": "parallel", "inputs": inputs, **_settings(ledger), "task": task}


def pipeline(ledger: Path) -> dict[str, Any]:
    """A parallel step, and one that reads its rows."""
    score = {"type": "parallel", "component": _COMPONENT, "inputs": {"files": _INPUT}}
    reader = {
        "command": READER,
        "environment": {"image": "python"},
        "environment_variables": {"LEDGER": str(ledger)},
        "inputs": {"rows": "${{parent.jobs.p.outputs.rows}}"},
        "is_deterministic": False,
    }
    return {"type": "pipeline", "jobs": {"p": score, "r": reader}}


def check_rows(ledger: Ledger, client: Client, verdict: Verdict) -> None:
    for name, reader in ledger.rows.items():
        verdict.parallel += 1
        status, found = client.call("GET", f"{W}/jobs/{name}")
        if status != 200 or found["status"] not in FINAL:
            verdict.lost.append(f"{name}: {status} {found.get('status')}")
            continue
        if found["status"] == "Completed":
            _check(ledger, client, found, verdict)
        elif name not in ledger.canceled:
            verdict.wrong.append(f"{name}: {found['status']}, {found.get('error')}")
        if reader is not None:
            _check_reader(ledger, client, found, reader, verdict)


def _check(ledger: Ledger, client: Client, found: dict[str, Any], verdict: Verdict) -> None:
    name = found["name"]
    ran, told = Counter(ledger.own(name).rows), Counter(_result(client, name))
    verdict.rows += told.total()
    verdict.again += ran.total() - len(ran)
    if told != _wanted():
        verdict.wrong.append(f"{name}: {_difference(told)} in its results")
    if set(ran) != set(_wanted()):
        verdict.lost.append(f"{name}: {sorted(set(_wanted()) ^ set(ran))} did not run")
    items = found["progress"]["items"]
    if (items["done"], items["failed"]) != (ROWS, 0):
        verdict.wrong.append(f"{name} counted {items}")


def _check_reader(
    ledger: Ledger, client: Client, score: dict[str, Any], reader: str, verdict: Verdict
) -> None:
    """It began once, after the step whose rows it read, and saw each of them; and the pipeline
    ended as both did."""
    own = ledger.own(reader)
    if len(own.started) > 1:
        verdict.twice.append(f"{reader}: {own.started}")
    if own.started and score["status"] != "Completed":
        verdict.wrong.append(f"{reader} began, and {score['name']} had not ended well")
    if own.ended and Counter(own.rows) != _wanted():
        verdict.wrong.append(f"{reader} read {_difference(Counter(own.rows))}")
    found = client.get(reader.removesuffix("_r"))
    excused = {score["name"], reader} & (ledger.struck | ledger.canceled)
    if not excused and (found["status"] != "Completed" or not own.ended):
        verdict.wrong.append(f"{found['name']}: {found['status']}, {found.get('error')}")


def _result(client: Client, name: str) -> list[str]:
    path = f"{W}/jobs/{name}/files"
    status, listed = client.call("GET", f"{path}?prefix=named-outputs")
    assert status == 200, listed
    (file,) = (one["path"] for one in listed["value"] if one["path"].startswith("named-"))
    return str(client.call("GET", f"{path}/{file}")[1]).split()


def _wanted() -> Counter[str]:
    return Counter(f"f{number:03}" for number in range(ROWS))


def _difference(found: Counter[str]) -> str:
    return f"missing {dict(_wanted() - found)}, too many {dict(found - _wanted())}"


def _settings(ledger: Path) -> dict[str, Any]:
    """`max_retries`: more than the killer kills in one job."""
    return {
        "outputs": {"rows": {"type": "uri_file"}},
        "input_data": "${{inputs.files}}",
        "mini_batch_size": "3",
        "max_concurrency_per_instance": 2,
        "retry_settings": {"max_retries": 8},
        "environment_variables": {"LEDGER": str(ledger)},
        "resources": {"properties": {"cpus": 1}},
    }


def _component(ledger: Path) -> dict[str, Any]:
    task = {
        "type": "run_function",
        "code": "src",
        "entry_script": "score.py",
        "environment": {"image": "python"},
        "append_row_to": "${{outputs.rows}}",
    }
    return {
        "type": "parallel",
        "name": "score",
        "version": "1",
        "is_deterministic": False,
        "inputs": {"files": {"type": "uri_folder"}},
        **_settings(ledger),
        "task": task,
    }
