"""The files that TensorBoard has, and that no path in it leads to others."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tensorboard.compat.tensorflow_stub.errors import NotFoundError

from lazur.server.tensorboard.tree import Mount, Tree

EVENTS = "events.out.tfevents.1"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    for path in (f"j/{EVENTS}", f"j/outputs/tb/{EVENTS}", f"k/{EVENTS}", "j/model.pt"):
        (tmp_path / "store" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "store" / path).write_text(path)
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / EVENTS).write_text("secret")
    return tmp_path / "store"


@pytest.fixture
def tree(store: Path) -> Tree:
    return Tree([Mount("a", str(store), "j")])


def read(tree: Tree, path: str) -> bytes:
    data, _ = tree.read(path, binary_mode=True)
    assert isinstance(data, bytes)
    return data


class TestWhatIsThere:
    def test_event_files_and_the_folders_on_the_way(self, tree: Tree) -> None:
        assert tree.listdir("/") == ["a"]
        assert tree.listdir("/a") == [EVENTS, "outputs"]
        assert [tree.isdir(path) for path in ("/", "/a", "/a/outputs", f"/a/{EVENTS}")] == [
            True,
            True,
            True,
            False,
        ]
        assert read(tree, f"/a/outputs/tb/{EVENTS}") == f"j/outputs/tb/{EVENTS}".encode()
        assert tree.stat(f"/a/{EVENTS}").length == len(f"j/{EVENTS}")

    def test_mounts_may_lie_in_mounts(self, store: Path) -> None:
        tree = Tree([Mount("a", str(store), "j"), Mount("a/named/x", str(store), "k")])
        assert tree.listdir("/a") == [EVENTS, "named", "outputs"]
        assert tree.listdir("/a/named") == ["x"]
        assert read(tree, f"/a/named/x/{EVENTS}") == f"k/{EVENTS}".encode()

    def test_one_job_is_not_the_beginning_of_anothers_name(self, store: Path) -> None:
        tree = Tree([Mount("a", str(store), "j")])
        assert not tree.exists(f"/ab/{EVENTS}")

    def test_a_folder_that_is_not_there_yet_hides_no_other(self, store: Path) -> None:
        tree = Tree([Mount("a", str(store), "j"), Mount("b", str(store), "later")])
        assert tree.listdir("/") == ["a", "b"]
        with pytest.raises(NotFoundError):
            tree.listdir("/b")

    def test_reading_goes_on_where_it_was(self, tree: Tree, store: Path) -> None:
        path = f"/a/{EVENTS}"
        first, token = tree.read(path, binary_mode=True, size=2)
        with (store / "j" / EVENTS).open("a") as file:
            file.write("+more")
        rest, _ = tree.read(path, binary_mode=True, size=1 << 20, continue_from=token)
        assert (first, rest) == (b"j/", EVENTS.encode() + b"+more")

    def test_what_a_record_claims_is_not_what_is_taken(self, tree: Tree) -> None:
        data, _ = tree.read(f"/a/{EVENTS}", binary_mode=True, size=1 << 60)
        assert len(data) == len(f"j/{EVENTS}")


class TestWhatIsNot:
    @pytest.mark.parametrize(
        "path",
        [
            "/a/model.pt",
            "/etc/passwd",
            "/a/../../secret/" + EVENTS,
            "/a/./" + EVENTS,
            "/a//" + EVENTS,
            "s3://bucket/" + EVENTS,
            "a\0" + EVENTS,
            "",
            "/",
        ],
    )
    def test_nothing_else_can_be_read(self, tree: Tree, path: str) -> None:
        with pytest.raises(NotFoundError):
            tree.read(path)

    @pytest.mark.parametrize("path", ["file", "folder", "above"])
    def test_links_are_not_there(self, tree: Tree, store: Path, path: str) -> None:
        """A job may link what it can read itself; whoever looks at the job may not."""
        secret = store.parent / "secret"
        links = {"file": secret / EVENTS, "folder": secret, "above": Path("../../secret")}
        name = f"x.{EVENTS}" if path == "file" else path
        (store / "j" / name).symlink_to(links[path])
        assert name not in tree.listdir("/a")
        inside = f"/a/{name}" if path == "file" else f"/a/{name}/{EVENTS}"
        assert not tree.exists(inside)
        with pytest.raises(NotFoundError):
            tree.read(inside)

    def test_nor_where_a_job_puts_one_in_place_of_its_folder(
        self, tree: Tree, store: Path
    ) -> None:
        path = f"/a/outputs/tb/{EVENTS}"
        _, token = tree.read(path, size=1)
        (store / "j/outputs/tb").rename(store / "j/outputs/old")
        (store / "j/outputs/tb").symlink_to(store.parent / "secret")
        with pytest.raises(NotFoundError):
            tree.read(path, size=1, continue_from=token)
        (store / "j").rename(store / "gone")
        (store / "j").symlink_to(store.parent / "secret")
        with pytest.raises(NotFoundError):
            tree.listdir("/a")

    def test_nor_what_is_no_file(self, tree: Tree, store: Path) -> None:
        os.mkfifo(store / "j" / f"pipe.{EVENTS}")
        with pytest.raises(NotFoundError):
            tree.read(f"/a/pipe.{EVENTS}")
