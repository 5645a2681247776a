"""What an import's job runs: against real databases and a real object store on this machine."""

from __future__ import annotations

import importlib
import json
import os
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyarrow as pa
import pytest

import lazur
from lazur import mltable
from lazur.importing import files, tables
from lazur.importing._tools import Address, Failed, address

SECRET = "wJalr-this-must-not-be-said"
PEAK = "VmHWM:"
KEYS = {"access_key_id": "AKIDEXAMPLE", "secret_access_key": SECRET}


def run(
    folder: Path, source: dict[str, Any], code: str | None = None, **given: str
) -> subprocess.CompletedProcess[str]:
    """As the job does: its code is the package alone, on its own path."""
    path = Path(lazur.__file__).parent
    variables = {f"LAZUR_IMPORT_{name.upper()}": value for name, value in given.items()}
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(path),
        "LAZUR_IMPORT": json.dumps({"source": source}),
        **variables,
    }
    argv = ["-c", code] if code else ["-m", "importing"]
    return subprocess.run(
        [sys.executable, "-B", *argv, str(folder)],
        env=environment,
        cwd=folder.parent,
        capture_output=True,
        text=True,
        check=False,
    )


def database(kind: str = "custom", **more: Any) -> dict[str, Any]:
    return {"type": "database", "connection_type": kind, **more}


def told(folder: Path, source: dict[str, Any], **given: str) -> str:
    ran = run(folder, source, **given)
    assert ran.returncode == 1, ran.stderr
    assert "Traceback" not in ran.stderr
    assert SECRET not in ran.stderr
    return ran.stderr


def rows(folder: Path) -> pa.Table:
    return mltable.load(str(folder)).to_arrow()


class TestSqlite:
    @pytest.fixture
    def target(self, tmp_path: Path) -> str:
        with sqlite3.connect(tmp_path / "a.db") as link:
            link.execute("create table t (id integer, name text, x, nought)")
            values = ((i, f"n{i}", i if i < 25_000 else i / 2, None) for i in range(50_000))
            link.executemany("insert into t values (?, ?, ?, ?)", values)
            link.execute('create table "odd name" (a)')
        link.close()
        return f"sqlite:///{tmp_path}/a.db"

    def test_a_query(self, tmp_path: Path, target: str) -> None:
        source = database(query="select * from t order by id")
        ran = run(tmp_path / "out", source, target=target)
        assert ran.returncode == 0, ran.stderr
        assert "Imported 50,000 rows." in ran.stderr
        found = rows(tmp_path / "out")
        assert found.num_rows == 50_000
        assert found.column("x").to_pylist()[-1] == 49_999 / 2
        assert found.schema.field("x").type == pa.float64()  # in all files
        assert found.column("nought").null_count == 50_000

    def test_a_table_without_rows(self, tmp_path: Path, target: str) -> None:
        ran = run(tmp_path / "out", database(table_name="odd name"), target=target)
        assert ran.returncode == 0, ran.stderr
        assert rows(tmp_path / "out").column_names == ["a"]

    def test_the_file_is_not_written(self, tmp_path: Path, target: str) -> None:
        assert "readonly" in told(tmp_path / "out", database(query="delete from t"), target=target)

    @pytest.mark.parametrize(
        "source, target, words",
        [
            ({"query": "selct 1"}, "", 'near "selct"'),
            ({"query": "select 1"}, "sqlite:////not/there.db", "There is no file /not/there.db"),
            ({"query": "select 1"}, "oracle://x/y", "is no database that is known"),
            ({"query": "select 1"}, "mysql://127.0.0.1:1/x", "pip install pymysql"),
            ({"query": "select 1"}, "snowflake://a/", "snowflake-connector-python"),
            ({"query": "select 1"}, "mssql://h/x", "pip install pymssql"),
            ({"stored_procedure": "p"}, "", "write a query"),
        ],
    )
    def test_what_cannot_be(
        self, tmp_path: Path, target: str, source: dict[str, Any], words: str
    ) -> None:
        given = {"target": target or f"sqlite:///{tmp_path}/a.db", "password": SECRET}
        if not target:
            with sqlite3.connect(tmp_path / "a.db"):
                pass
        assert words in told(tmp_path / "out", database(**source), **given)


