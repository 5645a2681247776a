"""After the storm: does what the system says agree with the ledger?"""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lazur.testing.server import FINAL, Client, W
from tests.chaos.ledger import STEPS, Acknowledged, Ledger, Own

MLFLOW = "/mlflow/workspaces/default/api/2.0/mlflow"
_ENDS = {"Completed": "FINISHED", "Failed": "FAILED", "Canceled": "KILLED"}


@dataclass
class Verdict:
    jobs: int = 0
    lines: int = 0
    lost: list[str] = field(default_factory=list[str])
    twice: list[str] = field(default_factory=list[str])
    wrong: list[str] = field(default_factory=list[str])
    logs: list[str] = field(default_factory=list[str])
    pipelines: int = 0
    sweeps: int = 0
    trials: int = 0
    stopped: int = 0
    """Trials that a policy ended."""
    parallel: int = 0
    rows: int = 0
    """In the results of parallel jobs and steps."""
    again: int = 0
    """Rows that ran more than once, and count once."""
    points: int = 0
    runs: list[str] = field(default_factory=list[str])
    audited: int = 0
    audit: list[str] = field(default_factory=list[str])
    left: list[str] = field(default_factory=list[str])

    @property
    def clean(self) -> bool:
        found = (self.lost, self.twice, self.wrong, self.logs, self.runs, self.audit, self.left)
        return not any(found)


def check(ledger: Ledger, client: Client) -> Verdict:
    verdict = Verdict(jobs=len(ledger.acknowledged))
    for entry in ledger.acknowledged:
        _check_one(ledger, client, entry, verdict)
    for name in ledger.pipelines:
        _check_pipeline(ledger, client, name, verdict)
    _check_audit(ledger, client, verdict)
    verdict.left = leftovers(ledger.jobs)
    return verdict


def leftovers(ledger: Path) -> list[str]:
    """Processes of jobs that are still there: of those that write there. Other tests run beside
    this one."""
    found: list[str] = []
    for pid in pids():
        try:
            environ = Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            continue
        if b"LAZUR_ATTEMPT=" in environ and os.fsencode(ledger) in environ:
            found.append(pid)
    return found


def _check_one(ledger: Ledger, client: Client, entry: Acknowledged, verdict: Verdict) -> None:
    status, job = client.call("GET", f"/api/v1/workspaces/default/jobs/{entry.name}")
    if status != 200 or job["status"] not in FINAL:
        verdict.lost.append(f"{entry.name}: {status} {job.get('status')}")
        return
    own = ledger.own(entry.name)
    if len(own.started) > 1:
        verdict.twice.append(f"{entry.name}: {own.started}")
    expected = "Completed" if entry.code == 0 else "Failed"
    ended_well = len(own.ended) == 1 and job["status"] == expected
    excused = entry.name in ledger.canceled and job["status"] == "Canceled"
    excused |= entry.name in ledger.struck and job["status"] == "Failed"
    if not (ended_well or excused):
        verdict.wrong.append(
            f"{entry.name}: {job['status']}, wrote {own.ended}, {job.get('error')}"
        )
    _check_log(entry, own.lines, client.log(entry.name), ended_well, verdict)
    _check_run(entry.name, job["status"], own, client, verdict)


def _check_pipeline(ledger: Ledger, client: Client, name: str, verdict: Verdict) -> None:
    """Each step once, none before what it waits for had ended, none forgotten."""
    verdict.pipelines += 1
    status, job = client.call("GET", f"{W}/jobs/{name}")
    if status != 200 or job["status"] not in FINAL:
        verdict.lost.append(f"{name}: {status} {job.get('status')}")
        return
    jobs = {step: f"{name}_{tail}" for step, (tail, _) in STEPS.items()}
    own = {step: ledger.own(found) for step, found in jobs.items()}
    well = {step for step, code in ledger.pipelines[name].items() if own[step].ended and not code}
    whole = {name, f"{name}_n", *jobs.values()}
    excused = bool(whole & (ledger.struck | ledger.canceled))
    for step, (_, needed) in STEPS.items():
        if len(own[step].started) > 1:
            verdict.twice.append(f"{jobs[step]}: {own[step].started}")
        if own[step].started and needed and needed not in well:
            verdict.wrong.append(f"{jobs[step]} began, and {needed} had not ended well")
        if not own[step].started and (not needed or needed in well) and not excused:
            verdict.lost.append(f"{jobs[step]} never began")
    expected = "Completed" if len(well) == len(STEPS) else "Failed"
    if job["status"] != expected and not excused:
        verdict.wrong.append(f"{name}: {job['status']}, {sorted(well)}, {job.get('error')}")


def _check_log(
    entry: Acknowledged, own: list[int], log: str, ended_well: bool, verdict: Verdict
) -> None:
    """In order, none twice, none missing but the one that a kill may have cut off."""
    seen = [int(line.split()[1]) for line in log.splitlines() if line.startswith("line ")]
    verdict.lines += len(seen)
    whole = list(range(1, entry.lines + 1))
    if ended_well and seen != whole:
        verdict.logs.append(f"{entry.name}: {len(seen)} of {entry.lines} lines, or out of order")
    elif not ended_well and seen not in (own, own[:-1]):
        verdict.logs.append(f"{entry.name}: log {seen[-3:]}, ledger {own[-3:]}")


def _check_run(name: str, status: str, own: Own, client: Client, verdict: Verdict) -> None:
    """It ended as its job did, and has every point that was acknowledged to the job; one more
    where the answer was lost."""
    found = client.call("GET", f"{MLFLOW}/runs/get?run_id={name}")[1]["run"]
    ended = found["info"]["status"]
    if ended != _ENDS[status]:
        verdict.runs.append(f"{name}: the run is {ended}, the job {status}")
    asked = f"{MLFLOW}/metrics/get-history?run_id={name}&metric_key=line"
    history = client.call("GET", asked)[1].get("metrics", [])
    points = [int(point["step"]) for point in history]
    verdict.points += len(own.points)
    if len(set(points)) < len(points) or not set(own.points) <= set(points) <= set(own.lines):
        verdict.runs.append(f"{name}: points {points}, acknowledged {own.points}")


def _check_audit(ledger: Ledger, client: Client, verdict: Verdict) -> None:
    """Each change and each refusal that somebody was told of is there, no change is there twice,
    and the chains hold."""
    verified = client.call("GET", "/api/v1/audit/verify")[1]
    verdict.audited = verified["rows"]
    verdict.audit += [f"broken: {fault}" for fault in verified["faults"]]
    text = client.call("GET", f"{W}/audit/export")[1]
    seen = Counter(_event(json.loads(line)) for line in text.splitlines())
    for entry in ledger.acknowledged:
        name = entry.name
        found = {what: seen[name, what] for what in ("created", "refused", "cancel requested")}
        most = 1 if name in ledger.canceled else 0
        told = found["refused"] >= 1 or name not in ledger.refused
        if found["created"] != 1 or found["cancel requested"] > most or not told:
            verdict.audit.append(f"{name}: {found}")


def _event(row: dict[str, Any]) -> tuple[str, str]:
    if row["outcome"] != "refused":
        return row["name"], row["action"]
    path = json.loads(row["data"])["request"].split("/")
    return path[path.index("jobs") + 1], "refused"


def pids() -> list[str]:
    return [entry.name for entry in Path("/proc").iterdir() if entry.name.isdigit()]
