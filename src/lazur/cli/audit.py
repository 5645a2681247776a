"""`lazur audit …`"""

from __future__ import annotations

import os
import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any, BinaryIO

from knack.util import CLIError

from lazur.cli import session, terminal
from lazur.cli.ages import moment
from lazur.cli.arguments import MAX_RESULTS, option
from lazur.cli.tables import when
from lazur.engine.chain import follow_lines


def _row(entry: dict[str, Any]) -> dict[str, Any]:
    done = entry["outcome"] == "done"
    return OrderedDict(
        When=when(entry["at"]),
        Who=entry["who"] or entry["who_kind"],
        From=entry["from"],
        What=entry["action"] if done else entry["outcome"],
        Kind=entry["kind"],
        Name=entry["name"],
        Where=_where(entry),
        Details=_cut(_details(entry["data"]) if done else _asked(entry)),
    )


def _where(entry: dict[str, Any]) -> str:
    registry = entry["registry"]
    return f"registry {registry}" if registry else entry["workspace"] or ""


def _asked(entry: dict[str, Any]) -> str:
    return f"{entry['action']} {entry['data'].get('request') or ''}".strip()


def _details(data: dict[str, Any]) -> str:
    """What was given, and what is different from before."""
    before, after = data.get("before") or {}, data.get("after") or {}
    given = {key: value for key, value in data.items() if key not in {"before", "after"}}
    changed = {key: value for key, value in after.items() if before.get(key) != value}
    return ", ".join(f"{key}={value}" for key, value in {**given, **changed}.items())


def _cut(text: str) -> str:
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"


def _rows(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [_row(entry) for entry in entries]


COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {
    "audit list": ("list_", {"table_transformer": _rows}),
    "audit verify": ("verify", {}),
    "audit export": ("export", {}),
}
_MOST = 100
_WIDEST = 60
ARGUMENTS: dict[str, dict[str, dict[str, Any]]] = {
    "audit": {
        "everywhere": option(
            "--all", help="Of the whole server, all workspaces included.", action="store_true"
        )
    },
    "audit list": {
        "who": option("--who", help="Only what this user, service or job did."),
        "action": option("--action", help="Only this: `created`, or what was refused."),
        "kind": option("--kind", help="Only about these: jobs, models, assignments, tokens, …"),
        "about": option("--name", "-n", help="Only about the resource of this name."),
        "outcome": option("--outcome", help="`done` or `refused`."),
        "since": option("--since", help="From then on: a time, or an age such as 12h or 30d."),
        "until": option("--until", help="Before then: likewise."),
        "max_results": {**MAX_RESULTS, "help": f"At most so many. Default: {_MOST}."},
    },
    "audit verify": {
        "file": option("--file", "-f", help="Verify this export; no server is asked.")
    },
    "audit export": {
        "file": option("--file", "-f", help="Where to. Default: standard output."),
    },
}
HELP: dict[str, dict[str, Any]] = {
    "audit list": {
        "short-summary": "What was done in the workspace, and refused: the newest first.",
        "examples": [
            {"name": "Of today", "text": "lazur audit list --since 24h -o table"},
            {"name": "What somebody did anywhere", "text": "lazur audit list --all --who bea"},
            {
                "name": "What was refused",
                "text": "lazur audit list --all --outcome refused --since 7d -o table",
            },
            {
                "name": "Who gave whom which role",
                "text": "lazur audit list --all --kind assignments",
            },
        ],
    },
    "audit verify": {
        "short-summary": "Check that every row is as it was written.",
        "long-summary": (
            "Ends with 1 where one was changed, put in or taken out, and says which. Of an "
            "export the last hashes are told: rows that were cut off behind them are missed by "
            "comparing those with what was noted elsewhere."
        ),
        "examples": [
            {"name": "Of the whole server", "text": "lazur audit verify --all"},
            {"name": "Elsewhere", "text": "lazur audit verify --file audit.jsonl"},
        ],
    },
    "audit export": {
        "short-summary": "Write the log as JSON lines, with all that verifying takes.",
        "examples": [
            {"name": "Into a file", "text": "lazur audit export --all -f audit.jsonl"},
        ],
    },
}


def list_(
    who: str | None = None,
    action: str | None = None,
    kind: str | None = None,
    about: str | None = None,
    outcome: str | None = None,
    since: str | None = None,
    until: str | None = None,
    everywhere: bool = False,
    max_results: int | None = None,
) -> Any:
    found = session.client().audit.list(
        everywhere=everywhere,
        max_results=max_results or _MOST,
        who=who,
        action=action,
        kind=kind,
        name=about,
        outcome=outcome,
        since=moment(since),
        until=moment(until),
    )
    shown = [entry.to_dict() for entry in found]
    if max_results is None and len(shown) == _MOST:
        terminal.note(f"The newest {_MOST}. There may be more: --max-results, --since, --until.")
    return shown


def verify(file: str | None = None, everywhere: bool = False) -> Any:
    if file is not None:
        return _verify_file(Path(file))
    found = session.client().audit.verify(everywhere=everywhere).to_dict()
    faults = found["faults"]
    if faults:
        raise CLIError(_said(faults))
    return found


def export(file: str | None = None, everywhere: bool = False) -> Any:
    pieces = session.client().audit.export(everywhere=everywhere)
    if file is None:
        for piece in pieces:
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        return None
    path, rows = Path(file), 0
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with _private(partial) as out:
            for piece in pieces:
                out.write(piece)
                rows += piece.count(b"\n")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return {"file": str(path), "rows": rows}


def _verify_file(path: Path) -> Any:
    """Of a file that may be longer than memory."""
    try:
        with path.open("rb") as lines:
            ends = follow_lines(lines)
    except OSError as error:
        raise CLIError(f"{path} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise CLIError(f"{path} is no export of an audit log: {error}.") from None
    faults = [end.fault for end in ends.values() if end.fault is not None]
    if faults:
        raise CLIError(_said([fault._asdict() for fault in faults]))
    chains = [{"chain": chain, "rows": end.place, "hash": end.hash} for chain, end in ends.items()]
    return {"whole": True, "rows": sum(end.place for end in ends.values()), "chains": chains}


def _said(faults: list[dict[str, Any]]) -> str:
    lines = [f"  row {f['place']} of {_chain(f)} {f['reason']}" for f in faults]
    return "\n".join(
        [
            "The audit log is not as it was written:",
            *lines,
            "What was written before these rows is whole.",
        ]
    )


def _chain(fault: dict[str, Any]) -> str:
    """An export knows numbers alone."""
    for kind in ("workspace", "registry"):
        if fault.get(kind):
            return f"the {kind} {fault[kind]}"
    return f"chain {fault['chain']}" if fault["chain"] else "the server"


def _private(path: Path) -> BinaryIO:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    return os.fdopen(os.open(path, flags, 0o600), "wb")
