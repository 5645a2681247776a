"""Distributed jobs on one machine. "Nodes" are groups of processes that know themselves by their
variables."""

from __future__ import annotations

import os
import socket

from lazur.runtime.attempt import Attempt
from lazur.runtime.documents import parse, render
from lazur.runtime.environment import node_variables
from lazur.runtime.plan import Distribution, Unprepared
from lazur.runtime.processes import Command

_HOST = "127.0.0.1"
_MPI_RANK = (
    "export AZUREML_CR_NODE_RANK=$((OMPI_COMM_WORLD_RANK / LAZUR_MPI_PROCESSES)); "
    'export RANK="$OMPI_COMM_WORLD_RANK"; '
    'export NODE_RANK=$AZUREML_CR_NODE_RANK AZUREML_PROCESS_NAME="rank_$RANK"; '
    'exec >>"$LAZUR_MPI_LOGS/std_log_process_$RANK.txt" 2>&1; '
    '[ "$RANK" = 0 ] || { unset MLFLOW_RUN_ID; MLFLOW_RUN_CONTEXT="$LAZUR_MPI_CONTEXT"; }; '
    'unset LAZUR_MPI_LOGS LAZUR_MPI_PROCESSES LAZUR_MPI_CONTEXT; exec "$@"'
)
_OPEN_MPI = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "PRTE_ALLOW_RUN_AS_ROOT": "1",
    "PRTE_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "PRTE_MCA_rmaps_default_mapping_policy": "slot:oversubscribe",
}
"""Up to version 4, and from 5 on. By variables, since other mpiruns know no such options."""


def spread(attempt: Attempt, base: dict[str, str], argv: list[str]) -> list[Command]:
    plan = attempt.plan
    shape = plan.distribution
    if shape is None:
        return _once_per_node(attempt, base, argv)
    if shape.type == "pytorch":
        return _pytorch(attempt, shape, base, argv)
    if shape.type == "tensorflow":
        return _tensorflow(attempt, shape, base, argv)
    if shape.type != "mpi":
        raise Unprepared("this runtime knows no distribution of type %s" % shape.type)
    mpirun = _find(base["PATH"], "mpirun")
    if mpirun is None:
        return _mpi_by_hand(attempt, shape, base, argv)
    return _mpirun(attempt, shape, base, argv, mpirun)


def _once_per_node(attempt: Attempt, base: dict[str, str], argv: list[str]) -> list[Command]:
    return [
        _command(attempt, n, base, argv, node_variables(attempt.plan, n))
        for n in range(attempt.plan.nodes)
    ]


def _pytorch(
    attempt: Attempt, shape: Distribution, base: dict[str, str], argv: list[str]
) -> list[Command]:
    plan = attempt.plan
    world = plan.nodes * shape.processes
    common = {
        "WORLD_SIZE": str(world),
        "LOCAL_WORLD_SIZE": str(shape.processes),
        "MASTER_ADDR": _HOST,
        "MASTER_PORT": str(_free_ports(1)[0]),
    }
    made: list[Command] = []
    for rank in range(world):
        node, local = divmod(rank, shape.processes)
        mine = {"RANK": str(rank), "LOCAL_RANK": str(local), **node_variables(plan, node)}
        made.append(_command(attempt, rank, base, argv, {**common, **mine}))
    return made


def _mpi_by_hand(
    attempt: Attempt, shape: Distribution, base: dict[str, str], argv: list[str]
) -> list[Command]:
    attempt.warn(
        "no mpirun in the environment: the processes were started without it, "
        "so MPI itself does not connect them"
    )
    plan = attempt.plan
    world = plan.nodes * shape.processes
    made: list[Command] = []
    for rank in range(world):
        node, local = divmod(rank, shape.processes)
        mine = {
            "OMPI_COMM_WORLD_RANK": str(rank),
            "OMPI_COMM_WORLD_SIZE": str(world),
            "OMPI_COMM_WORLD_LOCAL_RANK": str(local),
            "OMPI_COMM_WORLD_LOCAL_SIZE": str(shape.processes),
            "OMPI_COMM_WORLD_NODE_RANK": str(local),
            "OMPI_UNIVERSE_SIZE": str(world),
            "RANK": str(rank),
            **_mpi_master(),
            **node_variables(plan, node),
        }
        made.append(_command(attempt, rank, base, argv, mine))
    return made


