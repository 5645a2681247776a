"""Data that was made to do harm: it ends the process that looks, and says so."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from lazur.errors import Invalid
from lazur.profiling import confinement
from lazur.services.looks.process import PREVIEW, PROFILE
from tests.profiling.conftest import Look

SMALL = replace(PROFILE, memory=400 << 20, cpu=20, seconds=30, disk=64 << 20)
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="the kernel of Linux sees to it")


class Canary:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.path}",)


def message(look: Look, path: Path, **more: Any) -> str:
    with pytest.raises(Invalid) as caught:
        look(path, **{"limits": SMALL, **more})
    assert str(path) not in str(caught.value)
    assert caught.value.hint
    return caught.value.message


class TestTooMuch:
    def test_a_line_of_a_gigabyte(self, look: Look, tmp_path: Path) -> None:
        with (tmp_path / "a.csv").open("wb") as file:
            file.write(b"a,b\n")
            file.truncate(1 << 30)
        assert "has a line of more than 64 MB" in message(look, tmp_path / "a.csv")

    def test_a_line_of_json(self, look: Look, tmp_path: Path) -> None:
        with (tmp_path / "a.jsonl").open("wb") as file:
            file.write(b'{"a": "')
            file.truncate(200 << 20)
        assert "has a line of more than 64 MB" in message(look, tmp_path / "a.jsonl")

    def test_a_parquet_file_that_unfolds(self, look: Look, tmp_path: Path) -> None:
        """A few kilobytes, and gigabytes when read."""
        table = pa.table({"x": pa.array([b"\0" * (64 << 20)] * 12, pa.large_binary())})
        parquet.write_table(table, tmp_path / "a.parquet", compression="zstd")
        assert (tmp_path / "a.parquet").stat().st_size < 200_000
        assert "needs more memory than a look may take" in message(look, tmp_path / "a.parquet")

    def test_json_that_is_nested_without_end(self, look: Look, tmp_path: Path) -> None:
        (tmp_path / "a.jsonl").write_text('{"a": ' + "[" * 500_000 + "]" * 500_000 + "}\n")
        assert message(look, tmp_path / "a.jsonl")

    def test_yaml_that_unfolds(self, look: Look, tmp_path: Path) -> None:
        bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
            f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]\n"
            for n in range(9)
        )
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "MLTable").write_text(f"{bomb}paths: *j\n")
        assert message(look, tmp_path / "data", kind="mltable")

    def test_a_million_columns(self, look: Look, tmp_path: Path) -> None:
        names = ",".join(f"c{n}" for n in range(20_000))
        (tmp_path / "a.csv").write_text(names + "\n" + ",".join(["1"] * 20_000) + "\n")
        found = look(tmp_path / "a.csv", limits=replace(SMALL, memory=1 << 30))
        assert (len(found["columns"]), found["columns_left_out"]) == (1_000, 19_000)

    def test_time(self, look: Look, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text("n,t\n" + "1,x\n" * 20_000_000)
        limits = replace(PROFILE, cpu=1)
        told = message(look, tmp_path / "a.csv", limits=limits)
        assert "more of the processor than 1 seconds" in told


class TestDamaged:
    @pytest.mark.parametrize("seed", range(12))
    def test_parquet_with_wrong_bytes(self, look: Look, tmp_path: Path, seed: int) -> None:
        """An answer or a reason, and nothing else."""
        made = np.random.default_rng(seed)
        path = tmp_path / "a.parquet"
        parquet.write_table(pa.table({"n": made.integers(0, 9, 999), "t": ["text"] * 999}), path)
        data = bytearray(path.read_bytes())
        for place in made.integers(0, len(data), 1 + 4 * seed):
            data[place] = made.integers(0, 256)
        path.write_bytes(data)
        with contextlib.suppress(Invalid):
            assert look(path, limits=SMALL)["files"] == 1

    def test_a_footer_that_lies_about_its_size(self, look: Look, tmp_path: Path) -> None:
        data = b"PAR1" + b"\0" * 64 + struct.pack("<I", 0x7FFFFFFF) + b"PAR1"
        (tmp_path / "a.parquet").write_bytes(data)
        assert "cannot be read as Parquet" in message(look, tmp_path / "a.parquet")

    def test_images_whose_heads_end_early(self, look: Look, tmp_path: Path) -> None:
        (tmp_path / "data").mkdir()
        heads = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0\xff\xff", b"II*\0")
        for place, head in enumerate(heads):
            (tmp_path / "data" / f"{place}.img").write_bytes(head)
        found = look(tmp_path / "data", "preview", "uri_folder")
        assert len(found["listed"]) == 3


class TestCode:
    @pytest.mark.parametrize("name", ["a.pkl", "a.npy", "a.parquet", "a.csv"])
    def test_a_pickle_is_bytes(self, look: Look, tmp_path: Path, name: str) -> None:
        canary = tmp_path / "canary"
        data = pickle.dumps(Canary(canary))
        if name == "a.npy":
            array = np.array([Canary(canary)], dtype=object)
            np.save(tmp_path / name, array, allow_pickle=True)
        else:
            (tmp_path / name).write_bytes(data)
        for verb in ("preview", "profile"):
            try:
                look(tmp_path / name, verb, limits=SMALL)
            except Invalid:
                continue
        assert not canary.exists()

    def test_an_extension_type_of_arrow(self, look: Look, tmp_path: Path) -> None:
        """CVE-2023-47248: its metadata was a pickle, and was loaded."""
        canary = tmp_path / "canary"
        told = {
            b"ARROW:extension:name": b"arrow.py_extension_type",
            b"ARROW:extension:metadata": pickle.dumps(Canary(canary)),
        }
        schema = pa.schema([pa.field("n", pa.int64(), metadata=told)])
        table = pa.Table.from_arrays([pa.array([1, 2])], schema=schema)
        parquet.write_table(table, tmp_path / "a.parquet")
        assert look(tmp_path / "a.parquet", "preview")["rows"] == [[1], [2]]
        assert not canary.exists()

    def test_tags_of_yaml(self, look: Look, tmp_path: Path) -> None:
        canary = tmp_path / "canary"
        (tmp_path / "data").mkdir()
        text = f"paths: !!python/object/apply:os.system ['touch {canary}']\n"
        (tmp_path / "data" / "MLTable").write_text(text)
        assert "could not determine a constructor" in message(
            look, tmp_path / "data", kind="mltable"
        )
        assert not canary.exists()


class TestPlaces:
    @pytest.fixture
    def secret(self, tmp_path: Path) -> Path:
        path = tmp_path / "secret.csv"
        path.write_text("password\nhunter2\n")
        return path

    def table(self, tmp_path: Path, where: str, kind: str = "file") -> Path:
        folder = tmp_path / "data"
        folder.mkdir()
        text = f"paths: [{{{kind}: '{where}'}}]\ntransformations: [read_delimited]\n"
        (folder / "MLTable").write_text(text)
        return folder

    @pytest.mark.parametrize("kind", ["file", "folder", "pattern"])
    def test_a_table_names_a_file_elsewhere(
        self, look: Look, tmp_path: Path, secret: Path, kind: str
    ) -> None:
        where = {"file": secret, "folder": tmp_path, "pattern": tmp_path / "*.csv"}[kind]
        folder = self.table(tmp_path, str(where), kind)
        assert "is not a part of this data" in message(look, folder, kind="mltable")

    def test_a_link_leads_elsewhere(self, look: Look, tmp_path: Path, secret: Path) -> None:
        folder = self.table(tmp_path, "./a.csv")
        (folder / "a.csv").symlink_to(secret)
        assert "is not a part of this data" in message(look, folder, kind="mltable")

    @pytest.mark.parametrize(
        "where", ["http://127.0.0.1:1/a.csv", "s3://bucket/a.csv", "file:///etc/passwd"]
    )
    def test_addresses(self, look: Look, tmp_path: Path, where: str) -> None:
        folder = self.table(tmp_path, where)
        told = message(look, folder, kind="mltable")
        assert "fetches nothing" in told or "is not a part of this data" in told

    def test_datastores_of_the_workspace_are_fine(
        self, look: Look, tmp_path: Path, secret: Path
    ) -> None:
        folder = self.table(tmp_path, "azureml://datastores/store/paths/secret.csv")
        found = look(folder, "preview", "mltable", store=str(tmp_path))
        assert found["rows"] == [["hunter2"]]
        assert "Nobody said where" in message(look, folder, kind="mltable", limits=PREVIEW)


PROBE = """
import json, os, socket, subprocess, sys, signal
from lazur.profiling import confinement
limits = confinement.Limits(**json.loads(sys.argv[1]))
# as if the hook of Python were not there: what the kernel does
confinement.sys.addaudithook = lambda hook: None
held = confinement.confine(limits, [sys.argv[2]], sys.argv[3])
def tried(what):
    try: what()
    except BaseException as error: return type(error).__name__
    return "done"
