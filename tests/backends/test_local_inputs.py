from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

import lazur
from lazur.backends.local import Local
from lazur.engine.plan import Exit, Input, Plan, Source
from lazur.testing.backends import BackendTools


class Store:
    """A blob store on disk, in the backbone's form."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        path = self.path(digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_bytes(data)
            path.chmod(0o444)
        return digest

    def path(self, digest: str) -> Path:
        return self.root / digest[:2] / digest

    def tree(
        self, files: dict[str, bytes], dirs: tuple[str, ...] = (), executable: str = ""
    ) -> str:
        entries = [
            [name, self.put(data), len(data), int(name == executable)]
            for name, data in sorted(files.items())
        ]
        manifest = {"dirs": list(dirs), "files": entries}
        return self.put(json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode())


class Case(BackendTools):
    @pytest.fixture
    def backend(self) -> Local:
        return Local({})

    @pytest.fixture
    def store(self, node: Path) -> Store:
        return Store(node / "blobs")

    def make_plan(self, node: Path, command: str, **more: Any) -> Plan:
        places = {"blobs": str(node / "blobs"), "cache": str(node / "cache")}
        return super().make_plan(node, command, **{**places, **more})


class TestCode(Case):
    def test_the_snapshot_is_the_working_directory(
        self, backend: Local, node: Path, store: Store
    ) -> None:
        files = {"a.sh": b"echo $1", "src/b.txt": b"b", "run": b"#!/bin/sh\necho ran"}
        code = Source(tree=store.tree(files, dirs=("empty/deep",), executable="run"))
        command = "bash a.sh one; ./run; cat src/b.txt; ls -d empty/deep; echo x >> src/b.txt"
        exit_, log = self.run(backend, node, command, code=code)
        assert exit_.reason == "ok"
        assert log == "one\nran\nbempty/deep\n"
        assert store.path(hashlib.sha256(b"b").hexdigest()).read_bytes() == b"b"

    def test_folders_of_the_snapshot_that_are_kept_move_in(
        self, backend: Local, node: Path, store: Store
    ) -> None:
        plan = self.make_plan(
            node, "cat outputs/x", code=Source(tree=store.tree({"outputs/x": b"1"}))
        )
        handle = backend.submit(plan)
        self.wait(backend, handle)
        assert backend.logs(handle, 0) == b"1"
        assert Path(plan.artifacts, "outputs", "x").read_bytes() == b"1"

    def test_a_changed_file_does_not_run(self, backend: Local, node: Path, store: Store) -> None:
        """S50."""
        code = Source(tree=store.tree({"a.sh": b"echo good"}))
        blob = store.path(hashlib.sha256(b"echo good").hexdigest())
        blob.chmod(0o644)
        blob.write_bytes(b"echo evil")
        exit_, log = self.run(backend, node, "bash a.sh", code=code)
        assert exit_.reason == "input"
        assert "a.sh of the code was changed" in (exit_.message or "")
        assert "evil" not in log

    def test_a_changed_manifest_does_not_run(
        self, backend: Local, node: Path, store: Store
    ) -> None:
        tree = store.tree({"a.sh": b"echo good"})
        path = store.path(tree)
        path.chmod(0o644)
        path.write_bytes(path.read_bytes().replace(b"a.sh", b"b.sh"))
        exit_, _ = self.run(backend, node, "true", code=Source(tree=tree))
        assert (exit_.reason, "manifest" in (exit_.message or "")) == ("input", True)

    @pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", "a//x", "./x"])
    def test_a_manifest_cannot_write_elsewhere(
        self, backend: Local, node: Path, store: Store, name: str
    ) -> None:
        exit_, _ = self.run(backend, node, "true", code=Source(tree=store.tree({name: b"1"})))
        assert exit_.reason == "input"
        assert "unsafe" in (exit_.message or "")

    def test_a_missing_blob_is_named(self, backend: Local, node: Path, store: Store) -> None:
        code = Source(tree=store.tree({"a.sh": b"gone"}))
        store.path(hashlib.sha256(b"gone").hexdigest()).unlink()
        exit_, _ = self.run(backend, node, "true", code=code)
        assert exit_.message == "a.sh of the code is not in the blob store"


class TestReadOnly(Case):
    FILES: ClassVar = {"a.txt": b"as it was", "sub/b.txt": b"b"}

    def try_to_write(
        self, backend: Local, node: Path, source: Source, mode: str = "ro_mount"
    ) -> tuple[Exit, str]:
        command = """
            cat ${{inputs.x}}/a.txt
            echo changed > ${{inputs.x}}/a.txt && echo BAD
            echo new > ${{inputs.x}}/new.txt && echo BAD
            rm -f ${{inputs.x}}/sub/b.txt && echo BAD
            chmod -R u+w ${{inputs.x}} && echo BAD
            mv ${{inputs.x}}/a.txt ${{inputs.x}}/c.txt && echo BAD
            test -e ${{inputs.x}}/sub/b.txt
        """
        wanted = Input("x", mode, False, source)  # pyright: ignore[reportArgumentType]
        return self.run(backend, node, command, inputs=[wanted])

    @pytest.mark.parametrize("mode", ["ro_mount", "eval_mount", "direct"])
    def test_a_tree(self, backend: Local, node: Path, store: Store, mode: str) -> None:
        tree = store.tree(self.FILES)
        exit_, log = self.try_to_write(backend, node, Source(tree=tree), mode)
        assert exit_.reason == "ok"
        assert log.startswith("as it was")
        assert "BAD" not in log
        assert (node / "cache" / "trees" / tree / "a.txt").read_bytes() == b"as it was"

    def test_a_path(self, backend: Local, node: Path) -> None:
        data = node / "data"
        (data / "sub").mkdir(parents=True)
        for name, content in self.FILES.items():
            (data / name).write_bytes(content)
        exit_, log = self.try_to_write(backend, node, Source(path=str(data)))
        assert exit_.reason == "ok"
        assert log.startswith("as it was")
        assert "BAD" not in log
        assert sorted(p.name for p in data.iterdir()) == ["a.txt", "sub"]
        assert (data / "a.txt").read_bytes() == b"as it was"

    def test_mounts_are_seen_by_the_job_alone(
        self, backend: Local, node: Path, store: Store
    ) -> None:
        wanted = Input("x", "ro_mount", False, Source(tree=store.tree(self.FILES)))
        self.run(backend, node, "true", inputs=[wanted])
        assert str(node) not in Path("/proc/self/mountinfo").read_text()

    def test_one_file_keeps_its_name(self, backend: Local, node: Path, store: Store) -> None:
        wanted = Input("x", "ro_mount", True, Source(tree=store.tree({"my data.csv": b"1,2"})))
        command = "basename ${{inputs.x}}; cat ${{inputs.x}}; echo 3 >> ${{inputs.x}} && echo BAD"
        _, log = self.run(backend, node, command, inputs=[wanted])
        assert log.startswith("my data.csv\n1,2")
        assert "BAD" not in log

    def test_a_thing_inside_a_tree(self, backend: Local, node: Path, store: Store) -> None:
        tree = store.tree(self.FILES)
        wanted = Input("x", "ro_mount", True, Source(tree=f"{tree}/sub/b.txt"))
        assert self.run(backend, node, "cat ${{inputs.x}}", inputs=[wanted])[1] == "b"

    def test_a_thing_that_is_not_inside(self, backend: Local, node: Path, store: Store) -> None:
        wanted = Input("x", "ro_mount", True, Source(tree=store.tree(self.FILES) + "/nope"))
        exit_, _ = self.run(backend, node, "true", inputs=[wanted])
        assert exit_.message == "the input x has no nope in it"


class TestCache(Case):
    def test_many_jobs_at_once_unpack_it_once(
        self, backend: Local, node: Path, store: Store
    ) -> None:
        tree = store.tree({"a": b"1", "sub/b": b"2"})
        wanted = Input("x", "ro_mount", False, Source(tree=tree))
        command = "cat ${{inputs.x}}/a; sleep 0.1"
        plans = [self.make_plan(node, command, inputs=[wanted]) for _ in range(6)]
        handles = [backend.submit(plan) for plan in plans]
        assert {self.wait(backend, h).state for h in handles} == {"ended"}
        assert {backend.logs(h, 0) for h in handles} == {b"1"}
        assert [p.name for p in (node / "cache" / "trees").iterdir()] == [tree]

    def test_a_missing_blob_leaves_nothing_half(
        self, backend: Local, node: Path, store: Store
    ) -> None:
        tree = store.tree({"a": b"1", "b": b"gone"})
        store.path(hashlib.sha256(b"gone").hexdigest()).unlink()
        wanted = Input("x", "ro_mount", False, Source(tree=tree))
        exit_, _ = self.run(backend, node, "true", inputs=[wanted])
        assert exit_.reason == "input"
        assert "is not in the blob store" in (exit_.message or "")
        assert list((node / "cache" / "trees").iterdir()) == []

    def test_programs_stay_programs(self, backend: Local, node: Path, store: Store) -> None:
        tree = store.tree({"run": b"#!/bin/sh\necho ran", "no": b"#!/bin/sh"}, executable="run")
        wanted = Input("x", "ro_mount", False, Source(tree=tree))
        command = "${{inputs.x}}/run; test -x ${{inputs.x}}/no"
        exit_, log = self.run(backend, node, command, inputs=[wanted])
        assert (exit_.code, log) == (1, "ran\n")


class TestPrivate(Case):
    @pytest.mark.parametrize("mode", ["download", "eval_download", "rw_mount"])
    def test_a_copy_of_a_tree_may_be_changed(
        self, backend: Local, node: Path, store: Store, mode: Any
    ) -> None:
        tree = store.tree({"a.txt": b"1", "sub/b.txt": b"2"})
        wanted = Input("x", mode, False, Source(tree=tree))
        command = (
            "echo 9 > ${{inputs.x}}/a.txt; touch ${{inputs.x}}/sub/c; cat ${{inputs.x}}/a.txt"
        )
        exit_, log = self.run(backend, node, command, inputs=[wanted])
        assert (exit_.reason, log) == ("ok", "9\n")
        assert (node / "cache" / "trees" / tree / "a.txt").read_bytes() == b"1"

    def test_rw_mount_of_a_path_is_the_path(self, backend: Local, node: Path) -> None:
        (node / "data").mkdir()
        wanted = Input("x", "rw_mount", False, Source(path=str(node / "data")))
        self.run(backend, node, "echo 1 > ${{inputs.x}}/new", inputs=[wanted])
        assert (node / "data" / "new").read_text() == "1\n"

    def test_links_stay_links(self, backend: Local, node: Path) -> None:
        """S7."""
        (node / "data").mkdir()
        (node / "secret").write_text("secret")
        (node / "data" / "link").symlink_to(node / "secret")
        wanted = Input("x", "download", False, Source(path=str(node / "data")))
        _, log = self.run(backend, node, "readlink ${{inputs.x}}/link", inputs=[wanted])
        assert log == f"{node}/secret\n"

    def test_a_file_is_called_what_its_link_is_called(self, backend: Local, node: Path) -> None:
        (node / "0a1b2c").write_text("1")
        (node / "iris.csv").symlink_to(node / "0a1b2c")
        wanted = Input("x", "download", True, Source(path=str(node / "iris.csv")))
        command = "basename ${{inputs.x}}; cat ${{inputs.x}}"
        assert self.run(backend, node, command, inputs=[wanted])[1] == "iris.csv\n1"

    @pytest.mark.parametrize("name", ["../x", "a/b", ".."])
    def test_a_name_cannot_lead_elsewhere(self, backend: Local, node: Path, name: str) -> None:
        wanted = Input(name, "download", False, Source(path=str(node)))
        exit_, _ = self.run(backend, node, "true", inputs=[wanted])
        assert exit_.reason == "input"
        assert "name of an input" in (exit_.message or "")

    def test_a_path_that_is_not_there(self, backend: Local, node: Path) -> None:
        wanted = Input("x", "ro_mount", False, Source(path="/no/such/folder"))
        exit_, log = self.run(backend, node, "echo ran", inputs=[wanted])
        assert exit_.reason == "input"
        assert log == "lazur: the input x is /no/such/folder, which is not on this machine\n"


class TestPathOnCompute(Case):
    def test_inside_the_working_directory(self, backend: Local, node: Path, store: Store) -> None:
        source = Source(tree=store.tree({"a": b"1"}))
        wanted = Input("x", "ro_mount", False, source, path_on_compute="data/here")
        exit_, log = self.run(backend, node, "cat data/here/a", inputs=[wanted])
        assert (exit_.warnings, log) == ([], "1")

    def test_elsewhere_is_refused_with_a_warning(
        self, backend: Local, node: Path, store: Store
    ) -> None:
        (node / "mine").mkdir()
        (node / "mine" / "kept").touch()
        source = Source(tree=store.tree({"a": b"1"}))
        wanted = Input("x", "ro_mount", False, source, path_on_compute=str(node / "mine"))
        exit_, log = self.run(backend, node, "cat ${{inputs.x}}/a", inputs=[wanted])
        assert (exit_.reason, log) == ("ok", "1")
        assert "path_on_compute" in exit_.warnings[0]
        assert [p.name for p in (node / "mine").iterdir()] == ["kept"]


class TestWeb(Case):
    def test_direct_is_the_address(self, backend: Local, node: Path) -> None:
        wanted = Input("x", "direct", True, Source(uri="https://example.org/a?b=c&d"))
        _, log = self.run(backend, node, "echo '${{inputs.x}}'", inputs=[wanted])
        assert log == "https://example.org/a?b=c&d\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.skipif(not Path("/usr/bin/python3").exists(), reason="no Python for everybody")
class TestWithoutRoot(Case):
    """The same promises for an ordinary user, who makes mounts through a user namespace; and the
    runtime alone, copied to where the rest of Lazur is not."""

    @pytest.fixture
    def node(self) -> Iterator[Path]:
        """Where an ordinary user may go."""
        with tempfile.TemporaryDirectory() as folder:
            Path(folder).chmod(0o755)
            yield Path(folder)

    def test_inputs_are_read_only_and_the_user_stays_the_same(
        self, node: Path, store: Store
    ) -> None:
        data = node / "data"
        data.mkdir()
        (data / "a.txt").write_bytes(b"as it was")
        inputs = [
            Input("x", "ro_mount", False, Source(tree=store.tree(TestReadOnly.FILES))),
            Input("y", "ro_mount", False, Source(path=str(data))),
        ]
        command = """
            id -u; cat ${{inputs.x}}/a.txt ${{inputs.y}}/a.txt
            for place in ${{inputs.x}} ${{inputs.y}}; do
              chmod -R u+w $place; echo no > $place/a.txt && echo BAD
            done
            mount -o remount,rw,bind ${{inputs.y}} && echo BAD
            umount ${{inputs.y}} && echo BAD; true
        """
        log = self.run_as_nobody(node, self.make_plan(node, command, inputs=inputs))
        assert log.startswith("65534\nas it wasas it was")
        assert "BAD" not in log
        assert (data / "a.txt").read_bytes() == b"as it was"

    def run_as_nobody(self, node: Path, plan: Plan) -> str:
        runtime = node / "anywhere"
        shutil.copytree(Path(lazur.__file__).parent / "runtime", runtime)
        Path(plan.folder).mkdir(parents=True)
        Path(plan.folder, "plan.json").write_text(json.dumps(plan.to_dict()))
        for path in [node, *node.rglob("*")]:
            os.chown(path, 65534, 65534)
        argv = ["/usr/bin/python3", "-I", "-S", runtime / "__main__.py", plan.folder]
        subprocess.run(argv, check=True, user=65534, group=65534, extra_groups=[])
        return Path(plan.artifacts, "user_logs", "std_log.txt").read_text()
