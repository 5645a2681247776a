"""From v1's configuration to an ordinary job."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from lazur import azureml
from lazur.azureml._lazur.delimited import VARIABLE
from lazur.azureml._lazur.files import OWN as _OWN
from lazur.errors import Invalid
from lazur.sdk.source import Source
from lazur.v1.core.places import Consumed, DataReference, Port, variable
from lazur.v1.core.runconfig import (
    DataReferenceConfiguration,
    Distribution,
    MpiConfiguration,
    RunConfiguration,
    TensorflowConfiguration,
)
from lazur.v1.core.script_run_config import ScriptRunConfig

_TRAVELS = (
    "python -c 'import lazur.v1.core' 2>/dev/null ||"
    f' export PYTHONPATH="${{{{inputs.{_OWN}}}}}${{PYTHONPATH:+:$PYTHONPATH}}"'
)
_LARGEST = 1 << 20


@contextmanager
def prepared(config: ScriptRunConfig, **more: Any) -> Iterator[Source]:
    """The job's spec with its folders: what was written for it goes when it is submitted."""
    with tempfile.TemporaryDirectory(prefix="lazur-v1-") as made:
        yield Source({**spec(config, Path(made)), **more}, Path.cwd())


def spec(config: ScriptRunConfig, scratch: Path) -> dict[str, Any]:
    folder = Path(config.source_directory).absolute()
    if not folder.is_dir():
        raise Invalid(f"The source_directory {folder} is no folder.")
    ports: dict[str, Port] = {}
    lines = [*_search(config), *_exports(config, ports)]
    main = _main(config, ports)
    if _mentions_us(folder):
        ports[_OWN] = Port(_OWN, str(_travelling(scratch)))
        lines.append(_TRAVELS)
    own = config.run_config
    made: dict[str, Any] = {
        "type": "command",
        "command": "\n".join([*lines, main]),
        "code": str(folder),
        "environment": own.environment.to_spec(scratch),
        "environment_variables": {**_reading(ports), **_variables(own)},
        "compute": compute(own.target),
        "inputs": {k: p.to_spec() for k, p in ports.items() if not p.is_output},
        "outputs": {k: p.to_spec() for k, p in ports.items() if p.is_output},
        "limits": {"timeout": own.max_run_duration_seconds},
        **distribution(config.distribution, own.node_count, _shared_memory(own)),
    }
    if not made["limits"]["timeout"]:
        del made["limits"]
    return {key: value for key, value in made.items() if value not in (None, {}, [])}


