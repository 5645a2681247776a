"""JSON schemas of the kinds, for editors. Apart from the catalog, because only `lazur schema`
needs it."""

from __future__ import annotations

import ast
import inspect
import textwrap
from functools import cache
from itertools import pairwise
from typing import Any, cast

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from lazur.kinds.catalog import entry_for
from lazur.spec.model import Spec

DRAFT = "https://json-schema.org/draft/2020-12/schema"
_OWN_SCHEMA = {"type": "string", "description": "Which schema an editor checks this file with."}


def json_schema(kind: str) -> dict[str, Any]:
    """Draft 2020-12, for `command-job`, `environment`, … Unknown fields are let through, as when
    loading."""
    entry = entry_for(kind)
    made = entry.model.model_json_schema(schema_generator=_Generator)
    made["properties"] = {"$schema": _OWN_SCHEMA, **made["properties"]}
    return {"$schema": DRAFT, **made, "title": entry.title}


class _Generator(GenerateJsonSchema):
    """Attribute docstrings become descriptions, and unions accept what fits more than one
    member."""

    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> JsonSchemaValue:
        made = super().tagged_union_schema(schema)
        members = made.pop("oneOf", None)
        return made if members is None else {**made, "anyOf": members}

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        made = super().model_schema(schema)
        for name, text in _docstrings(schema["cls"]).items():
            if name in made.get("properties", {}):
                made["properties"][name].setdefault("description", text)
        return made


@cache
def _docstrings(cls: type[Any]) -> dict[str, str]:
    """Of the class and its bases: pydantic would read them at import, which costs more than
    everything else."""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if issubclass(base, Spec):
            found |= _own_docstrings(base)
    return found


def _own_docstrings(cls: type[Any]) -> dict[str, str]:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    except (
        OSError,
        SyntaxError,
    ):  # installed without sources: the schema is as good without descriptions
        return {}
    body = cast("ast.ClassDef", tree.body[0]).body
    found: dict[str, str] = {}
    for field, text in pairwise(body):
        match field, text:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(
                value=ast.Constant(value=str(doc))
            ):
                found[name] = " ".join(doc.split())
            case _:
                continue
    return found
