"""From a plain value to a model, with everything that is wrong or odd said at once and in
place."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, cast, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from lazur.errors import Invalid
from lazur.spec.diagnostics import Diagnostic, Path, path_text
from lazur.spec.document import Document
from lazur.spec.expressions import check as check_expressions
from lazur.spec.expressions import check_path
from lazur.spec.expressions import names as names_in
from lazur.spec.model import Spec, squashed
from lazur.spec.names import check_input_name
from lazur.spec.references import parse
from lazur.spec.suggestions import closest, did_you_mean

S = TypeVar("S", bound=Spec)

READ_ONLY = frozenset(
    {"$schema", "id", "status", "creation_context", "latest_version", "etag", "provisioning_state"}
)
"""What a person does not write but a file that Azure or Lazur printed may hold."""
_MAX_DEPTH = 64
_MAX_NODES = 200_000
_EXPECTED = {
    "string": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "dict": "a mapping",
    "model": "a mapping",
    "list": "a list",
}


_NOT_KNOWN = "is not a known field"


def unknown(found: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Those about fields that nobody knows."""
    return [one for one in found if one.message.endswith(_NOT_KNOWN)]


@dataclass
class Check:
    """Collects diagnostics about one value."""

    value: Any
    document: Document | None = None
    diagnostics: list[Diagnostic] = field(default_factory=list[Diagnostic])
    prefix: Path = ()
    """Where the value stands in the document."""

    def within(self, path: Path, value: Any) -> Check:
        """Of a part: `value` is what stands at `path`. It says everything to this one."""
        return Check(value, self.document, self.diagnostics, (*self.prefix, *path))

    def written(self, path: Path) -> str | None:
        """How a scalar that is no text was written, where that is known."""
        return self.document.written((*self.prefix, *path)) if self.document else None

    def error(self, message: str, path: Path = (), **more: Any) -> None:
        self._say("error", message, path, **more)

    def warning(self, message: str, path: Path = (), **more: Any) -> None:
        self._say("warning", message, path, **more)

    @property
    def failed(self) -> bool:
        return any(d.severity == "error" for d in self.diagnostics)

    def model(self, cls: type[S]) -> S | None:
        """The value as a model; None when it does not fit. Unknown fields only warn."""
        if not self.plain():
            return None
        try:
            made = cls.model_validate(self.value)
        except ValidationError as error:
            for mismatch in _mismatches(error.errors(include_url=False), self.value):
                self.error(mismatch.message, mismatch.path, key=mismatch.key, hint=mismatch.hint)
            self._unknown_in_plain(cls, self.value, ())
            return None
        self._unknown(made, ())
        return made

    def plain(self) -> bool:
        """Whether the value is what JSON can hold, and of bearable size. Also for what Python code
        hands over."""
        problem = _not_plain(self.value)
        if problem:
            self.error(problem[0], problem[1])
        return problem is None

    def reference(self, path: Path, text: Any) -> None:
        """`text`, at `path`, must read as a reference; anything but text is the model's to
        refuse."""
        if not isinstance(text, str):
            return
        try:
            parse(text)
        except Invalid as error:
            self.error(error.message, path, hint=error.hint)

    def expressions(
        self,
        path: Path,
        text: Any,
        inputs: Any,
        outputs: Any,
        space: Collection[str] | None = None,
    ) -> None:
        """The names that `text` uses must be declared."""
        if isinstance(text, str):
            for mistake in check_expressions(text, _keys(inputs), _keys(outputs), space):
                self.error(mistake.message, path, find=mistake.text, hint=mistake.hint)

    def path_expressions(self, path: Path, text: Any, known: Collection[str], where: str) -> None:
        """Of a path, in which only `known` ones are filled in."""
        if isinstance(text, str):
            for mistake in check_path(text, known, where):
                self.error(mistake.message, path, find=mistake.text, hint=mistake.hint)

    def names(self, path: Path, declared: Any) -> None:
        for name in _keys(declared):
            try:
                check_input_name(name)
            except ValueError as error:
                self.error(str(error), (*path, name), key=True)

    def uses(self, text: Any, name: str) -> bool:
        return isinstance(text, str) and name in names_in(text, "inputs")

    def _say(self, severity: Any, message: str, path: Path, **more: Any) -> None:
        path = (*self.prefix, *path)
        if self.document is not None:
            made = self.document.diagnostic(severity, message, path, **more)
        else:
            made = Diagnostic(severity, message, path_text(path), hint=more.get("hint"))
        self.diagnostics.append(made)

    def field(self, name: str, known: Collection[str], path: Path) -> None:
        """`name`, of a mapping at `path`, should be one of `known`."""
        if name not in known and name not in READ_ONLY:
            close = closest(name, known)
            hint = f"Did you mean {close!r}?" if close else None
            self.warning(f"`{name}` {_NOT_KNOWN}", (*path, name), key=True, hint=hint)

    def _unknown_in_plain(self, cls: type[Spec], value: Any, path: tuple[str | int, ...]) -> None:
        """When there is no model to ask: the fields of `cls`, and of those that are models
        themselves."""
        if not isinstance(value, Mapping):
            return
        for name, item in cast("Mapping[str, Any]", value).items():
            if name not in cls.model_fields:
                self.field(name, cls.model_fields, path)
            else:
                self._unknown_below(cls.model_fields[name].annotation, item, (*path, name))

    def _unknown_below(self, annotation: Any, value: Any, path: tuple[str | int, ...]) -> None:
        if isinstance(value, Mapping):
            body = cast("Mapping[str, Any]", value)
            if (each := _items_of(annotation, dict)) is not None:
                for name, item in body.items():
                    self._unknown_below(each, item, (*path, name))
            elif (cls := _model_of(annotation, body)) is not None:
                self._unknown_in_plain(cls, body, path)
        elif isinstance(value, list) and (each := _items_of(annotation, list)) is not None:
            for index, item in enumerate(cast("list[Any]", value)):
                self._unknown_below(each, item, (*path, index))

    def _unknown(self, model: Spec, path: tuple[str | int, ...]) -> None:
        for name in model.__pydantic_extra__ or ():
            self.field(name, type(model).model_fields, path)
        for name in model.model_fields_set:
            self._look_into(getattr(model, name, None), (*path, name))

    def _look_into(self, value: Any, path: tuple[str | int, ...]) -> None:
        if isinstance(value, Spec):
            self._unknown(value, path)
        elif isinstance(value, dict):
            for key, item in cast("dict[str, Any]", value).items():
                if isinstance(item, Spec):
                    self._unknown(item, (*path, key))
        elif isinstance(value, list):
            for index, item in enumerate(cast("list[Any]", value)):
                if isinstance(item, Spec):
                    self._unknown(item, (*path, index))


