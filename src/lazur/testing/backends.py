"""What every backend must do, as tests to inherit.

    class TestLocal(BackendContract):
        @pytest.fixture
        def backend(self) -> Backend:
            return Local({})

Attempts here print, sleep and ignore signals for real: nothing is faked. A backend whose node does
not share this machine's files overrides `make_plan`.
"""

from __future__ import annotations

import threading
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

from lazur.engine.contracts import Backend, Handle
from lazur.engine.plan import Exit, Plan, Status

OVER = ("ended", "lost", "never")


class BackendTools:
    """For more tests of a backend than the contract's."""

    patience = 30.0
    """Seconds after which an attempt that should have moved on counts as stuck."""

    @pytest.fixture
    def backend(self) -> Backend:
        raise NotImplementedError("a contract's heir says which backend it tests")

    @pytest.fixture
    def node(self, tmp_path: Path) -> Path:
        """A folder that both the test and the node see."""
        return tmp_path

    def make_plan(self, node: Path, command: str, **more: Any) -> Plan:
        job = more.pop("job", f"job-{uuid.uuid4().hex[:8]}")
        return Plan(
            job=job,
            workspace="default",
            attempt=1,
            folder=str(node / "jobs" / job / "1"),
            artifacts=str(node / "artifacts" / job),
            command=command,
            **{"grace": 1.0, **more},
        )

    def wait(self, backend: Backend, handle: Handle, *states: str) -> Status:
        end = time.monotonic() + self.patience
        status = backend.poll(handle)
        while status.state not in (states or OVER):
            assert time.monotonic() < end, f"stuck: {status}"
            time.sleep(0.01)
            status = backend.poll(handle)
        return status

    def wait_for_log(self, backend: Backend, handle: Handle, text: str) -> None:
        end = time.monotonic() + self.patience
        while text.encode() not in backend.logs(handle, 0):
            assert time.monotonic() < end, f"{text!r} never came: {backend.logs(handle, 0)!r}"
            time.sleep(0.01)

    def run(self, backend: Backend, node: Path, command: str, **more: Any) -> tuple[Exit, str]:
        handle = backend.submit(self.make_plan(node, command, **more))
        status = self.wait(backend, handle)
        assert status.exit is not None, status
        return status.exit, backend.logs(handle, 0).decode()


