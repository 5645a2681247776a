"""`lazur mlflow-uri`: what a script elsewhere needs to track here."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from typing import Any

from lazur.cli import session, terminal
from lazur.cli.arguments import option

COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {"mlflow-uri": ("mlflow_uri", {})}
ARGUMENTS: dict[str, dict[str, dict[str, Any]]] = {
    "mlflow-uri": {
        "export": option(
            "--export", help="Lines for a shell: address, token, certificate.", action="store_true"
        ),
        "token": option("--token", help="Only the token.", action="store_true"),
    }
}
HELP: dict[str, dict[str, Any]] = {
    "mlflow-uri": {
        "short-summary": "Print where MLflow finds this workspace.",
        "long-summary": (
            "Any script that uses MLflow is tracked here once it knows the address and has a "
            "token. With --export, the token is fetched by the shell when it runs the lines: it "
            "is neither shown nor kept in the shell's history."
        ),
        "examples": [
            {"name": "In a shell", "text": 'eval "$(lazur mlflow-uri --export)"'},
            {
                "name": "In Python",
                "text": "mlflow.set_tracking_uri(lazur.connect().tracking_uri)",
            },
            {
                "name": "Another workspace",
                "text": "lazur mlflow-uri --export --workspace-name team",
            },
        ],
    }
}


def mlflow_uri(export: bool = False, token: bool = False) -> Any:
    client = session.client()
    if token:
        print(client.http.address.token or "")
        return None
    client.workspaces.get(client.workspace_name)  # a name that was misspelled is told here
    if session.current.is_read_by_machine:
        return {"uri": client.tracking_uri, "certificate": client.http.address.ca}
    if not export:
        print(client.tracking_uri)
        terminal.note('For a shell: eval "$(lazur mlflow-uri --export)"')
        return None
    for name, value in _lines(client.tracking_uri, client.http.address.ca).items():
        print(f"export {name}={value}")
    return None


def _lines(uri: str, certificate: str | None) -> dict[str, str]:
    lines = {"MLFLOW_TRACKING_URI": shlex.quote(uri), "MLFLOW_TRACKING_TOKEN": _token()}
    if certificate:
        lines["MLFLOW_TRACKING_SERVER_CERT_PATH"] = shlex.quote(certificate)
    return lines


def _token() -> str:
    """A command, not the token: what is printed may be looked at by others, logged and kept."""
    words = [*program(), "mlflow-uri", "--token"]
    if session.current.url:
        words += ["--server", session.current.url]
    home = os.environ.get("LAZUR_HOME")
    before = f"LAZUR_HOME={shlex.quote(home)} " if home else ""
    return f'"$({before}{shlex.join(words)})"'


def program() -> list[str]:
    """As the shell finds it, also where it is in an environment that was not activated."""
    return ["lazur"] if shutil.which("lazur") else [sys.executable, "-m", "lazur.cli"]
