"""`${{…}}` in a command. Values are data: whatever one holds, the shell sees it as text.

A value of harmless characters is written as it stands, so that commands read as their authors
expect. Any other becomes a shell variable, set in front of the command, and a reference to it that
fits the quotes around: such a value is never parsed by the shell, even where this reading of the
quotes should be wrong.

The limit: bash evaluates as arithmetic the text of what it compares in `[[ … -eq … ]]`, of what
`let` and `declare -i` are given, and of array subscripts, that of a variable's value too. Only
`((…))` and `$((…))` are recognised here; docs/jobs.md tells people to put no values in the others.
"""

from __future__ import annotations

from lazur.runtime.plan import Unprepared
from lazur.runtime.quoting import ARITHMETIC, HEREDOC, SINGLE, Quoting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_HARMLESS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./:@%+,-")
_GLOB = frozenset("*?[\\")
_BLANKS = {ord("\t"): " ", ord("\n"): " "}
"""What separates words in a shell, all the same."""


class Value:
    """`splits`: where the command does not quote it, whitespace separates words, as ever. Paths
    stay whole."""

    def __init__(self, text: str, splits: bool) -> None:
        self.text = text
        self.splits = splits
        self.harmless = _HARMLESS.issuperset(text)


def render(command: str, find: Callable[[str], Value | None]) -> str:
    """The script for `bash -c`. Raises Unprepared for an expression without a value."""
    parts = _split(command)
    if len(parts) == 1:
        return command
    values = [_look_up(name, find) for name in parts[1::2]]
    if all(v.harmless for v in values):
        parts[1::2] = [v.text for v in values]
        return "".join(parts)
    return _Script(parts[0::2], values).text()


class _Script:
    def __init__(self, literals: list[str], values: list[Value]) -> None:
        self.literals = literals
        self.values = values
        self.variables: dict[str, str] = {}

    def text(self) -> str:
        quoting = Quoting()
        made: list[str] = []
        for literal, value in zip(self.literals, [*self.values, Value("", splits=False)]):
            quoting.feed(literal)
            made.append(literal)
            made.append(value.text if value.harmless else self._refer(value, quoting))
            quoting.skip()
        settings = "".join("%s=%s; " % (n, _single(t)) for t, n in self.variables.items())
        return settings + "".join(made)

    def _refer(self, value: Value, quoting: Quoting) -> str:
        if "\0" in value.text:
            raise Unprepared(
                "a value of the command holds a NUL character, which no program can be given"
            )
        context = quoting.context
        if context == SINGLE:
            return "'%s'" % self._quoted(value.text)
        if context == HEREDOC:
            return _raw(value.text, quoting)
        if context == ARITHMETIC:
            return self._number(value.text)
        if context.splits and value.splits:
            return self._words(value.text, quoting.word)
        if context.splits:
            return self._quoted(value.text)
        return context.reopen % self._name(value.text)

    def _words(self, text: str, before: str) -> str:
        """As `$x` unquoted: words, but no file names for `*`."""
        words = [w for w in text.translate(_BLANKS).split(" ") if w]
        if words == [text] or _assigns(before):
            return self._quoted(text)
        if not words:
            return " "
        if _GLOB.isdisjoint(text):
            return "${%s}" % self._name(text)
        start = " " if text[0] in " \t\n" else ""
        end = " " if text[-1] in " \t\n" else ""
        return start + " ".join(map(self._quoted, words)) + end

    def _number(self, text: str) -> str:
        """The shell evaluates what an index holds, even that of a variable's value."""
        if not {"[", "$", "`"}.isdisjoint(text):
            raise Unprepared(
                "the command calculates with a value that is no number: %r" % text[:80]
            )
        return "${%s}" % self._name(text)

    def _quoted(self, text: str) -> str:
        return '"${%s}"' % self._name(text)

    def _name(self, text: str) -> str:
        return self.variables.setdefault(text, "__lazur_%d" % len(self.variables))


def _raw(text: str, quoting: Quoting) -> str:
    """In a here-document whose end is quoted nothing is expanded, so only the text itself can
    stand there."""
    if "\n" in text or text.strip() == quoting.delimiter:
        raise Unprepared(
            "a value with several lines stands in a here-document with a quoted end (<<'%s')"
            ", where it cannot be protected: remove the quotes" % quoting.delimiter
        )
    return text


def _split(command: str) -> list[str]:
    """Literal text and expressions in turn."""
    parts: list[str] = []
    at = 0
    while True:
        start = command.find("${{", at)
        end = command.find("}}", start)
        if start < 0 or end < 0:
            return [*parts, command[at:]]
        parts += [command[at:start], command[start + 3 : end].strip()]
        at = end + 2


def _look_up(name: str, find: Callable[[str], Value | None]) -> Value:
    value = find(name)
    if value is None:
        raise Unprepared("the command uses ${{%s}}, which has no value" % name)
    return value


def _assigns(word: str) -> bool:
    name, equals, rest = word.partition("=")
    return bool(equals) and not rest and name.rstrip("+").isidentifier()


def _single(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
