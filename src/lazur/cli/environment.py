"""`lazur environment …`"""

from __future__ import annotations

import sys
from collections import OrderedDict
from typing import Any

from knack.util import CLIError

from lazur.cli import assets, session, specs, terminal
from lazur.cli.arguments import MAX_RESULTS, YES, option
from lazur.cli.tables import duration, when


def build_row(build: dict[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = OrderedDict(Key=build["key"][:12], Environment=build.get("name") or "")
    row["Status"] = build.get("status")
    row["Python"] = build.get("python") or ""
    row["Size"] = terminal.size(build["size"]) if build.get("size") else ""
    row["Took"] = duration(sum((build.get("seconds") or {}).values()) or None)
    row["Used"] = when(build.get("used_at"))
    return row


def build_rows(builds: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [build_row(build) for build in builds]


COMMANDS = {
    **assets.commands("environment"),
    "environment build": ("build", {"table_transformer": build_row}),
    "environment builds": ("builds", {"table_transformer": build_rows}),
    "environment prune": ("prune", {}),
}
ARGUMENTS = {
    **assets.arguments(
        "environment",
        {
            "image": option("--image", "-i", help="Container image that it starts from."),
            "conda_file": option("--conda-file", "-c", help="Conda YAML with the packages."),
            "build_context": option("--build-context", "-b", help="Folder with a Dockerfile."),
            "dockerfile_path": option(
                "--dockerfile-path", "-d", help="The Dockerfile in that folder."
            ),
            "os_type": option(
                "--os-type", help="Accepted for Azure's scripts; Linux is all there is."
            ),
        },
    ),
    "environment builds": {
        "max_results": MAX_RESULTS,
        "key": option("--key", "-k", help="Show this build only."),
    },
    "environment prune": {
        "older_than_days": option(
            "--older-than-days", help="Unused for so many days.", type=float
        ),
        "max_size": option("--max-size", help="Keep at most this much: 500MB, 20GB."),
        "dry_run": option(
            "--dry-run", help="Show what would go, and keep it.", action="store_true"
        ),
        "yes": YES,
    },
}
HELP = {
    **assets.texts(
        "environment",
        "an environment",
        [
            {"name": "From YAML", "text": "lazur environment create -f environment.yml"},
            {
                "name": "From a conda file",
                "text": (
                    "lazur environment create -n train --image ubuntu:22.04 --conda-file conda.yml"
                ),
            },
        ],
    ),
    "environment build": {
        "short-summary": "Build an environment before a job needs it, and show the build's log.",
        "examples": [{"name": "Build the latest", "text": "lazur environment build -n train"}],
    },
    "environment builds": {
        "short-summary": "List what is built, with the disk space it takes.",
        "examples": [{"name": "List", "text": "lazur environment builds -o table"}],
    },
    "environment prune": {
        "short-summary": "Remove built environments that nothing uses, to free disk space.",
        "long-summary": "Registered environments stay; one that is needed again is built again.",
        "examples": [
            {
                "name": "What has not been used for a month",
                "text": "lazur environment prune --older-than-days 30",
            },
            {"name": "Look first", "text": "lazur environment prune --max-size 20GB --dry-run"},
        ],
    },
}
_UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


def create(
    file: str | None = None,
    name: str | None = None,
    version: str | None = None,
    image: str | None = None,
    conda_file: str | None = None,
    build_context: str | None = None,
    dockerfile_path: str | None = None,
    os_type: str | None = None,
    description: str | None = None,
    tags: Any = None,
    sets: Any = None,
    registry_name: str | None = None,
    skip_validation: bool = False,
    no_wait: bool = False,
) -> Any:
    flags: dict[str, Any] = {"name": name, "version": version, "image": image, "os_type": os_type}
    flags |= {
        "conda_file": specs.here(conda_file),
        "description": description,
        "tags": specs.pairs(tags),
    }
    if build_context:
        flags["build"] = {"path": specs.here(build_context)}
        if dockerfile_path:
            flags["build"]["dockerfile_path"] = dockerfile_path
    return assets.create_from("environments", file, sets, flags, registry_name)


def build(
    name: str, version: str | None = None, label: str | None = None, no_wait: bool = False
) -> Any:
    environments = session.client().environments
    begun = environments.build(name, version, label)
    if no_wait:
        return begun.to_dict()
    out = sys.stderr if session.current.is_read_by_machine else sys.stdout
    done = environments.stream_build(begun.key, out=out)
    took = duration(sum((done.to_dict().get("seconds") or {}).values()) or None)
    terminal.note(f"Environment {name} is ready{f' after {took}' if took else ''}.", "green")
    return done.to_dict() if session.current.is_read_by_machine else None


def builds(key: str | None = None, max_results: int | None = None) -> Any:
    environments = session.client().environments
    if key:
        return environments.get_build(key).to_dict()
    return [build.to_dict() for build in environments.builds(max_results=max_results)]


def prune(
    older_than_days: float | None = None,
    max_size: str | None = None,
    dry_run: bool = False,
    yes: bool = False,
) -> Any:
    if older_than_days is None and max_size is None:
        raise CLIError("Say what may go: --older-than-days 30, or --max-size 20GB.")
    done = session.client().environments.prune(
        older_than_days=older_than_days, max_bytes=_bytes(max_size), dry_run=dry_run
    )
    would = "would free" if dry_run else "frees"
    terminal.note(
        f"Removing {len(done['removed'])} environments {would} {terminal.size(done['freed'])}."
    )
    return done.to_dict()


def _bytes(text: str | None) -> int | None:
    if text is None:
        return None
    number = text.upper().replace(" ", "").rstrip("BKMGT")
    unit = text.upper().replace(" ", "")[len(number) :] or "B"
    unit = unit if unit.endswith("B") else unit + "B"
    try:
        return int(float(number) * _UNITS[unit])
    except (ValueError, KeyError):
        raise CLIError(f"{text!r} is no size. Write it as 500MB or 20GB.") from None


show = assets.show_of("environments")
list_ = assets.list_of("environments")
update = assets.update_of("environments")
archive = assets.archive_of("environments")
restore = assets.restore_of("environments")
share = assets.share_of("environments")
download = assets.download_of("environments")
delete = assets.delete_of("environments")
trash = assets.trash_of("environments")
purge = assets.purge_of("environments")
