from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.runtime.parallel.driver import PROGRAM, Driver

MLTABLE = """\
paths:
  - file: ./rows.csv
transformations:
  - read_delimited:
      delimiter: ','
"""
ROWS = [(store, brand, week) for week in range(5) for store in (1, 2) for brand in ("a", "b")]


@pytest.fixture
def driver(tmp_path: Path) -> Driver:
    made = Driver(tmp_path / "job", {"type": "mltable", "workers": 2})
    (made.input / "MLTable").write_text(MLTABLE)
    lines = ["Store,Brand,Week", *(",".join(map(str, row)) for row in ROWS)]
    (made.input / "rows.csv").write_text("\n".join(lines) + "\n")
    made.script("""\
        def run(frame, mini_batch_context):
            assert list(frame.index) == list(range(len(frame)))
            frame["seen"] = 1
            key = mini_batch_context.partition_key_value
            return [f"{key} {len(frame)} {frame['Week'].sum()}"]
    """)
    return made


class TestTables:
    def test_rows_of_a_key_are_one_mini_batch(self, driver: Driver) -> None:
        driver.settings["partition_keys"] = ["Store", "Brand"]
        code, said = driver.run()
        assert code == 0, said
        assert driver.lines[0] == "{'Store': 1, 'Brand': 'a'} 5 10"
        assert len(driver.lines) == 4
        assert "4 of 4 mini-batches done, 0 failed; 20 of 20 items" in said

    def test_keys_come_in_the_order_in_which_they_appear_and_a_missing_one_is_one(
        self, driver: Driver
    ) -> None:
        rows = ["z,a,1", "y,,2", "z,b,3", ",a,4", "y,,5", "z,a,6"]
        (driver.input / "rows.csv").write_text("\n".join(["Store,Brand,Week", *rows]) + "\n")
        driver.settings["partition_keys"] = ["Store", "Brand"]
        driver.script("""\
            def run(frame, mini_batch_context):
                key = mini_batch_context.partition_key_value
                return [f"{key['Store']} {key['Brand']} {frame['Week'].tolist()}"]
        """)
        assert driver.run()[0] == 0
        found = [line.replace("None", "") for line in driver.lines]
        assert found == ["z a [1, 6]", "y  [2, 5]", "z b [3]", " a [4]"]

    def test_what_aborts_when_its_interpreter_ends_has_cut_it(
        self, driver: Driver, tmp_path: Path
    ) -> None:
        """As threads of Arrow's do, now and then."""
        (tmp_path / "sitecustomize.py").write_text(
            "import atexit, os\n"
            "if os.environ.get('LAZUR_ROLE') == 'cut':\n    atexit.register(os.abort)\n"
        )
        driver.variables["PYTHONPATH"] = f"{tmp_path}:{Path(PROGRAM).parent.parent}"
        code, said = driver.run()
        assert code == 0, said

    def test_a_size_in_rows(self, driver: Driver) -> None:
        driver.settings["mini_batch_size"] = "8 rows"
        assert driver.run()[0] == 0
        assert [line.split()[1] for line in driver.lines] == ["8", "8", "4"]

    @pytest.mark.parametrize("size", ["1", "200", "1kb", ""])
    def test_each_row_is_in_one_mini_batch(self, driver: Driver, size: str) -> None:
        driver.settings["mini_batch_size"] = size
        driver.script("def run(frame):\n    return frame[['Store', 'Brand', 'Week']]\n")
        assert driver.run()[0] == 0
        assert driver.lines == [f"{s} {b} {w}" for s, b, w in ROWS]

    def test_a_column_that_is_not_there_is_named(self, driver: Driver) -> None:
        driver.settings["partition_keys"] = ["Shop"]
        code, said = driver.run()
        assert code == 1
        assert "the table has no column 'Shop'; it has Store, Brand, Week" in said

    def test_files_that_a_table_lists(self, driver: Driver) -> None:
        (driver.input / "MLTable").write_text("paths:\n  - pattern: ./*.txt\n")
        driver.files(4)
        driver.settings["mini_batch_size"] = "3"
        driver.script("""\
            import os
            def run(paths):
                return [f"{len(paths)} {os.path.basename(path)}" for path in paths]
        """)
        code, said = driver.run()
        assert code == 0, said
        assert driver.lines == ["3 f000.txt", "3 f001.txt", "3 f002.txt", "1 f003.txt"]

    def test_an_environment_without_what_tables_need_is_told(self, driver: Driver) -> None:
        driver.variables = {"PYTHONPATH": "", "PYTHONNOUSERSITE": "1"}
        code, said = driver.run()
        assert code == 1
        assert "the job's environment has no mltable" in said
        assert "Add it to the environment's dependencies" in said
