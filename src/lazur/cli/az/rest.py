"""`az rest`: a request to Azure's addresses on this server, with one's own token; to no other."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from knack.util import CLIError

from lazur.cli.arguments import option
from lazur.cli.az import place, wire

COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {"rest": ("rest", {})}
ARGUMENTS: dict[str, dict[str, dict[str, Any]]] = {
    "rest": {
        "method": option(
            "--method",
            "-m",
            help="Default: get.",
            choices=["delete", "get", "head", "options", "patch", "post", "put"],
            type=str.lower,
        ),
        "url": option("--url", "--uri", "-u", help="A path, or an address with Azure's host."),
        "body": option("--body", "-b", help="The text itself, or @ and a file."),
        "headers": option(
            "--headers",
            help="Space-separated: key=value; or JSON.",
            nargs="+",
            metavar="KEY=VALUE",
        ),
        "parameters": option(
            "--url-parameters",
            "--uri-parameters",
            help="For the query, space-separated: key=value; or JSON.",
            nargs="+",
            metavar="KEY=VALUE",
        ),
        "resource": option("--resource", help="What the token is for. Default: this server."),
        "unsigned": option(
            "--skip-authorization-header", help="Send no token.", action="store_true"
        ),
        "output_file": option("--output-file", help="Write the answer into this file."),
    }
}
HELP: dict[str, dict[str, Any]] = {
    "rest": {
        "short-summary": "Send a request to this server, as to Azure's resource manager.",
        "examples": [
            {
                "name": "Workspaces",
                "text": "az rest --url '/subscriptions/{subscriptionId}/providers/"
                "Microsoft.MachineLearningServices/workspaces?api-version=2024-10-01'",
            }
        ],
    }
}


def rest(
    url: str,
    method: str = "get",
    body: str | None = None,
    headers: list[str] | None = None,
    parameters: list[str] | None = None,
    resource: str | None = None,
    unsigned: bool = False,
    output_file: str | None = None,
) -> Any:
    found = wire.find()
    target = _target(found.url, url.replace("{subscriptionId}", place.current.subscription))
    if parameters:
        target += ("&" if "?" in target else "?") + urlencode(_pairs(parameters))
    sending = _pairs(headers or [])
    given = {name.lower() for name in sending}
    if not unsigned and "authorization" not in given:
        sending["Authorization"] = f"Bearer {found.token(wire.audience(resource))['access_token']}"
    if body is not None and "content-type" not in given:
        sending["Content-Type"] = "application/json"
    answer = found.send(method.upper(), target, sending, body.encode() if body else None)
    if answer.status >= 300:
        raise CLIError(f"{answer.reason}({answer.body.decode(errors='replace')})")
    return _told(answer, output_file)


def _target(base: str, url: str) -> str:
    """The path and query. The token goes to our own server and to nobody else."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    if parts.netloc and host not in (*wire.AZURES, urlsplit(base).hostname):
        raise CLIError(f"Lazur's az sends requests to its own server, and not to {host}.")
    path = "/" + parts.path.lstrip("/")
    return f"{path}?{parts.query}" if parts.query else path


def _pairs(texts: list[str]) -> dict[str, str]:
    if len(texts) == 1 and texts[0].lstrip().startswith("{"):
        try:
            return {str(key): str(value) for key, value in json.loads(texts[0]).items()}
        except ValueError as error:
            raise CLIError(f"This is no JSON: {error}") from None
    split = [text.partition("=") for text in texts]
    if wrong := [key for key, equals, _ in split if not equals]:
        raise CLIError(f"{wrong[0]!r} is not of the form key=value.")
    return {key: value for key, _, value in split}


def _told(answer: wire.Answer, output_file: str | None) -> Any:
    if output_file:
        Path(output_file).write_bytes(answer.body)
        return None
    try:
        return answer.json() if answer.body else None
    except ValueError:
        sys.stdout.write(answer.body.decode(errors="replace"))
        return None
