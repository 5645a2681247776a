"""`lazur azure export` and `lazur azure import`: between a workspace of Azure and one of ours."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lazur.cli import session, terminal
from lazur.cli.arguments import option
from lazur.errors import BackendError, Invalid, NotFound

COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {
    "azure export": ("export", {}),
    "azure import": ("import_", {}),
}
ARGUMENTS: dict[str, dict[str, dict[str, Any]]] = {
    "azure export": {
        "to": option("--to", help="A new folder, which is made where it is not there."),
        "kinds": option(
            "--what",
            help="Of environments, data, models, components, datastores, connections, schedules,"
            " jobs. Default: all.",
            metavar="KIND,…",
        ),
    },
    "azure import": {
        "config": option(
            "--from-config", help="The config.json of the workspace in Azure.", metavar="FILE"
        ),
        "to": option(
            "--to",
            help="Folder for what is fetched, and to go on with. Default: azure-WORKSPACE.",
        ),
        "kinds": option(
            "--what",
            help="Of environments, data, models, components, datastores, schedules, jobs,"
            " experiments. Default: all.",
            metavar="KIND,…",
        ),
        "experiments": option(
            "--experiments", help="Only these experiments, by name.", nargs="*", metavar="NAME"
        ),
        "with_files": option(
            "--with-files",
            help="Bring the files of data and models, too; else they stay where they are.",
            action="store_true",
        ),
        "with_artifacts": option(
            "--with-artifacts",
            help="Bring the files of runs, too.",
            action="store_true",
        ),
        "python": option(
            "--python", help="A Python with azure-ai-ml and azure-identity. Default: this one."
        ),
    },
}
HELP: dict[str, dict[str, Any]] = {
    "azure export": {
        "short-summary": "Write a workspace as YAML that Azure accepts, with what it holds.",
        "long-summary": (
            "Data, models, environments, components, datastores and connections without their"
            " credentials, schedules and jobs: a file for each, its files beside it. `az ml job"
            " create -f`, and so on, take them. What is Lazur's own is left out, and named."
        ),
        "examples": [
            {"name": "All of a workspace", "text": "lazur azure export --to ./azure"},
            {"name": "Models alone", "text": "lazur azure export --to ./models --what models"},
        ],
    },
    "azure import": {
        "short-summary": "Bring a workspace of Azure Machine Learning here.",
        "long-summary": (
            "Azure's own client fetches it, with your sign-in there (az login), into a folder;"
            " from there it comes into the workspace here. Both go on where they were broken off,"
            " and what is here already stays as it is. Experiments come with their runs: params,"
            " tags, every point of each metric; a later import brings what is new. Jobs come as"
            " files, to be submitted again; schedules come disabled; credentials do not come."
            " What could not come is named."
        ),
        "examples": [
            {
                "name": "All but the files",
                "text": "lazur azure import --from-config config.json -w team",
            },
            {
                "name": "Models, with their files",
                "text": "lazur azure import --from-config config.json --what models --with-files",
            },
            {
                "name": "What one experiment tracked, with all files",
                "text": "lazur azure import --from-config config.json --what experiments"
                " --experiments mnist --with-artifacts",
            },
        ],
    },
}
_KINDS = frozenset(
    "environments data models components datastores schedules jobs experiments".split()
)
_SCRIPTS = ("azure_bundle", "azure_tables", "azure_tracking", "azure_wire", "azure_fetch")
"""Each after what it imports."""
_SAID = "lazur: "
"""What lines begin with that azure_fetch says."""
_OURS = ("ARM_CLOUD_METADATA_URL", "MSI_ENDPOINT", "MSI_SECRET")
"""What points Azure's client at a server of Lazur, where `lazur azure env` was run."""


def export(to: str, kinds: str | None = None) -> Any:
    # Help and wrong arguments wait for nothing.
    from lazur.sdk.azure_form import azure_form  # noqa: PLC0415
    from lazur.sdk.workspace_export import export as written  # noqa: PLC0415
    from lazur.sdk.workspace_files import PARTS  # noqa: PLC0415

    wanted = _known(kinds, frozenset(PARTS) - {"runs"})
    with session.client() as client:
        head = written(client, to, terminal.note, azure_form, wanted)
    _tell_left_out(head["left_out"])
    parts = ("assets", "datastores", "connections", "schedules", "jobs")
    return {"folder": to, **{k: len(head[k]) for k in parts}, "left_out": head["left_out"]}


