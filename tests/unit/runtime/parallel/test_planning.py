from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lazur.runtime.parallel import planning
from lazur.runtime.parallel.settings import Settings, Size, Wrong


def settings(arguments: list[str] | None = None, **more: Any) -> Settings:
    return Settings({"entry_script": "s.py", **more}, arguments or [])


def cut(files: list[tuple[str, int]], **more: Any) -> list[list[str]]:
    return [batch["files"] for batch in planning.cut_files(files, settings(**more))]


FILES = [(f"f{n}", 400) for n in range(7)]


class TestFiles:
    def test_one_by_one_where_nothing_is_said(self) -> None:
        assert cut(FILES[:3]) == [["f0"], ["f1"], ["f2"]]

    def test_by_count(self) -> None:
        assert cut(FILES, mini_batch_size="3") == [
            ["f0", "f1", "f2"],
            ["f3", "f4", "f5"],
            ["f6"],
        ]

    def test_by_bytes(self) -> None:
        assert cut(FILES[:5], mini_batch_size="1kb") == [["f0", "f1", "f2"], ["f3", "f4"]]

    @given(
        st.lists(st.integers(0, 5000), max_size=40),
        st.one_of(st.integers(1, 9).map(str), st.integers(1, 9).map(lambda n: f"{n}kb")),
    )
    def test_each_file_is_in_one_mini_batch(self, sizes: list[int], size: str) -> None:
        files = [(f"f{n}", length) for n, length in enumerate(sizes)]
        found = planning.cut_files(files, settings(mini_batch_size=size))
        assert [name for batch in found for name in batch["files"]] == [f for f, _ in files]
        assert all(batch["items"] == len(batch["files"]) > 0 for batch in found)

    def test_by_the_names_of_folders(self) -> None:
        files = [(f"Store={s}/Brand={b}/x{n}.csv", 1) for n in (1, 2) for s in "12" for b in "ab"]
        found = planning.cut_files(files, settings(partition_keys=["Brand", "Store"]))
        assert len(found) == 4
        assert found[0]["key"] == {"Brand": "a", "Store": "1"}
        assert found[0]["files"] == ["Store=1/Brand=a/x1.csv", "Store=1/Brand=a/x2.csv"]

    def test_by_folders_in_the_order_of_the_keys(self) -> None:
        found = planning.cut_files([("7/red/x.csv", 1)], settings(partition_keys=["id", "color"]))
        assert found[0]["key"] == {"id": "7", "color": "red"}

    def test_a_file_in_no_such_folder_is_named(self) -> None:
        with pytest.raises(Wrong, match=r"the file .* lies in no folder"):
            planning.cut_files([("x.csv", 1)], settings(partition_keys=["Store"]))


class TestWrite:
    def test_a_plan_is_made_once(self, tmp_path: Path) -> None:
        path = str(tmp_path / "plan.jsonl")
        planning.write(path, [{"items": 1}])
        planning.write(path, [{"items": 1}])
        with pytest.raises(Wrong, match="the input has changed"):
            planning.write(path, [{"items": 2}])


class TestSize:
    @pytest.mark.parametrize(
        "text,tabular,count,size",
        [
            ("5", False, 5, None),
            ("5", True, None, 5),
            ("10kb", True, None, 10_240),
            ("1 MB", True, None, 1 << 20),
            ("2GiB", False, None, 2 << 30),
            ("100 rows", True, 100, None),
            ("", False, 1, None),
            ("", True, None, 1 << 20),
        ],
    )
    def test_counts_and_bytes(
        self, text: str, tabular: bool, count: int | None, size: int | None
    ) -> None:
        found = Size(text, tabular)
        assert (found.count, found.bytes) == (count, size)

    @pytest.mark.parametrize("text", ["many", "10xb", "-1"])
    def test_what_is_none(self, text: str) -> None:
        with pytest.raises(Wrong, match="mini_batch_size"):
            Size(text, tabular=False)


class TestArguments:
    def test_some_are_the_frameworks(self) -> None:
        found = settings(
            ["--error_threshold", "5", "--allowed_failed_percent=30", "--model", "m", "-1"],
            error_threshold=9,
        )
        assert (found.error_threshold, found.failed_percent) == (5, 30.0)
        assert found.arguments[:2] == ["--error_threshold", "5"]

    def test_their_names_may_have_dashes(self) -> None:
        assert settings(["--allowed-failed-count", "3"]).mini_batch_error_threshold == 3
