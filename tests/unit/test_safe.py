from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from lazur import safe
from lazur.errors import Conflict, Invalid, LazurError, NotFound
from lazur.safe import SafeRoot, by_openat2, by_walk

SECRET = b"not for you"

_UPS = [
    "..",
    "%2e%2e",
    "%252e%252e",
    ".%2e",
    "%2e.",
    "..%00",
    "..;",
    "...",
    "....",
    "\uff0e\uff0e",
    "%c0%ae%c0%ae",
    "%u002e%u002e",
]
_SLASHES = ["/", "\\", "%2f", "%252f", "%5c", "//", "/./", "\u2215", "%c0%af"]
_LEADS = [
    "",
    "a/",
    "./",
    "a/b/",
    ";/",
    "#/",
    "?/",
    "~/",
    "a;/",
    "file:",
    "file://",
    "file:///",
    "http://h/",
    "\\\\host\\share\\",
    "//host/share/",
]
_LINKED_ROOT = "/proc/self/root"
"""A link to `/` that no check of texts takes for one."""
_ENDS = ["secret", "secret.txt", "out/secret"]


def hostile() -> list[str]:
    """Check S1's strings: each would name the secret beside the root to some parser."""
    made = [
        f"{lead}{up}{slash}{up}{slash}{end}"
        for up in _UPS
        for slash in _SLASHES
        for lead, end in zip(_LEADS, _ENDS * 5, strict=True)
    ]
    made += [f"{lead}{'../' * depth}secret" for lead in _LEADS for depth in (1, 2, 8)]
    made += [
        "/etc/passwd",
        "//etc/passwd",
        "///etc/passwd",
        f"{_LINKED_ROOT}/etc/passwd",
        "/proc/self/environ",
        "C:\\Windows\\win.ini",
        "C:/Windows/win.ini",
        "\\\\?\\C:\\x",
        "\\\\.\\pipe\\x",
        "~",
        "~root",
        "~/.ssh/id_rsa",
        "",
        ".",
        "..",
        "/",
        "//",
        "a/..",
        "a/../..",
        "a/.",
        "./",
        "a//b",
        "a/",
        "..\\",
        "....//....//secret",
        "..././secret",
        "a\0",
        "a\0/../secret",
        "\0",
        "a\n",
        "a\r\nb",
        "\x1b[2J",
        "a" * 256,
        "a/" * 3000 + "x",
        "\ud800",
        "..\u0000/secret",
        "file:///etc/passwd",
        "file:../secret",
        "link",
        "link/x",
        "up/secret",
        "deep/link/secret",
        "self/environ",
        "absolute",
        "loop",
        "loop/x",
        "nothing",
    ]
    return list(dict.fromkeys(made))


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder around the root with things that no path may reach."""
    for name in ("secret", "secret.txt", "root-secret", "out/secret"):
        path = tmp_path / "out" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(SECRET)
    return tmp_path / "out"


@pytest.fixture
def folder(outside: Path) -> Path:
    root = outside / "root"
    (root / "a" / "b").mkdir(parents=True)
    (root / "a" / "b" / "file.txt").write_bytes(b"hello")
    (root / "deep").mkdir()
    (root / "link").symlink_to(outside / "secret")
    (root / "up").symlink_to("..")
    (root / "deep" / "link").symlink_to("../..")
    (root / "self").symlink_to("/proc/self")
    (root / "absolute").symlink_to("/etc/passwd")
    (root / "loop").symlink_to("loop")
    (root / "nothing").symlink_to("nowhere")
    (root / "within").symlink_to("a/b/file.txt")
    return root


@pytest.fixture(params=[by_walk, by_openat2])
def root(request: pytest.FixtureRequest, folder: Path) -> Iterator[SafeRoot]:
    if request.param is by_openat2 and safe.best_opener() is not by_openat2:
        pytest.skip("this system has no openat2, or does not permit it")
    with SafeRoot(folder, opener=request.param) as made:
        yield made


class TestHostilePaths:
    def test_there_are_at_least_two_hundred(self) -> None:
        assert len(hostile()) >= 200

    def test_none_reads_changes_or_finds_anything(self, root: SafeRoot, outside: Path) -> None:
        before = _state(outside)
        for path in hostile():
            for use in (root.open, root.stat, root.remove, root.remove_tree):
                if use in {root.remove, root.remove_tree} and path in _LINKS:
                    continue
                with pytest.raises(LazurError) as caught:
                    use(path)
                assert 400 <= caught.value.status < 500, path
            assert not _exists(root, path)
        assert _state(outside) == before

    def test_none_opens_anything_beyond_the_root(self, root: SafeRoot, folder: Path) -> None:
        """Looks at what the kernel opened, not at what the code thinks."""
        for path in hostile():
            for flags in (os.O_RDONLY, os.O_RDONLY | os.O_DIRECTORY):
                try:
                    fd = root._at(path.split("/"), flags, path)
                except (LazurError, OSError, ValueError):
                    continue
                opened = (
                    Path(f"/proc/self/fd/{fd}").readlink() if sys.platform == "linux" else folder
                )
                os.close(fd)
                inside = opened.is_relative_to(folder)
                assert inside or (".." in path.split("/") and root._open is by_walk), path

    def test_what_is_created_lies_within_the_root(
        self, root: SafeRoot, outside: Path, folder: Path
    ) -> None:
        before = _state(outside, without=folder)
        for path in hostile():
            for use in (root.make_folder, lambda p: root.open(p, "wb").close()):
                assert _status(use, path) in {200, 400, 404, 409}, path
        assert _state(outside, without=folder) == before

    def test_names_are_not_decoded(self, root: SafeRoot, folder: Path) -> None:
        root.make_folder("%2e%2e")
        with root.open("%2e%2e/x", "wb") as file:
            file.write(b"x")
        assert (folder / "%2e%2e" / "x").read_bytes() == b"x"

    def test_a_sibling_with_the_same_beginning_is_outside(self, root: SafeRoot) -> None:
        for path in ("../root-secret", "-secret"):
            with pytest.raises(LazurError):
                root.open(path)


class TestOpen:
    def test_reads_a_file(self, root: SafeRoot) -> None:
        with root.open("a/b/file.txt") as file:
            assert file.read() == b"hello"

    def test_refuses_links_even_to_what_is_within(self, root: SafeRoot) -> None:
        with pytest.raises(NotFound, match="link"):
            root.open("within")

    def test_a_root_that_is_not_there_is_told_by_its_name_alone(self, tmp_path: Path) -> None:
        with pytest.raises(NotFound) as refused:
            SafeRoot(tmp_path / "gone")
        assert str(refused.value) == "The folder 'gone' is not there."

    def test_refuses_folders_and_absent_files(self, root: SafeRoot) -> None:
        for path in ("a", "a/b", "absent", "absent/x", "a/b/file.txt/x"):
            with pytest.raises(NotFound):
                root.open(path)

    def test_does_not_wait_for_a_pipe(self, root: SafeRoot, folder: Path) -> None:
        os.mkfifo(folder / "pipe")
        with pytest.raises(NotFound):
            root.open("pipe")
        with pytest.raises(NotFound):
            root.open("pipe", "wb")

    def test_refuses_sockets(
        self, root: SafeRoot, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(folder)
        with socket.socket(socket.AF_UNIX) as made:
            made.bind("socket")
            with pytest.raises(NotFound):
                root.open("socket")

    def test_writes_a_private_file(self, root: SafeRoot, folder: Path) -> None:
        with root.open("a/new", "wb") as file:
            file.write(b"one")
        with root.open("a/new", "ab") as file:
            file.write(b" two")
        assert (folder / "a/new").read_bytes() == b"one two"
        assert (folder / "a/new").stat().st_mode & 0o077 == 0
        with root.open("a/new", "wb") as file:
            file.write(b"3")
        assert (folder / "a/new").read_bytes() == b"3"

    def test_exclusive_creation_never_replaces(self, root: SafeRoot) -> None:
        with pytest.raises(Conflict):
            root.open("a/b/file.txt", "xb")
        root.open("a/b/fresh", "xb").close()

    def test_does_not_write_through_a_link(self, root: SafeRoot, outside: Path) -> None:
        for mode in ("wb", "ab", "xb", "r+b"):
            with pytest.raises(LazurError):
                root.open("link", mode)
        assert (outside / "secret").read_bytes() == SECRET

    def test_leaks_no_descriptors(self, root: SafeRoot) -> None:
        count = _descriptors()
        for path in ("a/b/file.txt/x", "a", "up/x", "a/b/absent", "within"):
            with pytest.raises(LazurError):
                root.open(path)
        list(root.scan())
        assert _descriptors() == count

    def test_a_closed_root_opens_nothing(self, folder: Path) -> None:
        with SafeRoot(folder) as made:
            pass
        with pytest.raises(ValueError, match="closed"):
            made.open("a/b/file.txt")

    def test_a_root_that_is_absent_is_not_found(self, folder: Path) -> None:
        for path in (folder / "absent", folder / "a/b/file.txt"):
            with pytest.raises(NotFound):
                SafeRoot(path)

    def test_a_folder_swapped_for_a_link_leads_nowhere(
        self, root: SafeRoot, folder: Path, outside: Path
    ) -> None:
        (folder / "a").rename(folder / "was-a")
        (folder / "a").symlink_to(outside)
        for path in ("a/secret", "a/out/secret"):
            with pytest.raises(NotFound):
                root.open(path)


class TestLists:
    def test_stat_tells_files_from_folders(self, root: SafeRoot) -> None:
        assert root.stat("a/b/file.txt")[:2] == ("a/b/file.txt", 5)
        assert root.stat("a").folder
        assert root.exists("a/b")
        assert not root.exists("absent")
        assert not root.exists("within")

    def test_entries_leave_out_links_and_names_that_no_path_has(
        self, root: SafeRoot, folder: Path
    ) -> None:
        (folder / "back\\slash").touch()
        (folder / "new\nline").touch()
        Path(os.fsdecode(os.fsencode(folder) + b"/\xff")).touch()
        assert [entry.path for entry in root.entries()] == ["a", "deep"]
        assert [entry.path for entry in root.entries("a/b")] == ["a/b/file.txt"]

    def test_scan_finds_every_file_beneath(self, root: SafeRoot, folder: Path) -> None:
        (folder / "a" / "z").touch()
        (folder / "b").touch()
        (folder / "a-c").touch()
        assert [e.path for e in root.scan()] == ["a-c", "b", "a/z", "a/b/file.txt"]
        assert [e.path for e in root.scan("a/b")] == ["a/b/file.txt"]

    def test_scan_of_an_absent_folder_is_empty(self, root: SafeRoot) -> None:
        assert list(root.scan("absent")) == []

    def test_scan_of_a_deep_folder_does_not_recurse(self, root: SafeRoot) -> None:
        deep = "/".join(["d"] * 1500)
        root.make_folder(deep)
        root.open(f"{deep}/x", "xb").close()
        assert [e.path for e in root.scan()][-1] == f"{deep}/x"
        root.remove_tree("d")
        assert not root.exists("d")

    def test_entries_of_a_file_are_not_found(self, root: SafeRoot) -> None:
        with pytest.raises(NotFound):
            root.entries("a/b/file.txt")


class TestChanges:
    def test_make_folder_with_parents_twice(self, root: SafeRoot, folder: Path) -> None:
        for _ in range(2):
            root.make_folder("x/y/z")
        assert (folder / "x/y/z").is_dir()

    def test_make_folder_does_not_take_a_file_or_link_for_one(self, root: SafeRoot) -> None:
        for path in ("a/b/file.txt", "up", "up/new", "a/b/file.txt/x"):
            with pytest.raises(NotFound):
                root.make_folder(path)

    def test_rename_moves_and_replaces(self, root: SafeRoot, folder: Path) -> None:
        (folder / "deep" / "old").write_bytes(b"old")
        root.rename("a/b/file.txt", "deep/old")
        assert (folder / "deep/old").read_bytes() == b"hello"
        assert not (folder / "a/b/file.txt").exists()

    def test_rename_does_not_leave_the_root(self, root: SafeRoot, outside: Path) -> None:
        for old, new in (
            ("a/b/file.txt", "../x"),
            ("../secret", "x"),
            ("a/b/file.txt", "up/x"),
            ("", "x"),
        ):
            with pytest.raises(LazurError):
                root.rename(old, new)
        assert not (outside / "x").exists()

    def test_remove_takes_the_link_and_not_its_target(self, root: SafeRoot, outside: Path) -> None:
        root.remove("link")
        assert (outside / "secret").read_bytes() == SECRET

    def test_remove_tree_does_not_follow_links(
        self, root: SafeRoot, folder: Path, outside: Path
    ) -> None:
        root.remove_tree("deep")
        assert not (folder / "deep").exists()
        assert (outside / "secret").read_bytes() == SECRET

    def test_remove_tree_removes_what_may_not_be_written(
        self, root: SafeRoot, folder: Path
    ) -> None:
        root.make_folder("x/y/z")
        root.make_folder("x/.lazur-removed-0/full")
        root.open("x/y/.lazur-removed-0", "xb").close()
        root.open("x/y/z/file", "xb").close()
        for name in ("x/y/z", "x/y", "x"):
            (folder / name).chmod(0o500)
        root.remove_tree("x")
        assert not (folder / "x").exists()

    def test_remove_tree_of_a_file_or_link_is_refused(self, root: SafeRoot, folder: Path) -> None:
        for path in ("a/b/file.txt", "up", "absent"):
            with pytest.raises(NotFound):
                root.remove_tree(path)
        assert (folder / "a/b/file.txt").exists()

    def test_the_root_itself_is_not_removed(self, root: SafeRoot) -> None:
        for use in (root.remove, root.remove_tree):
            with pytest.raises(Invalid):
                use("")


class TestBestOpener:
    def test_is_openat2_where_the_kernel_has_it(self) -> None:
        release = os.uname().release.split("-")[0].split(".")
        if sys.platform != "linux" or tuple(map(int, release[:2])) < (5, 6):
            assert safe.best_opener() is by_walk

    def test_falls_back_where_a_sandbox_forbids_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def forbidden(*_: object) -> int:
            raise OSError(1, "Operation not permitted")

        monkeypatch.setattr(safe, "by_openat2", forbidden)
        safe.best_opener.cache_clear()
        try:
            assert safe.best_opener() is by_walk
        finally:
            safe.best_opener.cache_clear()


_LINKS = {"link", "absolute", "loop", "nothing", "deep/link", "within", "up", "self"}


def _status(use: Callable[[str], object], path: str) -> int:
    try:
        use(path)
    except LazurError as error:
        return error.status
    return 200


def _descriptors() -> int:
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0


def _exists(root: SafeRoot, path: str) -> bool:
    try:
        return root.exists(path)
    except Invalid:
        return False


def _state(folder: Path, without: Path | None = None) -> dict[str, bytes | None]:
    return {
        quote(str(path)): path.read_bytes() if path.is_file() and not path.is_symlink() else None
        for path in sorted(folder.rglob("*"))
        if without is None or not path.is_relative_to(without)
    }
