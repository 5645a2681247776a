"""A conda environment file read as what pip can install: a Python version and requirements.

Conda's own packages are mapped by name; what has no Python package is an error that names all such
packages at once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from packaging.requirements import Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from lazur.errors import Invalid
from lazur.kinds.assets import conda_names, requirements
from lazur.kinds.assets.requirements import Collected, Reader

_SPEC = re.compile(
    r"^(?:(?P<channel>[A-Za-z0-9_.:/-]+)::)?"
    r"(?P<name>[A-Za-z0-9_][A-Za-z0-9_.-]*)"
    r"(?P<rest>[^A-Za-z0-9_.-].*)?$"
)
_BRACKETS = re.compile(r"^\[(?P<inner>.*)\]$")
_BRACKET_VERSION = re.compile(r"version\s*=\s*[\"']?(?P<version>[^\"'\]]+)[\"']?")
_CLAUSE = re.compile(
    r"^(?P<operator>==|>=|<=|!=|~=|=|>|<)?\s*(?P<version>[0-9][A-Za-z0-9.!+_]*(?:\.\*|\*)?)$"
)
_BUILD = re.compile(r"^(?P<version>={0,2}\s*[0-9][^=\s]*)(?:=|\s+)[A-Za-z0-9_.*-]+$")
_KNOWN = {"name", "channels", "dependencies", "prefix", "variables", "platforms"}


@dataclass
class Dependencies:
    python: str | None = None
    """`3.10`, `3.9.18`, or a set of bounds `<3.11,>=3.8`."""
    requirements: list[str] = field(default_factory=list[str])
    variables: dict[str, str] = field(default_factory=dict[str, str])
    warnings: list[str] = field(default_factory=list[str])


@dataclass
class _Reading:
    python: str | None = None
    conda: Collected = field(default_factory=Collected)
    pip: Collected = field(default_factory=Collected)
    foreign: list[str] = field(default_factory=list[str])


def dependencies(document: Mapping[str, Any], read: Reader | None = None) -> Dependencies:
    """Raises Invalid with everything that is wrong, in one message."""
    reading = _Reading()
    for entry in _entries(document):
        _entry(entry, reading, read)
    _refuse(reading)
    merged = _merge(reading)
    merged.variables = _variables(document.get("variables"))
    unknown = sorted(str(key) for key in document if key not in _KNOWN)
    if unknown:
        merged.warnings.append(f"conda file: {', '.join(unknown)} is not known and was left out")
    return merged


def _entries(document: Mapping[str, Any]) -> list[Any]:
    found = document.get("dependencies")
    if found is None:
        return []
    if not isinstance(found, list):
        raise Invalid(
            "The conda file's `dependencies` is not a list.",
            hint="Write one package per line, each with a dash: `- numpy=1.26`.",
        )
    return cast("list[Any]", found)


def _entry(entry: Any, reading: _Reading, read: Reader | None) -> None:
    if isinstance(entry, Mapping):
        _section(cast("Mapping[str, Any]", entry), reading, read)
    elif isinstance(entry, str):
        _package(" ".join(entry.partition("#")[0].split()), reading)
    else:
        reading.conda.problems.append(f"{entry!r} is not a package; write it as text")


def _section(entry: Mapping[str, Any], reading: _Reading, read: Reader | None) -> None:
    for manager, lines in entry.items():
        if manager != "pip":
            reading.foreign.append(f"the packages under `{manager}:`")
            continue
        for line in cast("list[Any]", lines if isinstance(lines, list) else [lines]):
            if line is not None:
                requirements.read_text(str(line), "", read, reading.pip)


def _package(text: str, reading: _Reading) -> None:
    found = _SPEC.match(text)
    if not found:
        reading.conda.problems.append(f"{text!r} is not a conda package")
        return
    name, rest = found["name"].lower(), (found["rest"] or "").strip()
    try:
        wanted = version_of(rest)
    except ValueError as error:
        reading.conda.problems.append(f"{text!r}: {error}")
        return
    if name == "python":
        reading.python = python_of(wanted)
        return
    _place(name, wanted, reading)


def _place(name: str, wanted: str, reading: _Reading) -> None:
    note = conda_names.note_for(name)
    if note is not None:
        if note:
            reading.conda.warnings.append(f"conda package {name} was left out: {note}")
    elif conda_names.is_foreign(name):
        reading.foreign.append(name)
    elif not conda_names.is_unneeded(name):
        mapped = conda_names.RENAMED.get(name, name)
        if mapped:
            requirements.read_line(f"{mapped}{wanted}", "", None, reading.conda)


def version_of(rest: str) -> str:
    """A conda version constraint as PEP 440 specifiers. Raises ValueError for what PEP 440 cannot
    say.

    `=1.2` → `==1.2.*` · `==1.2=build` → `==1.2` · `>=1.2,<2` · `[version='>=1.2']` · ` 1.2 build`
    """
    brackets = _BRACKETS.match(rest)
    if brackets:
        inner = _BRACKET_VERSION.search(brackets["inner"])
        rest = inner["version"].strip() if inner else ""
    if "|" in rest:
        raise ValueError("alternatives with `|` cannot be told to pip; choose one")
    clauses = [_clause(part.strip()) for part in rest.split(",") if part.strip()]
    wanted = ",".join(clause for clause in clauses if clause)
    try:
        return str(SpecifierSet(wanted))
    except InvalidSpecifier:
        raise ValueError(f"{rest!r} is not a version") from None


def _clause(text: str) -> str:
    text = _without_build(text)
    if text in {"", "*", "=*", "==*"}:
        return ""
    found = _CLAUSE.match(re.sub(r"\s+", "", text))
    if not found:
        raise ValueError(f"{text!r} is not a version")
    operator, version = found["operator"] or "==", found["version"]
    star = version.endswith("*")
    version = version.rstrip("*").rstrip(".")
    if operator == "=":
        return f"=={version}.*"
    return (
        f"{operator}{version}.*" if star and operator in {"==", "!="} else f"{operator}{version}"
    )


def _without_build(text: str) -> str:
    """`1.2=py39_0`, `==1.2=0`, `1.2 py39_0` without the build, which only conda has; a build fixes
    the version."""
    found = _BUILD.match(text)
    if not found:
        return text
    return found["version"] if "*" in found["version"] else "==" + found["version"].lstrip("= ")


def python_of(wanted: str) -> str | None:
    """`==3.10.*` → `3.10`; one version is a version, everything else stays a set of bounds."""
    if not wanted:
        return None
    single = re.fullmatch(r"==(?P<version>\d+(?:\.\d+){0,2})(?:\.\*)?", wanted)
    return single["version"] if single else wanted


def _refuse(reading: _Reading) -> None:
    problems = reading.conda.problems + reading.pip.problems
    if reading.foreign:
        names = ", ".join(reading.foreign)
        problems.insert(0, f"without a Python package: {names}")
    if not problems:
        return
    hint = "Correct the conda file."
    if reading.foreign:
        hint = (
            "Environments are built from Python packages: take these out and use the programs of"
            " the machine, or use an image that holds them, on a compute with an image builder."
        )
    raise Invalid(
        "The conda file cannot be built: " + "; ".join(problems) + ".",
        hint=hint,
        packages=reading.foreign,
        problems=problems,
    )


def _merge(reading: _Reading) -> Dependencies:
    """pip's section comes last in conda too, so it wins over a conda package of the same name."""
    by_pip = {requirements.name_of(line) for line in reading.pip.lines} - {None}
    kept: list[str] = []
    warnings = [*reading.conda.warnings, *reading.pip.warnings]
    for line in reading.conda.lines:
        name = requirements.name_of(line)
        if name not in by_pip:
            kept.append(line)
        elif Requirement(line).specifier:
            warnings.append(f"{name} is asked for twice; the line under `pip:` is used")
    return Dependencies(reading.python, _deduplicated(kept + reading.pip.lines), warnings=warnings)


def _deduplicated(lines: list[str]) -> list[str]:
    return list(dict.fromkeys(lines))


def _variables(found: Any) -> dict[str, str]:
    if not isinstance(found, Mapping):
        return {}
    return {str(key): str(value) for key, value in cast("Mapping[Any, Any]", found).items()}