def _mpirun(
    attempt: Attempt, shape: Distribution, base: dict[str, str], argv: list[str], mpirun: str
) -> list[Command]:
    """mpirun starts the ranks; each writes into its own log, without a pipe through mpirun."""
    world = attempt.plan.nodes * shape.processes
    others = _beside(attempt, base, "rank above 0")
    variables = {
        "LAZUR_MPI_LOGS": attempt.artifacts + "/user_logs",
        "LAZUR_MPI_PROCESSES": str(shape.processes),
        "LAZUR_MPI_CONTEXT": others.get("MLFLOW_RUN_CONTEXT", "{}"),
        **_OPEN_MPI,
        **_mpi_master(),
    }
    if attempt.plan.gpu_ids:
        variables["CUDA_VISIBLE_DEVICES"] = ",".join(map(str, attempt.plan.gpu_ids))
    whole = [mpirun, "-n", str(world), "/bin/sh", "-c", _MPI_RANK, "sh", *argv]
    return [_command(attempt, 0, base, whole, variables)]


def _tensorflow(
    attempt: Attempt, shape: Distribution, base: dict[str, str], argv: list[str]
) -> list[Command]:
    plan = attempt.plan
    workers = shape.workers or plan.nodes
    roles = [("worker", i) for i in range(workers)] + [
        ("ps", i) for i in range(shape.parameter_servers)
    ]
    ports = _free_ports(len(roles))
    cluster: dict[str, list[str]] = {}
    for (role, _), port in zip(roles, ports):
        cluster.setdefault(role, []).append("%s:%d" % (_HOST, port))
    made: list[Command] = []
    for rank, (role, index) in enumerate(roles):
        config = {"cluster": cluster, "task": {"type": role, "index": index}}
        mine = {"TF_CONFIG": render(config), **node_variables(plan, rank % plan.nodes)}
        made.append(_command(attempt, rank, base, argv, mine, serves=role == "ps"))
    return made


def _command(
    attempt: Attempt,
    rank: int,
    base: dict[str, str],
    argv: list[str],
    variables: dict[str, str],
    serves: bool = False,
) -> Command:
    log = "%s/user_logs/std_log_process_%d.txt" % (attempt.artifacts, rank)
    named = {"AZUREML_PROCESS_NAME": "rank_%d" % rank, **variables}
    common = _beside(attempt, base, "rank %d" % rank) if rank else base
    return Command(rank, argv, {**common, **named}, attempt.wd, log, serves)


def _beside(attempt: Attempt, base: dict[str, str], name: str) -> dict[str, str]:
    """The job's run is rank 0's alone: two that log one parameter to it would fail. What another
    process logs to MLflow goes to a run of its own, below the job's, made when it first logs."""
    own = {k: v for k, v in base.items() if k != "MLFLOW_RUN_ID"}
    run = base.get("MLFLOW_RUN_ID")
    if run and "MLFLOW_RUN_CONTEXT" in base:
        tags = parse(base["MLFLOW_RUN_CONTEXT"])
        tags.update({"mlflow.parentRunId": run, "mlflow.runName": attempt.plan.job + " " + name})
        own["MLFLOW_RUN_CONTEXT"] = render(tags)
    return own


def _mpi_master() -> dict[str, str]:
    return {
        "AZ_BATCH_MASTER_NODE": "%s:%d" % (_HOST, _free_ports(1)[0]),
        "AZ_BATCHAI_MPI_MASTER_NODE": _HOST,
    }


def _free_ports(count: int) -> list[int]:
    """Held all at once while they are looked for, so that they differ."""
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind((_HOST, 0))
    ports: list[int] = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def _find(path: str, name: str) -> str | None:
    for folder in path.split(":"):
        if os.access(folder + "/" + name, os.X_OK):
            return folder + "/" + name
    return None
