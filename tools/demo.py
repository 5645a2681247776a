"""`make demo`: a first job on an empty home, as a person with a fresh machine would run it.

It uses a home of its own in the checkout, so that it touches nobody's; afterwards the server is
stopped and the home removed, unless `--keep` was given.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".lazur-demo"
LAZUR = str(Path(sys.executable).parent / "lazur")
JOB = "examples/hello/job.yml"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave the server and its home")
    keep = parser.parse_args().keep
    os.environ["LAZUR_HOME"] = str(HOME)
    # What it saves at installation it costs at every start, tenfold.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    try:
        return _run(keep=keep)
    finally:
        if not keep:
            _lazur("server", "stop", quiet=True)
            shutil.rmtree(HOME, ignore_errors=True)


def _run(*, keep: bool) -> int:
    _say(f"A job: {JOB}, in a home of its own (.lazur-demo)")
    print((ROOT / JOB).read_text())
    _say("lazur job create --stream: starts a server, submits, and shows the log")
    name = "hello_demo"
    ended = _lazur(
        "job", "create", "-f", JOB, "--name", name, "--set", "inputs.name=Lazur", "--stream"
    )
    if ended:
        return ended
    _say("lazur job explain: where the time went")
    _lazur("job", "explain", "-n", name)
    job = _json("job", "show", "-n", name)
    _say(f"It is {job['status']}.")
    if keep:
        print(f"  page   {job['services']['Studio']['endpoint']}")
        print(f"  again  LAZUR_HOME={HOME} lazur job list -o table")
        print(f"  stop   LAZUR_HOME={HOME} lazur server stop")
    else:
        print("  `make demo KEEP=1` leaves the server on, with a page that shows the job.")
        print("  `lazur job create -f …` runs a job of your own; docs/quickstart.md goes on.")
    return 0 if job["status"] == "Completed" else 1


def _lazur(*arguments: str, quiet: bool = False) -> int:
    sink = subprocess.DEVNULL if quiet else None
    done = subprocess.run([LAZUR, *arguments], cwd=ROOT, check=False, stdout=sink, stderr=sink)
    return done.returncode


def _json(*arguments: str) -> dict[str, Any]:
    done = subprocess.run([LAZUR, *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def _say(text: str) -> None:
    print(f"\n── {text}\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
