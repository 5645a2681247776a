"""What a function that is a component returns, by its annotation, as with `mldesigner`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import is_dataclass
from typing import Annotated, Any, ForwardRef, get_args, get_origin

from lazur.errors import Invalid
from lazur.sdk.dsl import declared
from lazur.sdk.entities import Output, Spec

_ALONE = "output"
"""What is returned without a name, as in `mldesigner`."""


def returned(func: Callable[..., Any], annotation: Any) -> dict[str, Spec]:
    """Outputs by their names: those of a class of fields, or one."""
    if annotation is None or annotation is type(None):
        return {}
    if isinstance(annotation, type) and (is_dataclass(annotation) or _is_tuple(annotation)):
        return {name: _port(func, one) for name, one in _fields(annotation).items()}
    return {_ALONE: _port(func, annotation)}


def _is_tuple(cls: type) -> bool:
    return issubclass(cls, tuple) and hasattr(cls, "_fields")


def _fields(cls: type) -> dict[str, Any]:
    """A NamedTuple keeps text in an envelope, which nobody opens that expects types alone."""
    said = inspect.get_annotations(cls)
    texts = {k: v.__forward_arg__ if isinstance(v, ForwardRef) else v for k, v in said.items()}
    made = type(cls.__name__, (), {"__annotations__": texts, "__module__": cls.__module__})
    return inspect.get_annotations(made, eval_str=True)


def _port(func: Callable[..., Any], annotation: Any) -> Spec:
    if get_origin(annotation) is Annotated:
        annotation, *notes = get_args(annotation)
        told = [note for note in notes if isinstance(note, str)]
        return {**_port(func, annotation), **({"description": told[0]} if told else {})}
    if annotation is Output:
        return {"type": "uri_folder"}
    if isinstance(annotation, Output):
        return {"type": "uri_folder", **declared(annotation, None)}
    if annotation in (bool, int, float, str):
        return declared(annotation, None)
    raise Invalid(
        f"What {func.__name__!r} returns cannot be an output: {annotation!r}.",
        hint="An output is an int, a float, a bool, a str, Output(type=…) of a path, or a field of"
        " such a type in a dataclass or a NamedTuple. `-> None` says that there is none.",
    )
