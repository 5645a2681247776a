"""The base of every spec model, and the types that its fields share.

A model keeps everything: unknown fields stay in it and come out of `dump` again; `spec.checking`
warns about them. Attribute docstrings become the descriptions in the JSON schema.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, WithJsonSchema

T = TypeVar("T")


class Spec(BaseModel):
    """What a person wrote, checked and frozen. A field that is unset was not written; its value is
    the default."""

    model_config = ConfigDict(
        frozen=True,
        extra="allow",
        coerce_numbers_to_str=True,
        allow_inf_nan=False,
        protected_namespaces=(),
    )

    def dump(self) -> dict[str, Any]:
        """What was written, in snake_case: nothing more, nothing less."""
        return self.model_dump(exclude_unset=True)

    def says(self, field: str) -> bool:
        """Whether `field` was written at all."""
        return field in self.model_fields_set


def spelled(words: Any, **old: str) -> BeforeValidator:
    """Words match whatever their case, and camelCase is accepted; `old` names former spellings."""
    table = {_squash(word): word for word in get_args(words)} | old

    def spell(value: Any) -> Any:
        return table.get(_squash(value), value) if isinstance(value, str) else value

    return BeforeValidator(spell)


def squashed(word: Any) -> str:
    """For comparing words by hand as `spelled` does; empty for what is no text."""
    return _squash(word) if isinstance(word, str) else ""


def _squash(word: str) -> str:
    return word.replace("_", "").replace("-", "").lower()


def _empty(value: Any) -> Any:
    return {} if value is None else value


def _text(value: Any) -> Any:
    """Azure's client passes numbers and booleans on as Python writes them."""
    return str(value) if isinstance(value, bool) else value


def _no_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("expected a number, got true or false")  # noqa: TRY004 - pydantic reads it
    return value


Map = Annotated[dict[str, T], BeforeValidator(_empty)]
"""A mapping; an empty body (`inputs:`) is an empty one."""
TextValue = Annotated[
    str, BeforeValidator(_text), WithJsonSchema({"type": ["string", "number", "boolean"]})
]
Whole = Annotated[int, BeforeValidator(_no_bool)]
Number = Annotated[float, BeforeValidator(_no_bool)]
Scalar = str | bool | int | float
Tags = Map[TextValue]
