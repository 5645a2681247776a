"""`lazur azure env` and `lazur azure config`: what points Azure's own clients at this server."""

from __future__ import annotations

import json
import os
import shlex
import ssl
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lazur.cli import session, terminal
from lazur.cli.arguments import option
from lazur.cli.mlflow_uri import program
from lazur.errors import Invalid
from lazur.sdk import home

COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {
    "azure env": ("env", {}),
    "azure config": ("config", {}),
}
ARGUMENTS: dict[str, dict[str, dict[str, Any]]] = {
    "azure env": {
        "powershell": option("--powershell", help="For PowerShell.", action="store_true"),
        "dotenv": option(
            "--dotenv", help="For a .env file. It holds the token.", action="store_true"
        ),
        "as_json": option("--json", help="As JSON. It holds the token.", action="store_true"),
        "token": option("--token", help="Only the token.", action="store_true"),
    },
    "azure config": {
        "folder": option(
            "--dir", "-d", help="Folder to write it into. Default: this one.", metavar="DIR"
        ),
    },
}
HELP: dict[str, dict[str, Any]] = {
    "azure env": {
        "short-summary": "Print what makes scripts for Azure Machine Learning run here.",
        "long-summary": (
            "Scripts stay as they are: MLClient and DefaultAzureCredential find this server by"
            " these variables. Azure's client speaks HTTPS only, which the server begins when it"
            " is first asked for, with a certificate of its own; a bundle is made of the"
            " authorities that are trusted already, and ours. The token is fetched by the shell"
            " when it runs the lines: it is neither shown nor kept in the shell's history."
        ),
        "examples": [
            {"name": "In a shell", "text": 'eval "$(lazur azure env)"'},
            {
                "name": "In PowerShell",
                "text": "lazur azure env --powershell | Out-String | Invoke-Expression",
            },
            {"name": "For a .env file", "text": "lazur azure env --dotenv > .env"},
        ],
    },
    "azure config": {
        "short-summary": "Write the config.json that MLClient.from_config() reads.",
        "examples": [{"name": "Beside a script", "text": "lazur azure config"}],
    },
}
_OTHER = ("AZUREML_CURRENT_CLOUD",)
"""A shell that pointed at another cloud would go on doing so."""


def env(
    powershell: bool = False, dotenv: bool = False, as_json: bool = False, token: bool = False
) -> Any:
    client = session.client()
    if token:
        print(client.http.address.token or "")
        return None
    facts = client.http.request("POST", "/api/v1/me/azure", json={}).json()
    client.workspaces.get(client.workspace_name)  # a name that was misspelled is told here
    lines = _variables(facts, client.workspace_name)
    if as_json or session.current.is_read_by_machine or dotenv:
        lines["MSI_SECRET"] = client.http.address.token or ""
    if as_json or session.current.is_read_by_machine:
        return lines
    if dotenv:
        print("\n".join(f"{name}={_quoted(value)}" for name, value in lines.items()))
        return None
    print("\n".join(_powershell(lines) if powershell else _shell(lines)))
    if sys.stdout.isatty():
        terminal.note('To set them: eval "$(lazur azure env)"')
    return None


def config(folder: str | None = None) -> Any:
    client = session.client()
    facts = client.http.request("POST", "/api/v1/me/azure", json={}).json()
    written = {
        "subscription_id": facts["subscription"],
        "resource_group": facts["resource_group"],
        "workspace_name": client.workspaces.get(client.workspace_name)["name"],
    }
    path = Path(folder or ".").expanduser() / "config.json"
    if path.exists() and not _is_ours(path, written):
        raise Invalid(
            f"{path} is there, and names something else than a workspace of this server.",
            hint="It is left as it is. Choose another folder: lazur azure config --dir DIR",
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(written, indent=4) + "\n")
    terminal.note(f"Written: {path}. Beside it, MLClient.from_config() finds this workspace.")
    return written if session.current.is_read_by_machine else None


def _is_ours(path: Path, written: dict[str, str]) -> bool:
    """One that was downloaded from Azure leads to Azure, and somebody needs it."""
    try:
        found: Any = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return False
    same = ("subscription_id", "resource_group")
    return isinstance(found, dict) and all(found.get(key) == written[key] for key in same)


def _variables(facts: dict[str, Any], workspace: str) -> dict[str, str]:
    url = facts["url"]
    lines = {
        "ARM_CLOUD_METADATA_URL": f"{url}/metadata/endpoints",
        "REGISTRY_DISCOVERY_ENDPOINT_URL": f"{url}/",
        "MSI_ENDPOINT": f"{url}/msi/token",
        "MSI_SECRET": "",
        "AZURE_TOKEN_CREDENTIALS": "ManagedIdentityCredential",
        "AZURE_SUBSCRIPTION_ID": facts["subscription"],
        "AZURE_RESOURCE_GROUP": facts["resource_group"],
        "AZUREML_WORKSPACE_NAME": workspace,
        "AZURE_TENANT_ID": facts["tenant"],
    }
    if facts["authority"]:
        bundle = str(_bundle(facts["authority"]))
        lines |= {"REQUESTS_CA_BUNDLE": bundle, "SSL_CERT_FILE": bundle}
    return lines


def _bundle(authority: str) -> Path:
    """Whom the user trusts already, and the server's own authority."""
    path = home.make(home.find()) / "azure-ca.pem"
    trusted = _trusted(path)
    text = trusted.read_text(encoding="utf-8", errors="replace") if trusted else ""
    home.write_private(path, f"{text.rstrip()}\n{authority}".lstrip())
    return path


def _trusted(ours: Path) -> Path | None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        told = Path(os.environ.get(name) or ours)
        if told != ours and told.is_file():
            return told
    if find_spec("certifi"):
        return Path(import_module("certifi").where())
    found = ssl.get_default_verify_paths().cafile
    return Path(found) if found else None


def _shell(lines: dict[str, str]) -> list[str]:
    made = [f"unset {name}" for name in _OTHER]
    for name, value in lines.items():
        made.append(f"export {name}={_token() if name == 'MSI_SECRET' else shlex.quote(value)}")
    return made


def _powershell(lines: dict[str, str]) -> list[str]:
    made = [f"Remove-Item Env:{name} -ErrorAction SilentlyContinue" for name in _OTHER]
    for name, value in lines.items():
        told = f"({_command()})" if name == "MSI_SECRET" else "'" + value.replace("'", "''") + "'"
        made.append(f"$env:{name} = {told}")
    return made


def _token() -> str:
    """A command, not the token: what is printed may be looked at by others, logged and kept."""
    told = os.environ.get("LAZUR_HOME")
    return f'"$({f"LAZUR_HOME={shlex.quote(told)} " if told else ""}{_command()})"'


def _command() -> str:
    words = [*program(), "azure", "env", "--token"]
    if session.current.url:
        words += ["--server", session.current.url]
    return shlex.join(words)


def _quoted(value: str) -> str:
    return (
        value if all(letter.isalnum() or letter in "-_./:@" for letter in value) else repr(value)
    )
