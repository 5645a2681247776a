"""Names that scripts import and that do nothing in a job: whoever uses one is told what to do."""

from __future__ import annotations

from ..exceptions import UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

FROM_OUTSIDE = "A job does not do that; the script that submits it does, with `lazur.v1`."


def refused(what: str, instead: str = FROM_OUTSIDE) -> UserErrorException:
    return UserErrorException("%s is not to be had in a job. %s" % (what, instead))


def lacking(what: str, instead: str = FROM_OUTSIDE) -> Callable[..., Any]:
    """A function that is refused by its name."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise refused(what, instead)

    return refuse


class Absent(type):
    """Of classes that can be imported and named, and no more."""

    refuse: Callable[[str], Exception]

    def __call__(cls, *_: Any, **__: Any) -> Any:
        raise cls.refuse("%s(…)" % cls.__name__)

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise cls.refuse("%s.%s" % (cls.__name__, name))


def absent(
    module: str, *words: str, refuse: Callable[[str], Exception] = refused
) -> Callable[[str], Any]:
    """The `__getattr__` of a module whose names stand for nothing here: those of classes, and
    `words`."""

    def find(name: str) -> Any:
        if name not in words and not name[:1].isupper():
            raise AttributeError("module %r has no attribute %r" % (module, name))
        return Absent(name, (), {"__module__": module, "refuse": staticmethod(refuse)})

    return find
