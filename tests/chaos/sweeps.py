"""Sweeps in the storm: what each trial has to be is known beforehand, and what became of it is
compared afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lazur.engine.early_stopping import Policy, Report, stopped_at
from lazur.engine.search.sampling import Tried, suggest
from lazur.kinds.trials import sampling_of, space_of
from lazur.testing.server import FINAL, Client, W
from tests.chaos.checker import MLFLOW, Verdict
from tests.chaos.ledger import Ledger, Own

REPORTS = 4
TRIAL = r"""exec python -u - ${{search_space.x}} <<'END'
import json, os, sys, time, urllib.request

x = float(sys.argv[1])

def write(text):
    with open(os.path.join(os.environ["LEDGER"], os.environ["AZUREML_RUN_ID"]), "a") as file:
        file.write(text + "\n")

def report(step, value):
    point = {"run_id": os.environ["AZUREML_RUN_ID"], "key": "loss", "value": value}
    point |= {"timestamp": int(time.time() * 1000), "step": step}
    request = urllib.request.Request(
        os.environ["MLFLOW_TRACKING_URI"] + "/api/2.0/mlflow/runs/log-metric",
        json.dumps(point).encode(),
        {"Authorization": "Bearer " + os.environ["MLFLOW_TRACKING_TOKEN"]},
    )
    until = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(request, timeout=5).read()
            return write(f"point {step}")
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)

write(f"started {os.environ['LAZUR_ATTEMPT']} pid {os.getpid()}")
for step in range(1, 5):
    write(f"line {step}")
    report(step, (x - 0.3) ** 2 + 1 / step)
    time.sleep(0.1)
