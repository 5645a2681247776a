"""What is wrong with a spec, said as an editor would say it: file, line, column, the line itself,
a caret, a next step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from lazur.errors import SpecError

Path = Sequence[str | int]
Severity = Literal["error", "warning"]

_SHOWN = 20


@dataclass(frozen=True)
class Diagnostic:
    severity: Severity
    message: str
    path: str = ""
    """Where in the spec: `inputs.data.mode`, `jobs.a.files[2]`; empty for the whole."""
    line: int | None = None
    """From 1, as editors count; None when the spec did not come from a file."""
    column: int | None = None
    text: str | None = None
    """The line at fault."""
    hint: str | None = None
    file: str | None = None

    def to_dict(self) -> dict[str, Any]:
        return {k: v for k, v in asdict(self).items() if v not in {None, ""}}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Diagnostic:
        return cls(**data)

    def render(self) -> str:
        lines = [f"{self._where()}{self.severity}: {self.message}"]
        if self.text is not None:
            lines += [f"  {self.text}", f"  {self._indent()}^"]
        if self.hint:
            lines.append(f"  {self.hint}")
        return "\n".join(lines)

    def _where(self) -> str:
        if self.line is None:
            parts = [self.file or "", self.path]
        else:
            parts = [self.file or "", str(self.line), str(self.column or 1)]
        place = ":".join(part for part in parts if part)
        return f"{place}: " if place else ""

    def _indent(self) -> str:
        """Tabs stay tabs, so that the caret stands below its character on any terminal."""
        before = (self.text or "")[: (self.column or 1) - 1]
        return "".join("\t" if c == "\t" else " " for c in before)


def path_text(path: Path) -> str:
    """`("jobs", "a", "files", 2)` -> `jobs.a.files[2]`."""
    shown = ""
    for part in path:
        if isinstance(part, int):
            shown += f"[{part}]"
        else:
            shown += f".{part}" if shown else part
    return shown


def warnings_of(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    return [d for d in diagnostics if d.severity == "warning"]


def told(diagnostics: Iterable[Diagnostic]) -> list[str]:
    """Warnings, as those read them who see no file: where, what, and what to do."""
    return [_told(d) for d in warnings_of(diagnostics)]


def _told(found: Diagnostic) -> str:
    known = "." not in found.path or found.path in found.message
    place = "" if known else f"{found.path}: "
    hint = f". {found.hint}" if found.hint else ""
    return f"{place}{found.message}{hint}"


def errors_of(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    return [d for d in diagnostics if d.severity == "error"]


def is_slip(found: Diagnostic) -> bool:
    """Whether it knows what was meant."""
    return (found.hint or "").startswith("Did you mean")


def raise_if_errors(diagnostics: Iterable[Diagnostic]) -> None:
    """One SpecError for all of them, so that a person mends everything in one go; with slips of
    the pen that only warn, since one may be why something is missing."""
    all_of_them = list(diagnostics)
    if not errors_of(all_of_them):
        return
    found = errors_of(all_of_them) + [d for d in warnings_of(all_of_them) if is_slip(d)]
    shown = [d.render() for d in found[:_SHOWN]]
    if len(found) > _SHOWN:
        shown.append(f"… and {len(found) - _SHOWN} more")
    raise SpecError("\n".join(shown), diagnostics=[d.to_dict() for d in found])
