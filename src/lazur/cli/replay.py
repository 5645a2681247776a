"""`lazur job replay`: one job or step once more, here, in the foreground."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from knack.util import CLIError

from lazur.cli import session, terminal
from lazur.errors import NotFound, Unsupported


def replay(
    name: str,
    step: str | None = None,
    folder: str | None = None,
    given: list[str] | None = None,
    debugger: int | None = None,
    shell: bool = False,
) -> None:
    """Does not return: this process becomes the command."""
    # What runs jobs on a node: nothing else of this program needs it.
    from lazur.cli.replaying import begin  # noqa: PLC0415

    client = session.client()
    if step is not None:
        name = _job_of(client, name, step)
    found = client.jobs.replay(name).to_dict()
    plan: dict[str, Any] = found["plan"]
    _check_here(name, plan)
    if debugger is not None:
        _check_debugger(plan["environment"])
    for text in given or ():
        _give(plan, text)
    place = _made(Path(folder)) if folder else _fresh(f"replay-{name}")
    _make_local(plan, place)
    (place / "plan.json").write_text(json.dumps(plan))
    for note in _notes(found):
        terminal.note(note)
    if debugger is not None:
        _shim(place, plan["environment"], debugger)
    terminal.note(f"{found['job']} runs once more in {place}")
    begin(place, shell=shell, shims=debugger is not None)


def _job_of(client: Any, name: str, step: str) -> str:
    """`outer.inner` is a step of a pipeline within, as it is shown while it runs."""
    job: dict[str, Any] = client.jobs.get(name).to_dict()
    steps = {found["name"]: found.get("job") for found in job.get("steps") or ()}
    if step in steps:
        if not steps[step]:
            raise CLIError(f"Step {step} of {job['name']} was not run.")
        return str(steps[step])
    within = [one for one, made in steps.items() if made and step.startswith(f"{one}.")]
    if within:
        outer = max(within, key=len)
        return _job_of(client, str(steps[outer]), step.removeprefix(f"{outer}."))
    known = ", ".join(steps) or "none"
    raise NotFound(f"Job {job['name']} has no step {step!r}.", hint=f"It has: {known}.")


def _check_here(name: str, plan: dict[str, Any]) -> None:
    """Code, data and environment lie on the server's machine."""
    prefix = plan.get("environment")
    if prefix and not os.access(f"{prefix}/bin/python", os.X_OK):
        raise Unsupported(
            f"The environment of {name} is not on this machine: {prefix}.",
            hint="Run this on the server's machine, as who may read its home.",
        )


def _fresh(name: str) -> Path:
    """Of this name, or with a number behind it."""
    place, number = Path(name), 1
    while place.exists() and any(place.iterdir()):
        number += 1
        place = Path(f"{name}-{number}")
    return _made(place)


def _made(place: Path) -> Path:
    if place.exists() and any(place.iterdir()):
        raise CLIError(f"{place} is not empty. Choose another --folder, or remove it.")
    place.mkdir(parents=True, exist_ok=True)
    return place.absolute()


def _give(plan: dict[str, Any], text: str) -> None:
    """`--input data=./here`"""
    name, equals, path = text.partition("=")
    wanted = next((one for one in plan["inputs"] if one["name"] == name), None)
    if wanted is None or not equals:
        known = ", ".join(one["name"] for one in plan["inputs"]) or "none"
        raise CLIError(f"--input {text}: NAME=PATH is expected. Inputs that are paths: {known}.")
    if not Path(path).exists():
        raise CLIError(f"--input {text}: there is no {path}.")
    wanted["source"] = {"path": str(Path(path).absolute())}


def _make_local(plan: dict[str, Any], place: Path) -> None:
    """What it writes stays in the folder, and one process runs."""
    far = [one["name"] for one in plan["inputs"] if one["source"].get("remote")]
    if far:
        shown = " ".join(f"--input {name}=PATH" for name in far)
        raise Unsupported(
            f"The input {far[0]!r} lies in a store elsewhere, which is not read here.",
            hint=f"Fetch it, and say where it is: {shown}",
        )
    for one in plan["inputs"]:
        if one["mode"] == "rw_mount":
            one["mode"] = "download"
    for output in plan["outputs"]:
        kept = place / "outputs" / output["name"]
        output |= {"mode": "rw_mount", "destination": str(kept), "remote": False}
    plan["variables"]["MLFLOW_TRACKING_URI"] = (place / "mlruns").as_uri()
    plan |= {"artifacts": str(place / "artifacts"), "folder": str(place), "gpu_ids": []}


def _notes(found: dict[str, Any]) -> list[str]:
    plan, secret = found["plan"], found["secret_variables"]
    notes: list[str] = []
    if plan["nodes"] > 1 or plan["distribution"]:
        notes.append("it ran as several processes; here it is one, without their variables")
        plan |= {"nodes": 1, "distribution": None}
    if secret:
        lacking = [name for name in secret if name not in os.environ]
        plan["variables"] |= {name: os.environ[name] for name in secret if name in os.environ}
        if lacking:
            shown = ", ".join(lacking)
            notes.append(f"secrets are not fetched: set {shown} before, if the command needs them")
    return notes


def _python(prefix: str | None) -> str:
    return f"{prefix}/bin/python" if prefix else "python3"


def _check_debugger(prefix: str | None) -> None:
    asked = [_python(prefix), "-c", "import debugpy"]
    if subprocess.run(asked, capture_output=True, check=False).returncode:
        raise Unsupported(
            "The environment has no debugpy.",
            hint="Add the package debugpy to the job's environment and submit it again, or go "
            "into its folder with --shell.",
        )


def _shim(place: Path, prefix: str | None, port: int) -> None:
    """Whatever Python the command starts by name waits for a debugger."""
    python = _python(prefix)
    shims = place / "shims"
    shims.mkdir()
    for called in ("python", "python3"):
        shim = shims / called
        options = f"-m debugpy --listen 127.0.0.1:{port} --wait-for-client"
        shim.write_text(f'#!/bin/sh\nexec "{python}" -Xfrozen_modules=off {options} "$@"\n')
        shim.chmod(0o755)
    terminal.note(f"each python waits for a debugger at 127.0.0.1:{port}")
