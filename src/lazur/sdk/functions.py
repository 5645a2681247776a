"""`@lazur.command_component`: a typed Python function as a component. Its module travels as code;
what calls it there needs nothing but Python."""

from __future__ import annotations

import inspect
import json
import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lazur.errors import Invalid
from lazur.sdk.dsl import declared
from lazur.sdk.entities import (
    Component,
    Environment,
    Input,
    Output,
    Spec,
    Text,
    plain,
    registered,
)
from lazur.sdk.function_runner import RETURNED, RUNNER
from lazur.sdk.returns import returned


def command_component(
    func: Callable[..., Any] | None = None,
    *,
    environment: Environment | Spec | Text | None = None,
    name: str | None = None,
    version: str | None = None,
    display_name: str | None = None,
    description: str | None = None,
    tags: dict[str, str] | None = None,
    is_deterministic: bool | None = None,
    code: str | None = None,
) -> Any:
    """Over a function whose parameters are annotated: `float`, `int`, `bool`, `str`,
    `Input(type=…)`, `Output(type=…)`. The latter two come as paths. `code` is a folder that
    travels in place of the function's module alone. What it returns are outputs, too, where that
    is annotated: `-> int`, `-> Output(type=…)` for the path of what it wrote, or a class with a
    field for each. One that has no name is called `output`. Without an `environment` the function
    runs on a Python of this version and nothing else; a path is that of a conda file, from the
    function's folder."""

    def wrap(made: Callable[..., Any]) -> Component:
        inputs, outputs, types = _ports(made)
        source = Path(inspect.getsourcefile(made) or "")
        extra: Spec = {
            "command": _command(source.stem, made.__name__, types, inputs, outputs),
            "code": str(Path(code).absolute() if code else source.absolute()),
            "environment": _environment(environment, source.parent),
        }
        if is_deterministic is not None:
            extra["is_deterministic"] = is_deterministic
        component = Component(
            name=name or made.__name__,
            version=version,
            display_name=display_name,
            description=description or inspect.getdoc(made),
            type="command",
            tags=tags,
            inputs=inputs,
            outputs=outputs,
            extra=extra,
        )
        component.__wrapped__ = made  # pyright: ignore[reportAttributeAccessIssue]
        return component

    return wrap(func) if func is not None else wrap


def _environment(given: Environment | Spec | Text | None, folder: Path) -> Any:
    bare = {"image": f"python:{sys.version_info.major}.{sys.version_info.minor}"}
    if not given:
        return bare
    path = os.fspath(given) if isinstance(given, str | os.PathLike) else ""
    if path.endswith((".yml", ".yaml")):
        return {**bare, "conda_file": str((folder / path).absolute())}
    return plain(registered(given))


_VALUES = {"integer", "number", "boolean"}
_PLAIN = (bool, int, float, str)
"""Types of defaults that need no annotation."""


def _ports(func: Callable[..., Any]) -> tuple[Spec, Spec, dict[str, str]]:
    annotations = inspect.get_annotations(func, eval_str=True)
    inputs: Spec = {}
    outputs: Spec = {}
    for key, parameter in inspect.signature(func).parameters.items():
        said = annotations.get(key, type(parameter.default))
        if said not in _PLAIN and key not in annotations:
            raise Invalid(
                f"The parameter {key!r} of {func.__name__!r} has no type.",
                hint="Annotate it: a plain type, Input(type=…) or Output(type=…).",
            )
        if isinstance(said, Output):
            outputs[key] = {"type": "uri_folder", **declared(said, None)}
            continue
        inputs[key] = declared(said, parameter.default)
        default = parameter.default
        if default is None:
            inputs[key]["optional"] = True
        elif default is not inspect.Parameter.empty and not isinstance(default, Input):
            inputs[key]["default"] = default
    types = {key: str(port.get("type", "string")) for key, port in {**inputs, **outputs}.items()}
    # What is written to is a path, also where a value is written.
    types |= {key: "path" for key in outputs if types[key] in _VALUES}
    back = returned(func, annotations.get("return"))
    if twice := back.keys() & types.keys():
        raise Invalid(
            f"{func.__name__!r} has a parameter {min(twice)!r}, and returns an output called so.",
            hint="Call the parameter otherwise, or return a class with a field for each output.",
        )
    types |= {key: f"{RETURNED}{port['type']}" for key, port in back.items()}
    return inputs, {**outputs, **back}, types


def _command(
    module: str, function: str, types: dict[str, str], inputs: Spec, outputs: Spec
) -> str:
    """Values go as words: nobody reads them as code."""
    words = [f"{key} ${{{{outputs.{key}}}}}" for key in outputs]
    for key, port in inputs.items():
        word = f"{key} ${{{{inputs.{key}}}}}"
        words.append(f"$[[{word}]]" if port.get("optional") else word)
    head = f"python -c {shlex.quote(RUNNER)} {module} {function} {shlex.quote(json.dumps(types))}"
    return " ".join([head, *words])
