"""`lazur model create-many`"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from lazur.cli import session, specs, terminal
from lazur.cli.arguments import option

TEXT: dict[str, Any] = {
    "short-summary": "Register a model for each partition, all of them or none.",
    "long-summary": "Each gets the next version, and what the placeholders stand for as tags. "
    "What is there with the same content stays as it is.",
    "examples": [
        {
            "name": "What a job of many models has made",
            "text": "lazur model create-many -p azureml://jobs/NAME/outputs/models "
            "--files '{Shop}/{Product}.json' -n 'sales-{Shop}-{Product}' --metrics-of NAME "
            "-o table",
        },
        {
            "name": "A folder for each, here",
            "text": "lazur model create-many -p ./models --files '{Shop}/' -n 'sales-{Shop}' "
            "--type mlflow_model --dry-run",
        },
    ],
}


def arguments(type_: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        "file": option("--file", "-f", help="YAML with these fields, or with a list `models`."),
        "path": option("--path", "-p", help="The folder with all of them: here, or an address."),
        "files": option(
            "--files",
            help="Which of its files are a model each: '{Shop}/{Product}.json'. With a slash at "
            "the end: which of its folders.",
        ),
        "name": option("--name", "-n", help="What each is called: 'sales-{Shop}-{Product}'."),
        "type_": type_,
        "metrics_of": option(
            "--metrics-of",
            help="A parallel job: the figures of its mini-batches become properties.",
        ),
        "registry_name": option(
            "--registry-name", "-r", help="Into this registry, and not into the workspace."
        ),
        "dry_run": option("--dry-run", help="Tell, and register nothing.", action="store_true"),
    }


def create_many(
    file: str | None = None,
    path: str | None = None,
    files: str | None = None,
    name: str | None = None,
    type_: str | None = None,
    metrics_of: str | None = None,
    registry_name: str | None = None,
    dry_run: bool = False,
    description: str | None = None,
    tags: Any = None,
    sets: Any = None,
) -> Any:
    flags = {"path": specs.here(path), "files": files, "name": name, "type": type_}
    flags |= {"metrics_of": metrics_of, "description": description, "tags": specs.pairs(tags)}
    source = specs.source(file, sets, {**flags, "dry_run": dry_run or None})
    with terminal.Progress("Uploading") as progress:
        models, watch = session.client().models, specs.watch(progress)
        told = models.submit_many(source, watch, registry=registry_name).to_dict()
    verb = "would be registered" if told["dry_run"] else "registered"
    terminal.note(
        f"{told['registered']:,} of {told['count']:,} models {verb}; "
        f"{told['unchanged']:,} are there already."
    )
    return told


def rows(told: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        OrderedDict(
            Name=one["name"],
            Version=one["version"],
            New="yes" if one["new"] else "",
            Tags=", ".join(f"{key}={value}" for key, value in one["tags"].items()),
        )
        for one in told["value"]
    ]
