from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from lazur.backends import _processes
from lazur.backends.local import Local
from lazur.engine.contracts import Backend, Handle
from lazur.engine.plan import Demand, Distribution, Output
from lazur.errors import BackendError
from lazur.testing.backends import BackendContract, BackendTools

# A child that nothing holds on to: forked twice, in a session of its own, deaf to TERM.
STRAY = """
import os, signal, sys, time
if os.fork(): sys.exit()
os.setsid()
if os.fork(): os._exit(0)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open(sys.argv[1], "w").write(str(os.getpid()))
time.sleep(100)
"""


def runs(pid: str | int) -> bool:
    """A zombie does not: it only waits for its parent."""
    try:
        stat = Path(f"/proc/{str(pid).strip()}/stat").read_bytes()
    except OSError:
        return False
    return stat.rpartition(b")")[2].split()[0] != b"Z"


class TestLocal(BackendContract):
    """The contract, on this machine."""

    @pytest.fixture
    def backend(self) -> Local:
        return Local({})


class Case(BackendTools):
    @pytest.fixture
    def backend(self) -> Local:
        return Local({})

    def start(self, backend: Backend, node: Path, command: str, **more: object) -> Handle:
        handle = backend.submit(self.make_plan(node, f"echo up; {command}", **more))
        self.wait_for_log(backend, handle, "up")
        return handle

    def supervisor(self, handle: Handle) -> int:
        return json.loads(Path(handle["folder"], "claim").read_text())["pid"]


class TestPoll(Case):
    def test_another_process_can_ask(self, backend: Local, node: Path) -> None:
        handle = self.start(backend, node, "sleep 0.5; exit 4")
        ask = (
            "import json, sys; from lazur.backends.local import Local;"
            "s = Local({}).poll(json.loads(sys.argv[1])); print(s.state, s.exit and s.exit.code)"
        )
        argv = [sys.executable, "-c", ask, json.dumps(handle)]
        assert subprocess.check_output(argv, text=True) == "running None\n"
        self.wait(backend, handle)
        assert subprocess.check_output(argv, text=True) == "ended 4\n"

    def test_a_pid_that_is_used_again_is_not_the_supervisor(
        self, backend: Local, node: Path
    ) -> None:
        handle = self.start(backend, node, "sleep 100")
        claim = Path(handle["folder"], "claim")
        real = json.loads(claim.read_text())
        claim.write_text(json.dumps({**real, "pid": os.getpid()}))
        assert backend.poll(handle).state == "lost"
        with contextlib.suppress(ProcessLookupError):  # it may have ended with its job already
            os.kill(real["pid"], signal.SIGKILL)

    def test_a_claim_from_before_a_reboot_is_lost(self, backend: Local, node: Path) -> None:
        plan = self.make_plan(node, "true")
        folder = Path(plan.folder)
        folder.mkdir(parents=True)
        mine = {"pid": os.getpid(), "started": 1, "boot": "another"}
        (folder / "claim").write_text(json.dumps(mine))
        assert backend.poll(backend.submit(plan)).state == "lost"

    def test_half_a_line_of_phases_is_not_read(self, backend: Local, node: Path) -> None:
        handle = self.start(backend, node, "sleep 100")
        with Path(handle["folder"], "phases.jsonl").open("a") as file:
            file.write('{"name": "fina')
        assert backend.poll(handle).state == "running"
        backend.cancel(handle)
        self.wait(backend, handle)


