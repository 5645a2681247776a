"""Dockerfiles that only install Python packages, read without a container engine.

`FROM python:3.10` with `COPY`, `WORKDIR`, `ENV`, `ARG` and `RUN pip install …` is understood. The
first line that is not is what `Dockerfile.reason` names: then only an image builder can make the
environment.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from dataclasses import dataclass, field

from lazur.kinds.assets import requirements
from lazur.kinds.assets.requirements import Collected, Reader

_WITHOUT_EFFECT = {
    "CMD",
    "ENTRYPOINT",
    "EXPOSE",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
}
"""They say how a container is started; a job starts its own command."""

_PIP = re.compile(r"^((/\S+/)?python3?(\.\d+)? -m )?(/\S+/)?pip3?(\.\d+)? (?P<rest>.*)$")
_HARMLESS = re.compile(
    r"^((python3? -m )?pip3? (cache purge|--version|list|freeze|check)|python3?"
    r" (--version|-V)|true|rm [^|<>`$()]*)$"
)
_FLAGS = {
    "--no-cache-dir",
    "--no-cache",
    "--upgrade",
    "-U",
    "--user",
    "--quiet",
    "-q",
    "-v",
    "--ignore-installed",
    "-I",
    "--force-reinstall",
    "--no-input",
    "--disable-pip-version-check",
    "--prefer-binary",
    "--no-warn-script-location",
    "--break-system-packages",
    "--root-user-action=ignore",
    "--progress-bar=off",
    "--use-deprecated=legacy-resolver",
    "--compile",
    "--no-compile",
}
_VALUED_FLAGS = {
    "--timeout",
    "--default-timeout",
    "--retries",
    "--trusted-host",
    "--progress-bar",
    "--root-user-action",
}
_LINE_OPTIONS = {
    "-i",
    "--index-url",
    "--extra-index-url",
    "-f",
    "--find-links",
    "--no-binary",
    "--only-binary",
}
_TOOLS = {"pip", "setuptools", "wheel"}
_VARIABLE = re.compile(
    r"\$(?:\{(?P<braced>[A-Za-z_]\w*)(?::-(?P<default>[^}]*))?\}|(?P<bare>[A-Za-z_]\w*))"
)
_SHELL = re.compile(r"[`<>|*?()]|\$\(")


@dataclass
class Dockerfile:
    base: str = ""
    lines: list[str] = field(default_factory=list[str])
    variables: dict[str, str] = field(default_factory=dict[str, str])
    warnings: list[str] = field(default_factory=list[str])
    problems: list[str] = field(default_factory=list[str])
    reason: str | None = None
    """The first line that is not understood, and why."""


@dataclass
class _State:
    read: Reader
    result: Dockerfile
    collected: Collected
    folder: str = "/"
    arguments: dict[str, str] = field(default_factory=dict[str, str])
    copies: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """Path in the image → path in the context, newest last."""


class _NotUnderstoodError(Exception):
    pass


def parse(text: str, read: Reader) -> Dockerfile:
    state = _State(read, Dockerfile(), Collected())
    for number, line in _instructions(text):
        try:
            _instruction(line, state)
        except (_NotUnderstoodError, ValueError) as error:
            state.result.reason = f"line {number} of the Dockerfile, `{_shortened(line)}`: {error}"
            return state.result
    if not state.result.base:
        state.result.reason = "the Dockerfile has no FROM"
    state.result.lines = list(dict.fromkeys(state.collected.lines))
    state.result.warnings += state.collected.warnings
    state.result.problems = state.collected.problems
    return state.result


def _instructions(text: str) -> list[tuple[int, str]]:
    """Continued lines joined, comments out, with the number of the first line of each."""
    found: list[tuple[int, str]] = []
    parts: list[str] = []
    start = 0
    for number, raw in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        start = start if parts else number
        parts.append(line.removesuffix("\\").strip())
        if not line.endswith("\\"):
            found.append((start, " ".join(parts)))
            parts = []
    if parts:
        found.append((start, " ".join(parts)))
    return found


def _instruction(line: str, state: _State) -> None:
    word, _, rest = line.partition(" ")
    word, rest = word.upper(), rest.strip()
    if word in _WITHOUT_EFFECT:
        return
    handler = {
        "FROM": _from,
        "ARG": _argument,
        "ENV": _variables,
        "WORKDIR": _workdir,
        "COPY": _copy,
        "ADD": _copy,
        "RUN": _run,
    }.get(word)
    if handler is None:
        raise _NotUnderstoodError("this instruction needs an image builder")
    handler(rest, state)


def _from(rest: str, state: _State) -> None:
    if state.result.base:
        raise _NotUnderstoodError("several stages need an image builder")
    words = [word for word in _expand(rest, state).split() if not word.startswith("--platform=")]
    if not words:
        raise _NotUnderstoodError("no image is named")
    state.result.base = words[0]


def _argument(rest: str, state: _State) -> None:
    name, _, value = rest.partition("=")
    state.arguments.setdefault(name.strip(), _expand(_unquoted(value), state))


def _variables(rest: str, state: _State) -> None:
    if re.match(r"^[A-Za-z_]\w*=", rest):
        pairs = [word.partition("=")[::2] for word in shlex.split(_expand(rest, state))]
    else:
        name, _, value = rest.partition(" ")
        pairs = [(name, _expand(_unquoted(value.strip()), state))]
    for name, value in pairs:
        if name != "PATH":
            state.result.variables[name] = value
            state.arguments[name] = value


def _workdir(rest: str, state: _State) -> None:
    state.folder = posixpath.normpath(
        posixpath.join(state.folder, _expand(_unquoted(rest), state))
    )


def _copy(rest: str, state: _State) -> None:
    words = _words(_expand(rest, state))
    if any(word.startswith("--from") for word in words):
        raise _NotUnderstoodError("files of another image need an image builder")
    paths = [word for word in words if not word.startswith("--")]
    if len(paths) < 2:
        raise _NotUnderstoodError("source and destination are not clear")
    *sources, target = paths
    if any(re.match(r"^(https?|git)[:@]", source) for source in sources):
        raise _NotUnderstoodError("a download needs an image builder")
    for source in sources:
        _copied(source, target, len(sources), state)


def _copied(source: str, target: str, count: int, state: _State) -> None:
    source = posixpath.normpath(source.lstrip("/"))
    place = posixpath.normpath(posixpath.join(state.folder, target))
    is_file = state.read(source) is not None
    if is_file and (
        count > 1 or target.endswith("/") or target in {".", "./"} or place == state.folder
    ):
        place = posixpath.join(place, posixpath.basename(source))
    state.copies.append((place, "" if source == "." else source))
    if not is_file:
        state.result.warnings.append(
            f"the Dockerfile copies {source} to {place}: these files are not in the environment;"
            " give them as `code`"
        )


def _words(rest: str) -> list[str]:
    if rest.startswith("["):
        return list(re.findall(r'"((?:[^"\\]|\\.)*)"', rest))
    return shlex.split(rest)


def _run(rest: str, state: _State) -> None:
    rest = re.sub(r"^(--(mount|network|security)=\S+\s+)+", "", rest)
    if rest.startswith("["):
        rest = shlex.join(_words(rest))
    for command in re.split(r"\s*(?:&&|;)\s*", _outside_quotes(rest)):
        command = " ".join(_expand(command, state).split())
        if command and not _HARMLESS.match(command):
            _command(command, state)


def _outside_quotes(rest: str) -> str:
    """A `;` inside quotes is an environment marker; refuse rather than misread it."""
    for quoted in re.findall(r"\"[^\"]*\"|'[^']*'", rest):
        if ";" in quoted or "&&" in quoted:
            raise _NotUnderstoodError(
                "a `;` inside quotes; put the requirement into requirements.txt"
            )
    return rest


def _command(command: str, state: _State) -> None:
    found = _PIP.match(command)
    if not found or not found["rest"].startswith("install "):
        raise _NotUnderstoodError("only `pip install` is understood without an image builder")
    words = shlex.split(found["rest"].removeprefix("install "))
    if any(
        _SHELL.search(word)
        for word in words
        if not re.match(r"^[A-Za-z0-9._-]+(\[.*\])?\s*[<>=!~]", word)
    ):
        raise _NotUnderstoodError("the shell's own syntax in it needs an image builder")
    _install(words, state)


def _install(words: list[str], state: _State) -> None:
    rest = iter(words)
    upgrades = any(word in {"-U", "--upgrade"} for word in words)
    for word in rest:
        name, equals, value = word.partition("=")
        if word in _FLAGS or (equals and name in _VALUED_FLAGS):
            continue
        if word in _VALUED_FLAGS:
            next(rest, None)
        elif word in {"-r", "--requirement"}:
            _requirements_file(next(rest, ""), state)
        elif word.startswith("-r"):
            _requirements_file(word.removeprefix("-r"), state)
        elif word in _LINE_OPTIONS:
            requirements.read_line(f"{word} {next(rest, '')}", "", None, state.collected)
        elif equals and name in _LINE_OPTIONS:
            requirements.read_line(f"{name} {value}", "", None, state.collected)
        elif word == "--pre":
            requirements.read_line(word, "", None, state.collected)
        elif word.startswith("-"):
            raise _NotUnderstoodError(
                f"the option {word} is not understood without an image builder"
            )
        elif not (upgrades and word in _TOOLS):
            requirements.read_line(word, "", None, state.collected)


def _requirements_file(target: str, state: _State) -> None:
    inside = posixpath.normpath(posixpath.join(state.folder, target))
    for place, source in reversed(state.copies):
        path = _below(inside, place, source)
        data = state.read(path) if path else None
        if path and data is not None:
            requirements.read_text(
                data.decode("utf-8-sig", "replace"), path, state.read, state.collected
            )
            return
    raise _NotUnderstoodError(f"{target} was not copied from the build context before this line")


def _below(inside: str, place: str, source: str) -> str | None:
    if inside == place:
        return source
    if inside.startswith(place.rstrip("/") + "/"):
        return posixpath.join(source, inside[len(place.rstrip("/")) + 1 :])
    return None


def _expand(text: str, state: _State) -> str:
    def value(found: re.Match[str]) -> str:
        name = found["braced"] or found["bare"]
        return state.arguments.get(name) or found["default"] or ""

    return _VARIABLE.sub(value, text)


def _unquoted(text: str) -> str:
    text = text.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text


def _shortened(line: str) -> str:
    return line if len(line) <= 100 else line[:97] + "…"
