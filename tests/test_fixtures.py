"""The fixtures of conftest.py keep what they promise."""

from __future__ import annotations

import os
import pwd
import socket
import stat
from pathlib import Path

import pytest
import sqlalchemy
from hypothesis import given
from hypothesis import strategies as st


class TestIsolation:
    def test_home_is_not_the_persons_own(self) -> None:
        assert Path.home() != Path(pwd.getpwuid(os.geteuid()).pw_dir)

    def test_nothing_of_the_persons_settings_is_seen(self) -> None:
        assert [name for name in os.environ if name.startswith("LAZUR_")] == ["LAZUR_HOME"]

    @pytest.mark.parametrize("_again", range(2))
    def test_home_is_new_for_each_test(self, home: Path, _again: int) -> None:
        assert list(home.iterdir()) == []
        assert stat.S_IMODE(home.stat().st_mode) == 0o700
        (home / "left.txt").touch()

    @given(number=st.integers())
    def test_property_tests_are_isolated_too(self, number: int) -> None:
        assert os.environ["LAZUR_HOME"].startswith(os.environ["HOME"])


class TestFreePort:
    def test_it_can_be_bound(self, free_port: int) -> None:
        with socket.socket() as server:
            server.bind(("127.0.0.1", free_port))


class TestDatabaseUrl:
    @pytest.mark.parametrize("_again", range(2))
    def test_each_test_gets_an_empty_database(self, database_url: str, _again: int) -> None:
        engine = sqlalchemy.create_engine(database_url)
        with engine.begin() as connection:
            connection.execute(sqlalchemy.text("CREATE TABLE only_here (x INTEGER)"))
            assert sqlalchemy.inspect(connection).get_table_names() == ["only_here"]
        engine.dispose()
