from __future__ import annotations

import hashlib
import os
import socket
import stat
import time
from pathlib import Path

import pytest

from lazur.engine.tree import Manifest
from lazur.errors import Invalid
from lazur.safe import SafeRoot
from lazur.sdk import hashes, snapshot
from lazur.sdk.snapshot import Snapshot, alone, take


def write(root: Path, **files: str) -> Path:
    """`a__b="…"` writes a/b."""
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def names(taken: Snapshot) -> list[str]:
    return [file.path for file in taken.manifest.files]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "src"
    made.mkdir()
    return made


class TestTake:
    def test_a_folder_becomes_a_tree_with_its_sources(self, folder: Path) -> None:
        write(folder, a="1", b__c="2")
        taken = take(folder)
        assert names(taken) == ["a", "b/c"]
        for file in taken.manifest.files:
            source = taken.sources[file.digest]
            assert isinstance(source, str)
            assert hashlib.sha256(Path(source).read_bytes()).hexdigest() == file.digest
        assert taken.reference == f"tree:{taken.manifest.digest}"
        assert Manifest.decode(taken.manifest.encode()) == taken.manifest
        assert list(taken.blobs())[-1] == taken.manifest.digest

    def test_equal_folders_are_equal_trees(self, tmp_path: Path) -> None:
        trees = [take(write(tmp_path / name, a="1", b="2")).reference for name in ("x", "y")]
        assert trees[0] == trees[1]

    def test_a_file_is_a_tree_of_one(self, tmp_path: Path) -> None:
        write(tmp_path, **{"train.csv": "1,2"})
        taken = take(tmp_path / "train.csv", purpose="data")
        single = taken.manifest.single_file()
        assert single is not None
        assert single[0::2] == ("train.csv", 3)

    def test_only_the_owners_executable_bit_is_kept(self, folder: Path) -> None:
        write(folder, run="#!", other="x")
        (folder / "run").chmod(0o755)
        (folder / "other").chmod(0o614)
        assert [file.executable for file in take(folder).manifest.files] == [False, True]

    def test_empty_folders_are_kept(self, folder: Path) -> None:
        (folder / "x" / "empty").mkdir(parents=True)
        assert take(folder).manifest.dirs == ("x/empty",)

    def test_names_are_composed(self, folder: Path) -> None:
        write(folder, **{"e\u0301.py": "x"})
        assert names(take(folder)) == ["\u00e9.py"]

    def test_names_that_are_the_same_when_composed_are_refused(self, folder: Path) -> None:
        write(folder, **{"e\u0301.py": "x", "\u00e9.py": "y"})
        with pytest.raises(Invalid, match="twice"):
            take(folder)

    @pytest.mark.parametrize("name", [b"a\\b", b"a\nb", b"\xff"])
    def test_names_that_cannot_be_in_a_tree_are_refused_by_name(
        self, folder: Path, name: bytes
    ) -> None:
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).touch()
        with pytest.raises(Invalid, match="cannot be taken") as caught:
            take(folder)
        assert str(caught.value).isprintable() or "\n" in str(caught.value)

    def test_a_missing_folder_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(Invalid, match="neither"):
            take(tmp_path / "absent")

    def test_an_unreadable_file_is_named(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(folder, a="1")
        real = os.open

        def refusing(path: str, *rest: int, **more: int) -> int:
            if str(path).endswith("/a"):
                raise PermissionError(13, "Permission denied", path)
            return real(path, *rest, **more)

        monkeypatch.setattr(os, "open", refusing)
        with pytest.raises(Invalid, match=r"a cannot be read: Permission denied"):
            take(folder)

    def test_a_file_that_does_not_hold_still_is_refused(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(folder, log="1")
        real = os.read

        def growing(fd: int, count: int) -> bytes:
            with (folder / "log").open("a") as file:
                file.write("more")
            return real(fd, 2)

        monkeypatch.setattr(os, "read", growing)
        with pytest.raises(Invalid, match="changing"):
            hashes.read(str(folder / "log"))

    def test_a_deep_folder_does_not_recurse(self, folder: Path) -> None:
        with SafeRoot(folder) as root:
            root.make_folder("/".join(["d"] * 1500))
            assert take(folder).manifest.dirs == ("/".join(["d"] * 1500),)
            root.remove_tree("d")


class TestLeftOut:
    def test_gitignore_is_heeded(self, folder: Path) -> None:
        write(folder, a="", b__log="", **{".gitignore": "log\n"})
        assert names(take(folder)) == [".gitignore", "a"]

    def test_amlignore_takes_the_place_of_gitignore(self, folder: Path) -> None:
        write(folder, a="", b="", **{".gitignore": "a\n", ".amlignore": "b\n"})
        assert names(take(folder)) == [".amlignore", ".gitignore", "a"]

    def test_files_of_the_same_name_in_subfolders_add_to_it(self, folder: Path) -> None:
        write(
            folder,
            d__a="",
            d__b="",
            d__e__a="",
            **{".gitignore": "a\n", "d/.gitignore": "b\n!/a\n"},
        )
        assert names(take(folder)) == [".gitignore", "d/.gitignore", "d/a"]

    def test_a_gitignore_in_a_subfolder_alone_does_not_count(self, folder: Path) -> None:
        write(folder, d__a="", **{".amlignore": "x\n", "d/.gitignore": "a\n"})
        assert "d/a" in names(take(folder))

    def test_ignored_folders_are_not_entered(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(folder, a="", data__x="", **{".gitignore": "data/\n!data/x\n"})
        seen: list[str] = []
        real = os.scandir
        monkeypatch.setattr(os, "scandir", lambda path: (seen.append(str(path)), real(path))[1])
        take(folder)
        assert seen == [str(folder)]

    def test_what_tools_make_again_is_never_part_of_code(self, folder: Path) -> None:
        write(folder, a="", **{".git/config": "", ".DS_Store": "", "x/.ruff_cache/b": ""})
        (folder / "x" / "__pycache__").mkdir()
        (folder / "x" / "__pycache__" / "a.pyc").touch()
        assert names(take(folder)) == ["a"]
        data = names(take(folder, purpose="data"))
        assert "x/__pycache__/a.pyc" in data
        assert ".git/config" not in data

    def test_data_that_git_ignores_are_still_data(self, folder: Path) -> None:
        write(folder, **{"a.csv": "", ".gitignore": "*\n"})
        assert "a.csv" in names(take(folder, purpose="data"))
        write(folder, **{".amlignore": "*.csv\n"})
        assert "a.csv" not in names(take(folder, purpose="data"))

    def test_a_folder_of_which_nothing_is_left_is_said(self, folder: Path) -> None:
        write(folder, a="", **{".gitignore": "*\n"})
        assert "leaves out all of it" in take(folder).notes[0]

    def test_sockets_and_pipes_are_left_out_with_a_note(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(folder, a="")
        os.mkfifo(folder / "pipe")
        monkeypatch.chdir(folder)
        with socket.socket(socket.AF_UNIX) as made:
            made.bind("socket")
            taken = take(folder)
        assert names(taken) == ["a"]
        assert len(taken.notes) == 2
        assert all("left out" in note for note in taken.notes)


class TestLinks:
    def test_links_within_the_folder_stand_for_what_they_point_to(self, folder: Path) -> None:
        write(folder, real__a="1", b="2")
        (folder / "file").symlink_to("b")
        (folder / "dir").symlink_to("real")
        (folder / "real" / "up").symlink_to("../b")
        taken = take(folder)
        assert names(taken) == ["b", "dir/a", "dir/up", "file", "real/a", "real/up"]
        digests = {file.path: file.digest for file in taken.manifest.files}
        assert digests["file"] == digests["b"]

    @pytest.mark.parametrize(
        "target", ["../secret", "/proc/self/environ", "../outside", "/etc", ".."]
    )
    def test_links_that_leave_the_folder_are_refused_by_name(
        self, folder: Path, tmp_path: Path, target: str
    ) -> None:
        write(tmp_path, secret="token", outside__token="token")
        write(folder, a="")
        (folder / "leak").symlink_to(target)
        with pytest.raises(Invalid, match="leak is a link that leaves") as caught:
            take(folder)
        assert "/leak" in str(caught.value.hint)

    def test_a_sibling_with_the_same_beginning_is_outside(
        self, folder: Path, tmp_path: Path
    ) -> None:
        write(tmp_path, **{"src-secret/a": "token"})
        (folder / "leak").symlink_to("../src-secret/a")
        with pytest.raises(Invalid, match="leaves"):
            take(folder)

    def test_a_chain_of_links_is_followed_to_its_end(self, folder: Path, tmp_path: Path) -> None:
        write(tmp_path, secret="token")
        (folder / "one").symlink_to("two")
        (folder / "two").symlink_to("../secret")
        with pytest.raises(Invalid, match="leaves"):
            take(folder)

    def test_an_ignored_link_may_point_anywhere(self, folder: Path) -> None:
        write(folder, a="", **{".amlignore": "/leak\n"})
        (folder / "leak").symlink_to("/etc")
        assert names(take(folder)) == [".amlignore", "a"]

    def test_a_link_to_nothing_is_left_out_with_a_note(self, folder: Path) -> None:
        write(folder, a="")
        (folder / ".#a").symlink_to("somebody@host.1234")
        (folder / "round").symlink_to("round")
        taken = take(folder)
        assert names(taken) == ["a"]
        assert [note.split()[0] for note in sorted(taken.notes)] == [".#a", "round"]

    @pytest.mark.parametrize("target", [".", "..", "../.."])
    def test_a_link_that_never_ends_is_refused(self, folder: Path, target: str) -> None:
        write(folder, a__b__c="")
        (folder / "a" / "b" / "loop").symlink_to(target)
        with pytest.raises(Invalid, match="never ends"):
            take(folder)

    def test_two_links_into_each_other_are_refused(self, folder: Path) -> None:
        write(folder, a__x="", b__y="")
        (folder / "a" / "to").symlink_to("../b")
        (folder / "b" / "to").symlink_to("../a")
        with pytest.raises(Invalid, match="never ends"):
            take(folder)

    def test_a_link_into_git_is_not_followed(self, folder: Path) -> None:
        write(folder, a="", **{".git/config": "token"})
        (folder / "config").symlink_to(".git/config")
        assert names(take(folder)) == ["a"]

    def test_the_folder_itself_may_be_a_link(self, folder: Path, tmp_path: Path) -> None:
        write(folder, a="")
        (folder / "b").symlink_to("a")
        (tmp_path / "current").symlink_to("src")
        assert names(take(tmp_path / "current")) == ["a", "b"]


class TestIncludes:
    def test_are_put_beside_the_code_under_their_names(self, folder: Path, tmp_path: Path) -> None:
        write(folder, main="1")
        write(
            tmp_path,
            common__util__a="2",
            common__empty__x="",
            single="3",
            **{"common/.gitignore": "x"},
        )
        taken = take(folder, includes=[tmp_path / "common", f"{tmp_path}/src/../single"])
        assert names(taken) == ["common/.gitignore", "common/util/a", "main", "single"]
        assert taken.manifest.dirs == ("common/empty",)

    def test_may_be_all_there_is(self, tmp_path: Path) -> None:
        write(tmp_path, common__a="2")
        assert names(take(None, includes=[tmp_path / "common"])) == ["common/a"]

    def test_may_share_a_folder_with_the_code_but_no_file(
        self, folder: Path, tmp_path: Path
    ) -> None:
        write(folder, common__a="1")
        write(tmp_path, common__b="2")
        assert names(take(folder, includes=[tmp_path / "common"])) == ["common/a", "common/b"]
        write(tmp_path, common__a="2")
        with pytest.raises(Invalid, match="come from both"):
            take(folder, includes=[tmp_path / "common"])


class TestHashes:
    def test_an_unchanged_folder_is_not_read_again(
        self, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(folder, a="1", b__c="2")
        first = take(folder, cache=tmp_path / "cache", now=_later)
        monkeypatch.setattr(hashes, "read", _must_not_read)
        assert take(folder, cache=tmp_path / "cache", now=_later) == first

    def test_a_changed_file_is_read(self, folder: Path, tmp_path: Path) -> None:
        write(folder, a="1")
        first = take(folder, cache=tmp_path / "cache", now=_later)
        write(folder, a="2")
        assert take(folder, cache=tmp_path / "cache", now=_later) != first

    def test_a_change_that_hides_its_time_is_seen(self, folder: Path, tmp_path: Path) -> None:
        write(folder, a="1")
        before = (folder / "a").stat()
        first = take(folder, cache=tmp_path / "cache", now=_later)
        write(folder, a="2")
        os.utime(folder / "a", ns=(before.st_atime_ns, before.st_mtime_ns))
        assert take(folder, cache=tmp_path / "cache", now=_later) != first

    def test_what_was_touched_moments_ago_is_not_remembered(
        self, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(folder, a="1")
        take(folder, cache=tmp_path / "cache")
        monkeypatch.setattr(hashes, "read", _must_not_read)
        with pytest.raises(AssertionError, match="read"):
            take(folder, cache=tmp_path / "cache")

    @pytest.mark.parametrize("damage", ["", "{", "[]", '{"version":0}', "\0\0", '{"version":1}'])
    def test_a_damaged_cache_is_begun_anew(
        self, folder: Path, tmp_path: Path, damage: str
    ) -> None:
        write(folder, a="1")
        first = take(folder, cache=tmp_path / "cache", now=_later)
        (file,) = (tmp_path / "cache").iterdir()
        file.write_text(damage)
        assert take(folder, cache=tmp_path / "cache", now=_later) == first
        assert file.read_text() != damage

    def test_the_cache_is_closed_to_others(self, folder: Path, tmp_path: Path) -> None:
        write(folder, a="1")
        take(folder, cache=tmp_path / "cache", now=_later)
        assert stat.S_IMODE((tmp_path / "cache").stat().st_mode) == 0o700

    def test_removed_files_are_forgotten(self, folder: Path, tmp_path: Path) -> None:
        write(folder, a="1", b="2")
        take(folder, cache=tmp_path / "cache", now=_later)
        (file,) = (tmp_path / "cache").iterdir()
        before = len(file.read_text())
        (folder / "b").unlink()
        take(folder, cache=tmp_path / "cache", now=_later)
        assert len(file.read_text()) < before


class TestLarge:
    def test_names_what_is_heavy_and_offers_the_lines(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(snapshot, "LARGE_BYTES", 1000)
        write(folder, main="x", data__raw__big="y" * 900, data__small="z", models__m="w" * 500)
        (note,) = take(folder).notes
        assert "Heaviest: data/raw/big (900 bytes, 1 file), models/m (500 bytes, 1 file)" in note
        assert f"{folder}/.amlignore" in note
        assert note.endswith(":\n    /data/raw/big\n    /models/m")

    def test_does_not_name_what_is_light(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(snapshot, "LARGE_BYTES", 1000)
        write(folder, big="y" * 1870, just="z" * 100, light="w" * 30)
        (note,) = take(folder).notes
        assert "Heaviest: big (1.87 kB, 1 file), just (100 bytes, 1 file).\n" in note
        assert note.endswith(":\n    /big\n    /just")

    def test_says_so_where_nothing_is_heavy(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(snapshot, "LARGE_BYTES", 10)
        write(folder, **{f"f{n}": "x" * 10 for n in range(30)})
        (note,) = take(folder).notes
        assert "300 bytes in 30 files. Nothing in it stands out.\n" in note
        assert note.endswith("/.amlignore.")

    def test_names_folders_of_many_files(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(snapshot, "LARGE_COUNT", 10)
        write(folder, main="x", **{f"frames/{n}": str(n) for n in range(20)})
        (note,) = take(folder).notes
        assert "frames/ (30 bytes, 20 files)" in note
        assert note.endswith(":\n    /frames/")

    def test_says_that_amlignore_replaces_gitignore(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(snapshot, "LARGE_BYTES", 1)
        write(folder, main="xxx", **{".gitignore": "a"})
        assert "copy" in take(folder).notes[0]

    def test_the_offered_lines_do_what_they_say(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(snapshot, "LARGE_BYTES", 1000)
        write(folder, main="x", **{"a [odd] *name/big": "y" * 2000})
        (note,) = take(folder).notes
        write(folder, **{".amlignore": note.partition(":\n")[2].replace("    ", "")})
        assert take(folder).notes == []

    def test_large_data_are_nothing_to_remark_on(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(snapshot, "LARGE_BYTES", 1)
        write(folder, data="xxx")
        assert take(folder, purpose="data").notes == []


class TestAlone:
    def test_is_a_tree_of_one_file_that_is_on_no_disk(self) -> None:
        made = alone("a.txt", b"text")
        assert names(made) == ["a.txt"]
        assert made.blobs()[made.manifest.files[0].digest] == b"text"


def _later() -> int:
    return time.time_ns() + 10 * 1_000_000_000


def _must_not_read(path: str) -> tuple[str, os.stat_result]:
    raise AssertionError(f"read {path}")
