from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import pythons
from tests.unit.runtime.parallel.driver import Driver

NAMES = """\
    import os
    def run(mini_batch):
        return [os.path.basename(path) for path in mini_batch]
"""


@pytest.fixture
def driver(tmp_path: Path) -> Driver:
    made = Driver(tmp_path / "job")
    made.files(20)
    made.script(NAMES)
    return made


def wait_until(happened: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < until
        time.sleep(0.02)


class TestFiles:
    def test_every_file_has_its_row_in_order(self, driver: Driver) -> None:
        driver.settings = {"mini_batch_size": "3"}
        code, said = driver.run()
        assert code == 0, said
        assert driver.lines == [f"f{n:03}.txt" for n in range(20)]
        assert "7 of 7 mini-batches done, 0 failed; 20 of 20 items" in said
        assert not list((driver.folder / "artifacts" / "system_logs" / "parallel").glob("rows-*"))

    def test_a_script_gets_its_arguments_its_context_and_its_logger(self, driver: Driver) -> None:
        driver.script("""\
            import sys
            from azureml_user.parallel_run import EntryScript
            def init():
                global logger
                logger = EntryScript().logger
                logger.debug("not asked for"); logger.info("begun with %s", sys.argv[1:])
            def run(mini_batch, mini_batch_context):
                mini_batch_context.log_metric("size", len(mini_batch))
                return [mini_batch_context.mini_batch_id]
            def shutdown():
                logger.info("over")
        """)
        code, said = driver.run("--model", "m", "--error_threshold", "-1")
        assert code == 0, said
        assert driver.lines == [str(n) for n in range(20)]
        logs = driver.logs()
        assert "begun with ['--model', 'm', '--error_threshold', '-1']" in logs
        assert "over" in logs
        assert "not asked for" not in logs
        assert driver.ledger()[0]["m"] == {"size": 1.0}

    def test_the_oldest_python_that_jobs_may_have_runs_it(self, driver: Driver) -> None:
        oldest = pythons.find("3.7")
        if oldest is None:
            pytest.skip("this machine has no Python 3.7")
        driver.python = oldest
        code, said = driver.run()
        assert code == 0, said
        assert len(driver.lines) == 20

    def test_lazur_is_what_the_environment_has(self, driver: Driver) -> None:
        driver.script("""\
            import importlib.util, sys
            def run(mini_batch):
                named = [name for name in sys.modules if name.startswith("lazur")]
                return [str(named)]
        """)
        driver.settings = {"mini_batch_size": "20"}
        assert driver.run()[0] == 0
        assert driver.lines == ["[]"]

    def test_nothing_to_do_is_said(self, driver: Driver) -> None:
        for path in driver.input.iterdir():
            path.unlink()
        code, said = driver.run()
        assert code == 1
        assert "the job fails: the input has nothing in it" in said


class TestFailures:
    def test_what_fails_is_tried_again_and_named(self, driver: Driver) -> None:
        driver.script("""\
            import os
            def run(mini_batch):
                name = os.path.basename(mini_batch[0])
                print("at", name)
                if name == "f007.txt":
                    raise ValueError("seven is bad")
                return [name]
        """)
        driver.settings = {"max_retries": 1}
        code, said = driver.run()
        assert code == 0
        assert len(driver.lines) == 19
        (failing,) = driver.progress()["failing"]
        assert (failing["number"], failing["tries"], failing["failed"]) == (7, 2, True)
        log = (driver.folder / "artifacts" / failing["log"]).read_text()
        assert log.count("at f007.txt") == 2
        assert 'raise ValueError("seven is bad")' in log
        assert "runtime/parallel/worker.py" not in log
        assert "mini-batch 7 failed: ValueError: seven is bad" in said

    @pytest.mark.parametrize(
        "settings,arguments,why",
        [
            (
                {"mini_batch_error_threshold": 2},
                [],
                "3 mini-batches have failed, and mini_batch_error_threshold is 2",
            ),
            ({}, ["--error_threshold", "0"], "1 item has failed, and error_threshold is 0"),
        ],
    )
    def test_too_much_ends_the_job_and_leaves_no_results(
        self, driver: Driver, settings: dict[str, int], arguments: list[str], why: str
    ) -> None:
        driver.script("def run(mini_batch):\n    raise ValueError('no')\n")
        driver.settings = {"max_retries": 0, "workers": 1, **settings}
        code, said = driver.run(*arguments)
        assert code == 1
        assert said.endswith(f"lazur: the job fails: {why}\n")
        assert not driver.target.exists()

    def test_a_worker_that_dies_is_replaced(self, driver: Driver) -> None:
        driver.script("""\
            import os
            def run(mini_batch):
                name = os.path.basename(mini_batch[0])
                if name == "f003.txt" and not os.path.exists("died"):
                    open("died", "w").close()
                    os.kill(os.getpid(), 9)
                return [name]
        """)
        code, said = driver.run()
        assert code == 0
        assert len(driver.lines) == 20
        assert "mini-batch 3 failed, and is tried again: its process was ended by SIGKILL" in said

    def test_a_mini_batch_that_takes_too_long_is_ended(self, driver: Driver) -> None:
        driver.script("""\
            import os, time
            def run(mini_batch):
                name = os.path.basename(mini_batch[0])
                if name == "f003.txt":
                    time.sleep(600)
                return [name]
        """)
        driver.settings = {"timeout": 1, "max_retries": 0}
        code, said = driver.run()
        assert code == 0
        assert len(driver.lines) == 19
        assert "mini-batch 3 failed: run() took longer than 1 s" in said

    @pytest.mark.parametrize(
        "script,why",
        [
            ("def init():\n    raise OSError('no model')\n", "has no function run(mini_batch)"),
            (
                "def init():\n    raise OSError('no model')\ndef run(m):\n    return m\n",
                "init() failed: OSError: no model (3 workers in a row could not begin)",
            ),
            ("import nothing_of_that_name\n", "No module named 'nothing_of_that_name'"),
            (
                "def run(m):\n    return m\ndef shutdown():\n    raise OSError('lost')\n",
                "shutdown() failed: OSError: lost",
            ),
        ],
    )
    def test_a_script_that_cannot_begin_or_end(
        self, driver: Driver, script: str, why: str
    ) -> None:
        driver.script(script)
        code, said = driver.run()
        assert code == 1
        assert why in said.splitlines()[-1]

    def test_secrets_stay_in_the_log_that_is_masked(self, driver: Driver) -> None:
        driver.variables = {"LAZUR_MASKED": "1"}
        driver.script("def run(m):\n    print('hush')\n    raise ValueError('hush')\n")
        driver.settings = {"max_retries": 0, "mini_batch_size": "20"}
        driver.run()
        found = [p for p in (driver.folder / "artifacts").rglob("*") if p.is_file()]
        assert found
        assert not [path for path in found if "hush" in path.read_text()]


class TestKills:
    def test_the_next_attempt_goes_on_and_nothing_is_doubled(self, driver: Driver) -> None:
        driver.script("""\
            import os, time
            def run(mini_batch):
                time.sleep(0.1)
                return [os.path.basename(mini_batch[0])]
        """)
        with driver.start() as first:
            wait_until(lambda: len(driver.ledger()) >= 4)
            os.kill(first.pid, signal.SIGKILL)
        before = len(driver.ledger())
        driver.attempt = 2
        code, said = driver.run()
        assert code == 0
        assert f"its {before} done mini-batches stay" in said
        assert driver.lines == [f"f{n:03}.txt" for n in range(20)]
        assert sorted(e["d"] for e in driver.ledger() if "d" in e) == list(range(20))

    def test_several_nodes_share_the_work(self, driver: Driver) -> None:
        driver.settings = {"nodes": 2, "workers": 1}
        driver.script("""\
            import os, time
            def init():
                open("node" + os.environ["AZUREML_CR_NODE_RANK"], "w").close()
            def run(mini_batch):
                while not os.path.exists("node1"):
                    time.sleep(0.01)
                time.sleep(0.05)
                return [os.environ["AZUREML_CR_NODE_RANK"]]
        """)
        with driver.start(node=1) as other:
            code, said = driver.run()
            assert other.wait(timeout=60) == 0
        assert code == 0, said
        assert set(driver.lines) == {"0", "1"}
        assert len(driver.lines) == 20

    def test_a_node_that_is_lost_takes_nothing_along(self, driver: Driver) -> None:
        driver.settings = {"nodes": 2, "workers": 1}
        driver.script("""\
            import os, time
            def init():
                open("node" + os.environ["AZUREML_CR_NODE_RANK"], "w").close()
            def run(mini_batch):
                while not os.path.exists("node1"):
                    time.sleep(0.01)
                time.sleep(0.1)
                return [os.path.basename(mini_batch[0])]
        """)
        with driver.start(node=1) as other, driver.start() as first:
            wait_until(lambda: any("-1-0-" in e["w"] for e in driver.ledger()))
            os.kill(first.pid, signal.SIGSTOP)
            os.kill(other.pid, signal.SIGKILL)
            time.sleep(0.5)  # until its worker has said something, too: both are heard at once
            os.kill(first.pid, signal.SIGCONT)
            said, _ = first.communicate(timeout=60)
        assert first.returncode == 0
        assert "node 1 is gone" in said
        assert driver.lines == [f"f{n:03}.txt" for n in range(20)]
