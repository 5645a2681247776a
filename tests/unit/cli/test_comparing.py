from __future__ import annotations

from typing import Any

import pytest

from lazur.cli import comparing

_CHANGED = {"path": "train.py", "change": "changed", "plus": 1, "minus": 1}
_CODE = {
    "files": [{**_CHANGED, "diff": "--- a\n+++ b\n@@ -1 +1 @@\n-lr = 1\n+lr = \x1b[2J2"}],
    "more": 2,
}


def row(name: str, *values: Any) -> dict[str, Any]:
    return {"name": name, "values": values, "differs": len({str(v) for v in values}) > 1}


def metric(last: float, low: float) -> dict[str, Any]:
    return {"last": last, "min": low, "max": 1.0, "points": 9}


FOUND: dict[str, Any] = {
    "runs": [{"job": "one", "name": "x"}, {"job": None, "name": "two"}, {"job": "3", "name": "y"}],
    "sections": [
        {"name": "params", "rows": [row("lr", "1", "1", "2"), row("depth", "3", "3", "3")]},
        {"name": "metrics", "rows": [row("loss", metric(0.5, 0.1), metric(0.5, 0.2), None)]},
        {"name": "phases", "rows": [row("running", 61.0, 3.0, None)]},
    ],
    "code": [None, _CODE, _CODE],
}


_ABOUT = [row("name", "x", "y", "z"), row("user", "a", "b", "a")]
ABOUT = {**FOUND, "sections": [{"name": "about", "rows": _ABOUT}]}


@pytest.fixture
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")


def lines(*, everything: bool = False, diff: bool = False) -> list[str]:
    return comparing.lines(FOUND, everything=everything, diff=diff)


@pytest.mark.usefixtures("wide")
class TestWide:
    def test_only_what_differs(self) -> None:
        assert lines()[:8] == [
            "               one         two         3",
            "params",
            "  lr           1           1           2",
            "metrics",
            "  loss         0.5         0.5         –",
            "  loss, range  0.1 … 1     0.2 … 1     –",
            "phases",
            "  running      1 min 01 s  3.00 s      –",
        ]

    def test_names_are_no_difference(self) -> None:
        made = comparing.lines(ABOUT, everything=False, diff=False)
        assert [line.split()[0] for line in made[1:3]] == ["about", "user"]
        made = comparing.lines(ABOUT, everything=True, diff=False)
        assert [line.split()[0] for line in made[1:4]] == ["about", "name", "user"]

    def test_all_where_that_is_asked(self) -> None:
        assert "  depth        3           3           3" in lines(everything=True)

    def test_runs_of_the_same_code_are_told_once(self) -> None:
        assert lines()[8:] == [
            "",
            "code of two, 3, against one",
            "  M train.py  +1 -1",
            "  … and 2 more files",
            "  (--diff shows the lines)",
        ]

    def test_lines_of_code_cannot_steer_the_terminal(self) -> None:
        assert "    +lr = \ufffd[2J2" in lines(diff=True)


class TestNarrow:
    def test_runs_without_room_follow_beside_the_first(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("COLUMNS", "60")
        made = lines()
        assert [line.split() for line in made if line.strip().startswith("one")] == [
            ["one", "two"],
            ["one", "3"],
        ]
        assert max(map(len, made)) <= 60

    def test_what_is_the_same_in_a_block_is_not_in_it(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("COLUMNS", "60")
        made = lines()
        assert "params" not in made[: made.index("")]
