"""Many models from a folder here, and the figures of mini-batches as a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lazur.cli import mini_batches
from tests.cli.conftest import Cli

MANY = ("model", "create-many", "-p", "models", "--files", "{Shop}.json", "-n", "here-{Shop}")


class TestCreateMany:
    def test_a_folder_becomes_models_once(self, lazur: Cli) -> None:
        folder = lazur.folder / "models"
        folder.mkdir()
        for shop in range(3):
            (folder / f"{shop}.json").write_text(str(shop))
        dry = lazur(*MANY, "--dry-run", "-o", "table")
        assert "3 of 3 models would be registered; 0 are there already." in dry.err
        assert dry.out.splitlines()[2].split() == ["here-0", "1", "yes", "Shop=0"]
        assert lazur(*MANY).json()["registered"] == 3
        (folder / "1.json").write_text("better")
        told = lazur(*MANY, "--tags", "team=a").json()
        assert [one["version"] for one in told["value"]] == ["1", "2", "1"]
        found = lazur.ok("model", "list", "--tag", "Shop=1", "--tag", "team")
        assert [model["name"] for model in found] == ["here-1"]

    def test_a_file_says_the_same(self, lazur: Cli) -> None:
        (lazur.folder / "models").mkdir()
        (lazur.folder / "models" / "a.bin").write_text("a")
        (lazur.folder / "many.yml").write_text(
            "path: ./models\nmodels:\n  - {name: listed-a, path: a.bin, tags: {x: y}}\n"
        )
        (made,) = lazur.ok("model", "create-many", "-f", "many.yml")["value"]
        assert made["path"].endswith("/a.bin")

    def test_what_cannot_be_is_told_with_the_next_step(self, lazur: Cli) -> None:
        (lazur.folder / "models").mkdir()
        (lazur.folder / "models" / "a b.json").write_text("")
        ran = lazur(*MANY)
        assert ran.code == 1
        assert "a b.json: name: 'here-a b' is not a name" in ran.err


class TestFigures:
    def test_they_are_written_once_all_have_come(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file = tmp_path / "f.csv"

        def pieces() -> Iterator[bytes]:
            yield b"number,error\r\n"
            assert not file.exists()
            yield b'0,"one\r\ntwo"\r\n1,\r\n'

        mini_batches._write(file, pieces())
        assert file.read_bytes().endswith(b'0,"one\r\ntwo"\r\n1,\r\n')
        assert f"2 mini-batches are in {file}" in capsys.readouterr().err
