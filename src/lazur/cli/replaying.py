"""The steps of a supervisor up to the command, taken by hand; then this process is the command."""

from __future__ import annotations

import os
from pathlib import Path

from lazur.cli import terminal
from lazur.errors import Invalid
from lazur.runtime import inputs, outputs
from lazur.runtime.attempt import Attempt
from lazur.runtime.code import prepare_code
from lazur.runtime.command import render
from lazur.runtime.environment import base_variables
from lazur.runtime.plan import Unprepared
from lazur.runtime.ranks import make_commands
from lazur.runtime.values import Values


def begin(place: Path, *, shell: bool, shims: bool) -> None:
    try:
        attempt = Attempt(str(place))
        attempt.make_folders()
        prepare_code(attempt)
        values = Values(attempt.plan)
        inputs.prepare(attempt, values)
        outputs.prepare(attempt, values)
        script = render(attempt.plan.command, values.find)
        command = make_commands(attempt, base_variables(attempt, values), script)[0]
    except Unprepared as error:
        raise Invalid(f"It cannot be run once more: {error}.") from error
    for warning in attempt.warnings:
        terminal.note(warning)
    variables = dict(command.env)
    if shims:
        variables["PATH"] = f"{place}/shims:{variables['PATH']}"
    argv = list(command.argv)
    if shell:
        (place / "command.sh").write_text(script + "\n")
        terminal.note("the command is: bash ../command.sh")
        argv = [argv[0], "--norc", "-i"]
    os.chdir(command.cwd)
    os.execve(argv[0], argv, variables)  # noqa: S606 - as the runtime does
