from __future__ import annotations

from typing import Any

import pytest
from knack.util import CommandResultItem

from lazur.cli.fitting import narrow, on_terminal

JOBS: list[dict[str, Any]] = [
    {
        "Name": "nifty_pepper_x1",
        "Display name": "a rather long name for a job",
        "Experiment": "trees",
        "Status": "Failed",
        "Created": "2026-05-04 10:00",
        "Duration": "10 min 04 s",
        "Why": "the command ended with exit code 4, as it does",
        "Empty": None,
    },
    {"Name": "├─ step", "Status": "Running", "Created": "2026-05-04 10:00"},
    {"Name": "│  └─ deep", "Status": "Queued", "Why": "free slots"},
]


def shown(width: int) -> list[str]:
    lines = narrow(JOBS, width).splitlines()
    assert all(len(line) <= width for line in lines), lines
    return lines


class TestNarrow:
    def test_sentences_are_shortened_first(self) -> None:
        lines = shown(112)
        assert lines[2].split("  ")[1] == "a rather long name …"
        assert lines[2].endswith("10 min 04 s  the command ended wi…")
        assert lines[4].startswith("│  └─ deep       ")

    def test_what_has_no_room_is_told(self) -> None:
        lines = shown(80)
        assert lines[0].split("  ")[0] == "Name"
        assert "Created" not in lines[0]
        assert lines[2].startswith("nifty_pepper_x1  ")
        assert "10 min 04 s" in lines[2]
        assert lines[-1] == "(no room for: Experiment, Created)"

    @pytest.mark.parametrize("width", [10, 20, 40])
    def test_a_name_is_never_shortened(self, width: int) -> None:
        lines = narrow(JOBS, width).splitlines()
        assert lines[2].startswith("nifty_pepper_x1")
        assert lines[3].startswith("├─ step")
        assert lines[4].startswith("│  └─ deep")

    def test_names_are_shortened_after_sentences(self) -> None:
        rows = [{"Step": "fit", "Job": "a" * 30, "Why": "because it is so and not otherwise"}]
        assert narrow(rows, 60).splitlines()[-1] == f"fit   {'a' * 30}  because it is so and …"
        assert narrow(rows, 40).splitlines()[-1] == f"fit   {'a' * 19}…  because it …"

    def test_what_can_be_spared_goes_before_a_name_is_shortened(self) -> None:
        rows = [{"Step": "fit", "Type": "command", "Began": "2026-05-04 10:00", "Job": "j" * 30}]
        lines = narrow(rows, 50).splitlines()
        assert "j" * 30 in lines[2]
        assert lines[-1] == "(no room for: Type, Began)"

    def test_a_date_is_whole_or_not_there(self) -> None:
        rows = [{"Name": "s", "Next": "2026-05-04 10:00 +0200", "Job": "j" * 30}]
        assert narrow(rows, 45).splitlines()[2].startswith("s     2026-05-04 10:00 +0200  jj")
        assert narrow(rows, 30).splitlines()[-1] == "(no room for: Job)"

    def test_control_characters_do_not_reach_the_terminal(self) -> None:
        rows = [{"Name": "x", "Why": "two\nlines\x1b[31m", "Duration": "1 s"}]
        assert narrow(rows, 30).splitlines()[-1] == "x     two lines [31m  1 s"


class TestOnTerminal:
    def made(self, columns: int, monkeypatch: pytest.MonkeyPatch, **more: Any) -> str:
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setenv("LINES", "24")
        given = CommandResultItem(JOBS, table_transformer=lambda jobs: jobs, **more)
        return on_terminal(given)

    def test_what_fits_is_as_anywhere(self, monkeypatch: pytest.MonkeyPatch) -> None:
        lines = self.made(200, monkeypatch).splitlines()
        assert lines[2].endswith("as it does")
        assert "no room" not in lines[-1]

    def test_what_does_not_is_made_narrow(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert self.made(80, monkeypatch) == narrow(JOBS, 80)

    def test_what_a_query_made_is_whole(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert "as it does" in self.made(80, monkeypatch, is_query_active=True)
