"""Reading a shell command just far enough to know which quotes a place stands in."""

from __future__ import annotations


class Context:
    def __init__(self, name: str, reopen: str = "${%s}", splits: bool = False) -> None:
        self.name = name
        self.reopen = reopen
        """How a variable is referred to here."""
        self.splits = splits


PLAIN = Context("plain", splits=True)
GROUP = Context("(", splits=True)
BACKTICK = Context("`", splits=True)
DOUBLE = Context('"')
SINGLE = Context("'")
ANSI = Context("$'", reopen="'\"${%s}\"$'")
PARAMETER = Context("${")
ARITHMETIC = Context("((")
COMMENT = Context("#")
OPEN_HEREDOC = Context("<<")
HEREDOC = Context("<<'")

_BREAKS = " \t\n;|&<>()"


class Quoting:
    """Fed with the literal parts of a command, it knows where it is after each."""

    def __init__(self) -> None:
        self.stack = [PLAIN]
        self.word = ""
        """The unquoted word so far."""
        self.delimiter = ""
        self._waiting: list[tuple[str, Context]] = []
        """Here-documents that begin with the next line."""
        self._line = ""

    @property
    def context(self) -> Context:
        return self.stack[-1]

    def skip(self) -> None:
        """A value stands here: some text that is no syntax."""
        self.word += "x"
        self._line += "x"

    def feed(self, text: str) -> None:
        at = 0
        while at < len(text):
            at += self._step(text, at)

    def _step(self, text: str, at: int) -> int:
        """Take in what stands at `at`; returns its length."""
        context = self.context
        if context in (OPEN_HEREDOC, HEREDOC):
            return self._in_heredoc(text[at])
        if context is COMMENT:
            return self._in_comment(text[at])
        if context is SINGLE:
            return self._until(text[at], "'")
        if text[at] == "\\":
            self.word += text[at : at + 2]
            return 2
        if context is ANSI:
            return self._until(text[at], "'")
        if context is DOUBLE or context is PARAMETER or context is ARITHMETIC:
            return self._nested(text, at)
        return self._in_plain(text, at)

    def _in_plain(self, text: str, at: int) -> int:
        char = text[at]
        if char == "#" and not self.word:
            self.stack.append(COMMENT)
            return 1
        if text.startswith("<<", at) and not text.startswith("<<<", at):
            return self._announce(text, at + 2) - at
        if text.startswith("<<<", at):
            self.word = ""
            return 3
        if text.startswith("((", at) and not self.word:
            return self._open(ARITHMETIC, 2)
        if char == "(":
            return self._open(GROUP, 1)
        if char == ")" and self.context is GROUP:
            return self._close(1)
        if char == "'":
            return self._open(SINGLE, 1)
        if char == "\n":
            self.word = ""
            self._begin_heredoc()
            return 1
        if char in _BREAKS:
            self.word = ""
            return 1
        return self._nested(text, at)

    def _nested(self, text: str, at: int) -> int:
        """What opens and closes alike inside double quotes and outside of them."""
        char = text[at]
        context = self.context
        if char == '"':
            return self._close(1) if context is DOUBLE else self._open(DOUBLE, 1)
        if text.startswith("$((", at):
            return self._open(ARITHMETIC, 3)
        if text.startswith("$(", at):
            return self._open(GROUP, 2)
        if text.startswith("${", at):
            return self._open(PARAMETER, 2)
        if text.startswith("$'", at) and context is not DOUBLE:
            return self._open(ANSI, 2)
        if char == "`":
            return self._close(1) if context is BACKTICK else self._open(BACKTICK, 1)
        if context is PARAMETER and char == "}":
            return self._close(1)
        if context is PARAMETER and char == "'" and DOUBLE not in self.stack:
            return self._open(SINGLE, 1)
        if context is ARITHMETIC and char == "(":
            return self._open(ARITHMETIC, 1)
        if context is ARITHMETIC and char == ")":
            return self._close(2 if text.startswith("))", at) else 1)
        self.word += char
        return 1

    def _open(self, context: Context, length: int) -> int:
        self.stack.append(context)
        self.word = "" if context.splits else self.word + "x"
        return length

    def _close(self, length: int) -> int:
        self.stack.pop()
        self.word += "x"
        return length

    def _until(self, char: str, end: str) -> int:
        if char == end:
            self._close(1)
        return 1

    def _in_comment(self, char: str) -> int:
        if char == "\n":
            self.stack.pop()
            self._begin_heredoc()
        return 1

    def _announce(self, text: str, at: int) -> int:
        """Read `<<-'EOF'` from behind the signs; returns where it ends."""
        while at < len(text) and text[at] in "- \t":
            at += 1
        end = at
        while end < len(text) and text[end] not in _BREAKS:
            end += 1
        word = text[at:end]
        bare = word.translate({ord(c): None for c in "'\"\\"})
        self._waiting.append((bare, OPEN_HEREDOC if bare == word else HEREDOC))
        self.word = ""
        return end

    def _begin_heredoc(self) -> None:
        if self._waiting:
            self.delimiter, context = self._waiting.pop(0)
            self.stack.append(context)
            self._line = ""

    def _in_heredoc(self, char: str) -> int:
        if char != "\n":
            self._line += char
            return 1
        if self._line.strip("\t") == self.delimiter:
            self.stack.pop()
            self._begin_heredoc()
        self._line = ""
        return 1
