"""YAML in and out, with the line that each field came from."""

from __future__ import annotations

from typing import Any, Dict, Set, Tuple

from ._errors import MLTableError, Where
from ._optional import need

Key = Tuple[Any, ...]


def parse(text: str, file: str) -> Tuple[Any, Dict[Key, int]]:
    """Plain values, and for each path of keys its line."""
    yaml = need("yaml", "Reading an MLTable file")
    try:
        loader = yaml.SafeLoader(text)
        try:
            node = loader.get_single_node()
            lines: Dict[Key, int] = {}
            if node is not None:
                _note(yaml, node, (), lines, set())
            return (None if node is None else loader.construct_document(node)), lines
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = mark.line + 1 if mark else None
        raise MLTableError(f"This is no YAML: {error.problem}.", Where("", file, line)) from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise MLTableError(f"This is no YAML: {error}", Where("", file)) from None


def render(values: Any) -> str:
    yaml = need("yaml", "Writing an MLTable file")
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True, default_flow_style=False)


def _note(yaml: Any, node: Any, key: Key, lines: Dict[Key, int], seen: Set[int]) -> None:
    """An anchor is followed once, however often it is named."""
    lines.setdefault(key, node.start_mark.line + 1)
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            inner = (*key, name.value)
            lines[inner] = name.start_mark.line + 1
            _note(yaml, value, inner, lines, seen)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _note(yaml, value, (*key, index), lines, seen)
