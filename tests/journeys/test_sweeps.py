"""Sweeps as people run them: trials that are jobs, the best of them, those that are stopped."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.journeys.conftest import Person

REPORT = """\
import json, os, time, urllib.request

def report(name, value, step=0):
    body = {"run_id": os.environ["MLFLOW_RUN_ID"], "key": name, "value": value}
    body |= {"timestamp": int(time.time() * 1000), "step": step}
    request = urllib.request.Request(
        os.environ["MLFLOW_TRACKING_URI"] + "/api/2.0/mlflow/runs/log-metric",
        json.dumps(body).encode(),
        {"Authorization": "Bearer " + os.environ["MLFLOW_TRACKING_TOKEN"],
         "Content-Type": "application/json"},
    )
    urllib.request.urlopen(request).read()
"""
TRAIN = """\
import os, sys
from report import report

rate, kind, out = float(sys.argv[1]), sys.argv[2], sys.argv[3]
assert os.environ["AZUREML_SWEEP_rate"] == sys.argv[1]
print(f"training {kind} at {rate}")
for step in range(3):
    report("loss", abs(rate - 0.3) + 1 / (step + 1), step)
with open(os.path.join(out, "model.txt"), "w") as file:
    file.write(f"{kind} {rate}")
"""
SWEEP = """\
type: sweep
trial:
  code: src
  command: python train.py ${{search_space.rate}} "${{search_space.kind}}" ${{outputs.model}}
  environment: {image: python}
outputs:
  model:
sampling_algorithm: {type: random, seed: 7}
search_space:
  rate: {type: uniform, min_value: 0, max_value: 1}
  kind: {type: choice, values: [first, "second; or $third"]}
