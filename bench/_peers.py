"""The tools that `peers` measures, pinned here and nowhere else, and how each is given a chain and
a fan-out of steps that do nothing."""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass, field

CHAIN, FAN = (4, 6) if os.environ.get("BENCH_QUICK") else (20, 50)


@dataclass(frozen=True)
class Peer:
    package: str
    step: str
    """What it makes of a step."""
    command: str
    """With {pipeline} for `chain` or `fan`."""
    files: dict[str, str]
    environ: dict[str, str] = field(default_factory=dict[str, str])
    """With {folder} and, where it has a server, {port}."""
    server: str | None = None
    """What keeps listening on {port} meanwhile, as Lazur's own does."""
    also: tuple[str, ...] = ()
    """Where the newest of what it needs is too new for it."""


def _metaflow(steps: dict[str, str]) -> str:
    """Steps by name, and what each does."""
    lines = ["from metaflow import FlowSpec, step", "class Pipeline(FlowSpec):"]
    for name, body in steps.items():
        given = "self, inputs" if name == "join" else "self"
        lines += ["    @step", f"    def {name}({given}):", f"        {body}"]
    return "\n".join([*lines, "Pipeline()", ""])


_NAMES = ["start", *(f"s{number}" for number in range(CHAIN - 2)), "end"]
_METAFLOW_CHAIN = {
    name: f"self.next(self.{after})" for name, after in itertools.pairwise(_NAMES)
} | {"end": "pass"}
_METAFLOW_FAN = {
    "start": f"self.items = list(range({FAN})); self.next(self.each, foreach='items')",
    "each": "self.next(self.join)",
    "join": "self.next(self.end)",
    "end": "pass",
}

_RAY = """
import ray
ray.init({})
@ray.remote
def step(*before):
    pass
"""
_RAY_CHAIN = f"""
last = step.remote()
for _ in range({CHAIN - 1}):
    last = step.remote(last)
ray.get(last)
"""
_RAY_FAN = f"ray.get([step.remote() for _ in range({FAN})])\n"
_RAY_ALONE = _RAY.format("'local', num_cpus=2, include_dashboard=False, logging_level='ERROR'")
_RAY_JOINS = _RAY.format("logging_level='ERROR'")
_RAY_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # without it, it takes an address that others reach
    "RAY_TMPDIR": "{folder}",
}

_DAGSTER = """
from dagster import In, Nothing, in_process_executor, job, op
@op
def first():
    pass
@op(ins={"before": In(Nothing)})
def later(context):
    pass
@job(executor_def=in_process_executor)
def pipeline():
"""
_DAGSTER_CHAIN = f"""
    last = first()
    for number in range({CHAIN - 1}):
        last = later.alias(f"s{{number}}")(last)
"""
_DAGSTER_FAN = f"""
    for number in range({FAN}):
        first.alias(f"s{{number}}")()
"""

_PREFECT = """
from prefect import flow, task
from prefect.task_runners import ThreadPoolTaskRunner
@task
def step():
    pass
@flow(task_runner=ThreadPoolTaskRunner(max_workers=2))
def pipeline():
"""
_PREFECT_CHAIN = f"""
    for _ in range({CHAIN}):
        step()
pipeline()
"""
_PREFECT_FAN = f"""
    for one in [step.submit() for _ in range({FAN})]:
        one.result()
pipeline()
"""

PEERS = [
    Peer(
        "ray==2.60.0",
        "a function in a warm worker, its cluster up",
        "python {pipeline}.py",
        {"chain.py": _RAY_JOINS + _RAY_CHAIN, "fan.py": _RAY_JOINS + _RAY_FAN},
        {**_RAY_QUIET, "RAY_ADDRESS": "127.0.0.1:{port}"},
        "ray start --head --block --num-cpus=2 --port={port} --node-ip-address=127.0.0.1"
        # Without these two it keeps 10,000 ports for itself, and refuses one of them as {port}.
        " --min-worker-port=0 --max-worker-port=0 --include-dashboard=false --disable-usage-stats",
    ),
    Peer(
        "ray==2.60.0",
        "a function in a warm worker, its cluster started by the script",
        "python {pipeline}.py",
        {"chain.py": _RAY_ALONE + _RAY_CHAIN, "fan.py": _RAY_ALONE + _RAY_FAN},
        _RAY_QUIET,
    ),
    Peer(
        "prefect==3.8.8",
        "a call in process, its server up",
        "python {pipeline}.py",
        {"chain.py": _PREFECT + _PREFECT_CHAIN, "fan.py": _PREFECT + _PREFECT_FAN},
        {
            "DO_NOT_TRACK": "1",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_HOME": "{folder}",
            "PREFECT_API_URL": "http://127.0.0.1:{port}/api",
        },
        "prefect server start --host 127.0.0.1 --port {port}",
        ("fastapi==0.139.0",),
    ),
    Peer(
        "dagster==1.13.29",
        "a call in process, one after the other",
        "dagster job execute -f {pipeline}.py",
        {
            "chain.py": _DAGSTER + _DAGSTER_CHAIN,
            "fan.py": _DAGSTER + _DAGSTER_FAN,
            "dagster.yaml": "telemetry: {enabled: false}\n",
        },
        {"DAGSTER_HOME": "{folder}"},
    ),
    Peer(
        "metaflow==2.19.39",
        "a process each",
        "python {pipeline}.py run --max-workers 2",
        {"chain.py": _metaflow(_METAFLOW_CHAIN), "fan.py": _metaflow(_METAFLOW_FAN)},
        {"USERNAME": "bench", "METAFLOW_DATASTORE_SYSROOT_LOCAL": "{folder}"},
    ),
]