class TestKilled(Case):
    """R5: whoever is killed, it is noticed, and nothing goes on running."""

    def test_supervisor(self, backend: Local, node: Path) -> None:
        handle = self.start(backend, node, "sleep 100; true")
        os.kill(self.supervisor(handle), signal.SIGKILL)
        assert self.wait(backend, handle).state == "lost"
        assert _processes.marked(handle["key"]) == set()

    def test_user_process(self, backend: Local, node: Path) -> None:
        exit_, _ = self.run(backend, node, "kill -KILL $$")
        assert (exit_.reason, exit_.signal) == ("signal", 9)

    def test_both(self, backend: Local, node: Path) -> None:
        handle = self.start(backend, node, "echo $$ > pid; sleep 100; true")
        pid = Path(handle["folder"], "wd", "pid")
        while not pid.exists() or not pid.read_text():
            time.sleep(0.01)
        os.kill(self.supervisor(handle), signal.SIGSTOP)
        os.kill(int(pid.read_text()), signal.SIGKILL)
        os.kill(self.supervisor(handle), signal.SIGKILL)
        assert self.wait(backend, handle).state == "lost"
        assert _processes.marked(handle["key"]) == set()

    def test_supervisor_after_the_end_is_no_loss(self, backend: Local, node: Path) -> None:
        handle = backend.submit(self.make_plan(node, "exit 2"))
        self.wait(backend, handle)
        exit_ = backend.poll(handle).exit
        assert exit_ is not None
        assert exit_.code == 2

    def test_strays_of_a_killed_supervisor_are_ended(self, backend: Local, node: Path) -> None:
        stray = node / "stray"
        handle = self.start(
            backend, node, f"{sys.executable} -c '{STRAY}' {stray}; sleep 100", grace=0.2
        )
        while not stray.exists() or not stray.read_text():
            time.sleep(0.01)
        os.kill(self.supervisor(handle), signal.SIGKILL)
        backend.cancel(handle)
        assert self.wait(backend, handle).state == "lost"
        assert not runs(stray.read_text())

    def test_supervisor_told_to_go_by_the_machine_says_lost(
        self, backend: Local, node: Path
    ) -> None:
        handle = self.start(backend, node, "sleep 100")
        os.kill(self.supervisor(handle), signal.SIGTERM)
        exit_ = self.wait(backend, handle).exit
        assert exit_ is not None
        assert exit_.reason == "lost"


class TestCancel(Case):
    """R25."""

    def test_no_survivors(self, backend: Local, node: Path) -> None:
        strays = [node / f"stray{n}" for n in range(10)]
        starts = " ".join(f"{sys.executable} -c '{STRAY}' {s} &" for s in strays)
        handle = self.start(backend, node, f"trap '' TERM; {starts} sleep 100", grace=0.3)
        while not all(s.exists() and s.read_text() for s in strays):
            time.sleep(0.01)
        backend.cancel(handle)
        exit_ = self.wait(backend, handle).exit
        assert exit_ is not None
        assert exit_.reason == "canceled"
        assert [s for s in strays if runs(s.read_text())] == []
        assert _processes.marked(handle["key"]) == set()

    def test_before_the_start_fences(self, backend: Local, node: Path) -> None:
        plan = self.make_plan(node, f"touch {node}/ran")
        Path(plan.folder).mkdir(parents=True)
        handle = {"folder": plan.folder, "key": plan.key, "log": "none"}
        backend.cancel(handle)
        assert backend.poll(handle).state == "never"
        backend.submit(plan)
        assert self.wait(backend, handle).state == "never"
        assert not (node / "ran").exists()

    def test_a_stopped_process_is_ended(self, backend: Local, node: Path) -> None:
        handle = self.start(backend, node, "kill -STOP $$", grace=5.0)
        backend.cancel(handle)
        exit_ = self.wait(backend, handle).exit
        assert exit_ is not None
        assert exit_.reason == "canceled"


class TestFence(Case):
    def test_an_attempt_that_nobody_claims_never_begins(self, node: Path) -> None:
        plan = self.make_plan(node, f"touch {node}/ran")
        folder = Path(plan.folder)
        folder.mkdir(parents=True)
        (folder / "plan.json").write_text(json.dumps(plan.to_dict()))
        handle = {"folder": plan.folder, "key": plan.key, "log": "none"}
        assert Local({}).poll(handle).state == "pending"
        assert Local({}, clock=lambda: time.time() + 19).poll(handle).state == "pending"
        assert Local({}, clock=lambda: time.time() + 21).poll(handle).state == "never"
        assert Local({}).poll(handle).state == "never"

    def test_a_supervisor_that_comes_late_leaves(self, backend: Local, node: Path) -> None:
        plan = self.make_plan(node, f"touch {node}/ran")
        folder = Path(plan.folder)
        folder.mkdir(parents=True)
        (folder / "claim").write_text('{"fenced":true}')
        (folder / "plan.json").write_text(json.dumps(plan.to_dict()))
        runtime = Path(sys.modules["lazur"].__file__ or "").parent / "runtime" / "__main__.py"
        subprocess.run([sys.executable, "-I", "-S", runtime, folder], check=True)
        assert not (node / "ran").exists()
        assert not (folder / "exit.json").exists()

    def test_a_begun_attempt_is_not_fenced(self, backend: Local, node: Path) -> None:
        handle = self.start(backend, node, "sleep 0.3")
        late = Local({}, clock=lambda: time.time() + 1000)
        assert late.poll(handle).state == "running"
        assert self.wait(late, handle).state == "ended"


