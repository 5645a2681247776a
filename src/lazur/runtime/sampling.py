"""System metrics of a job's run: read every few seconds by a thread of the supervisor, and sent
with the job's token. What cannot be sent waits; whatever fails here never disturbs the job."""

from __future__ import annotations

import _thread
import time

from lazur.runtime.documents import render
from lazur.runtime.gauges import Gauges
from lazur.runtime.posting import Post

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lazur.runtime.attempt import Attempt
    from lazur.runtime.gpus import Gpus

FIRST = 1.0
"""Seconds after which a job is sampled first. Those that are shorter pay next to nothing."""
_EVERY = 10.0
_SHORTEST = 1.0
_KEPT = 2000
"""Samples that wait for a server: more than five hours of them."""
_AT_ONCE = 1000
"""Metrics that MLflow takes in one request."""
_PATIENCE = 5.0
_LAST = 2.0
"""Seconds that the end of a job waits for the last sample to be sent."""
_URI = "MLFLOW_TRACKING_URI"
_SWITCH = "MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING"


class Refused(Exception):
    """The server will never take what is sent."""


class Sampling:
    """Made when the command begins, so that the first sample tells of all since then. `begin` is
    for jobs that take their time, `stop` comes when the command has ended."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._every = _interval(attempt.plan.variables)
        self._stopping = _thread.allocate_lock()
        self._done = _thread.allocate_lock()
        self._stopping.acquire()
        self._done.acquire()
        self._waiting: list[list[dict[str, Any]]] = []
        self._step = 0
        self._noted = False
        self._read_at = 0.0
        self._begun = False
        self._gauges = Gauges(attempt.artifacts)

    def begin(self) -> None:
        self._begun = True
        _thread.start_new_thread(self._run, ())

    def stop(self) -> None:
        if self._begun:
            self._stopping.release()
            self._done.acquire(timeout=_LAST)

    def _run(self) -> None:
        try:
            self._sample_until_stopped()
        except Refused as error:
            self._attempt.note("system metrics ended: %s" % error)
        except Exception as error:  # noqa: BLE001  # whatever it is, the job goes on
            self._attempt.note("system metrics ended: %s: %s" % (type(error).__name__, error))
        finally:
            self._done.release()

    def _sample_until_stopped(self) -> None:
        gpus = self._open_gpus()
        server = _Server(self._attempt.plan.variables)
        over = False
        while not over:
            self._read(gpus)
            self._send(server)
            over = self._stopping.acquire(timeout=self._every)
        if time.monotonic() - self._read_at > _SHORTEST:  # else the end would wait for no news
            self._read(gpus)
        self._send(server)

    def _open_gpus(self) -> Gpus | None:
        if not self._attempt.plan.gpu_ids:
            return None
        from lazur.runtime.gpus import Gpus  # noqa: PLC0415

        try:
            return Gpus(self._attempt.plan.gpu_ids)
        except (OSError, AttributeError) as error:
            self._note("no system metrics of the GPUs: %s" % error)
            return None

    def _read(self, gpus: Gpus | None) -> None:
        self._read_at = time.monotonic()
        found = self._gauges.read()
        if gpus is not None:
            found.update(gpus.read())
        shared = {"timestamp": int(time.time() * 1000), "step": self._step}
        self._waiting.append(
            [{"key": "system/" + k, "value": round(v, 3), **shared} for k, v in found.items()]
        )
        del self._waiting[:-_KEPT]
        self._step += 1

    def _send(self, server: _Server) -> None:
        """As many samples at once as one request holds; the rest with the next."""
        while self._waiting:
            batch: list[dict[str, Any]] = []
            count = 0
            for sample in self._waiting:
                if len(batch) + len(sample) > _AT_ONCE:
                    break
                batch += sample
                count += 1
            try:
                server.send(batch)
            except OSError as error:
                self._note("system metrics wait for the server: %s" % error)
                return
            del self._waiting[:count]

    def _note(self, text: str) -> None:
        if not self._noted:
            self._noted = True
            self._attempt.note(text)


class _Server:
    """Raises OSError for what may go better next time, Refused for what never will."""

    def __init__(self, variables: dict[str, str]) -> None:
        self._run = variables["MLFLOW_RUN_ID"]
        headers = {
            "Authorization": "Bearer " + variables["MLFLOW_TRACKING_TOKEN"],
            "Content-Type": "application/json",
        }
        self._post = Post(
            variables[_URI] + "/api/2.0/mlflow/runs/log-batch",
            headers,
            variables.get("MLFLOW_TRACKING_SERVER_CERT_PATH"),
        )

    def send(self, metrics: list[dict[str, Any]]) -> None:
        status = self._post.send(render({"run_id": self._run, "metrics": metrics}))
        if status in (408, 429) or status >= 500:
            raise OSError("it answered with %d" % status)
        if status >= 300:
            raise Refused("the server answered with %d" % status)


def start(attempt: Attempt) -> Sampling | None:
    """None: nothing is to be sampled, since the person or the server said so, or MLflow's own
    client does it."""
    variables = attempt.plan.variables
    if variables.get(_SWITCH, "") or not variables.get(_URI, "").startswith("http"):
        return None
    if "MLFLOW_RUN_ID" not in variables or "MLFLOW_TRACKING_TOKEN" not in variables:
        return None
    return Sampling(attempt)


def _interval(variables: dict[str, str]) -> float:
    try:
        return max(_SHORTEST, float(variables.get("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "")))
    except ValueError:
        return _EVERY