def import_(
    config: str,
    to: str | None = None,
    kinds: str | None = None,
    experiments: list[str] | None = None,
    with_files: bool = False,
    with_artifacts: bool = False,
    python: str | None = None,
) -> Any:
    # As above.
    from lazur.sdk.workspace_import import import_ as taken  # noqa: PLC0415

    there = _workspace(config)
    wanted = _known(kinds, _KINDS)
    folder = Path(to or f"azure-{there}").absolute()
    folder.mkdir(parents=True, exist_ok=True)
    words = [
        *([",".join(wanted)] if wanted else []),
        f"--experiments={json.dumps(experiments or [])}",
    ]
    words += ["--with-files"] if with_files else []
    words += ["--with-artifacts"] if with_artifacts else []
    for doing in _fetched(python or sys.executable, config, folder, words):
        terminal.note(doing)
    with session.client() as client:
        here = client.workspaces.get(client.workspace_name)["name"]
    done = taken(session.client, folder, here, terminal.note)
    _tell_left_out(done["left_out"])
    return {"folder": str(folder), **done}


def _known(kinds: str | None, all_of_them: frozenset[str]) -> list[str]:
    wanted = [word.strip() for word in kinds.split(",")] if kinds else []
    if unknown := sorted(set(wanted) - all_of_them):
        raise Invalid(
            f"There are no {unknown[0]!r} to move.",
            hint=f"Known: {', '.join(sorted(all_of_them))}.",
        )
    return wanted


def _workspace(config: str) -> str:
    try:
        return str(json.loads(Path(config).read_text())["workspace_name"])
    except FileNotFoundError:
        raise NotFound(
            f"There is no {config}.",
            hint="Azure's portal gives it: Machine Learning, the workspace, Download config.json.",
        ) from None
    except (ValueError, KeyError, TypeError):
        raise Invalid(f"{config} is no config.json of a workspace in Azure.") from None


def _fetched(python: str, config: str, folder: Path, words: list[str]) -> Iterator[str]:
    argv = [python, "-c", _program(), str(Path(config).absolute()), str(folder), *words]
    if told := [name for name in _OURS if os.environ.get(name)]:
        terminal.note(f"{told[0]} is set: what is fetched is not Azure's, but of where it points.")
    with tempfile.TemporaryFile("w+") as errors:
        run = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=errors, text=True)
        with run:
            assert run.stdout is not None
            said: dict[str, Any] = {}
            for line in run.stdout:
                if not line.startswith(_SAID):
                    continue  # Azure's client says things, too
                said = json.loads(line.removeprefix(_SAID))
                if "doing" in said:
                    yield str(said["doing"])
        errors.seek(0)
        if run.returncode or not said.get("done"):
            raise _failed(python, errors.read().strip().splitlines())


def _program() -> str:
    """Of several files, and not run as one of them: the modules beside it would come before that
    Python's own, and Lazur is none of its packages."""
    texts = {name: _source(f"lazur.sdk.{name}") for name in _SCRIPTS}
    return f"""
import sys, types
for name in ("lazur", "lazur.sdk"):
    sys.modules[name] = types.ModuleType(name)
for name, text in {texts!r}.items():
    made = sys.modules["lazur.sdk." + name] = types.ModuleType("lazur.sdk." + name)
    exec(compile(text, name, "exec"), made.__dict__)
sys.exit(sys.modules["lazur.sdk.azure_fetch"].main())
"""


def _source(module: str) -> str:
    found = find_spec(module)
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).read_text(encoding="utf-8")


def _failed(python: str, errors: list[str]) -> BackendError:
    last = errors[-1] if errors else "it said nothing"
    if "No module named" in last:
        return BackendError(
            f"{python} has no azure-ai-ml: {last}",
            hint="python3 -m venv azure && azure/bin/pip install azure-ai-ml azure-identity;"
            " then: --python azure/bin/python",
        )
    return BackendError(
        f"Azure's client failed: {last}",
        hint="What was fetched before is kept: call it again to go on. Are you signed in"
        " there (az login)?",
    )


def _tell_left_out(lines: list[str]) -> None:
    for line in lines:
        terminal.note(f"left out: {line}", "yellow")