write("ended")
raise SystemExit(5 if int(x * 1e6) % 7 == 0 else 0)
END
"""
"""It says what it found until it is heard, as people's libraries do. The worse `x` is, the worse
all of its reports are; some leave badly, which `x` tells."""
POLICY = {"type": "bandit", "slack_amount": 0.15, "delay_evaluation": 2}
"""What others report late makes the best better, never worse: so whoever was stopped by what was
known then would be by all that is known in the end."""


@dataclass(frozen=True)
class Wanted:
    spec: dict[str, Any]

    @property
    def trials(self) -> int:
        return int(self.spec["limits"]["max_total_trials"])

    def values(self) -> list[float]:
        """Of each trial: the seed and its number tell."""
        space, sampling = space_of(self.spec), sampling_of(self.spec, "")
        history: list[Tried] = []
        for _ in range(self.trials):
            draw = suggest(sampling, space, history)
            assert draw is not None
            history.append(Tried(draw, None))
        return [float(space.values(tried.draw)["x"]) for tried in history]


def sweep(ledger: Path, seed: int, trials: int) -> Wanted:
    """Every second one stops trials that are worse than others."""
    spec: dict[str, Any] = {
        "type": "sweep",
        "trial": {
            "command": TRIAL,
            "environment": {"image": "python"},
            "environment_variables": {"LEDGER": str(ledger)},
        },
        "resources": {"properties": {"cpus": 1}},
        "sampling_algorithm": {"type": "random", "seed": seed},
        "search_space": {"x": {"type": "uniform", "min_value": 0, "max_value": 1}},
        "objective": {"goal": "minimize", "primary_metric": "loss"},
        "limits": {"max_total_trials": trials, "max_concurrent_trials": 2},
    }
    return Wanted(spec | ({"early_termination": POLICY} if seed % 2 else {}))


def check_sweeps(ledger: Ledger, client: Client, verdict: Verdict) -> None:
    for name, wanted in ledger.sweeps.items():
        verdict.sweeps += 1
        status, job = client.call("GET", f"{W}/jobs/{name}")
        if status != 200 or job["status"] not in FINAL:
            verdict.lost.append(f"{name}: {status} {job.get('status')}")
            continue
        _check(ledger, client, job, wanted, verdict)


def _check(
    ledger: Ledger, client: Client, job: dict[str, Any], wanted: Wanted, verdict: Verdict
) -> None:
    name = job["name"]
    trials = client.call("GET", f"{W}/jobs/{name}/trials")[1]["value"]
    if [trial["number"] for trial in trials] != list(range(wanted.trials)):
        verdict.lost.append(f"{name} has the trials {[trial['number'] for trial in trials]}")
    verdict.trials += len(trials)
    reports = {trial["name"]: _reports(client, trial["name"]) for trial in trials}
    for trial, x in zip(trials, wanted.values(), strict=False):
        own = ledger.own(trial["name"])
        if trial["values"] != {"x": x}:
            verdict.wrong.append(f"{trial['name']} has {trial['values']}, and not {x}")
        if len(own.started) > 1:
            verdict.twice.append(f"{trial['name']}: {own.started}")
        _check_end(ledger, trial, x, own, wanted, reports, verdict)
        _check_reports(trial, x, own, reports[trial["name"]], verdict)
    _check_best(job, trials, wanted, verdict)


def _check_end(
    ledger: Ledger,
    trial: dict[str, Any],
    x: float,
    own: Own,
    wanted: Wanted,
    reports: dict[str, list[Report]],
    verdict: Verdict,
) -> None:
    name, status = trial["name"], trial["status"]
    if status == "Canceled":
        stopped = _stopped(wanted, reports[name], list(reports.values()))
        verdict.stopped += stopped is not None
        if stopped is None and name not in ledger.canceled:
            verdict.wrong.append(f"{name} was stopped, and no policy says so: {reports[name]}")
        return
    expected = "Failed" if int(x * 1e6) % 7 == 0 else "Completed"
    struck = name in ledger.struck and status == "Failed"
    if not struck and (status != expected or len(own.ended) != 1):
        verdict.wrong.append(f"{name}: {status}, wrote {own.ended}, {trial.get('error')}")


def _stopped(wanted: Wanted, mine: list[Report], trials: list[list[Report]]) -> int | None:
    written = wanted.spec.get("early_termination")
    return stopped_at(Policy(**written), False, mine, trials) if written and mine else None


def _check_reports(
    trial: dict[str, Any], x: float, own: Own, found: list[Report], verdict: Verdict
) -> None:
    """All that were acknowledged, each once, and at most one more: its answer was lost."""
    told = [_loss(x, step) for step in range(1, len(found) + 1)]
    verdict.points += len(own.points)
    lost = not len(own.points) <= len(found) <= len(own.lines)
    if lost or any(abs(r.value - v) > 1e-9 for r, v in zip(found, told, strict=True)):
        verdict.runs.append(f"{trial['name']}: {found}, acknowledged {own.points}")


def _check_best(
    job: dict[str, Any], trials: list[dict[str, Any]], wanted: Wanted, verdict: Verdict
) -> None:
    """Of those that ended well: their last report is as good as their value."""
    values = wanted.values()
    known = [trial for trial in trials if trial["status"] == "Completed"]
    if not known or job["status"] != "Completed":
        verdict.wrong.append(f"{job['name']}: {job['status']}, {job.get('error')}")
        return
    best = min(known, key=lambda trial: _loss(values[trial["number"]], REPORTS))
    told = job["properties"]
    score = _loss(values[best["number"]], REPORTS)
    if told["best_child_run_id"] != best["name"] or abs(float(told["score"]) - score) > 1e-9:
        verdict.wrong.append(f"{job['name']}: {told}, and the best is {best['name']}: {score}")


def _loss(x: float, step: int) -> float:
    return (x - 0.3) ** 2 + 1 / step


def _reports(client: Client, run: str) -> list[Report]:
    asked = f"{MLFLOW}/metrics/get-history?run_id={run}&metric_key=loss"
    history = client.call("GET", asked)[1].get("metrics", [])
    points = sorted((int(p["timestamp"]), int(p["step"]), float(p["value"])) for p in history)
    return [Report(timestamp / 1000, value) for timestamp, _, value in points]