def distribution(given: Distribution | None, nodes: int, shm_size: str | None) -> dict[str, Any]:
    resources: dict[str, Any] = {"shm_size": shm_size} if shm_size else {}
    if given is None:
        return {"resources": {**resources, **({"instance_count": nodes} if nodes > 1 else {})}}
    if isinstance(given, TensorflowConfiguration):
        counts = {"worker_count": given.worker_count}
        counts["parameter_server_count"] = given.parameter_server_count
        nodes = sum(counts.values())
        body = {"type": "tensorflow", **counts}
    elif isinstance(given, MpiConfiguration):
        nodes = max(nodes, given.node_count)
        body = {"type": "mpi", "process_count_per_instance": given.process_count_per_node}
    else:
        nodes = max(nodes, given.node_count)
        each = -(-(given.process_count or nodes) // nodes)
        body = {"type": "pytorch", "process_count_per_instance": each}
    return {"distribution": body, "resources": {**resources, "instance_count": nodes}}


def _variables(own: RunConfiguration) -> dict[str, str]:
    return {key: str(value) for key, value in own.environment_variables.items()}


def _reading(ports: Mapping[str, Port]) -> dict[str, str]:
    """How the script reads its tables, where that is not as a rule."""
    told = {key: getattr(port.table, "told", None) for key, port in ports.items()}
    return {f"{VARIABLE}{key}": json.dumps(how) for key, how in told.items() if how}


def _shared_memory(own: RunConfiguration) -> str | None:
    return own.docker.shm_size or own.environment.docker.shm_size


def words(arguments: Sequence[Any], ports: dict[str, Port]) -> list[str]:
    """Each as one word of bash; data become the job's inputs and outputs."""
    return [_word(part, ports) for part in arguments]


def _main(config: ScriptRunConfig, ports: dict[str, Port]) -> str:
    arguments = words(config.arguments, ports)
    if config.command:
        if config.script:
            raise Invalid("Give a script or a command, not both.")
        if isinstance(config.command, str):
            return " ".join([_expanded(config.command, ports), *arguments])
        return " ".join([*words(config.command, ports), *arguments])
    if not config.script:
        raise Invalid("ScriptRunConfig needs a script or a command.")
    if not (Path(config.source_directory) / config.script).is_file():
        raise Invalid(f"There is no {config.script} in {config.source_directory}.")
    return " ".join(["python", shlex.quote(config.script), *arguments])


def _search(config: ScriptRunConfig) -> list[str]:
    """A script in a subfolder imports from the top of the source folder, too, as it did on
    Azure."""
    if config.command or "/" not in (config.script or ""):
        return []
    return ['export PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}"']


def _exports(config: ScriptRunConfig, ports: dict[str, Port]) -> list[str]:
    """The variables that the oldest scripts read."""
    own = config.run_config
    found: list[Consumed] = [part for part in config.inputs if isinstance(part, Consumed)]
    given = [*config.arguments, *(config.command if isinstance(config.command, list) else ())]
    found += [part for part in given if isinstance(part, DataReference)]
    for name, body in {**own.data_references, **own.data}.items():
        if isinstance(body, DataReferenceConfiguration):
            found.append(body.named(name))
        elif isinstance(body, Consumed):
            found.append(body)
    for part in found:
        _added(part.port, ports)
    return [
        f'export {variable(p.port.key)[1:]}="{p.port.expression}"'
        for p in found
        if isinstance(p, DataReference)
    ]


def _word(part: Any, ports: dict[str, Port]) -> str:
    if isinstance(part, Consumed):
        return f'"{_added(part.port, ports).expression}"'
    text = str(part)
    found = _REFERENCE.search(text)
    if found and found.group(1) in {p.name for p in ports.values()}:
        before, after = text[: found.start()], text[found.end() :]
        return f"{_quoted(before)}{_expanded(found.group(), ports)}{_quoted(after)}"
    return shlex.quote(text)


_REFERENCE = re.compile(r"\$AZUREML_DATAREFERENCE_(\w+)")


def _expanded(text: str, ports: Mapping[str, Port]) -> str:
    named = {port.name: port for port in ports.values()}
    return _REFERENCE.sub(
        lambda m: f'"{named[m.group(1)].expression}"' if m.group(1) in named else m.group(), text
    )


def _quoted(text: str) -> str:
    return shlex.quote(text) if text else ""


def _added(port: Port, ports: dict[str, Port]) -> Port:
    """Two data of one name get two."""
    key, number = port.key, 1
    while key in ports and ports[key].path != port.path:
        number += 1
        key = f"{port.key}_{number}"
    named = replace(port, name=key)
    ports[key] = named
    return named


def compute(target: Any) -> str | None:
    name = getattr(target, "name", target)
    return None if name in (None, "local") else str(name)


def _mentions_us(folder: Path) -> bool:
    """Whether a script wants `lazur.v1` in the job."""
    scripts = (file for file in folder.rglob("*.py") if file.is_file())
    return any(f.stat().st_size < _LARGEST and b"lazur.v1" in f.read_bytes() for f in scripts)


def _travelling(scratch: Path) -> Path:
    """What `azureml` is in jobs, by the other name."""
    folder = scratch / _OWN
    shutil.copytree(
        Path(azureml.__file__).parent,
        folder / "lazur" / "v1",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    (folder / "lazur" / "__init__.py").write_text('"""Of jobs that lazur.v1 submits."""\n')
    return folder
