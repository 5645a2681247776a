"""Upstream's jobs (evaluations, judges, prompt optimisation), each in a process of its own, which
the request that asks for it starts. Upstream keeps seven processes for them, needed or not."""

from __future__ import annotations

import contextlib
import fcntl
import importlib
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from lazur.server.mlflow.door import Door

AT_ONCE = 2
"""Jobs that run together; others wait. Each holds some 300 MB."""
SCORING_SECONDS = 60.0
_ENTRY = "lazur.server.mlflow.work"
_LOST = "MLflow's server ended while this job ran or waited. Start it again."

log = logging.getLogger("lazur.server.mlflow.workers")


class Workers:
    """`folder` holds a file for each unfinished job, locked by the process that has it."""

    def __init__(self, folder: Path, door: Door) -> None:
        self._folder = folder
        self._door = door
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="job")
        self._utils: Any = None
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def take_over(self) -> None:
        """Upstream's jobs come here, from when it first has to do with them."""
        hooks = importlib.import_module("mlflow.utils.import_hooks")
        hooks.register_post_import_hook(self._step_in, "mlflow.server.jobs.utils")
        self._bury()
        threading.Thread(target=self._score, name="scoring", daemon=True).start()

    def submit(self, job: str, workspace: str, *task: Any) -> None:
        *what, environ = task
        mark = (self._folder / f"{workspace}.{job}").open("w")
        fcntl.flock(mark, fcntl.LOCK_EX)
        environ = {**(environ or {}), **self._door.environ()}
        self._threads.submit(self._run, mark, job, workspace, *what, environ)

    def _step_in(self, utils: Any) -> None:
        queue = _Queue(self)
        utils._get_or_init_huey_instance = lambda _name: queue
        utils._JOB_ENTRY_MODULE = _ENTRY
        self._utils = utils

    def _run(self, mark: Any, *task: Any) -> None:
        try:
            while (pause := self._attempt(*task)) is not None:
                time.sleep(pause)
        except Exception:
            log.exception("job %s", task[0])
        finally:
            Path(mark.name).unlink(missing_ok=True)
            mark.close()

    def _attempt(self, *task: Any) -> float | None:
        """Seconds until it is to be tried again."""
        try:
            self._utils._exec_job(*task)
        except importlib.import_module("huey.exceptions").RetryTask as again:
            return float(again.delay or 0)
        return None

    def _bury(self) -> None:
        """Jobs of processes that are gone. What they did is not known, so nobody repeats it."""
        for path in self._folder.iterdir():
            with contextlib.suppress(BlockingIOError), path.open("r+") as mark:
                fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _fail(*path.name.split(".", 1))
                path.unlink(missing_ok=True)

    def _score(self) -> None:
        """Judges that watch new traces. Of all servers on a home one calls them."""
        with (self._folder.parent / "mlflow-scoring.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            while True:
                time.sleep(SCORING_SECONDS)
                try:
                    if _someone_watches():
                        judges = importlib.import_module("mlflow.genai.scorers.job")
                        judges.run_online_scoring_scheduler()
                except Exception:
                    log.exception("new traces were not scored")


class _Queue:
    """Looks to upstream like an instance of Huey."""

    def __init__(self, workers: Workers) -> None:
        self.submit_task = workers.submit
        self.instance = self
        self._lock = threading.Lock()
        self._held: set[str] = set()

    def lock_task(self, key: str) -> _Lock:
        return _Lock(self, key)

    def take(self, key: str) -> bool:
        with self._lock:
            free = key not in self._held
            self._held.add(key)
            return free

    def give_back(self, key: str) -> None:
        self._held.discard(key)


class _Lock:
    """Released only by whom it was acquired: upstream releases what it got."""

    def __init__(self, queue: _Queue, key: str) -> None:
        self._queue = queue
        self._key = key

    def acquire(self) -> None:
        if not self._queue.take(self._key):
            raise importlib.import_module("huey.exceptions").TaskLockedException(self._key)

    def release(self) -> None:
        self._queue.give_back(self._key)


def _fail(workspace: str, job: str) -> None:
    context = importlib.import_module("mlflow.utils.workspace_context").WorkspaceContext
    try:
        with context(workspace):
            importlib.import_module("mlflow.server.handlers")._get_job_store().fail_job(job, _LOST)
    except importlib.import_module("mlflow.exceptions").MlflowException as error:
        log.info("job %s was lost: %s", job, error)


def _someone_watches() -> bool:
    store = importlib.import_module("mlflow.server.handlers")._get_tracking_store()
    sqlalchemy = importlib.import_module("sqlalchemy")
    asked = sqlalchemy.text("SELECT 1 FROM online_scoring_configs WHERE sample_rate > 0 LIMIT 1")
    with store.ManagedSessionMaker() as session:
        return session.execute(asked).first() is not None
