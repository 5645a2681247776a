"""`python -m bench [NAME …]`: each file of this folder that has a `measure() -> list[Result]` is
one. A NAME is one of them, or what several begin with: `tracking` is all of `tracking_*`.

    --list          what there is
    --quick         few rounds: to see that it works, not to publish
    --refill PAGE   write the tables into a page between `<!-- bench NAME … -->` and
                    `<!-- /bench -->`, too
"""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import signal
import sys
import time
from pathlib import Path

import bench
from bench.harness import Result, refilled, report

RESULTS = Path("bench/results")
_TOOLS = {"harness", "__main__"}


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--refill", type=Path, metavar="PAGE")
    arguments = parser.parse_args()
    if arguments.quick and arguments.refill:
        parser.error("what --quick gives is not to be published")
    present = names()
    if arguments.list:
        print("\n".join(present))
        return 0
    wanted = {name: _chosen(name, present) for name in arguments.names}
    if unknown := [name for name, chosen in wanted.items() if not chosen]:
        parser.error(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(present)}")
    if page := arguments.refill:
        try:
            refilled(page.read_text(), arguments.names, [])
        except (OSError, ValueError) as error:
            parser.error(str(error))
    # Whoever stops this stops the servers that it started, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # Off in CI and in containers often, and a start-up several times slower is no figure to print.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    if arguments.quick:
        os.environ["BENCH_QUICK"] = "1"
    chosen = [name for several in wanted.values() for name in several] or present
    results = [result for name in chosen for result in _measured(name)]
    report(results, RESULTS)
    if page:
        page.write_text(refilled(page.read_text(), arguments.names, results))
    return 1 if any(result.met is False for result in results) else 0


def names() -> list[str]:
    found = [module.name for module in pkgutil.iter_modules(bench.__path__)]
    return [name for name in found if name not in _TOOLS and not name.startswith("_")]


def _chosen(name: str, present: list[str]) -> list[str]:
    if name in present:
        return [name]
    return [other for other in present if other.startswith(f"{name}_")]


def _measured(name: str) -> list[Result]:
    """Imported only now: benchmarks look at BENCH_QUICK when they are loaded."""
    began = time.monotonic()
    results = importlib.import_module(f"bench.{name}").measure()
    print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    return results


if __name__ == "__main__":
    sys.exit(main())