print(json.dumps({"held": held,
  "read": tried(lambda: open(sys.argv[2] + "/mine").read()),
  "write": tried(lambda: open(sys.argv[2] + "/new", "w")),
  "change": tried(lambda: open(sys.argv[2] + "/mine", "a")),
  "scratch": tried(lambda: open(sys.argv[3] + "/x", "w").write("x")),
  "elsewhere": tried(lambda: open(sys.argv[4]).read()),
  "list": tried(lambda: os.listdir(os.path.dirname(sys.argv[4]))),
  "connect": tried(lambda: socket.create_connection(("127.0.0.1", int(sys.argv[5])), 2)),
  "unix": tried(lambda: socket.socket(socket.AF_UNIX)),
  "datagram": tried(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)),
  "program": tried(lambda: subprocess.run(["/bin/true"], check=True)),
  "kill": tried(lambda: os.kill(os.getppid(), 0)),
  "memory": tried(lambda: bytearray(1 << 30)),
}))
"""


@LINUX
class TestConfinement:
    @pytest.fixture
    def port(self) -> Iterator[int]:
        with socket.create_server(("127.0.0.1", 0)) as server:
            yield server.getsockname()[1]

    @pytest.mark.skipif(confinement._abi() < 1, reason="this kernel has no Landlock")
    def test_what_the_kernel_refuses(self, tmp_path: Path, port: int) -> None:
        """Even if a parser is made to run code of the data's."""
        for name in ("data", "scratch", "home"):
            (tmp_path / name).mkdir()
        (tmp_path / "data" / "mine").write_text("mine")
        (tmp_path / "home" / "token").write_text("secret")
        limits = {"memory": 256 << 20, "cpu": 10, "seconds": 20, "disk": 1 << 20}
        argv = [sys.executable, "-I", "-c", PROBE, json.dumps(limits)]
        argv += [str(tmp_path / name) for name in ("data", "scratch", "home/token")]
        ran = subprocess.run([*argv, str(port)], capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        found = json.loads(ran.stdout)
        assert found.pop("held") == ["files", "network"]
        assert found.pop("memory") == "MemoryError"
        assert {key for key, what in found.items() if what == "done"} == {"read", "scratch"}
        assert set(found.values()) == {"done", "PermissionError"}