def _model_of(annotation: Any, value: Mapping[str, Any]) -> type[Spec] | None:
    """`Resources` of `Resources | None`; where several are possible, the one of this `type`. None
    where nobody can tell."""
    found = list(dict.fromkeys(_models_in(annotation)))
    if len(found) > 1:
        word = squashed(value.get("type"))
        found = [cls for cls in found if word in _types_of(cls)]
    return found[0] if len(found) == 1 else None


def _models_in(annotation: Any) -> Iterator[type[Spec]]:
    if isinstance(annotation, type) and issubclass(annotation, Spec):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)


def _types_of(cls: type[Spec]) -> set[str]:
    said = cls.model_fields.get("type")
    return {squashed(word) for word in get_args(said.annotation)} if said is not None else set()


def _items_of(annotation: Any, container: type) -> Any:
    """What a mapping or a list holds, where it is one."""
    if get_origin(annotation) is container:
        return get_args(annotation)[-1]
    if get_origin(annotation) in (dict, list):
        return None
    found = (_items_of(part, container) for part in get_args(annotation))
    return next((each for each in found if each is not None), None)


def _keys(declared: Any) -> list[str]:
    return (
        [str(k) for k in cast("Mapping[Any, Any]", declared)]
        if isinstance(declared, Mapping)
        else []
    )


def _real_path(loc: tuple[int | str, ...], value: Any) -> tuple[tuple[str | int, ...], bool]:
    """Pydantic's location without what it adds: tags of unions (ours begin with NUL), names of
    union members."""
    path: list[str | int] = []
    for index, part in enumerate(loc):
        if part == "[key]":
            return tuple(path), True
        last = index == len(loc) - 1
        known = isinstance(value, Mapping) and part in value
        if (isinstance(value, list) and isinstance(part, int)) or known:
            value = cast("Any", value)[part]
        elif (
            str(part).startswith("\0")
            or not isinstance(value, Mapping)
            or not last
            or _is_member(part)
        ):
            continue
        path.append(part)
    return tuple(path), False


def _is_member(part: int | str) -> bool:
    """Union members are shown as `str`, `int`, `AnonymousEnvironment`, `list[str]`,
    `function-after[…]`."""
    text = str(part)
    return text in {"str", "int", "bool", "float"} or "[" in text or text[:1].isupper()


