from __future__ import annotations

import hashlib
import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lazur.engine import tree
from lazur.engine.tree import File, Manifest
from lazur.errors import Invalid, NotFound, TooLarge

A, B = (hashlib.sha256(x).hexdigest() for x in (b"a", b"b"))


def manifest(*names: str, dirs: tuple[str, ...] = ()) -> Manifest:
    return Manifest.of([File(name, A, 1) for name in names], dirs)


class TestEncode:
    def test_is_canonical(self) -> None:
        made = Manifest.of([File("b/é.py", A, 3, executable=True), File("a", B, 0)], ["empty/dir"])
        assert made.encode().decode() == (
            f'{{"dirs":["empty/dir"],"files":[["a","{B}",0,0],["b/é.py","{A}",3,1]]}}'
        )
        assert made.digest == hashlib.sha256(made.encode()).hexdigest()

    def test_does_not_depend_on_the_order_given(self) -> None:
        assert manifest("a", "b/c").encode() == manifest("b/c", "a").encode()

    def test_mentions_only_folders_that_are_empty(self) -> None:
        made = manifest("a/b/c", dirs=("a", "a/b", "x", "x/y", "x/y/z"))
        assert made.dirs == ("x/y/z",)

    def test_an_empty_folder_is_a_tree(self) -> None:
        assert Manifest.decode(Manifest().encode()) == Manifest()

    @given(
        st.lists(
            st.text(st.characters(codec="utf-8"), max_size=8)
            .map(lambda s: unicodedata.normalize("NFC", s))
            .filter(lambda s: s not in {"", ".", ".."})
            .filter(lambda s: not any(c in "/\\\x7f" or c < " " for c in s)),
            unique=True,
            max_size=6,
        ),
        st.booleans(),
    )
    def test_decoding_gives_back_what_was_encoded(self, names: list[str], nested: bool) -> None:
        made = manifest(*(f"{name}/{name}" if nested else name for name in names))
        assert Manifest.decode(made.encode()) == made


class TestOf:
    @pytest.mark.parametrize(
        "path",
        [
            "",
            "/",
            "/a",
            "a/",
            "a//b",
            ".",
            "..",
            "./a",
            "a/.",
            "a/..",
            "a/../b",
            "../a",
            "a/./b",
            "a\\b",
            "..\\a",
            "a\0b",
            "a\nb",
            "a\x7fb",
            "\ud800",
            "a" * 256,
            "a/" * 2100 + "a",
            "e\u0301",
        ],
    )
    def test_refuses_paths_that_cannot_be(self, path: str) -> None:
        with pytest.raises(Invalid):
            manifest(path)
        with pytest.raises(Invalid):
            Manifest.of([], [path])

    @pytest.mark.parametrize(
        "path", ["...", "..a", "a..", ".a", "a b", "é", "a:b", "~", "%2e%2e", "-x"]
    )
    def test_takes_odd_but_harmless_names(self, path: str) -> None:
        assert manifest(path, f"d/{path}").file(path) is not None

    def test_refuses_a_file_twice(self) -> None:
        with pytest.raises(Invalid, match="twice"):
            manifest("a", "a")

    def test_refuses_a_file_that_is_also_a_folder(self) -> None:
        with pytest.raises(Invalid, match="also holds"):
            manifest("a", "a/b")
        with pytest.raises(Invalid, match="also holds"):
            manifest("a/b", "a/b/c/d")

    def test_refuses_a_file_that_is_also_an_empty_folder(self) -> None:
        with pytest.raises(Invalid):
            manifest("a", dirs=("a",))
        with pytest.raises(Invalid):
            manifest("a", dirs=("a/b",))

    def test_refuses_faulty_digests_and_sizes(self) -> None:
        for file in (
            File("a", "x", 1),
            File("a", A.upper(), 1),
            File("a", A, -1),
            File("a", A, 1 << 63),
        ):
            with pytest.raises(Invalid):
                Manifest.of([file])

    def test_refuses_more_entries_than_the_limit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tree, "MAX_ENTRIES", 3)
        manifest("a", "b", "c")
        with pytest.raises(TooLarge):
            manifest("a", "b", "c", "d")


