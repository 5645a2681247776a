from __future__ import annotations

import errno
import os
from pathlib import Path

import pandas as pd
import pytest

from lazur.runtime.parallel import results
from lazur.runtime.parallel.ledger import Ledger
from lazur.runtime.parallel.results import Spool
from lazur.runtime.parallel.settings import Settings, Wrong


def settings(*arguments: str) -> Settings:
    return Settings({"entry_script": "s.py"}, list(arguments))


class TestMerge:
    def test_rows_come_in_order_whoever_made_them(self, tmp_path: Path) -> None:
        one = Spool(str(tmp_path / "rows-1"), settings())
        other = Spool(str(tmp_path / "rows-2"), settings())
        last, first = one.add(["c", "d"]), other.add(["a"])
        middle = one.add({"b": 1})
        one.write()
        other.write()
        target = str(tmp_path / "out" / "all.txt")
        results.merge(str(tmp_path), [first, middle, last], target)
        assert Path(target).read_text() == 'a\n{"b": 1}\nc\nd\n'

    def test_a_frame_is_rows_with_blanks_between_as_on_azure(self, tmp_path: Path) -> None:
        spool = Spool(str(tmp_path / "rows-1"), settings())
        told = spool.add(pd.DataFrame({"a": [1, 2], "b": ["x", "y z"]}))
        spool.write()
        target = str(tmp_path / "all.txt")
        results.merge(str(tmp_path), [told], target)
        assert Path(target).read_text() == '1 x\n2 "y z"\n'
        assert told["n"] == 2

    def test_its_header_is_written_once_where_it_is_asked_for(self, tmp_path: Path) -> None:
        asked = settings(
            "--append_row_dataframe_header", "True", "--append_row_dataframe_sep", ","
        )
        spool = Spool(str(tmp_path / "rows-1"), asked)
        told = [spool.add(pd.DataFrame({"a": [n], "b": [n]})) for n in (1, 2)]
        spool.write()
        target = str(tmp_path / "all.csv")
        results.merge(str(tmp_path), told, target)
        assert Path(target).read_text() == "a,b\n1,1\n2,2\n"

    def test_in_a_folder_the_file_has_azures_name(self, tmp_path: Path) -> None:
        (tmp_path / "out").mkdir()
        results.merge(str(tmp_path), [], str(tmp_path / "out"))
        assert (tmp_path / "out" / "parallel_run_step.txt").exists()

    def test_what_cannot_be_merged_leaves_no_file(self, tmp_path: Path) -> None:
        told = {"d": 0, "f": "rows-gone", "o": 0, "l": 5}
        with pytest.raises(Wrong, match="could not be merged"):
            results.merge(str(tmp_path), [told], str(tmp_path / "all.txt"))
        assert not (tmp_path / "all.txt").exists()

    def test_an_output_that_is_an_address_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(Wrong, match="no place on the node"):
            results.merge(str(tmp_path), [], "azureml://datastores/x/paths/y")

    def test_rows_that_a_power_cut_took_are_missed(self, tmp_path: Path) -> None:
        spool = Spool(str(tmp_path / "rows-1"), settings())
        told = spool.add(["abc"])
        assert not results.is_whole(str(tmp_path), told)
        spool.write()
        assert results.is_whole(str(tmp_path), told)
        os.truncate(tmp_path / "rows-1", 2)
        assert not results.is_whole(str(tmp_path), told)


class TestSpool:
    def test_it_says_when_it_holds_much(self, tmp_path: Path) -> None:
        spool = Spool(str(tmp_path / "rows-1"), settings())
        spool.add(["x" * 600_000])
        assert not spool.full
        spool.add(["x" * 600_000])
        assert spool.full
        spool.write()
        assert not spool.full

    def test_what_could_not_be_written_does_not_count(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        spool = Spool(str(tmp_path / "rows-1"), settings())
        spool.add(["lost"])
        with monkeypatch.context() as full:
            full.setattr(os, "write", _no_room)
            with pytest.raises(OSError, match="No space left"):
                spool.write()
        told = spool.add(["kept"])
        spool.write()
        target = str(tmp_path / "all.txt")
        results.merge(str(tmp_path), [told], target)
        assert Path(target).read_text() == "kept\n"


def _no_room(_descriptor: int, _data: object) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class TestLedger:
    def test_a_line_that_was_half_written_is_none_and_harms_no_other(self, tmp_path: Path) -> None:
        path = tmp_path / "ledger.jsonl"
        path.write_text('{"d":1}\n{"d":2,"s')
        ledger = Ledger(str(path))
        assert ledger.entries() == [{"d": 1}]
        ledger.add({"d": 3})
        ledger.flush()
        assert ledger.entries() == [{"d": 1}, {"d": 3}]

    def test_two_processes_do_not_write_it(self, tmp_path: Path) -> None:
        first = Ledger(str(tmp_path / "ledger.jsonl"))
        with pytest.raises(Wrong, match="another process"):
            Ledger(str(tmp_path / "ledger.jsonl"))
        assert first.entries() == []