objective: {goal: minimize, primary_metric: loss}
limits: {max_total_trials: 4, max_concurrent_trials: 2}
"""


def _write(person: Person) -> None:
    person.write("src/report.py", REPORT)
    person.write("src/train.py", TRAIN)
    person.write("sweep.yml", SWEEP)


class TestSweep:
    def test_its_best_trials_output_is_its_own(self, person: Person) -> None:
        _write(person)
        name = person.run("sweep.yml")
        trials = person.ok("job", "trials", "-n", name)
        assert [t["status"] for t in trials] == ["Completed"] * 4
        best = min(trials, key=lambda t: abs(t["values"]["rate"] - 0.3))
        assert [t["name"] for t in trials if t["best"]] == [best["name"]]
        job = person.ok("job", "show", "-n", name)
        assert job["properties"]["best_child_run_id"] == best["name"]
        made = person.download(name)["named-outputs/model/model.txt"]
        assert made == f"{best['values']['kind']} {best['values']['rate']}"

    def test_each_trial_is_told_as_it_goes(self, person: Person) -> None:
        _write(person)
        ran = person("job", "create", "-f", "sweep.yml", "--stream", "--logs")
        assert ran.code == 0, ran.err
        lines = ran.out.splitlines()
        for number in range(4):
            mine = [line for line in lines if line.startswith(f"trial {number}")]
            assert sum("Completed  " in line and "loss 0." in line for line in mine) == 1
            assert sum("rate=0." in line and "kind=" in line for line in mine) == 1
            assert any(line.startswith(f"trial {number} | training") for line in mine)
        best = [line for line in lines if line.endswith("best so far")]
        assert lines[-1].startswith("4 trials: 4 completed. Best: trial ")
        assert best[-1].split()[1] == lines[-1].partition("Best: trial ")[2].split()[0]

    def test_a_table_has_a_column_for_each_hyperparameter(self, person: Person) -> None:
        _write(person)
        name = person.run("sweep.yml", "--set", "limits.max_total_trials=1")
        table = person("job", "trials", "-n", name, "-o", "table").out
        head = table.splitlines()[0].split()
        assert head == ["Trial", "Status", "Rate", "Kind", "Loss", "Best", "Took", "Name"]

    def test_the_same_seed_tries_the_same(self, person: Person) -> None:
        _write(person)
        names = [person.run("sweep.yml") for _ in range(2)]
        one, other = (person.ok("job", "trials", "-n", name) for name in names)
        assert [t["values"] for t in one] == [t["values"] for t in other]

    def test_it_is_extended_by_more_trials(self, person: Person) -> None:
        _write(person)
        name = person.run("sweep.yml", "--set", "limits.max_total_trials=2")
        before = person.ok("job", "trials", "-n", name)
        asked = ("--max-total-trials", "4", "--query", "name", "--stream")
        longer = person.text("job", "extend", "-n", name, *asked)
        after = person.ok("job", "trials", "-n", longer)
        assert [t["values"] for t in after[:2]] == [t["values"] for t in before]
        assert [t["score"] for t in after[:2]] == [t["score"] for t in before]
        assert [t["status"] for t in after] == ["Completed"] * 4
        assert len(person.ok("job", "trials", "-n", longer, "--best")) == 1

    def test_a_component_is_a_trial(self, person: Person) -> None:
        _write(person)
        person.write(
            "train.yml",
            """\
            name: train
            type: command
            code: src
            environment: {image: python}
            inputs:
              rate: {type: number}
              kind: {type: string, default: plain}
            outputs:
              model: {type: uri_folder}
            command: python train.py ${{inputs.rate}} ${{inputs.kind}} ${{outputs.model}}
            """,
        )
        text = SWEEP[: SWEEP.index("trial:")] + "trial: ./train.yml\n"
        text += SWEEP[SWEEP.index("sampling_algorithm:") :].replace(
            '  kind: {type: choice, values: [first, "second; or $third"]}\n', ""
        )
        person.write("sweep.yml", text)
        name = person.run("sweep.yml")
        assert person.download(name)["named-outputs/model/model.txt"].startswith("plain ")

    def test_a_trial_that_falls_behind_is_stopped(self, person: Person) -> None:
        _write(person)
        person.write(
            "src/slow.py",
            f"""\
            import pathlib, sys, time
            from report import report
            kind, told = sys.argv[1], pathlib.Path({str(person.folder / "told")!r})
            while kind == "bad" and not told.exists():
                time.sleep(0.05)
            report("accuracy", 0.9 if kind == "good" else 0.2)
            told.touch()
            time.sleep(1 if kind == "good" else 600)
            """,
        )
        person.write(
            "sweep.yml",
            """\
            type: sweep
            trial:
              code: src
              command: python slow.py ${{search_space.kind}}
              environment: {image: python}
            sampling_algorithm: grid
            search_space:
              kind: {type: choice, values: [good, bad]}
            objective: {goal: maximize, primary_metric: accuracy}
            early_termination: {type: bandit, slack_factor: 0.1}
            limits: {max_total_trials: 5}
            """,
        )
        name = person.run("sweep.yml")
        good, bad = person.ok("job", "trials", "-n", name)
        assert (good["status"], good["best"]) == ("Completed", True)
        assert (bad["status"], bad["stopped_at"], bad["error"]) == ("Canceled", 1, None)

    def test_a_metric_that_nobody_logs_is_named(self, person: Person) -> None:
        _write(person)
        person.write("sweep.yml", SWEEP.replace("primary_metric: loss", "primary_metric: los"))
        ran = person("job", "create", "-f", "sweep.yml", "--stream")
        assert ran.code == 1
        assert "'los'" in ran.err

    def test_mistakes_are_shown_in_the_file(self, person: Person) -> None:
        _write(person)
        person.write("sweep.yml", SWEEP.replace("{type: random, seed: 7}", "grid"))
        ran = person("job", "create", "-f", "sweep.yml")
        assert ran.code == 1
        assert "sweep.yml:10:" in ran.err
        assert "a grid has every value" in ran.err


class TestKill:
    def test_a_killed_server_goes_on_with_the_sweep(self, newcomer: Person) -> None:
        person = newcomer
        _write(person)
        gate = Path(person.folder) / "gate"
        wait = f"while [ ! -e {gate} ]; do sleep 0.1; done"
        slow = SWEEP.replace("command: python", f"command: {wait}; python")
        person.write("sweep.yml", slow)
        name = person.text("job", "create", "-f", "sweep.yml", "--query", "name")
        before = person.ok("job", "trials", "-n", name)
        os.kill(person.server, signal.SIGKILL)
        there = person.ok("job", "trials", "-n", name)
        assert sum(t["status"] in ("Starting", "Running") for t in there) <= 2
        gate.touch()
        person("job", "stream", "-n", name)
        after = person.ok("job", "trials", "-n", name)
        assert [t["status"] for t in after] == ["Completed"] * 4
        assert [t["values"] for t in after[: len(before)]] == [t["values"] for t in before]
