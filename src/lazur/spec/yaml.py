"""Reads YAML that strangers wrote: plain values with their positions, no tags, everything bounded.

Scalars mean what PyYAML (YAML 1.1) makes of them, since that is what Azure's client reads: `01` is
1, `1e-3` is text, `on` is true. Three things differ, so that every value is also JSON and nothing
is lost: keys are always text, dates stay as they were written, and `.nan`/`.inf` and integers
beyond 64 bits are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

import yaml

from lazur.errors import SpecError
from lazur.spec.diagnostics import Diagnostic, Severity
from lazur.spec.document import Document, Mark, Span, placed
from lazur.spec.scalars import STANDARD, Refused, resolve, standard
from lazur.spec.templates import template_in, template_mistake

MAX_BYTES = 4 << 20
MAX_DEPTH = 100
MAX_NODES = 50_000
MAX_EXPANDED = 8 << 20
"""Characters of all scalars once every alias is written out."""

_Parser = cast("type[yaml.SafeLoader]", getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def load(text: str | bytes, name: str = "<yaml>") -> Document:
    """The one document of `text`. Raises SpecError with the place of what is wrong."""
    source = _decode(text, name)
    try:
        return _Composer(source, name).document()
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, source, name) from None
    except yaml.YAMLError as error:
        raise _failure(f"this is not YAML: {_first_line(error)}", name) from None


def _decode(text: str | bytes, name: str) -> str:
    size = len(text)
    if size <= MAX_BYTES and isinstance(text, str):
        size = len(text.encode("utf-8", "replace"))
    if size > MAX_BYTES:
        raise _failure(f"the file is larger than {MAX_BYTES >> 20} MiB", name)
    try:
        source = (
            text.decode("utf-8-sig") if isinstance(text, bytes) else text.removeprefix("\ufeff")
        )
        source.encode()
    except UnicodeError as error:
        hint = "Save the file as UTF-8."
        raise _failure(f"the file is not UTF-8: {error}", name, hint=hint) from None
    return source


class _Composer:
    """Turns parser events into values. Its own, because PyYAML's recurses without bound and lets
    duplicates pass."""

    def __init__(self, source: str, name: str) -> None:
        self.source = source
        self.name = name
        self.lines = source.splitlines()
        self.nodes = 0
        self.expanded = 0
        self.anchors: dict[str, tuple[Any, Mark, int, int]] = {}
        self.open: set[str] = set()
        self.warnings: list[Diagnostic] = []
        self.events = _events(source)

    def document(self) -> Document:
        next(self.events)
        first = next(self.events)
        if isinstance(first, yaml.StreamEndEvent):
            raise self.error(
                "the file is empty", (0, 0), "Nothing but comments or blank lines is in it."
            )
        value, mark = self.node(next(self.events), 0)
        next(self.events)
        after = next(self.events)
        if not isinstance(after, yaml.StreamEndEvent):
            hint = "Keep each document in a file of its own."
            raise self.error("there is a second document in this file", _at(after), hint)
        return Document(value, self.name, mark, self.lines, self.warnings)

    def node(self, event: yaml.Event, depth: int) -> tuple[Any, Mark]:
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event)
        self.count(event, 1, 0)
        if depth >= MAX_DEPTH:
            raise self.error(f"this is nested deeper than {MAX_DEPTH} levels", _at(event))
        if isinstance(event, yaml.ScalarEvent):
            return self.anchored(event, self.scalar, depth)
        if isinstance(event, yaml.SequenceStartEvent):
            return self.anchored(event, self.sequence, depth)
        return self.anchored(event, self.mapping, depth)

    def anchored(self, event: Any, make: Any, depth: int) -> tuple[Any, Mark]:
        anchor: str | None = event.anchor
        if anchor is None:
            return make(event, depth)
        self.open.add(anchor)
        nodes, expanded = self.nodes, self.expanded
        value, mark = make(event, depth)
        self.open.discard(anchor)
        self.anchors[anchor] = (value, mark, self.nodes - nodes + 1, self.expanded - expanded)
        return value, mark

    def alias(self, event: yaml.AliasEvent) -> tuple[Any, Mark]:
        """An alias costs what it would when written out, so that a short file cannot become an
        endless value."""
        anchor = str(event.anchor)
        if anchor in self.open:
            raise self.error(f"*{anchor} refers to a value that contains it", _at(event))
        if anchor not in self.anchors:
            raise self.error(f"*{anchor} has no anchor &{anchor} before it", _at(event))
        value, mark, nodes, expanded = self.anchors[anchor]
        self.count(event, nodes, expanded)
        return value, Mark(*_at(event), keys=mark.keys, children=mark.children)

    def count(self, event: yaml.Event, nodes: int, expanded: int) -> None:
        self.nodes += nodes
        self.expanded += expanded
        if self.nodes > MAX_NODES or self.expanded > MAX_EXPANDED:
            hint = "Aliases (*name) count as often as they are used."
            raise self.error("there is too much in this file", _at(event), hint)

    def scalar(self, event: yaml.ScalarEvent, depth: int) -> tuple[Any, Mark]:
        text: str = event.value
        self.count(event, 0, len(text))
        plain = event.implicit[0]
        try:
            value = self.scalar_value(event, text, plain)
        except Refused as refused:
            raise self.error(refused.message, _at(event), refused.hint) from None
        if plain and isinstance(value, str) and (found := template_in(text)):
            raise self.error(*template_mistake(found, _at(event)))
        mark = Mark(*_at(event), written=text if value is not text else None)
        if plain and ":" in text and type(value) is int:
            hint = f'Quote it ("{text}") if you mean the text.'
            span: Span = (mark.line, mark.column)
            message = f"{text} is read as the number {value}, in base 60"
            self.warnings.append(self.diagnostic("warning", message, span, hint))
        return value, mark

    def scalar_value(self, event: yaml.ScalarEvent, text: str, plain: bool) -> Any:
        tag: str | None = event.tag
        if tag is not None and tag != "!":
            return standard(tag, text)
        return resolve(text) if plain else text

    def sequence(self, event: yaml.SequenceStartEvent, depth: int) -> tuple[Any, Mark]:
        self.only_standard(event)
        items: list[Any] = []
        mark = Mark(*_at(event), children={})
        while not isinstance(item := next(self.events), yaml.SequenceEndEvent):
            value, child = self.node(item, depth + 1)
            mark.children[len(items)] = child
            items.append(value)
        return items, mark

    def mapping(self, event: yaml.MappingStartEvent, depth: int) -> tuple[Any, Mark]:
        self.only_standard(event)
        made: dict[str, Any] = {}
        mark = Mark(*_at(event), keys={}, children={})
        merges: list[tuple[Any, Mark]] = []
        while not isinstance(item := next(self.events), yaml.MappingEndEvent):
            key = self.key(item)
            value, child = self.node(next(self.events), depth + 1)
            if key == "<<" and isinstance(item, yaml.ScalarEvent) and item.implicit[0]:
                merges.append((value, child))
                continue
            if key in made:
                before = mark.keys[key][0] + 1
                hint = f"The first one is in line {before}. Keep one of them."
                raise self.error(f"the key {key!r} is there twice", _at(item), hint)
            made[key] = value
            mark.keys[key] = _at(item)
            mark.children[key] = child
        for value, child in merges:
            self.merge(made, mark, value, child)
        return made, mark

    def key(self, event: yaml.Event) -> str:
        if isinstance(event, yaml.AliasEvent):
            value = self.alias(event)[0]
            if isinstance(value, str):
                return value
        if not isinstance(event, yaml.ScalarEvent):
            raise self.error(*self.odd_key(event))
        self.count(event, 1, len(event.value))
        if event.tag is not None and event.tag not in STANDARD and event.tag != "!":
            raise self.error(f"the tag {event.tag} is not allowed", _at(event))
        return event.value

    def odd_key(self, event: yaml.Event) -> tuple[str, Span, str | None]:
        line, column = _at(event)
        text = self.lines[line] if line < len(self.lines) else ""
        start = text.find("{{", max(column - 1, 0), column + 2)
        if start >= 0:
            return template_mistake(template_in(text[start:]) or "{{…}}", (line, start))
        return "a key must be text", (line, column), None

    def merge(self, made: dict[str, Any], mark: Mark, value: Any, child: Mark) -> None:
        """`<<: *defaults`: what is written here wins over what is merged, the first merged over
        the next."""
        if isinstance(value, list):
            for index, item in enumerate(cast("list[Any]", value)):
                self.merge(made, mark, item, child.children[index])
            return
        if not isinstance(value, dict):
            raise self.error("<< merges mappings only", (child.line, child.column))
        for key, item in cast("dict[str, Any]", value).items():
            if key not in made:
                made[key] = item
                mark.keys[key] = child.keys[key]
                mark.children[key] = child.children[key]

    def only_standard(self, event: yaml.SequenceStartEvent | yaml.MappingStartEvent) -> None:
        own = "seq" if isinstance(event, yaml.SequenceStartEvent) else "map"
        if event.tag not in {None, "!", f"tag:yaml.org,2002:{own}"}:
            hint = "Only plain values are read: text, numbers, true/false, lists and mappings."
            raise self.error(f"the tag {event.tag} is not allowed", _at(event), hint)

    def error(self, message: str, span: Span, hint: str | None = None) -> SpecError:
        return _spec_error(self.diagnostic("error", message, span, hint))

    def diagnostic(
        self, severity: Severity, message: str, span: Span, hint: str | None
    ) -> Diagnostic:
        return placed(severity, message, span, self.lines, self.name, hint=hint)


def _events(source: str) -> Iterator[yaml.Event]:
    parse = cast("Callable[..., Iterator[yaml.Event]]", yaml.parse)  # pyright: ignore[reportUnknownMemberType]
    return parse(source, Loader=_Parser)


def _at(event: yaml.Event) -> Span:
    mark = event.start_mark
    return (mark.line, mark.column)


def _syntax_error(error: yaml.MarkedYAMLError, source: str, name: str) -> SpecError:
    lines = source.splitlines()
    mark = error.problem_mark or error.context_mark
    span: Span = (mark.line, mark.column) if mark else (0, 0)
    span = (min(span[0], max(len(lines) - 1, 0)), span[1])
    text = lines[span[0]] if lines else ""
    message, hint = (
        f"this is not YAML: {error.problem or error.context}",
        _syntax_hint(error, text),
    )
    if (found := template_in(text)) is not None:
        message, span, hint = template_mistake(found, (span[0], text.index("{{")))
    return _spec_error(placed("error", message, span, lines, name, hint=hint))


def _syntax_hint(error: yaml.MarkedYAMLError, text: str) -> str | None:
    problem = error.problem or ""
    if "\t" in text[: len(text) - len(text.lstrip())]:
        return "YAML indents with spaces; this line has a tab."
    if "mapping values are not allowed" in problem:
        return "Quote a value that contains ': ', and check the indentation."
    if "${{" in text and ("[" in text or text.count("{") > 2):
        return 'Quote expressions inside [ ] or { }: "${{inputs.x}}".'
    return None


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]


def _failure(message: str, name: str, hint: str | None = None) -> SpecError:
    return _spec_error(Diagnostic("error", message, file=name, hint=hint))


def _spec_error(diagnostic: Diagnostic) -> SpecError:
    return SpecError(diagnostic.render(), diagnostics=[diagnostic.to_dict()])
