"""After the storm: does what the system says agree with the ledger?"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from lazur.testing.server import FINAL, Client
from tests.chaos.ledger import Acknowledged, Ledger


@dataclass
class Verdict:
    jobs: int = 0
    lines: int = 0
    lost: list[str] = field(default_factory=list[str])
    twice: list[str] = field(default_factory=list[str])
    wrong: list[str] = field(default_factory=list[str])
    logs: list[str] = field(default_factory=list[str])
    left: list[str] = field(default_factory=list[str])

    @property
    def clean(self) -> bool:
        return not (self.lost or self.twice or self.wrong or self.logs or self.left)


def check(ledger: Ledger, client: Client) -> Verdict:
    verdict = Verdict(jobs=len(ledger.acknowledged))
    for entry in ledger.acknowledged:
        _check_one(ledger, client, entry, verdict)
    verdict.left = leftovers()
    return verdict


def leftovers() -> list[str]:
    """Processes of jobs that are still there."""
    found: list[str] = []
    for pid in pids():
        try:
            environ = Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            continue
        if b"LAZUR_ATTEMPT=" in environ and b"LEDGER=" in environ:
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


def pids() -> list[str]:
    return [entry.name for entry in Path("/proc").iterdir() if entry.name.isdigit()]
