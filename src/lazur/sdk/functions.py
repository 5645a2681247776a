"""`@lazur.command_component`: a typed Python function as a component. Its module travels as code;
what calls it there needs nothing but Python."""

from __future__ import annotations

import inspect
import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lazur.errors import Invalid
from lazur.sdk.dsl import declared
from lazur.sdk.entities import Component, Environment, Input, Output, Spec, plain

_RUNNER = """
import importlib, json, sys
try:
    import lazur
except ImportError:
    class Any:
        __path__ = []
        def __init__(self, runs=True): self.runs = runs
        def __getattr__(self, name): return Any(self.runs and name != "pipeline")
        def __iter__(self): return iter(())
        def __call__(self, *a, **k): return a[0] if self.runs and a and callable(a[0]) else self
    for one in ("lazur", "lazur.dsl", "lazur.sweep"): sys.modules[one] = Any()
sys.path.insert(0, ".")
module, name, types, *words = sys.argv[1:]
as_ = {"integer": int, "number": float, "boolean": lambda t: t.lower() == "true"}
types = json.loads(types)
given = {k: as_.get(types[k], str)(v) for k, v in zip(words[::2], words[1::2])}
try:
    made = getattr(importlib.import_module(module), name)
except BaseException:
    print(f"The file {module}.py is loaded in the job that runs its function {name}. What submits"
          " jobs belongs below: if __name__ == '__main__':", file=sys.stderr)
    raise
getattr(made, "__wrapped__", made)(**given)
""".strip()


def command_component(
    func: Callable[..., Any] | None = None,
    *,
    environment: Environment | Spec | str = "",
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
    travels in place of the function's module alone."""

    def wrap(made: Callable[..., Any]) -> Component:
        inputs, outputs, types = _ports(made)
        source = Path(inspect.getsourcefile(made) or "")
        if not environment:
            raise Invalid(
                f"The component {made.__name__!r} needs an environment.",
                hint='Such as @lazur.command_component(environment={"image": "python:3.11"}).',
            )
        extra: Spec = {
            "command": _command(source.stem, made.__name__, types, inputs, outputs),
            "code": str(Path(code).absolute() if code else source.absolute()),
            "environment": plain(environment),
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


_VALUES = {"integer", "number", "boolean"}


def _ports(func: Callable[..., Any]) -> tuple[Spec, Spec, dict[str, str]]:
    annotations = inspect.get_annotations(func, eval_str=True)
    inputs: Spec = {}
    outputs: Spec = {}
    for key, parameter in inspect.signature(func).parameters.items():
        said = annotations.get(key)
        if said is None:
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
    return inputs, outputs, types


def _command(
    module: str, function: str, types: dict[str, str], inputs: Spec, outputs: Spec
) -> str:
    """Values go as words: nobody reads them as code."""
    words = [f"{key} ${{{{outputs.{key}}}}}" for key in outputs]
    for key, port in inputs.items():
        word = f"{key} ${{{{inputs.{key}}}}}"
        words.append(f"$[[{word}]]" if port.get("optional") else word)
    head = f"python -c {shlex.quote(_RUNNER)} {module} {function} {shlex.quote(json.dumps(types))}"
    return " ".join([head, *words])
