"""Whether every line and every branch of what decides over jobs is visited by the unit tests.

    python -m tools.covered

The state machines are left out: what only a random story visits is covered today and not tomorrow.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "lazur"
RULES = (
    "engine/cron.py",
    "engine/decisions.py",
    "engine/dispatch.py",
    "engine/early_stopping.py",
    "engine/recurrence.py",
    "engine/search/*.py",
    "engine/states.py",
    "engine/ticks.py",
    "engine/timetable.py",
    "engine/zones.py",
    "kinds/jobs/*.py",
    "kinds/parallel.py",
    "kinds/parallel_checks.py",
    "kinds/pipelines/*.py",
    "kinds/search_space.py",
    "kinds/sweep_checks.py",
    "kinds/sweeps.py",
    "kinds/trials.py",
    "server/arm/translate/*.py",
)
"""All that an `advance` reaches, and what is decided before and beside it; and what Azure's wire
is translated by."""
TESTS = (
    *(f"tests/unit/engine/{name}" for name in ("search", "test_dispatch.py", "test_states.py")),
    *(f"tests/unit/engine/test_{name}.py" for name in ("early_stopping", "quotas", "timetable")),
    *(f"tests/unit/kinds/test_{name}.py" for name in ("command", "command_job", "drawing")),
    *(f"tests/unit/kinds/test_{name}.py" for name in ("parallel_job", "sweep", "sweep_job")),
    *(f"tests/unit/kinds/{name}" for name in ("test_trials.py", "pipelines")),
    "tests/unit/server/arm",
)
_LONG = (
    *("TestStories", "TestSweeps", "TestAnything", "TestBayesian"),
    *(
        "TestEveryView",
        "TestAgainstEveryMinute",
        "only_what_was_chosen_is_drawn",
        "whenever_somebody_looks",
    ),
)


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        kept = {**os.environ, "COVERAGE_FILE": str(Path(folder) / "coverage")}
        included = ",".join(str(SOURCE / rule) for rule in RULES)
        measured = ["-m", "coverage", "run", "--branch", f"--include={included}", "-m", "pytest"]
        chosen = ["-k", " and ".join(f"not {name}" for name in _LONG)]
        quiet = ["-q", "--no-header", "-p", "no:cacheprovider", "--hypothesis-seed=0"]
        if _run([*measured, *quiet, *chosen, *TESTS], kept):
            return 1
        told = ["-m", "coverage", "report", "--show-missing", "--skip-covered", "--fail-under=100"]
        if _run(told, kept):
            print(
                "give what is missing a test in tests/unit, or take it out where nothing needs it"
            )
            return 1
    return 0


def _run(words: list[str], kept: dict[str, str]) -> int:
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=kept, check=False, capture_output=True, text=True
    )
    if done.returncode:
        print(done.stdout, done.stderr, sep="", flush=True)
    return done.returncode


if __name__ == "__main__":
    raise SystemExit(main())
