"""Where files are: patterns, datastores, and what fsspec knows."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import fsspec
import pytest

from lazur import mltable
from lazur.mltable import _server, _storage
from tests.datastores.web import Web, serving

Write = Callable[..., Path]


class TestPatterns:
    @pytest.mark.parametrize(
        "pattern, wanted",
        [
            ("*.csv", ["a.csv", "b.csv"]),
            ("?.csv", ["a.csv", "b.csv"]),
            ("[!a].csv", ["b.csv"]),
            ("[a-b].csv", ["a.csv", "b.csv"]),
            ("**/*.csv", ["a.csv", "b.csv", "x/a.csv", "x/y/a.csv"]),
            ("x/**", ["x/a.csv", "x/y/a.csv"]),
            ("*/a.csv", ["x/a.csv"]),
            ("x/*/a.csv", ["x/y/a.csv"]),
            ("a.csv", ["a.csv"]),
            ("z*", []),
            ("[]]*", []),
            ("[]*", []),
            ("[!]*", []),
            ("[^]*", []),
            ("[\\a].csv", ["a.csv"]),
            ("[[a]*.csv", ["a.csv"]),
        ],
    )
    def test_wildcards(
        self, write: Write, tmp_path: Path, pattern: str, wanted: list[str]
    ) -> None:
        for name in ("a.csv", "b.csv", "x/a.csv", "x/y/a.csv", "x/y/b.txt"):
            if name != "x/y/b.txt" or pattern != "x/**":
                write(name, "")
        found = _storage.Storage().glob(f"{tmp_path}/{pattern}")
        assert [str(Path(path).relative_to(tmp_path)) for path in found] == wanted

    def test_one_that_makes_no_sense_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(mltable.MLTableError, match=r"pattern '.*\[z-a\]\.csv' cannot be read"):
            _storage.Storage().glob(f"{tmp_path}/[z-a].csv")

    def test_one_without_files_is_told(self, tmp_path: Path) -> None:
        table = mltable.from_parquet_files([{"pattern": f"{tmp_path}/*.parquet"}])
        with pytest.raises(mltable.MLTableError, match=r"no file at .*\*.parquet"):
            table.get_partition_count()
        with pytest.raises(mltable.MLTableError, match="Wildcards are for `pattern`"):
            mltable.from_parquet_files([{"file": f"{tmp_path}/*.parquet"}]).to_arrow()
        with pytest.raises(mltable.MLTableError, match="no folder"):
            mltable.from_parquet_files([{"folder": f"{tmp_path}/x"}]).get_partition_count()

    def test_markers_in_folders_are_no_data(self, write: Write) -> None:
        folder = write("_SUCCESS", "").parent
        for name in (".hidden.csv", "_committed_1", "MLTable", "_delta_log/0.json"):
            write(name, "x")
        write("a.csv", "a\n1\n")
        assert mltable.from_delimited_files([{"folder": str(folder)}]).get_partition_count() == 1
        assert mltable.from_paths([{"folder": str(folder)}]).get_partition_count() == 6


class TestDatastores:
    LONG = (
        "azureml://subscriptions/s/resourcegroups/g/workspaces/w/datastores/store/paths/in/a.csv"
    )

    @pytest.mark.parametrize("uri", ["azureml://datastores/store/paths/in/a.csv", LONG])
    def test_the_runtime_says_where_they_are(
        self, write: Write, monkeypatch: pytest.MonkeyPatch, uri: str
    ) -> None:
        root = write("in/a.csv", "a\n1\n").parent.parent
        monkeypatch.setenv("LAZUR_DATASTORES", json.dumps({"store": str(root)}))
        assert mltable.resolve(uri) == f"{root}/in/a.csv"
        table = mltable.from_delimited_files([{"file": uri}], include_path_column=True)
        assert table.to_arrow().to_pylist() == [{"Path": uri, "a": 1}]

    def test_without_the_runtime_it_says_what_to_do(self) -> None:
        table = mltable.from_parquet_files([{"file": "azureml://datastores/store/paths/x"}])
        with pytest.raises(mltable.MLTableError, match=r"where the datastore 'store' .* input"):
            table.to_arrow()
        with pytest.raises(mltable.MLTableError, match="the name of an asset"):
            mltable.load("azureml:green:1")

    def test_no_path_leads_out_of_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LAZUR_DATASTORES", '{"store": "/data/store"}')
        with pytest.raises(mltable.MLTableError, match=r"leads out of the datastore"):
            mltable.resolve("azureml://datastores/store/paths/../other")

    @pytest.mark.parametrize(
        "rest, wanted",
        [
            ("", ""),
            ("/", ""),
            ("/paths/a.csv", "/paths/a.csv"),
            ("/paths/a/b/", "/paths/a/b/"),
            ("/MLTable", "/paths/MLTable"),
        ],
    )
    def test_outputs_of_jobs_are_the_servers(
        self, monkeypatch: pytest.MonkeyPatch, rest: str, wanted: str
    ) -> None:
        output = "azureml://jobs/j/outputs/o"
        with pytest.raises(mltable.MLTableError, match="which only the server knows"):
            mltable.resolve(output + rest)
        for name in ("LAZUR_SERVER", "LAZUR_TOKEN", "LAZUR_WORKSPACE"):
            monkeypatch.setenv(name, "x")
        assert mltable.resolve(output + rest) == output + wanted
        with pytest.raises(mltable.MLTableError, match="leads out of the output"):
            mltable.resolve(f"{output}/paths/../x")

    @pytest.mark.parametrize("value", ["{", "[]"])
    def test_a_broken_setting_is_told(self, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
        monkeypatch.setenv("LAZUR_DATASTORES", value)
        with pytest.raises(mltable.MLTableError, match="LAZUR_DATASTORES"):
            mltable.resolve("azureml://datastores/store/paths/x")

    def test_a_process_can_say_it_too(self) -> None:
        before = mltable.set_resolver(lambda uri: uri.replace("azureml://x", "/data"))
        try:
            assert mltable.resolve("azureml://x/a") == "/data/a"
        finally:
            assert mltable.set_resolver(before)

    def test_blob_addresses_are_what_fsspec_calls_them(self) -> None:
        found = mltable.resolve("wasbs://box@site.blob.core.windows.net/a/b.csv")
        assert found == "abfss://box@site.dfs.core.windows.net/a/b.csv"


class TestAtTheServer:
    @pytest.mark.parametrize(
        "name, place, path",
        [
            ("datastores/raw/paths/a/b.csv", "datastores/raw", "a/b.csv"),
            ("datastores/paths/paths/paths/b", "datastores/paths", "paths/b"),
            ("jobs/x/outputs/paths_out/paths/a", "jobs/x/outputs/paths_out", "a"),
            ("jobs/x/outputs/y", "jobs/x/outputs/y", ""),
            ("jobs/x/outputs/y/paths/", "jobs/x/outputs/y", ""),
        ],
    )
    def test_names_have_a_place_and_a_path(self, name: str, place: str, path: str) -> None:
        assert _server._split(name) == [place, path]


class TestRemote:
    @pytest.fixture
    def memory(self) -> Iterator[fsspec.AbstractFileSystem]:
        system = fsspec.filesystem("memory")
        system.pipe({"/box/in/1.csv": b"a\n1\n", "/box/in/2.csv": b"a\n2\n"})
        yield system
        system.store.clear()

    @pytest.mark.parametrize(
        "path",
        [
            {"folder": "memory://box/in"},
            {"pattern": "memory://box/in/*.csv"},
            {"pattern": "memory://box/**/*.csv"},
        ],
    )
    def test_files_of_a_store_are_read(
        self, memory: fsspec.AbstractFileSystem, path: dict[str, str]
    ) -> None:
        table = mltable.from_delimited_files([path], include_path_column=True)
        assert table.to_arrow()["a"].to_pylist() == [1, 2]
        assert table.to_arrow()["Path"][0].as_py() == "memory:///box/in/1.csv"

    def test_tables_are_saved_to_and_loaded_from_one(
        self, memory: fsspec.AbstractFileSystem, people: mltable.MLTable
    ) -> None:
        with pytest.raises(mltable.MLTableError, match=r"Save with colocated=True"):
            people.save("memory://box/saved")
        people.save("memory://box/saved", colocated=True)
        again = mltable.load("memory://box/saved")
        assert again.paths == [{"file": "./people.csv"}]
        assert again.to_arrow() == people.to_arrow()

    def test_a_store_that_nobody_knows_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "adlfs", None)
        with pytest.raises(mltable.MLTableError, match=r"abfss://b@x/x .*pip install adlfs"):
            mltable.from_parquet_files([{"file": "abfss://b@x/x"}]).to_arrow()
        with pytest.raises(mltable.MLTableError, match="cannot be read here"):
            mltable.from_parquet_files([{"file": "nowhere://b/x"}]).to_arrow()


class TestWeb:
    """Without the packages that fsspec reads it with."""

    @pytest.fixture
    def web(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
        monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
        with serving(Web({"/a.csv": b"a,b\n1,x\n2,y\n"})) as web:
            yield web

    def test_a_file_is_read(self, web: Web, write: Write) -> None:
        write(
            "MLTable", f"paths: [{{file: '{web.url}/a.csv'}}]\ntransformations: [read_delimited]"
        )
        table = mltable.load(str(write("x", "").parent))
        assert table.to_arrow().to_pydict() == {"a": [1, 2], "b": ["x", "y"]}

    def test_one_is_there_or_not(self, web: Web) -> None:
        assert _storage.Storage().exists(f"{web.url}/a.csv")
        assert not _storage.Storage().exists(f"{web.url}/none.csv")

    def test_one_that_is_not_there_is_told(self, web: Web) -> None:
        with pytest.raises(mltable.MLTableError, match=r"none.csv cannot be fetched: 404"):
            mltable.from_delimited_files([{"file": f"{web.url}/none.csv"}]).to_arrow()

    @pytest.mark.parametrize("kind", ["folder", "pattern"])
    def test_lists_of_files_are_refused(self, web: Web, kind: str) -> None:
        with pytest.raises(mltable.MLTableError, match="Name each of them with `file`"):
            mltable.from_delimited_files([{kind: f"{web.url}/*.csv"}]).to_arrow()
