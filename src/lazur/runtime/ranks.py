"""The processes that a job consists of: one, or a distribution's many, each with its variables and
its log."""

from __future__ import annotations

import os

from lazur.runtime.attempt import Attempt
from lazur.runtime.environment import gpu_variables
from lazur.runtime.processes import Command

_LONGEST = 100_000
"""A longer script goes through a file: the kernel takes 128 KiB in one argument."""


def make_commands(attempt: Attempt, base: dict[str, str], script: str) -> list[Command]:
    plan = attempt.plan
    argv = [*_shell(attempt, base["PATH"]), *_script(attempt, script)]
    if plan.distribution is None and plan.nodes == 1:
        variables = {
            "AZUREML_CR_NODE_RANK": "0",
            "AZUREML_PROCESS_NAME": "main",
            **gpu_variables(plan, 0),
        }
        log = attempt.artifacts + "/user_logs/" + attempt.main_log
        return [Command(0, argv, {**base, **variables}, attempt.wd, log)]
    # Only distributed jobs pay for this module.
    from lazur.runtime import distributions  # noqa: PLC0415

    return distributions.spread(attempt, base, argv)


def _shell(attempt: Attempt, path: str) -> list[str]:
    for folder in ("/bin", "/usr/bin", *path.split(":")):
        if os.access(folder + "/bash", os.X_OK):
            return [folder + "/bash"]
    attempt.warn("this node has no bash: the command ran with sh")
    return ["/bin/sh"]


def _script(attempt: Attempt, script: str) -> list[str]:
    if len(script) < _LONGEST:
        return ["-c", script]
    path = attempt.folder + "/command.sh"
    with open(path, "w", encoding="utf-8") as file:
        file.write(script)
    return [path]