class TestWatch(Case):
    def test_the_end_is_told(self, backend: Local, node: Path) -> None:
        handle = self.start(backend, node, f"until [ -e {node}/go ]; do sleep 0.02; done")
        told = threading.Event()
        backend.watch(handle, told.set)
        assert not told.wait(0.3)
        (node / "go").touch()
        assert told.wait(self.patience)
        assert backend.poll(handle).state == "ended"

    def test_a_killed_supervisor_is_told(self, backend: Local, node: Path) -> None:
        handle = self.start(backend, node, "sleep 100")
        told = threading.Event()
        backend.watch(handle, told.set)
        os.kill(self.supervisor(handle), signal.SIGKILL)
        assert told.wait(self.patience)
        assert backend.poll(handle).state == "lost"

    def test_what_is_over_is_told_at_once(self, backend: Local, node: Path) -> None:
        handle = backend.submit(self.make_plan(node, "true"))
        self.wait(backend, handle)
        told = threading.Event()
        backend.watch(handle, told.set)
        assert told.wait(self.patience)

    def test_a_second_watch_is_ignored(self, backend: Local, node: Path) -> None:
        handle = self.start(backend, node, f"until [ -e {node}/go ]; do sleep 0.02; done")
        told: list[int] = []
        for n in range(3):
            backend.watch(handle, lambda n=n: told.append(n))
        (node / "go").touch()
        self.wait(backend, handle)
        end = time.monotonic() + self.patience
        while not told and time.monotonic() < end:
            time.sleep(0.01)
        time.sleep(0.1)
        assert told == [0]

    def test_ended_supervisors_are_no_zombies(self, backend: Local, node: Path) -> None:
        handle = self.start(backend, node, "true")
        told = threading.Event()
        backend.watch(handle, told.set)
        assert told.wait(self.patience)
        assert not Path(f"/proc/{self.supervisor(handle)}").exists()


