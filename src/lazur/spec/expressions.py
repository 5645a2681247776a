"""`${{inputs.x}}` and `$[[ … ]]`: found, checked and filled in by a parser of our own, in one
pass, without eval.

An expression is a root and a dotted name. A block `$[[--flag ${{inputs.x}}]]` is dropped whole
when an input in it is not given; a block without any expression is not ours, and the shell gets it
as it was written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from itertools import islice

from lazur.spec.suggestions import closest, did_you_mean

_OPEN, _CLOSE = "${{", "}}"
_BLOCK_OPEN, _BLOCK_CLOSE = "$[[", "]]"
_DOTTED = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
_LONGEST = 1000
_MOST = 20
"""Mistakes of one text: enough to mend, and a hostile one stays cheap."""
BARE = frozenset({"name", "default_datastore"})
"""Roots that stand alone."""
IN_OUTPUTS = BARE | {"output_name"}
"""Those that stand alone in the path of an output."""
_ELSEWHERE = {
    "parent": "`parent` is known in the steps of a pipeline only.",
    "search_space": "`search_space` is known in the trial of a sweep only.",
}


@dataclass(frozen=True)
class Expression:
    start: int
    end: int
    text: str
    """Between the braces, without blanks: `inputs.data.train`."""

    @property
    def root(self) -> str:
        return self.text.partition(".")[0]

    @property
    def name(self) -> str:
        """What follows the root: `data.train`; empty for `${{name}}`."""
        return self.text.partition(".")[2]


@dataclass(frozen=True)
class Block:
    start: int
    end: int
    expressions: list[Expression]


@dataclass(frozen=True)
class Mistake:
    start: int
    text: str
    """The part at fault, as written."""
    message: str
    hint: str | None = None


@dataclass(frozen=True)
class Parsed:
    expressions: list[Expression] = field(default_factory=list[Expression])
    blocks: list[Block] = field(default_factory=list[Block])
    mistakes: list[Mistake] = field(default_factory=list[Mistake])

    def is_optional(self, expression: Expression) -> bool:
        return any(b.start < expression.start and expression.end <= b.end for b in self.blocks)


def parse(text: str) -> Parsed:
    """All expressions and optional blocks of `text`, in order. Total: what is malformed is a
    mistake."""
    parsed = Parsed()
    if _OPEN not in text:
        return parsed
    start = text.find(_OPEN)
    while start >= 0:
        _read(text, start, parsed)
        start = text.find(_OPEN, start + len(_OPEN))
    _find_blocks(text, parsed)
    return parsed


def check(
    text: str,
    inputs: Collection[str],
    outputs: Collection[str],
    space: Collection[str] | None = None,
) -> list[Mistake]:
    """What is wrong with the expressions of a command: malformed ones, and names that nothing
    declares. `space`: the hyperparameters of a sweep, of whose trial it is the command."""
    parsed = parse(text)
    known = {"inputs": inputs, "outputs": outputs}
    if space is not None:
        known["search_space"] = space
    undefined = (_undefined(text, e, known) for e in _once(parsed.expressions))
    return [*parsed.mistakes[:_MOST], *islice((m for m in undefined if m), _MOST)]


def check_path(text: str, known: Collection[str], where: str) -> list[Mistake]:
    """What is wrong with the expressions of a path: `known` are those that are filled in there,
    and `where` is what people call it."""
    parsed = parse(text)
    unknown = [e for e in _once(parsed.expressions) if e.text not in known]
    hint = f"Known there: {', '.join(f'${{{{{word}}}}}' for word in sorted(known)[:_MOST])}."
    strange: list[Mistake] = []
    for found in unknown[:_MOST]:
        written = text[found.start : found.end]
        message = f"{written} means nothing in {where}"
        strange.append(Mistake(found.start, written, message, _near(found.text, known) or hint))
    return [*parsed.mistakes[:_MOST], *strange]


def names(text: str, root: str) -> list[str]:
    """What `text` uses of a root: `names(command, "inputs")`."""
    return [e.name for e in parse(text).expressions if e.root == root]


def drop_optional(text: str, given: Collection[str]) -> str:
    """`text` without the blocks whose inputs are not all in `given`, and without the brackets of
    the others."""
    made, end = "", 0
    for block in parse(text).blocks:
        made += text[end : block.start]
        if all(e.root != "inputs" or e.name in given for e in block.expressions):
            made += text[block.start + len(_BLOCK_OPEN) : block.end - len(_BLOCK_CLOSE)]
        end = block.end
    return made + text[end:]


def fill(text: str, values: Mapping[str, str]) -> str:
    """`text` with the expressions that `values` knows replaced: `fill(path, {"name":
    "job_1"})`."""
    return replace(text, lambda e: values.get(e.text))


def replace(text: str, value: Callable[[Expression], str | None]) -> str:
    """`text` with each expression replaced by what `value` says; None leaves it. Values are not
    looked at again."""
    made, end = "", 0
    for expression in parse(text).expressions:
        new = value(expression)
        if new is not None:
            made += text[end : expression.start] + new
            end = expression.end
    return made + text[end:]


def _once(expressions: list[Expression]) -> list[Expression]:
    """Each that is written, where it stands first."""
    found: dict[str, Expression] = {}
    for expression in expressions:
        found.setdefault(expression.text, expression)
    return list(found.values())


def _near(text: str, known: Collection[str]) -> str | None:
    close = closest(text, known)
    return f"Did you mean {close!r}?" if close else None


def _read(text: str, start: int, parsed: Parsed) -> None:
    """One expression, or what is wrong with it."""
    inside = start + len(_OPEN)
    end = text.find(_CLOSE, inside, inside + _LONGEST)
    if end < 0:
        shown = text[start : start + 40].splitlines()[0]
        hint = "Close the expression: ${{inputs.x}}."
        parsed.mistakes.append(Mistake(start, shown, f"{shown!r} is never closed with }}}}", hint))
        return
    written, content = text[start : end + len(_CLOSE)], text[inside:end].strip()
    if not _DOTTED.fullmatch(content):
        hint = "An expression is a dotted name: ${{inputs.x}}, ${{outputs.y}}."
        message = f"{written[:80]!r} is no expression"
        parsed.mistakes.append(Mistake(start, written[:80], message, hint))
        return
    parsed.expressions.append(Expression(start, end + len(_CLOSE), content))


def _find_blocks(text: str, parsed: Parsed) -> None:
    end = 0
    waiting = iter(parsed.expressions)
    expression = next(waiting, None)
    while expression and (start := text.find(_BLOCK_OPEN, end)) >= 0:
        end = text.find(_BLOCK_CLOSE, start)
        if end < 0:
            return
        end += len(_BLOCK_CLOSE)
        inside: list[Expression] = []
        while expression and expression.end <= end:
            if expression.start > start:
                inside.append(expression)
            expression = next(waiting, None)
        if inside:
            parsed.blocks.append(Block(start, end, inside))


def _undefined(
    text: str, expression: Expression, known: Mapping[str, Collection[str]]
) -> Mistake | None:
    root, name = expression.root, expression.name
    written = text[expression.start : expression.end]
    if root in BARE and not name:
        return None
    if root in _ELSEWHERE and root not in known:
        return Mistake(
            expression.start, written, f"{written} means nothing here", _ELSEWHERE[root]
        )
    if root not in known:
        hint = did_you_mean(root, [*known, *BARE])
        return Mistake(expression.start, written, f"{written} is not defined", hint)
    if name in known[root]:
        return None
    noun = "hyperparameter" if root == "search_space" else root.removesuffix("s")
    hint = did_you_mean(name, known[root]) or f"Declare it under `{root}:`."
    return Mistake(
        expression.start, written, f"{written} is not defined: there is no {noun} {name!r}", hint
    )
