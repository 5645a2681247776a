"""`${{parent.inputs.x}}`, `${{parent.jobs.a.outputs.b}}` and such: what a text is bound to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from lazur.spec import expressions
from lazur.spec.expressions import Expression

Kind = Literal["input", "output", "step", "step_input", "step_output"]


@dataclass(frozen=True)
class Ref:
    """`step` is empty for the pipeline's own inputs and outputs."""

    kind: Kind
    step: str
    name: str
    text: str
    """As it is written, with its braces."""


def whole(value: Any) -> Ref | None:
    """What a text is bound to that is one expression and nothing else."""
    if not isinstance(value, str):
        return None
    text = value.strip()
    found = expressions.parse(text).expressions
    if len(found) == 1 and (found[0].start, found[0].end) == (0, len(text)):
        return ref(found[0], text)
    return None


def ref(expression: Expression, text: str) -> Ref | None:
    """None for what is no business of a pipeline's, such as `${{inputs.x}}`."""
    written = text[expression.start : expression.end]
    match expression.text.split("."):
        case ["parent", "inputs", *name] if name:
            return Ref("input", "", ".".join(name), written)
        case ["parent", "outputs", *name] if name:
            return Ref("output", "", ".".join(name), written)
        case ["parent", "jobs", step]:
            return Ref("step", step, "", written)
        case ["parent", "jobs", step, "inputs", *name] if name:
            return Ref("step_input", step, ".".join(name), written)
        case ["parent", "jobs", step, "outputs", *name] if name:
            return Ref("step_output", step, ".".join(name), written)
        case _:
            return None


def refs(value: Any) -> Iterator[Ref]:
    """All of a value, however deep."""
    for text in texts(value):
        for expression in expressions.parse(text).expressions:
            if (found := ref(expression, text)) is not None:
                yield found


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in cast("Mapping[str, Any]", value).values():
            yield from texts(part)
    elif isinstance(value, list):
        for part in cast("list[Any]", value):
            yield from texts(part)


def filled(value: Any, known: Callable[[Ref], Any]) -> Any:
    """The value with what `known` says in place of its expressions: the thing itself where a text
    is nothing else, its text within others. None leaves it."""
    if isinstance(value, str):
        return _filled_text(value, known)
    if isinstance(value, Mapping):
        return {k: filled(v, known) for k, v in cast("Mapping[str, Any]", value).items()}
    if isinstance(value, list):
        return [filled(part, known) for part in cast("list[Any]", value)]
    return value


def _filled_text(text: str, known: Callable[[Ref], Any]) -> Any:
    if "${{" not in text:
        return text
    if (alone := whole(text)) is not None:
        made = known(alone)
        return text if made is None else made

    def say(expression: Expression) -> str | None:
        found = ref(expression, text)
        made = known(found) if found is not None else None
        return None if made is None or isinstance(made, Mapping) else str(made)

    return expressions.replace(text, say)