class TestDecode:
    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"null",
            b"[]",
            b"{}",
            b"1",
            b"\xff",
            b"{",
            b"[" * 100_000,
            b'"\\ud800"',
            b'{"dirs":[]}',
            b'{"files":[]}',
            b'{"dirs":{},"files":[]}',
            b'{"dirs":[1],"files":[]}',
            b'{"dirs":[],"files":[],"more":1}',
            b'{"files":[],"dirs":[]}',
            b'{"dirs": [],"files":[]}',
            b'{"dirs":[],"files":[]}\n',
            b'{"dirs":[],"dirs":[],"files":[]}',
            b'{"dirs":["b","a"],"files":[]}',
            b'{"dirs":["a","a"],"files":[]}',
            b'{"dirs":["a","a/b"],"files":[]}',
            b'{"dirs":["../a"],"files":[]}',
            b'{"dirs":["\\u00e9"],"files":[]}',
            b'{"dirs":["\\ud800"],"files":[]}',
        ],
    )
    def test_refuses_what_is_not_a_canonical_manifest(self, body: bytes) -> None:
        with pytest.raises(Invalid):
            Manifest.decode(body)

    @pytest.mark.parametrize(
        "row",
        [
            [],
            ["a", A, 1],
            ["a", A, 1, 2],
            ["a", A, 1, True],
            ["a", A, 1.0, 0],
            ["a", A, "1", 0],
            ["a", A, 1, 0, 0],
            [1, A, 1, 0],
            ["a", 1, 1, 0],
            ["a", A, True, 0],
            "a",
            None,
            ["../a", A, 1, 0],
            ["/a", A, 1, 0],
            ["a", A[:-1], 1, 0],
            ["a", A, -1, 0],
            ["a", A, 10**400, 0],
        ],
    )
    def test_refuses_faulty_files(self, row: object) -> None:
        body = json.dumps({"dirs": [], "files": [row]}, separators=(",", ":")).encode()
        with pytest.raises(Invalid):
            Manifest.decode(body)

    def test_refuses_files_out_of_order(self) -> None:
        body = {"dirs": [], "files": [["b", A, 1, 0], ["a", A, 1, 0]]}
        with pytest.raises(Invalid, match="canonical"):
            Manifest.decode(json.dumps(body, separators=(",", ":")).encode())

    def test_refuses_more_bytes_than_the_limit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tree, "MAX_BYTES", 10)
        with pytest.raises(TooLarge):
            Manifest.decode(Manifest().encode())


class TestLookups:
    def test_a_single_file_is_one_and_nothing_else(self) -> None:
        assert manifest("a").single_file() == File("a", A, 1)
        assert manifest("a", "b").single_file() is None
        assert manifest("a", dirs=("b",)).single_file() is None
        assert Manifest().single_file() is None

    def test_a_subtree_is_the_tree_of_that_folder(self) -> None:
        made = manifest("a/b/c", "a/d", "ab/e", "f", dirs=("a/empty", "a/b/none"))
        assert made.subtree("a") == manifest("b/c", "d", dirs=("empty", "b/none"))
        assert made.subtree("a/b/none") == Manifest()

    def test_a_subtree_of_what_is_not_a_folder_is_not_found(self) -> None:
        for path in ("f", "x", "", "a/", "../a"):
            with pytest.raises(NotFound):
                manifest("a/b", "f").subtree(path)

    def test_at_finds_files_and_folders(self) -> None:
        made = manifest("a/b", "f")
        assert made.at("a/b") == File("a/b", A, 1)
        assert made.at("a") == manifest("b")
        with pytest.raises(NotFound, match="It holds: a, f"):
            made.at("g")

    def test_blobs_are_counted_once_and_size_as_unpacked(self) -> None:
        made = Manifest.of([File("a", A, 3), File("b", A, 3), File("c", B, 4)])
        assert made.blobs() == {A: 3, B: 4}
        assert made.size == 10