@dataclass(frozen=True)
class _Mismatch:
    path: tuple[str | int, ...]
    key: bool
    message: str
    hint: str | None = None
    expected: str | None = None
    """A type's name, when the value is of a wrong type and nothing else is known."""


def _mismatches(details: list[ErrorDetails], value: Any) -> list[_Mismatch]:
    """One per place. Where a field may be of several types pydantic reports each; what a person
    meant is the member
    that got furthest, and when none did, any of them."""
    by_path: dict[tuple[str | int, ...], list[_Mismatch]] = {}
    for detail in details:
        found = _mismatch(detail, value)
        by_path.setdefault(found.path, []).append(found)
    made: list[_Mismatch] = []
    for path, group in by_path.items():
        better = [m for m in group if m.expected is None]
        if better:
            made.extend(better)
        elif not any(other[: len(path)] == path != other for other in by_path):
            made.append(_merged(group))
    return made


def _merged(group: list[_Mismatch]) -> _Mismatch:
    first = group[0]
    nouns = list(dict.fromkeys(str(m.expected) for m in group))
    got = first.message.partition(", got ")[2]
    return replace(first, message=f"expected {' or '.join(nouns)}, got {got}")


def _missing(path: tuple[str | int, ...], key: bool, there: list[str]) -> _Mismatch:
    """A slip of the pen in a field's name is one mistake, and shown where it is."""
    message, slip = f"`{path[-1]}` is missing", closest(str(path[-1]), there)
    if slip is None:
        return _Mismatch(path, key, message)
    return _Mismatch((*path[:-1], slip), True, message, f"Did you mean {path[-1]!r}?")


def _mismatch(detail: ErrorDetails, value: Any) -> _Mismatch:
    path, key = _real_path(detail["loc"], value)
    kind, given, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "missing":
        return _missing(path, key, _keys(given))
    if kind == "literal_error":
        words = _words(str(context.get("expected", "")))
        hint = did_you_mean(given, words) if isinstance(given, str) else None
        message = f"expected one of {', '.join(words)}; got {_shown(given)}"
        return _Mismatch(path, key, message, hint)
    if kind == "value_error":
        return _Mismatch(path, key, str(context.get("error", detail["msg"])))
    noun = _EXPECTED.get(kind.split("_")[0])
    if noun is not None and not kind.startswith("string_too"):
        quote = noun == "text" and isinstance(given, bool)
        hint = 'Quote it if you mean the text, such as "yes" or "on".' if quote else None
        key = key or isinstance(given, dict | list)  # its body begins lines below
        return _Mismatch(path, key, f"expected {noun}, got {_shown(given)}", hint, noun)
    message = detail["msg"].removeprefix("Input should be ")
    if kind in {"input", "output", "distribution", "source", "trigger"}:
        return _Mismatch(path, key, f"{message}; got {_shown(given)}")
    return _Mismatch(path, key, f"expected a value {message}, got {_shown(given)}")


def _words(expected: str) -> list[str]:
    return [word.strip().strip("'") for word in expected.replace(" or ", ", ").split(",") if word]


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        found = cast("Mapping[Any, Any]", value).get("type")
        return "a mapping" if found is None else f"a mapping of type {str(found)[:40]!r}"
    if isinstance(value, list):
        return "a list"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _not_plain(value: Any) -> tuple[str, tuple[str | int, ...]] | None:
    budget = _MAX_NODES
    waiting: list[tuple[Any, tuple[str | int, ...]]] = [(value, ())]
    while waiting:
        item, path = waiting.pop()
        budget -= 1
        if budget < 0 or len(path) > _MAX_DEPTH:
            return "this is too large or nested too deeply", path[:8]
        if isinstance(item, str):
            if (problem := _bad_text(item)) is not None:
                return problem, path
        elif isinstance(item, dict):
            for key, inner in cast("dict[Any, Any]", item).items():
                if not isinstance(key, str):
                    return f"a key must be text, {key!r} is not", path
                if (problem := _bad_text(key)) is not None:
                    return problem, path
                waiting.append((inner, (*path, key)))
        elif isinstance(item, list | tuple):
            waiting.extend((inner, (*path, i)) for i, inner in enumerate(cast("list[Any]", item)))
        elif isinstance(item, float) and item - item != 0:
            return "not a number that can be passed on", path
    return None


def _bad_text(text: str) -> str | None:
    if "\0" in text:
        return "text may not hold the character NUL"
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return "the text is not valid Unicode"
    return None
