"""Lines of pip's requirements files, checked: what passes is PEP 508 or an option named here, so
that no text of a spec can become an option of the installer."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

Reader = Callable[[str], "bytes | None"]
"""A file of the build context by its path, or None when it is not there."""

_URL_OPTIONS = {
    "-i": "--index-url",
    "--index-url": "--index-url",
    "--extra-index-url": "--extra-index-url",
    "-f": "--find-links",
    "--find-links": "--find-links",
}
_NAME_OPTIONS = {"--no-binary", "--only-binary"}
_LEFT_OUT = {
    "--trusted-host",
    "--prefer-binary",
    "--use-feature",
    "--no-cache-dir",
    "--upgrade",
    "-U",
}
_VALUED = {"--trusted-host", "--use-feature"}
_NAMES = re.compile(r"^(:all:|:none:|[A-Za-z0-9][A-Za-z0-9._-]*)(,[A-Za-z0-9][A-Za-z0-9._-]*)*$")
_VCS = re.compile(r"^(git)\+(https|ssh|http)://", re.IGNORECASE)
_WEB = re.compile(r"^https?://", re.IGNORECASE)
_LOCAL = re.compile(r"^(\.{0,2}/|\.$|\.\.$|~|file:|\.\[)|\.(whl|tar\.gz|zip)$", re.IGNORECASE)
_NAMED_URL = re.compile(r"^[^@]*@\s*(https?|git\+)")
_HOST = re.compile(r"^[A-Za-z0-9\[][A-Za-z0-9.:\[\]-]*$")
_EGG = re.compile(r"[#&]egg=(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*(\[[^\]]*\])?)")
_COMMENT = re.compile(r"(^|\s)#.*$")
_MAX_DEPTH = 8


@dataclass
class Collected:
    """What was read, and what is wrong with it; problems are reported all at once by the
    caller."""

    lines: list[str] = field(default_factory=list[str])
    warnings: list[str] = field(default_factory=list[str])
    problems: list[str] = field(default_factory=list[str])


def read_text(text: str, path: str, read: Reader | None, into: Collected, depth: int = 0) -> None:
    """A whole requirements file. `path` is its own, for the files it includes and for messages."""
    joined = text.replace("\r\n", "\n").replace("\\\n", " ")
    for raw in joined.split("\n"):
        line = _COMMENT.sub("", raw).strip()
        if line:
            read_line(line, path, read, into, depth)


def read_line(line: str, path: str, read: Reader | None, into: Collected, depth: int = 0) -> None:
    line = _bare(line)
    if not line.isprintable():
        into.problems.append(f"{line!r} holds control characters")
    elif "${" in line:
        into.problems.append(f"{line!r}: variables are not filled in; write the value")
    elif line.startswith("-"):
        _option(line, path, read, into, depth)
    else:
        _requirement(line, into)


def name_of(line: str) -> str | None:
    """The canonical package name of a checked line; None for options."""
    return None if line.startswith("-") else canonicalize_name(Requirement(line).name)


def _bare(line: str) -> str:
    """Hashes are dropped: the lock has its own, for what is really installed."""
    return re.sub(r"\s+--hash[= ]\S+", "", line).strip()


def _requirement(line: str, into: Collected) -> None:
    remote = _VCS.match(line) or _WEB.match(line)
    if not remote and _is_local(line):
        into.problems.append(
            f"{line!r} is a local file, which the environment cannot see; put it into the code"
            " folder and install it in the command, or publish it to an index"
        )
        return
    if remote:
        line = _named_url(line, into)
    if line:
        _checked(line, into)


def _is_local(line: str) -> bool:
    plain = line.partition(";")[0].strip()
    return _LOCAL.search(plain) is not None and not _NAMED_URL.match(line)


def _named_url(line: str, into: Collected) -> str:
    egg = _EGG.search(line)
    if egg:
        return f"{egg['name']} @ {line.partition('#')[0]}"
    last = urlsplit(line).path.rpartition("/")[2]
    guess = re.match(r"^(?P<name>[A-Za-z0-9][A-Za-z0-9._]*?)(-\d[^/]*)?(\.git)?(@[^/]*)?$", last)
    if guess:
        return f"{guess['name']} @ {line}"
    into.problems.append(f"{line!r} does not tell the package's name; write it as `name @ {line}`")
    return ""


def _checked(line: str, into: Collected) -> None:
    try:
        parsed = Requirement(line)
    except InvalidRequirement as error:
        into.problems.append(f"{line!r} is not a requirement: {str(error).splitlines()[0]}")
        return
    if parsed.url and not (_WEB.match(parsed.url) or _VCS.match(parsed.url)):
        into.problems.append(
            f"{line!r}: only http(s) and git+https addresses can be installed from"
        )
        return
    if parsed.url and not _is_plain(parsed.url):
        into.problems.append(f"{line!r}: its address is not a plain one")
        return
    into.lines.append(str(parsed))


def _is_plain(url: str) -> bool:
    """No part of it could be read as an option by git or ssh."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return _HOST.match(host) is not None and "@-" not in url and "/-" not in parts.path


def _option(line: str, path: str, read: Reader | None, into: Collected, depth: int) -> None:
    try:
        words = shlex.split(line.replace("=", " ", 1) if line.startswith("--") else line)
    except ValueError:
        into.problems.append(f"{line!r} has an unclosed quote")
        return
    name, values = words[0], words[1:]
    if name.startswith("-r") and not name.startswith("--"):
        _include(name[2:] or " ".join(values), path, read, into, depth)
    elif name == "--requirement":
        _include(" ".join(values), path, read, into, depth)
    elif name in _URL_OPTIONS and len(values) == 1:
        _url_option(_URL_OPTIONS[name], values[0], into)
    elif name in _NAME_OPTIONS and len(values) == 1 and _NAMES.match(values[0]):
        into.lines.append(f"{name} {values[0]}")
    elif name in {"--pre", "--no-index"} and not values:
        into.lines.append(name)
    elif name in _LEFT_OUT and len(values) == (1 if name in _VALUED else 0):
        into.warnings.append(f"{line!r} was left out: it has no meaning here")
    else:
        into.problems.append(_refusal(line, name))


def _refusal(line: str, name: str) -> str:
    if name in {"-e", "--editable"}:
        return (
            f"{line!r}: an editable install needs a folder that outlives the build; put the"
            " package into the code folder and set PYTHONPATH, or install it from git"
        )
    return f"{line!r} is not an option that can be used here"


def _url_option(option: str, value: str, into: Collected) -> None:
    if not _WEB.match(value):
        into.problems.append(
            f"{option} {value!r}: only http(s) addresses are accepted; an environment sees no"
            " local files"
        )
        return
    into.lines.append(f"{option} {value}")


def _include(target: str, path: str, read: Reader | None, into: Collected, depth: int) -> None:
    where = f"{path.rpartition('/')[0]}/{target}".lstrip("/")
    data = read(_normal(where)) if read and depth < _MAX_DEPTH else None
    if data is None:
        into.problems.append(
            f"-r {target}: the file cannot be seen from here; list its packages in place, or use a"
            " build context that holds it"
        )
        return
    read_text(data.decode("utf-8-sig", "replace"), _normal(where), read, into, depth + 1)


def _normal(path: str) -> str:
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in {"", "."}:
            parts.append(part)
    return "/".join(parts)
