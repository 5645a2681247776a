"""System metrics, from the machine itself to a server that answers as it is told."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from lazur.runtime import gauges, gpus, sampling
from lazur.runtime.attempt import Attempt

linux = pytest.mark.skipif(not Path("/proc/stat").exists(), reason="no /proc here")
WHOLE = {
    "cpu_utilization_percentage",
    "system_memory_usage_megabytes",
    "system_memory_usage_percentage",
    "disk_usage_megabytes",
    "disk_usage_percentage",
    "disk_available_megabytes",
    "network_receive_megabytes",
    "network_transmit_megabytes",
}


NVML = """
typedef struct { unsigned long long total, free, used; } memory;
typedef struct { unsigned int gpu, memory; } rates;
int nvmlInit_v2(void) { return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned int i, void **d) { *d = (void *)0x123456789abc;
  return i == 7 ? 0 : 2; }
static int known(void *d) { return d == (void *)0x123456789abc; }
int nvmlDeviceGetMemoryInfo(void *d, memory *m) { m->total = 80000000; m->used = 20000000;
  return !known(d); }
int nvmlDeviceGetUtilizationRates(void *d, rates *r) { r->gpu = 93; return !known(d); }
int nvmlDeviceGetPowerUsage(void *d, unsigned int *p) { *p = 301500; return !known(d); }
int nvmlDeviceGetEnforcedPowerLimit(void *d, unsigned int *p) { return 3; }
"""


class Tracking:
    """Takes batches, and answers them with `status`."""

    def __init__(self) -> None:
        self.status = 200
        self.batches: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self._changed = threading.Condition()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = outer.status
                with outer._changed:
                    outer.batches.append(json.loads(body))
                    outer.headers.append(dict(self.headers))
                    outer.paths.append(self.path)
                    outer._changed.notify_all()
                # Last: whoever has the answer finds here what was answered.
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *_: Any) -> None:  # noqa: A002 - its name there
                """Not into the test's output."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        serve = self._server.serve_forever
        threading.Thread(target=serve, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/mlflow/workspaces/w"

    def wait(self, ready: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(ready, timeout=30)

    def steps(self) -> list[int]:
        found = [m["step"] for batch in self.batches for m in batch["metrics"]]
        return sorted(set(found))

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def tracking() -> Iterator[Tracking]:
    made = Tracking()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "_SHORTEST", 0.001)


def attempt(folder: Path, url: str, **variables: str) -> Attempt:
    plan = {
        "job": "j",
        "workspace": "w",
        "attempt": 1,
        "folder": str(folder),
        "artifacts": str(folder / "artifacts"),
        "command": "true",
        "variables": {
            "MLFLOW_TRACKING_URI": url,
            "MLFLOW_TRACKING_TOKEN": "secret",
            "MLFLOW_RUN_ID": "j",
            "MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL": "0.02",
            **variables,
        },
    }
    (folder / "plan.json").write_text(json.dumps(plan))
    made = Attempt(str(folder))
    made.make_folders()
    return made


def notes(folder: Path) -> str:
    file = folder / "artifacts/system_logs/runtime.log"
    return file.read_text() if file.exists() else ""


def begin(made: Attempt) -> sampling.Sampling:
    started = sampling.start(made)
    assert started is not None
    started.begin()
    return started


class TestSampling:
    def test_samples_go_to_the_jobs_run(self, tmp_path: Path, tracking: Tracking) -> None:
        started = begin(attempt(tmp_path, tracking.url))
        tracking.wait(lambda: len(tracking.batches) >= 3)
        started.stop()
        batch, headers = tracking.batches[0], tracking.headers[0]
        assert batch["run_id"] == "j"
        assert tracking.paths[0] == "/mlflow/workspaces/w/api/2.0/mlflow/runs/log-batch"
        assert headers["Authorization"] == "Bearer secret"
        assert {m["key"] for m in batch["metrics"]} >= {"system/disk_usage_percentage"}
        assert tracking.steps() == list(range(len(tracking.steps())))
        assert notes(tmp_path) == ""

    def test_the_last_sample_is_sent_at_the_end(self, tmp_path: Path, tracking: Tracking) -> None:
        made = attempt(tmp_path, tracking.url, MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL="3600")
        started = begin(made)
        tracking.wait(lambda: len(tracking.batches) == 1)
        started.stop()
        assert tracking.steps() == [0, 1]

    def test_the_end_waits_for_no_sample_where_there_was_one_just_now(
        self, tmp_path: Path, tracking: Tracking, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sampling, "_SHORTEST", 3600.0)
        started = begin(attempt(tmp_path, tracking.url))
        tracking.wait(lambda: len(tracking.batches) == 1)
        started.stop()
        assert tracking.steps() == [0]

    def test_a_short_job_is_not_sampled(self, tmp_path: Path, tracking: Tracking) -> None:
        started = sampling.start(attempt(tmp_path, tracking.url))
        assert started is not None
        started.stop()
        assert tracking.batches == []

    def test_a_server_that_is_none_is_noted(self, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            port = listening.getsockname()[1]
            started = begin(attempt(tmp_path, f"http://127.0.0.1:{port}/x"))
            asked = listening.accept()[0]
            asked.recv(1 << 16)
            asked.sendall(b"SSH-2.0-other\r\n")
            asked.close()
            until = time.monotonic() + 30
            while not notes(tmp_path) and time.monotonic() < until:
                time.sleep(0.01)
        started.stop()
        assert "it did not answer as servers do" in notes(tmp_path)

    def test_what_a_server_cannot_take_now_is_sent_later(
        self, tmp_path: Path, tracking: Tracking
    ) -> None:
        tracking.status = 503
        started = begin(attempt(tmp_path, tracking.url))
        tracking.wait(lambda: len(tracking.batches) >= 3)
        tracking.status = 200
        seen = len(tracking.batches)
        tracking.wait(lambda: len(tracking.batches) > seen + 1)
        started.stop()
        assert tracking.steps() == list(range(len(tracking.steps())))
        assert notes(tmp_path).count("wait for the server: it answered with 503") == 1

    def test_a_server_that_is_away_is_noted_once(self, tmp_path: Path, free_port: int) -> None:
        started = begin(attempt(tmp_path, f"http://127.0.0.1:{free_port}/x"))
        deadline = time.monotonic() + 30
        while not notes(tmp_path) and time.monotonic() < deadline:
            time.sleep(0.01)
        started.stop()
        assert notes(tmp_path).count("system metrics wait for the server") == 1

    def test_a_server_that_refuses_is_left_alone(self, tmp_path: Path, tracking: Tracking) -> None:
        tracking.status = 404
        started = begin(attempt(tmp_path, tracking.url))
        tracking.wait(lambda: len(tracking.batches) == 1)
        started.stop()
        assert len(tracking.batches) == 1
        assert "system metrics ended: the server answered with 404" in notes(tmp_path)
        assert "secret" not in notes(tmp_path)

    def test_a_long_absence_is_sent_in_batches_that_mlflow_takes(
        self, tmp_path: Path, tracking: Tracking
    ) -> None:
        started = begin(
            attempt(tmp_path, tracking.url, MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL="3600")
        )
        tracking.wait(lambda: len(tracking.batches) == 1)
        one = {"key": "system/x", "value": 1.0, "timestamp": 1, "step": 0}
        started._waiting += [[one] * 12 for _ in range(200)]
        started.stop()
        assert max(len(batch["metrics"]) for batch in tracking.batches) <= 1000
        assert sum(len(batch["metrics"]) for batch in tracking.batches) > 2400

    @pytest.mark.parametrize(
        "variables",
        [
            {"MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING": "false"},
            {"MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING": "true"},
            {"MLFLOW_TRACKING_URI": "databricks"},
        ],
    )
    def test_nobody_is_sampled_who_did_not_want_it(
        self, tmp_path: Path, variables: dict[str, str]
    ) -> None:
        assert sampling.start(attempt(tmp_path, "http://127.0.0.1:1/x", **variables)) is None


class TestGauges:
    @linux
    def test_the_machine_and_the_job_are_read(self, tmp_path: Path) -> None:
        made = gauges.Gauges(str(tmp_path))
        burn = "x = bytearray(50_000_000)\nprint(1, flush=True)\nwhile True: pass"
        child = subprocess.Popen([sys.executable, "-c", burn], stdout=subprocess.PIPE)
        try:
            assert child.stdout is not None
            child.stdout.readline()
            time.sleep(0.2)
            found = made.read()
        finally:
            child.kill()
            child.communicate()
        assert set(found) >= WHOLE
        assert 0 <= found["cpu_utilization_percentage"] <= 100
        assert 0 < found["system_memory_usage_percentage"] < 100
        assert found["job_cpu_cores"] > 0
        assert found["job_memory_megabytes"] > 50

    @linux
    def test_time_of_what_has_ended_is_not_lost(self, tmp_path: Path) -> None:
        made = gauges.Gauges(str(tmp_path))
        before = os.times()
        spin = "import time\nt = time.process_time()\nwhile time.process_time() < t + 0.3: pass"
        subprocess.run([sys.executable, "-c", spin], check=True)
        after = os.times()
        waiting = subprocess.Popen(["/bin/sleep", "60"])
        try:
            used = after.children_user + after.children_system
            assert used - before.children_user - before.children_system >= 0.2
            assert gauges._job_seconds([waiting.pid]) >= used
            assert made.read()["job_cpu_cores"] > 0
        finally:
            waiting.kill()
            waiting.wait()

    def test_a_system_without_proc_tells_what_it_has(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(gauges, "_text", lambda _path: "")
        monkeypatch.setattr(gauges, "descendants", lambda _pid: [])
        found = gauges.Gauges(str(tmp_path)).read()
        assert set(found) == {
            "disk_usage_megabytes",
            "disk_available_megabytes",
            "disk_usage_percentage",
        }


class TestGpus:
    def test_a_machine_without_a_driver_says_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(gpus, "_LIBRARIES", ("liblazur-has-no-such.so",))
        with pytest.raises(OSError, match="no liblazur-has-no-such"):
            gpus.Gpus([0])

    @pytest.mark.skipif(which("cc") is None, reason="no C compiler here")
    def test_what_the_library_says_is_read(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A library with NVML's own signatures: GPU 7 is the job's first, and hides its power's
        limit."""
        source, library = tmp_path / "nvml.c", tmp_path / "nvml.so"
        source.write_text(NVML)
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
        monkeypatch.setattr(gpus, "_LIBRARIES", ("no-such.so", str(library)))
        assert gpus.Gpus([7]).read() == {
            "gpu_0_memory_usage_megabytes": 20.0,
            "gpu_0_memory_usage_percentage": 25.0,
            "gpu_0_utilization_percentage": 93.0,
            "gpu_0_power_usage_watts": 301.5,
        }
        with pytest.raises(OSError, match="GPU 8"):
            gpus.Gpus([8])

    @pytest.mark.skipif(not Path("/dev/nvidiactl").exists(), reason="no NVIDIA GPU here")
    def test_a_gpu_is_read(self) -> None:
        found = gpus.Gpus([0]).read()
        assert found["gpu_0_memory_usage_megabytes"] > 0
        assert 0 <= found["gpu_0_utilization_percentage"] <= 100
        assert found["gpu_0_power_usage_watts"] > 0
