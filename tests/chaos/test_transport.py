"""A large file over connections that are cut: a small one with the slow tests, 5 GB with `make
chaos`."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest

from tests.chaos.transport import Report, Transport

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
MARK = "<!-- transport -->", "<!-- /transport -->"
_MEMORY = 64 << 20
_HEADERS = 0.01
"""Of the file: what HTTP adds."""


@pytest.mark.slow
class TestSmall:
    def test_what_is_cut_goes_on(self, tmp_path: Path) -> None:
        report = Transport(tmp_path, 96 << 20, 6, _seed()).run()
        print(_text(report))
        _check(report)


@pytest.mark.chaos
class TestLarge:
    def test_five_gigabytes_are_cut_twenty_times(self, tmp_path: Path) -> None:
        report = Transport(tmp_path, 5 << 30, 20, _seed()).run()
        shutil.rmtree(tmp_path)
        print(_text(report))
        _write_down(report)
        _check(report)


def _seed() -> int:
    return int(os.environ.get("CHAOS_SEED") or random.randrange(1 << 30))


def _check(report: Report) -> None:
    assert report.cuts > 3, "nothing was tried"
    assert report.lost <= 1 + _HEADERS * report.size / (8 << 20) / report.cuts
    assert report.grown <= _MEMORY
    assert report.halves == 0
    assert report.equal
    assert report.brought_back
    assert report.left == []


def _text(report: Report) -> str:
    rows = [
        ("size of the file, MB", f"{report.size / 1e6:,.0f}"),
        ("cuts of all connections while it was sent", report.cuts),
        ("kill -9 of the client, of the server", f"{report.client_kills}, {report.server_kills}"),
        ("sent again for each of these, parts of 8 MiB", f"{report.lost:.2f}"),
        ("SHA-256 on the server is that of the file", _yes(report.equal)),
        ("times that a half was seen under its name", report.halves),
        ("memory that the server took for it, MB", f"{report.grown / 1e6:.0f}"),
        ("left of another that was given up, after a day", len(report.left)),
        (
            "downloaded over as many cuts and a kill: equal",
            "yes" if report.brought_back else "**no**",
        ),
        ("passed for that download, × its size", f"{report.down / report.size:.3f}"),
        ("sent in, brought back in, s", f"{report.up_seconds:.0f}, {report.down_seconds:.0f}"),
    ]
    return "\n".join(
        ["| what | |", "|---|---:|", *(f"| {name} | {value} |" for name, value in rows)]
    )


def _yes(true: bool) -> str:
    return "yes" if true else "**no**"


def _write_down(report: Report) -> None:
    """The page shows the last run, good or bad."""
    page = PAGE.read_text()
    before, after = page.split(MARK[0])[0], page.split(MARK[1])[1]
    PAGE.write_text(f"{before}{MARK[0]}\n{_text(report)}\n{MARK[1]}{after}")