class BackendContract(BackendTools):
    def test_success_is_ok(self, backend: Backend, node: Path) -> None:
        exit_, log = self.run(backend, node, "echo hello")
        assert (exit_.reason, exit_.code, log) == ("ok", 0, "hello\n")

    def test_an_exit_code_is_reported(self, backend: Backend, node: Path) -> None:
        exit_, _ = self.run(backend, node, "exit 5")
        assert (exit_.reason, exit_.code) == ("exit", 5)

    def test_death_by_signal_is_reported(self, backend: Backend, node: Path) -> None:
        exit_, _ = self.run(backend, node, "kill -SEGV $$")
        assert (exit_.reason, exit_.signal) == ("signal", 11)

    def test_a_command_that_does_not_exist_fails(self, backend: Backend, node: Path) -> None:
        exit_, log = self.run(backend, node, "no-such-program --x")
        assert (exit_.reason, exit_.code) == ("exit", 127)
        assert "no-such-program" in log

    def test_submit_twice_is_once(self, backend: Backend, node: Path) -> None:
        plan = self.make_plan(node, f"echo once >> {node}/ran; sleep 0.3")
        first = backend.submit(plan)
        assert backend.submit(plan) == first
        self.wait(backend, first)
        assert backend.submit(plan) == first
        assert self.wait(backend, first).state == "ended"
        assert (node / "ran").read_text() == "once\n"

    def test_submitting_at_the_same_time_is_once(self, backend: Backend, node: Path) -> None:
        plan = self.make_plan(node, f"echo once >> {node}/ran; sleep 0.3")
        handles: list[Handle] = []
        threads = [
            threading.Thread(target=lambda: handles.append(backend.submit(plan))) for _ in range(5)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert handles == [handles[0]] * 5
        self.wait(backend, handles[0])
        assert (node / "ran").read_text() == "once\n"

    def test_a_fenced_plan_never_begins(self, backend: Backend, node: Path) -> None:
        plan = self.make_plan(node, f"touch {node}/began")
        handle = backend.fence(plan)
        assert backend.submit(plan) == handle
        assert self.wait(backend, handle).state in OVER
        assert not (node / "began").exists()

    def test_fencing_what_runs_gives_its_handle(self, backend: Backend, node: Path) -> None:
        plan = self.make_plan(node, "echo up; sleep 60")
        handle = backend.submit(plan)
        self.wait_for_log(backend, handle, "up")
        assert backend.fence(plan) == handle
        backend.cancel(handle)
        assert self.wait(backend, handle).state == "ended"

    def test_the_end_stays_known(self, backend: Backend, node: Path) -> None:
        handle = backend.submit(self.make_plan(node, "exit 3"))
        first = self.wait(backend, handle)
        assert backend.poll(handle) == first

    def test_phases_follow_each_other(self, backend: Backend, node: Path) -> None:
        handle = backend.submit(self.make_plan(node, "sleep 0.1"))
        phases = self.wait(backend, handle).phases
        assert [p.name for p in phases] == ["code", "inputs", "running", "finalizing"]
        assert all(p.end is not None and p.end >= p.start for p in phases)

    def test_an_unknown_attempt_is_lost(self, backend: Backend, node: Path) -> None:
        handle = backend.submit(self.make_plan(node, "true"))
        self.wait(backend, handle)
        assert backend.poll(self.forget(handle)).state == "lost"
        backend.cancel(self.forget(handle))
        assert backend.logs(self.forget(handle), 0) == b""

    def forget(self, handle: Handle) -> Handle:
        """A handle whose attempt the engine does not know (any more)."""
        return {k: f"{v}-forgotten" if isinstance(v, str) else v for k, v in handle.items()}

    def test_logs_come_by_offset_while_it_runs_and_after(
        self, backend: Backend, node: Path
    ) -> None:
        handle = backend.submit(
            self.make_plan(
                node, f"echo one; until [ -e {node}/go ]; do sleep 0.02; done; echo two"
            )
        )
        self.wait_for_log(backend, handle, "one\n")
        assert backend.logs(handle, 4) == b""
        (node / "go").touch()
        self.wait(backend, handle)
        assert backend.logs(handle, 4) == b"two\n"
        assert backend.logs(handle, 1, limit=2) == b"ne"
        assert backend.logs(handle, 1000) == b""

    def test_cancel_ends_what_runs(self, backend: Backend, node: Path) -> None:
        handle = backend.submit(self.make_plan(node, "echo up; sleep 100"))
        self.wait_for_log(backend, handle, "up")
        backend.cancel(handle)
        exit_ = self.wait(backend, handle).exit
        assert exit_ is not None
        assert exit_.reason == "canceled"

    def test_cancel_ends_what_ignores_it(self, backend: Backend, node: Path) -> None:
        command = "trap '' TERM INT HUP; echo up; while true; do sleep 0.05; done"
        handle = backend.submit(self.make_plan(node, command, grace=0.3))
        self.wait_for_log(backend, handle, "up")
        backend.cancel(handle)
        exit_ = self.wait(backend, handle).exit
        assert exit_ is not None
        assert exit_.reason == "canceled"

    def test_cancel_lets_a_command_say_goodbye(self, backend: Backend, node: Path) -> None:
        command = "trap 'echo bye; exit 0' TERM; echo up; while true; do sleep 0.05; done"
        handle = backend.submit(self.make_plan(node, command, grace=10.0))
        self.wait_for_log(backend, handle, "up")
        backend.cancel(handle)
        self.wait(backend, handle)
        assert b"bye" in backend.logs(handle, 0)

    def test_cancel_after_the_end_changes_nothing(self, backend: Backend, node: Path) -> None:
        handle = backend.submit(self.make_plan(node, "true"))
        before = self.wait(backend, handle)
        backend.cancel(handle)
        backend.cancel(handle)
        assert backend.poll(handle) == before

    def test_a_timeout_ends_it(self, backend: Backend, node: Path) -> None:
        exit_, _ = self.run(backend, node, "sleep 100", timeout=0.3)
        assert exit_.reason == "timeout"

    def test_values_arrive_unharmed(self, backend: Backend, node: Path) -> None:
        values = {
            "inputs.a": "two words",
            "inputs.b": 'it\'s "quoted" $(touch canary) `touch canary`; touch canary',
            "inputs.c": "line one\nline two",
            "inputs.d": "grüße 東京",
        }
        command = """
            printf '<%s>\\n' "${{inputs.a}}" '${{inputs.b}}' "${{inputs.c}}" ${{inputs.d}}
            test ! -e canary
        """
        exit_, log = self.run(backend, node, command, values=values)
        assert exit_.reason == "ok"
        a, b, c, d = values.values()
        assert log == f"<{a}>\n<{b}>\n<{c}>\n" + "".join(f"<{word}>\n" for word in d.split())

    def test_variables_arrive_unharmed(self, backend: Backend, node: Path) -> None:
        variables = {"A": "it's", "B": 'a "b" $c `d`', "C": "1\n2", "D": "grüße 東京"}
        command = 'printf "%s\\n" "$A" "$B" "$C" "$D"'
        _, log = self.run(backend, node, command, variables=variables)
        assert log == "".join(f"{v}\n" for v in variables.values())

    def test_outputs_and_logs_are_kept(self, backend: Backend, node: Path) -> None:
        plan = self.make_plan(node, "echo 1 > outputs/model; mkdir logs/tb; echo 2 > logs/tb/x")
        self.wait(backend, backend.submit(plan))
        assert Path(plan.artifacts, "outputs", "model").read_text() == "1\n"
        assert Path(plan.artifacts, "logs", "tb", "x").read_text() == "2\n"

    def test_cleaning_twice_keeps_the_artifacts(self, backend: Backend, node: Path) -> None:
        plan = self.make_plan(node, "echo 1 > outputs/model; echo 2 > scratch")
        handle = backend.submit(plan)
        before = self.wait(backend, handle)
        backend.clean(handle)
        backend.clean(handle)
        assert backend.poll(handle) == before
        assert Path(plan.artifacts, "outputs", "model").read_text() == "1\n"
        assert not list(node.rglob("scratch"))
