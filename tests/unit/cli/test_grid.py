from __future__ import annotations

import io

import pytest

from lazur.cli import grid

HEAD = ("Run", "Name", "loss", "lr")
ROWS = [("a1", "a long name that says much", "0.123456", "0.1"), ("b2", "x", "", "0.2")]


def table(width: int) -> list[str]:
    return grid.lines(HEAD, ROWS, width, io.StringIO())


class TestLines:
    def test_figures_stand_to_the_right(self) -> None:
        assert table(100) == [
            "Run  Name                            loss   lr",
            "a1   a long name that says much  0.123456  0.1",
            "b2   x                                     0.2",
        ]

    def test_texts_are_shortened_and_figures_are_not(self) -> None:
        assert table(36)[1] == "a1   a long name tha…  0.123456  0.1"

    def test_what_has_no_room_is_named(self) -> None:
        made = table(20)
        assert made[1] == "a1   a long name th…"
        assert made[-1] == "(no room for: los…)"

    @pytest.mark.parametrize("width", range(17, 60))
    def test_nothing_is_wider_than_the_terminal(self, width: int) -> None:
        assert max(map(grid.cells, table(width))) <= width

    def test_columns_that_hold_nothing_are_not_shown(self) -> None:
        assert grid.lines(("A", "B"), [("x", ""), ("y", "")], 80, io.StringIO()) == ["A", "x", "y"]

    def test_without_rows_there_is_no_table(self) -> None:
        assert grid.lines(HEAD, [], 80, io.StringIO()) == []


class TestShort:
    def test_wide_characters_take_two_cells(self) -> None:
        assert grid.short("模型训练", 5) == "模型…"
        assert grid.cells("é模") == 3

    def test_control_characters_do_not_reach_the_terminal(self) -> None:
        assert grid.short("a\x1b[31mb\nc", 20) == "a [31mb c"


class TestSpark:
    def test_goes_from_the_least_to_the_greatest(self) -> None:
        assert grid.spark([0.0, 1.0, 0.5]) == "▁█▅"

    def test_is_flat_where_nothing_changes(self) -> None:
        assert grid.spark([2.0, 2.0]) == "▁▁"
