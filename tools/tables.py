"""Tables of the documentation that are made from code, so that the two cannot differ.

python -m tools.tables            exit 1 when a page is behind
python -m tools.tables --write
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from lazur import errors
from lazur.engine import causes
from lazur.server import settings
from tests.conformance import differences

DOCS = Path(__file__).resolve().parent.parent / "docs"
API = DOCS.parent / "openapi.json"
_WORKSPACE = "/api/v1/workspaces/{workspace}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    write = parser.parse_args().write
    behind = [name for name in TABLES if not _is_current(name, write=write)]
    for name in behind:
        print(f"{TABLES[name][0]}: the table `{name}` is behind: python -m tools.tables --write")
    return 1 if behind else 0


def settings_table() -> str:
    rows = ((f"`{name}`", _default(default), text) for name, default, text in settings.described())
    return _table(("setting", "default", "what it is"), rows)


def causes_table() -> str:
    rows = ((f"`{code}`", text) for code, text in sorted(causes.MEANINGS.items()))
    return _table(("code", "what happened"), rows)


def errors_table() -> str:
    rows = (
        (f"`{cls.code}`", str(cls.status), MEANINGS[cls.code])
        for cls in sorted(_error_classes(), key=lambda cls: (cls.status, cls.code))
    )
    return _table(("code", "status", "means"), rows)


def routes_table() -> str:
    paths: dict[str, dict[str, Any]] = json.loads(API.read_text())["paths"]
    rows = (
        (f"`{method.upper()} {path.replace(_WORKSPACE, '…')}`", _purpose(method, path, operation))
        for path, operations in sorted(
            paths.items(), key=lambda item: (_WORKSPACE in item[0], item)
        )
        for method, operation in operations.items()
    )
    return _table(("route", "does"), rows)


def _purpose(method: str, path: str, operation: dict[str, Any]) -> str:
    """The first sentence of the route's docstring; most plain ones have none."""
    text = " ".join(operation.get("description", "").split())
    if text:
        return re.split(r"(?<=\.) (?=[A-Z])", text)[0].replace("|", "\\|")
    if path.endswith("openapi.json"):
        return "The description of this API."
    plain = {
        "get": "One of them." if path.endswith("}") else "List them.",
        "patch": "Change it.",
        "delete": "Delete it.",
    }
    return plain.get(method, f"{operation['summary']}.")


def mlflow_differences() -> str:
    rows = ((found.what, found.why) for found in differences.DIFFERENCES)
    return _table(("difference", "why"), rows)


def mlflow_exceptions() -> str:
    """By reason; most stand for several."""
    reasons: dict[str, list[str]] = {}
    for name, reason in {**differences.FUNCTIONS, **differences.ROUTES}.items():
        reasons.setdefault(reason, []).append(f"`{name}`")
    rows = ((", ".join(names), reason) for reason, names in reasons.items())
    return _table(("function or route", "why"), rows)


TABLES: dict[str, tuple[str, Callable[[], str]]] = {
    "settings": ("server.md", settings_table),
    "causes": ("errors.md", causes_table),
    "errors": ("errors.md", errors_table),
    "routes": ("api.md", routes_table),
    "mlflow-differences": ("mlflow.md", mlflow_differences),
    "mlflow-exceptions": ("mlflow.md", mlflow_exceptions),
}

MEANINGS = {
    "BackendError": "An engine, a builder or a store outside of Lazur failed.",
    "BlobsMissing": "Upload the listed content first, then repeat the call. Clients do so.",
    "BuildFailed": "An environment could not be built; the message names the package.",
    "Conflict": "It clashes with what is there: a name that is taken, a version that exists.",
    "Forbidden": "You are known, and may not do this.",
    "Internal": "A fault of Lazur's own. The server's log has more, under the incident's number.",
    "Invalid": "What was sent cannot be accepted as it stands.",
    "InvalidSpec": "A YAML file or a spec is wrong; every problem is listed with its place.",
    "JobFailed": "Raised by who waited for a job that did not complete.",
    "MissingExtra": "An optional part is not installed; the message names it.",
    "NotFound": "It is not there, or not for you to see.",
    "PreconditionFailed": "It was changed since you read it: read it again.",
    "QuotaExceeded": "More than a quota allows. The message says which, and whom to ask.",
    "ServerUnreachable": "Raised by the client: no server answers at that address.",
    "TooLarge": "The request is larger than the server takes.",
    "TooManyTries": "Wait as long as `Retry-After` says, then try again.",
    "Unauthenticated": "No token, or one that is not valid.",
    "Unavailable": "Not now: try again after the time that the answer names. Clients do so.",
    "Unsupported": "Understood, and not served by this release.",
}


def _is_current(name: str, *, write: bool) -> bool:
    page = DOCS / TABLES[name][0]
    text = page.read_text()
    head, start, rest = text.partition(f"<!-- {name} -->\n")
    _, end, tail = rest.partition(f"<!-- /{name} -->")
    if not start or not end:
        raise SystemExit(f"{page.name} has no place for the table {name}")
    current = f"{head}{start}\n{TABLES[name][1]()}\n{end}{tail}"
    if write:
        page.write_text(current)
    return write or text == current


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    titles = tuple(head)
    lines = [titles, ["---"] * len(titles), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _default(value: Any) -> str:
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value}`" if value not in ("", ()) else "none"


def _error_classes() -> list[type[errors.LazurError]]:
    found, todo = list[type[errors.LazurError]](), [errors.LazurError]
    while todo:
        cls = todo.pop()
        found.append(cls)
        todo.extend(c for c in cls.__subclasses__() if c.__module__ == errors.__name__)
    return found


if __name__ == "__main__":
    sys.exit(main())