class TestSubmit(Case):
    def test_a_folder_that_cannot_be_made_is_an_error(self, backend: Local, node: Path) -> None:
        (node / "jobs").write_text("a file")
        with pytest.raises(BackendError, match="cannot be started"):
            backend.submit(self.make_plan(node, "true"))

    def test_plan_and_folder_are_for_their_owner_only(self, backend: Local, node: Path) -> None:
        plan = self.make_plan(node, "true", variables={"TOKEN": "secret"})
        self.wait(backend, backend.submit(plan))
        assert Path(plan.folder).stat().st_mode & 0o777 == 0o700
        assert Path(plan.folder, "plan.json").stat().st_mode & 0o777 == 0o600

    def test_the_servers_variables_stay_with_the_server(
        self, backend: Local, node: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SERVER_SECRET", "hidden")
        monkeypatch.setenv("PYTHONPATH", "/somewhere")
        monkeypatch.setenv("LAZUR_ATTEMPT", "default/outer/1")
        command = "env; tr '\\0' '\\n' < /proc/$PPID/environ"
        _, log = self.run(backend, node, command, variables={"MINE": "seen"})
        assert "MINE=seen" in log
        assert "hidden" not in log
        assert "PYTHONPATH" not in log
        assert "outer" not in log

    def test_no_value_of_a_variable_gets_into_the_notes(self, backend: Local, node: Path) -> None:
        plan = self.make_plan(node, "exit 1", variables={"TOKEN": "very-secret"})
        self.wait(backend, backend.submit(plan))
        notes = Path(plan.artifacts, "system_logs", "runtime.log").read_text()
        assert "ended" in notes
        assert "very-secret" not in notes


class TestMemory(Case):
    HUNGRY = f"{sys.executable} -c 'x = bytearray(300 << 20)'"

    @pytest.fixture
    def _cgroup(self, backend: Local, node: Path) -> None:
        plan = self.make_plan(node, "true", demand=Demand(memory=64 << 20))
        self.wait(backend, backend.submit(plan))
        notes = Path(plan.artifacts, "system_logs", "runtime.log").read_text()
        if "not limited" in notes:
            pytest.skip("no cgroup can be made here")

    @pytest.mark.needs_cgroup
    @pytest.mark.usefixtures("_cgroup")
    def test_out_of_memory_is_recognised(self, backend: Local, node: Path) -> None:
        plan = self.make_plan(node, f"exec {self.HUNGRY}", demand=Demand(memory=64 << 20))
        exit_ = self.wait(backend, backend.submit(plan)).exit
        assert exit_ is not None
        assert exit_.reason == "memory"
        group = Path(plan.folder, "cgroup").read_text()
        assert not Path(group).exists()

    @pytest.mark.needs_cgroup
    @pytest.mark.usefixtures("_cgroup")
    def test_a_child_out_of_memory_is_a_warning(self, backend: Local, node: Path) -> None:
        exit_, _ = self.run(
            backend, node, f"{self.HUNGRY}; echo on", demand=Demand(memory=64 << 20)
        )
        assert exit_.reason == "ok"
        assert "lack of memory" in exit_.warnings[0]

    @pytest.mark.needs_cgroup
    @pytest.mark.usefixtures("_cgroup")
    def test_the_group_of_a_killed_supervisor_is_removed(self, backend: Local, node: Path) -> None:
        handle = self.start(backend, node, "sleep 100", demand=Demand(memory=64 << 20))
        group = Path(handle["folder"], "cgroup").read_text()
        os.kill(self.supervisor(handle), signal.SIGKILL)
        assert self.wait(backend, handle).state == "lost"
        assert not Path(group).exists()

    @pytest.mark.needs_cgroup
    @pytest.mark.usefixtures("_cgroup")
    def test_who_hides_the_mark_is_found_by_the_group(self, backend: Local, node: Path) -> None:
        stray = node / "stray"
        command = f"env -i setsid {sys.executable} -c '{STRAY}' {stray}; sleep 100"
        handle = self.start(backend, node, command, demand=Demand(memory=64 << 20))
        while not stray.exists() or not stray.read_text():
            time.sleep(0.01)
        os.kill(self.supervisor(handle), signal.SIGKILL)
        assert self.wait(backend, handle).state == "lost"
        assert not runs(stray.read_text())


class TestLeftovers(Case):
    def test_background_processes_are_ended_with_a_warning(
        self, backend: Local, node: Path
    ) -> None:
        exit_, _ = self.run(backend, node, "sleep 100 & echo $! > outputs/pid; exit 0")
        assert exit_.reason == "ok"
        assert "background process" in exit_.warnings[0]
        [pid] = node.rglob("pid")
        assert not runs(pid.read_text())

    def test_what_ends_soon_by_itself_is_left_alone(self, backend: Local, node: Path) -> None:
        exit_, _ = self.run(backend, node, "(sleep 0.3; echo late > outputs/late) & exit 0")
        assert exit_.warnings == []
        assert list(node.rglob("late"))


class TestSeveralProcesses(Case):
    def logs_of(self, node: Path) -> list[str]:
        return [p.read_text() for p in sorted(node.rglob("std_log_process_*.txt"))]

    def test_pytorch(self, backend: Local, node: Path) -> None:
        handle = backend.submit(
            self.make_plan(
                node,
                "echo $RANK $LOCAL_RANK $WORLD_SIZE $LOCAL_WORLD_SIZE $NODE_RANK "
                "$AZUREML_CR_NODE_RANK $MASTER_ADDR $((MASTER_PORT > 0))",
                distribution=Distribution("pytorch", processes=2),
                nodes=2,
            )
        )
        self.wait(backend, handle)
        assert self.logs_of(node) == [
            "0 0 4 2 0 0 127.0.0.1 1\n",
            "1 1 4 2 0 0 127.0.0.1 1\n",
            "2 0 4 2 1 1 127.0.0.1 1\n",
            "3 1 4 2 1 1 127.0.0.1 1\n",
        ]
        assert backend.logs(handle, 0).decode() == self.logs_of(node)[0]

    def test_mpi_without_mpirun(self, backend: Local, node: Path) -> None:
        command = "echo $OMPI_COMM_WORLD_RANK $OMPI_COMM_WORLD_SIZE $OMPI_COMM_WORLD_LOCAL_RANK"
        handle = backend.submit(
            self.make_plan(
                node,
                command,
                distribution=Distribution("mpi", processes=1),
                nodes=2,
                variables={"PATH": "/nowhere"},
            )
        )
        exit_ = self.wait(backend, handle).exit
        assert exit_ is not None
        assert "mpirun" in exit_.warnings[0]
        assert self.logs_of(node) == ["0 2 0\n", "1 2 0\n"]

    @pytest.mark.skipif(not shutil.which("mpirun"), reason="no mpirun on this machine")
    def test_mpi(self, backend: Local, node: Path) -> None:
        command = "echo $OMPI_COMM_WORLD_RANK $OMPI_COMM_WORLD_SIZE $AZUREML_CR_NODE_RANK 'a b'"
        shape = Distribution("mpi", processes=2)
        exit_, _ = self.run(backend, node, command, distribution=shape, nodes=2)
        assert exit_.reason == "ok"
        assert self.logs_of(node) == [f"{n} 4 {n // 2} a b\n" for n in range(4)]

    def test_tensorflow(self, backend: Local, node: Path) -> None:
        handle = backend.submit(
            self.make_plan(
                node,
                'echo "$TF_CONFIG"; touch $AZUREML_PROCESS_NAME; '
                "until [ -e rank_2 ]; do sleep 0.02; done",
                distribution=Distribution("tensorflow", workers=2, parameter_servers=1),
            )
        )
        self.wait(backend, handle)
        configs = [json.loads(log) for log in self.logs_of(node)]
        assert [c["task"] for c in configs] == [
            {"type": "worker", "index": 0},
            {"type": "worker", "index": 1},
            {"type": "ps", "index": 0},
        ]
        addresses = configs[0]["cluster"]["worker"] + configs[0]["cluster"]["ps"]
        assert len(set(addresses)) == 3

    def test_parameter_servers_end_with_the_last_worker(self, backend: Local, node: Path) -> None:
        exit_, _ = self.run(
            backend,
            node,
            'case "$TF_CONFIG" in *\'"type":"ps"\'*) sleep 100;; esac',
            distribution=Distribution("tensorflow", workers=2, parameter_servers=1),
        )
        assert (exit_.reason, exit_.warnings) == ("ok", [])

    def test_several_instances_without_distribution(self, backend: Local, node: Path) -> None:
        handle = backend.submit(self.make_plan(node, "echo $AZUREML_CR_NODE_RANK", nodes=3))
        self.wait(backend, handle)
        assert self.logs_of(node) == ["0\n", "1\n", "2\n"]

    def test_the_first_that_fails_ends_the_others(self, backend: Local, node: Path) -> None:
        exit_, _ = self.run(
            backend,
            node,
            'if [ "$RANK" = 1 ]; then exit 7; else sleep 100; fi',
            distribution=Distribution("pytorch", processes=3),
        )
        assert (exit_.reason, exit_.code) == ("exit", 7)
        assert exit_.message == "the process of rank 1 failed first"

    def test_each_node_has_its_share_of_the_gpus(self, backend: Local, node: Path) -> None:
        handle = backend.submit(
            self.make_plan(node, "echo $CUDA_VISIBLE_DEVICES", nodes=2, gpu_ids=[2, 3, 6, 7])
        )
        self.wait(backend, handle)
        assert self.logs_of(node) == ["2,3\n", "6,7\n"]


class TestOutputs(Case):
    def test_upload_appears_at_the_end(self, backend: Local, node: Path) -> None:
        place = node / "store" / "result"
        command = f"echo 1 > ${{{{outputs.r}}}}/part; ls {place} && exit 9; true"
        exit_, _ = self.run(
            backend, node, command, outputs=[Output("r", "upload", False, str(place))]
        )
        assert exit_.reason == "ok"
        assert (place / "part").read_text() == "1\n"

    def test_a_mount_is_the_place_itself(self, backend: Local, node: Path) -> None:
        place = node / "store" / "model.txt"
        exit_, log = self.run(
            backend,
            node,
            "echo 1 > ${{outputs.r}}; echo $AZURE_ML_OUTPUT_r",
            outputs=[Output("r", "rw_mount", True, str(place))],
        )
        assert exit_.reason == "ok"
        assert log == f"{place}\n"
        assert place.read_text() == "1\n"

    def test_direct_is_text(self, backend: Local, node: Path) -> None:
        _, log = self.run(
            backend,
            node,
            "echo ${{outputs.r}}",
            outputs=[Output("r", "direct", False, "https://example.org/a")],
        )
        assert log == "https://example.org/a\n"

    def test_a_place_that_cannot_be_made_is_an_input_error(
        self, backend: Local, node: Path
    ) -> None:
        (node / "file").write_text("")
        exit_, log = self.run(
            backend,
            node,
            "true",
            outputs=[Output("r", "rw_mount", False, str(node / "file" / "x"))],
        )
        assert exit_.reason == "input"
        assert "output r" in log

    def test_what_cannot_be_kept_fails_the_job(self, backend: Local, node: Path) -> None:
        place = node / "store" / "sub" / "r"
        exit_, _ = self.run(
            backend,
            node,
            f"echo 1 > ${{{{outputs.r}}}}/x; mkdir -p {node}/store; touch {place.parent}",
            outputs=[Output("r", "upload", False, str(place))],
        )
        assert exit_.reason == "output"
        assert "output r" in (exit_.message or "")

    def test_a_folder_in_place_of_the_link_is_kept(self, backend: Local, node: Path) -> None:
        plan = self.make_plan(node, "rm outputs; mkdir -p outputs/a; echo 1 > outputs/a/b")
        self.wait(backend, backend.submit(plan))
        assert Path(plan.artifacts, "outputs", "a", "b").read_text() == "1\n"


class TestClean(Case):
    def test_links_are_removed_and_not_followed(self, backend: Local, node: Path) -> None:
        treasure = node / "treasure"
        treasure.mkdir()
        (treasure / "gold").touch()
        plan = self.make_plan(
            node, f"ln -s {treasure} link; mkdir shut; touch shut/x; chmod 0 shut"
        )
        handle = backend.submit(plan)
        self.wait(backend, handle)
        backend.clean(handle)
        assert (treasure / "gold").exists()
        assert not Path(plan.folder, "wd").exists()
        assert Path(plan.folder, "exit.json").exists()

    def test_a_working_directory_that_became_a_link_is_not_followed(
        self, backend: Local, node: Path
    ) -> None:
        treasure = node / "treasure"
        treasure.mkdir()
        plan = self.make_plan(node, f"cd ..; rm -r wd; ln -s {treasure} wd")
        handle = backend.submit(plan)
        self.wait(backend, handle)
        backend.clean(handle)
        assert treasure.is_dir()


class TestCapacity:
    def test_the_machine_has_something(self) -> None:
        found = Local({}).capacity()
        assert 1 <= found.cpus <= (os.cpu_count() or 1)
        assert found.memory > 1 << 20

    def test_settings_win(self) -> None:
        assert Local({"cpus": 3, "memory": 5, "gpus": 2}).capacity() == Demand(3, 5, 2)

    def test_no_gpus_can_be_set(self) -> None:
        assert Local({"gpus": 0}).capacity().gpus == 0
