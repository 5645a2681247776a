"""Drive MLflow's client against upstream's server and against ours, and compare all of it.

    python -m tests.conformance [--self] [--postgresql] [--report FILE] [CASE…]
    python -m tests.conformance --isolation [CASE…]

CASE is a module of `cases/`, or one function in it: `runs`, `runs.metrics`. Without one, all run,
and functions and routes that no case reaches are failures too. With `--isolation` the cases run
against ours alone, and everything that they ask is asked by a stranger too (isolation.py).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests import postgresql
from tests.conformance import isolation, report, sides, suite


def main(argv: Sequence[str] | None = None) -> int:
    parser = _parser()
    args = parser.parse_args(argv)
    try:
        names = suite.cases(args.case)
    except ValueError as error:
        parser.error(str(error))
    if args.isolation:
        return _isolated(names, whole=not args.case)
    with _sides(twice=args.self, on_postgresql=args.postgresql) as both:
        upstream, ours = suite.run_both(both, names)
    found = report.compared(upstream, ours, whole=not args.case, ordered=not args.postgresql)
    print("\n".join(report.summary(found)))
    if args.report:
        args.report.write_text("\n".join(report.table(found, upstream)) + "\n")
    return 1 if found.failed and not _same_twice(args, found) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance")
    parser.add_argument("case", nargs="*", help="only these")
    parser.add_argument(
        "--self", action="store_true", help="upstream against upstream: is it deterministic?"
    )
    parser.add_argument(
        "--postgresql",
        action="store_true",
        help="on a PostgreSQL server; what it gives in no order is compared in none",
    )
    parser.add_argument(
        "--isolation", action="store_true", help="what does another workspace's owner get of it?"
    )
    parser.add_argument("--report", type=Path, help="write who asks every route")
    return parser


def _isolated(names: Sequence[str], *, whole: bool) -> int:
    with tempfile.TemporaryDirectory(prefix="lazur-mlflow-") as folder:
        found = isolation.isolated(Path(folder), names)
    print("\n".join(found.told(whole=whole)))
    return 1 if found.failed(whole=whole) else 0


def _same_twice(args: Any, found: report.Report) -> bool:
    """Upstream does not differ from itself where we do."""
    return args.self and not any(found.cases.values()) and not found.uncovered


@contextmanager
def _sides(*, twice: bool, on_postgresql: bool) -> Iterator[list[sides.Side]]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lazur-mlflow-")))
        urls = ["", ""]
        if on_postgresql:
            server = stack.enter_context(postgresql.Server.start())
            urls = [stack.enter_context(server.database()) for _ in urls]
        other = sides.upstream if twice else sides.ours
        yield [
            stack.enter_context(sides.upstream(folder / "upstream", urls[0])),
            stack.enter_context(other(folder / "ours", urls[1])),
        ]


if __name__ == "__main__":
    sys.exit(main())
