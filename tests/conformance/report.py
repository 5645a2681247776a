"""What a comparison found: whether it is as it should be, and the whole of it for people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.conformance import suite
from tests.conformance.differences import (
    DIFFERENCES,
    FUNCTIONS,
    explained,
    uncovered_functions,
    uncovered_routes,
)
from tests.conformance.surface import functions, routes


@dataclass
class Report:
    cases: dict[str, list[str]]
    """What differs and is not explained."""
    explanations: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """Findings, by what explains them."""
    uncovered: list[str] = field(default_factory=list[str])
    stale: list[str] = field(default_factory=list[str])
    """Differences and exceptions that are no longer true."""

    @property
    def failed(self) -> bool:
        return bool(any(self.cases.values()) or self.uncovered or self.stale)


def compared(
    upstream: dict[str, Any], ours: dict[str, Any], *, whole: bool, ordered: bool = True
) -> Report:
    """`whole`: all cases ran, so that what nobody called and what nothing needed can be told.
    `ordered`: see `suite.findings`."""
    report = Report({})
    for name, told in upstream.items():
        report.cases[name] = []
        for finding in suite.findings(told, ours[name], ordered=ordered):
            if found := explained(f"{name}: {finding}"):
                report.explanations.setdefault(found.what, []).append(f"{name}: {finding}")
            else:
                report.cases[name].append(finding)
    if whole:
        _cover(report, upstream)
    return report


def _cover(report: Report, upstream: dict[str, Any]) -> None:
    called, answered = suite.covered(upstream)
    there = {route.short for route in routes()}
    report.uncovered = [
        *sorted(uncovered_functions(functions(), called)),
        *sorted(uncovered_routes(there, answered)),
    ]
    report.stale = [
        *(d.what for d in DIFFERENCES if d.what not in report.explanations),
        *sorted(called & FUNCTIONS.keys()),
        *sorted(FUNCTIONS.keys() - set(functions())),
    ]


def summary(report: Report) -> Iterator[str]:
    """For the terminal: what is wrong, whole, and how much was looked at."""
    for name, findings in report.cases.items():
        for finding in findings:
            yield f"DIFFERS {name}: {finding}\n"
    yield from (f"NOT COVERED {name}" for name in report.uncovered)
    yield from (f"NO LONGER TRUE in differences.py: {what}" for what in report.stale)
    for what, findings in report.explanations.items():
        yield f"{len(findings):5} × {what}"
    same = sum(1 for findings in report.cases.values() if not findings)
    yield f"{same} of {len(report.cases)} cases are as upstream's, what is listed above aside."


def table(report: Report, upstream: dict[str, Any]) -> Iterator[str]:
    """For a file: every function and every route with the cases that use it."""
    yield "# Functions\n"
    for name in functions():
        users = [case for case, told in upstream.items() if name in told["called"]]
        yield f"- `{name}`: {', '.join(users) or FUNCTIONS.get(name, 'NOT COVERED')}"
    yield "\n# Routes\n"
    statuses = suite.statuses(upstream)
    for name in sorted({route.short for route in routes()}):
        told = [f"{status} ({', '.join(who)})" for status, who in statuses.get(name, {}).items()]
        yield f"- `{name}`: {'; '.join(told) or 'not asked'}"
    yield "\n# Explained differences\n"
    for findings in report.explanations.values():
        yield from (f"```\n{finding}\n```\n" for finding in findings)