@pytest.mark.needs_postgresql
class TestPostgresql:
    @pytest.fixture
    def target(self, postgresql: str) -> str:
        parts = urlsplit(postgresql)
        socket = parse_qs(parts.query)["host"][0]
        return f"postgresql:///{parts.path.lstrip('/')}?host={socket}"

    def execute(self, url: str, statement: str) -> None:
        driver: Any = importlib.import_module("psycopg")
        with driver.connect(url.replace("postgresql+psycopg:", "postgresql:")) as link:
            link.execute(statement)

    def test_every_type(self, tmp_path: Path, postgresql: str, target: str) -> None:
        self.execute(
            postgresql,
            """create table t as select 1::int as i, 1.5::float8 as f, 12.34::numeric(10, 2) as d,
            'x'::text as t, true as b, '2020-01-02'::date as day,
            timestamp '2020-01-02 03:04' as at,
            timestamptz '2020-01-02 03:04+00' as tz, '\\x00ff'::bytea as raw,
            '{"a": 1}'::jsonb as doc, array[1, 2] as list, null::int as nothing,
            '6ba7b810-9dad-11d1-80b4-00c04fd430c8'::uuid as id""",
        )
        ran = run(
            tmp_path / "out",
            database("azure_postgres_db", table_name="public.t"),
            target=target,
            username="lazur",
            password=SECRET,
        )
        assert ran.returncode == 0, ran.stderr
        (row,) = rows(tmp_path / "out").to_pylist()
        assert row["d"] == Decimal("12.34")
        assert row["tz"] == datetime(2020, 1, 2, 3, 4, tzinfo=UTC)
        assert (row["i"], row["f"], row["b"], row["raw"]) == (1, 1.5, True, b"\0\xff")
        assert (row["doc"], row["list"]) == ('{"a": 1}', "[1, 2]")
        assert row["id"] == "6ba7b810-9dad-11d1-80b4-00c04fd430c8"

    @pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
    def test_a_large_table_is_not_in_memory(
        self, tmp_path: Path, postgresql: str, target: str
    ) -> None:
        """400 MB of rows."""
        self.execute(
            postgresql,
            "create table big as select n, repeat(md5(n::text), 12) as t"
            " from generate_series(1, 1000000) n",
        )
        code = (
            "import runpy, sys\n"
            "sys.argv = ['importing', sys.argv[1]]\n"
            "try: runpy.run_module('importing', run_name='__main__')\n"
            "except SystemExit: pass\n"
            "print(open('/proc/self/status').read())"
        )
        ran = run(
            tmp_path / "out",
            database(query="select * from big"),
            code,
            target=target,
            username="lazur",
        )
        peak = next(line for line in ran.stdout.splitlines() if line.startswith(PEAK))
        assert "Imported 1,000,000 rows." in ran.stderr
        assert int(peak.split()[1]) < 300 << 10
        assert rows(tmp_path / "out").num_rows == 1_000_000

    def test_nobody_is_let_in(self, tmp_path: Path, target: str) -> None:
        source = database(query="select 1")
        given = {"target": target, "username": "nobody-there", "password": SECRET}
        assert "cannot be connected to" in told(tmp_path / "out", source, **given)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server: Any = importlib.import_module("moto.server").ThreadedMotoServer("127.0.0.1", 0, False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


class TestS3:
    @pytest.fixture
    def target(self, endpoint: str) -> str:
        target = f"{endpoint}/bucket-{uuid.uuid4().hex[:8]}"
        store = files.S3({"target": target, **KEYS})
        store._client.create_bucket(Bucket=store._bucket)
        for name in ("data/a.csv", "data/deep/b.csv", "data/c.txt", "other/d.csv"):
            store._client.put_object(Bucket=store._bucket, Key=name, Body=name.encode())
        return target

    @pytest.mark.parametrize(
        "path, expected",
        [
            ("data", ["a.csv", "c.txt", "deep/b.csv"]),
            ("data/*", ["a.csv", "c.txt", "deep/b.csv"]),
            ("data/*.csv", ["a.csv"]),
            ("data/a.csv", ["a.csv"]),
            ("", ["data/a.csv", "data/c.txt", "data/deep/b.csv", "other/d.csv"]),
        ],
    )
    def test_what_is_asked_for(
        self, tmp_path: Path, target: str, path: str, expected: list[str]
    ) -> None:
        source = {"type": "file_system", "connection_type": "s3", "path": path}
        ran = run(tmp_path / "out", source, target=target, **KEYS)
        assert ran.returncode == 0, ran.stderr
        found = [p for p in (tmp_path / "out").rglob("*") if p.is_file()]
        assert sorted(str(p.relative_to(tmp_path / "out")) for p in found) == expected
        for name in found:
            assert name.read_text().endswith(name.name)

    def test_what_is_not_there(self, tmp_path: Path, target: str) -> None:
        source = {"type": "file_system", "connection_type": "s3", "path": "nix"}
        assert "There is nothing at 'nix'" in told(tmp_path / "out", source, target=target, **KEYS)
        gone = target.rpartition("/")[0] + "/no-such-bucket"
        assert "cannot be listed" in told(tmp_path / "out", source, target=gone, **KEYS)

    @pytest.mark.parametrize("name", ["data/../../etc/passwd", "data/", "data/x\0y"])
    def test_no_name_leads_out(self, name: str) -> None:
        assert files._relative(name, "data") is None


class TestAddresses:
    @pytest.mark.parametrize(
        "text, expected",
        [
            ("postgresql://db.example:5433/crm", ("postgresql", "db.example", 5433, "crm")),
            ("jdbc:postgresql://db.example/crm", ("postgresql", "db.example", None, "crm")),
            ("Server=tcp:s.database.windows.net,1433;Database=d", ("", None, 1433, "d")),
            ("host=h;port=5432;dbname=x", ("", "h", 5432, "x")),
            ("db.example:3306/crm", ("", "db.example", 3306, "crm")),
            ("postgresql+psycopg://h/x%20y", ("postgresql", "h", None, "x y")),
        ],
    )
    def test_forms(self, text: str, expected: tuple[Any, ...]) -> None:
        scheme, host, port, name = expected
        found = address(text)
        assert isinstance(found, Address)
        assert (found.scheme, found.port, found.database) == (scheme, port, name)
        assert found.host == (host or "s.database.windows.net")

    def test_a_password_in_the_target(self) -> None:
        with pytest.raises(Failed, match="credentials"):
            address("postgresql://joe:secret@h/x")

    @pytest.mark.parametrize(
        "target, expected",
        [
            ("s3://b", (None, "b")),
            ("b", (None, "b")),
            ("https://b.s3.eu-west-1.amazonaws.com", (None, "b")),
            ("https://s3.amazonaws.com/b", (None, "b")),
            ("http://localhost:9000/b/", ("http://localhost:9000", "b")),
        ],
    )
    def test_buckets(self, target: str, expected: tuple[str | None, str]) -> None:
        assert files.bucket_of(target) == expected


class TestTypes:
    @pytest.mark.parametrize(
        "batches, expected",
        [
            ([[1, 2], [None]], pa.int64()),
            ([[None], [1.5]], pa.float64()),
            ([[1], [2.5]], pa.float64()),
            ([[1], ["x"]], pa.string()),
            ([[1 << 70]], pa.string()),
            ([[Decimal("1.5")], [Decimal("1.234")]], pa.decimal128(38, 3)),
            ([[None], [None]], pa.string()),
        ],
    )
    def test_a_column_is_as_wide_as_it_has_to_be(
        self, tmp_path: Path, batches: list[list[Any]], expected: pa.DataType
    ) -> None:
        with tables.Writer(tmp_path) as writer:
            writer.begin(["x"])
            for values in batches:
                writer.add([(value,) for value in values])
        found = rows(tmp_path)
        assert found.schema.field("x").type == expected
        given = [value for values in batches for value in values]
        if pa.types.is_string(expected):
            given = [None if value is None else str(value) for value in given]
        assert found.column("x").to_pylist() == given

    def test_names_that_come_twice(self, tmp_path: Path) -> None:
        with tables.Writer(tmp_path) as writer:
            writer.begin(["a", "a", ""])
            writer.add([(1, 2, 3)])
        assert rows(tmp_path).column_names == ["a", "a_1", "column"]
