"""`lazur job …`"""

from __future__ import annotations

import sys
import webbrowser
from functools import partial
from typing import TYPE_CHECKING, Any

from knack.log import get_logger
from knack.util import CLIError

from lazur.cli import mini_batches, plans, session, specs, steps, terminal, trials, waterfall
from lazur.cli.arguments import (
    ARCHIVED_ONLY,
    FILE,
    INCLUDE_ARCHIVED,
    MAX_RESULTS,
    SET,
    SKIP_VALIDATION,
    WEB,
    name,
    option,
)
from lazur.cli.boards import tensorboard
from lazur.cli.job_texts import HELP
from lazur.cli.mini_batches import list_ as list_mini_batches
from lazur.cli.pipelines import graph
from lazur.cli.replay import replay
from lazur.cli.tables import job_row
from lazur.cli.trials import list_ as list_trials
from lazur.cli.watching import JobWatch, paint_state

if TYPE_CHECKING:
    from lazur.sdk.views import Job

__all__ = [
    "ARGUMENTS",
    "COMMANDS",
    "HELP",
    "graph",
    "list_mini_batches",
    "list_trials",
    "replay",
    "tensorboard",
]

log = get_logger(__name__)

COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {
    "job create": ("create", {"table_transformer": plans.or_job}),
    "job show": ("show", {"table_transformer": steps.shown}),
    "job list": ("list_", {"table_transformer": steps.listed}),
    "job stream": ("stream", {}),
    "job download": ("download", {}),
    "job cancel": ("cancel", {}),
    "job retry": ("retry", {"table_transformer": steps.shown}),
    "job replay": ("replay", {}),
    "job graph": ("graph", {}),
    "job archive": ("archive", {}),
    "job restore": ("restore", {}),
    "job update": ("update", {"table_transformer": job_row}),
    "job show-services": ("show_services", {}),
    "job validate": ("validate", {}),
    "job explain": ("explain", {}),
    "job tensorboard": ("tensorboard", {}),
    "job mini-batches": ("list_mini_batches", {"table_transformer": mini_batches.rows}),
    "job trials": ("list_trials", {"table_transformer": trials.rows}),
    "job extend": ("extend", {"table_transformer": job_row}),
}

_NAME = name("job")
_JOB_FILE = {**FILE, "help": "The job's YAML file."}
_STREAM = option("--stream", "-s", help="Watch the job until it is over.", action="store_true")
_LOGS = option(
    "--logs",
    help="Of a pipeline or a sweep, print each step's or trial's log as it runs.",
    action="store_true",
)
ARGUMENTS: dict[str, dict[str, dict[str, Any]]] = {
    "job": {"name": _NAME, "web": WEB, "sets": SET},
    "job create": {
        "file": _JOB_FILE,
        "name": {**_NAME, "help": "Name of the job; without it, a fresh one is made."},
        "stream": _STREAM,
        "logs": _LOGS,
        "plan": option(
            "--plan",
            help="Show what would run, be reused, sent and built; submit nothing.",
            action="store_true",
        ),
        "skip_validation": SKIP_VALIDATION,
        "save_as": option("--save-as", "-a", help="Write the created job as YAML into this file."),
        "experiment_name": option("--experiment-name", help="Experiment that the job belongs to."),
        "display_name": option("--display-name", help="Name that people see."),
    },
    "job validate": {"file": _JOB_FILE},
    "job stream": {"logs": _LOGS},
    "job retry": {"stream": _STREAM, "logs": _LOGS},
    "job replay": {
        "step": option("--step", help="Of a pipeline, the step to run."),
        "folder": option(
            "--folder",
            help="Where it runs. Default: replay-NAME, here, or replay-NAME-2 and so on.",
        ),
        "given": option(
            "--input", help="Another path for an input: name=path.", nargs="+", metavar="NAME=PATH"
        ),
        "debugger": option(
            "--debugger",
            help="Wait for a debugger (debugpy) at this port. Default: 5678.",
            nargs="?",
            const=5678,
            type=int,
            metavar="PORT",
        ),
        "shell": option(
            "--shell", help="A shell in its folder, in place of its command.", action="store_true"
        ),
    },
    "job graph": {
        "file": {**FILE, "help": "The YAML file of a pipeline that need not be submitted."},
        "shape": option("--format", help="How it is drawn.", choices=["mermaid"]),
    },
    "job list": {
        "max_results": {**MAX_RESULTS, "help": "At most so many. Default: 50."},
        "all_results": option("--all-results", help="All of them.", nargs="?", const="true"),
        "include_archived": INCLUDE_ARCHIVED,
        "archived_only": ARCHIVED_ONLY,
        "parent_job_name": option("--parent-job-name", "-p", help="Only children of this job."),
        "status": option("--status", help="Only jobs in this state, such as Failed."),
        "experiment_name": option("--experiment-name", help="Only jobs of this experiment."),
        "tag": option("--tag", help="Only jobs with this tag: key=value."),
        "tree": option(
            "--tree", help="With the steps and trials of each job below it.", action="store_true"
        ),
    },
    "job download": {
        "download_path": option("--download-path", "-p", help="Folder to put the files into."),
        "output_name": option("--output-name", help="Only this output."),
        "everything": option(
            "--all", help="Named outputs, logs and artifacts.", action="store_true"
        ),
    },
    "job update": {
        "display_name": option("--display-name", help="Name that people see."),
        "description": option("--description", help="A sentence about it."),
        "tags": option("--tags", help="All tags, anew: key=value.", nargs="+"),
    },
    "job show-services": {
        "node_index": option("--node-index", "-i", help="Node of a distributed job.", type=int)
    },
    "job mini-batches": {
        "status": option("--status", help="Only these: done, failed or retrying."),
        "contains": option("--contains", help="Only those whose key or error has this text."),
        "slow": option("--slow", help="The slowest first.", action="store_true"),
        "order_by": option(
            "--order-by",
            help="number (default), seconds, tries, items, metrics.NAME, key.NAME; with - in "
            "front: down.",
            metavar="FIELD",
        ),
        "csv": option("--csv", help="Write them all into this file: a table for other programs."),
        "max_results": {**MAX_RESULTS, "help": "At most so many. Default: 50."},
    },
    "job trials": {
        "best": option("--best", help="Only the best one.", action="store_true"),
        "order_by": option(
            "--order-by",
            help="number (default), score, duration, status; with - in front: down.",
            metavar="FIELD",
        ),
    },
    "job extend": {
        "total": option("--max-total-trials", help="Trials in all.", type=int),
        "concurrent": option("--max-concurrent-trials", help="Trials at a time.", type=int),
        "timeout": option("--timeout", help="Seconds for all of it.", type=int),
        "stream": _STREAM,
        "logs": _LOGS,
    },
    "job tensorboard": {
        "which": {
            "options_list": [],
            "help": "Jobs, by their names; runs that are no jobs, by their ids.",
            "metavar": "NAME",
            "nargs": "*",
        },
        "names": option("--name", "-n", help="As the names.", action="append"),
        "web": {**WEB, "help": "Open it in the browser."},
    },
}


def create(
    file: str,
    name: str | None = None,
    sets: Any = None,
    stream: bool = False,
    logs: bool = False,
    plan: bool = False,
    web: bool = False,
    skip_validation: bool = False,
    save_as: str | None = None,
    experiment_name: str | None = None,
    display_name: str | None = None,
) -> Any:
    flags = {"name": name, "experiment_name": experiment_name, "display_name": display_name}
    source = specs.source(file, sets, flags)
    client = session.client()
    if plan:
        return _plan(client, source)
    with terminal.Progress("Uploading") as progress:
        job = client.jobs.submit(source, specs.watch(progress))
    specs.warn(job.to_dict())
    if save_as:
        _save(job, save_as)
    if web:
        _open(job)
    return watch(client, job, logs=logs) if stream or logs else job.to_dict()


def _plan(client: Any, source: Any) -> Any:
    found = client.jobs.plan(source).to_dict()
    if session.current.is_read_by_machine:
        return found
    specs.warn(found)
    print(plans.text(found, sys.stdout))
    return None


def watch(client: Any, job: Job, *, logs: bool = False) -> Any:
    """Its log until it is over, then the job for whoever asked for one."""
    told = job.to_dict().get("warnings") or []
    job = _follow(client, job.name, logs=logs)
    later = [note for note in job.to_dict().get("warnings") or [] if note not in told]
    specs.warn({"warnings": later})
    now = session.current
    return job.to_dict() if now.is_read_by_machine or now.always_answers else None


def show(name: str, web: bool = False) -> Any:
    client = session.client()
    job = client.jobs.get(name)
    if web:
        _open(job)
    is_table = session.current.output == "table"
    return steps.opened(client, job.to_dict()) if is_table else job.to_dict()


def list_(
    max_results: int = 50,
    all_results: str | None = None,
    include_archived: bool = False,
    archived_only: bool = False,
    parent_job_name: str | None = None,
    status: str | None = None,
    experiment_name: str | None = None,
    tag: str | None = None,
    tree: bool = False,
) -> Any:
    client = session.client()
    found = client.jobs.list(
        max_results=None if (all_results or "").lower() == "true" else max_results,
        list_view_type=specs.list_view(include_archived, archived_only),
        parent_job_name=parent_job_name,
        status=status,
        experiment_name=experiment_name,
        tag=tag,
    )
    jobs = [job.to_dict() for job in found]
    return steps.with_children(client, jobs) if tree else jobs


def stream(name: str, logs: bool = False) -> None:
    _follow(session.client(), name, logs=logs)


def retry(name: str, stream: bool = False, logs: bool = False) -> Any:
    client = session.client()
    job = client.jobs.retry(name)
    return watch(client, job, logs=logs) if stream or logs else job.to_dict()


def extend(
    name: str,
    total: int | None = None,
    concurrent: int | None = None,
    timeout: int | None = None,
    stream: bool = False,
    logs: bool = False,
) -> Any:
    client = session.client()
    job = client.jobs.extend(
        name, max_total_trials=total, max_concurrent_trials=concurrent, timeout=timeout
    )
    specs.warn(job.to_dict())
    return watch(client, job, logs=logs) if stream or logs else job.to_dict()


def download(
    name: str, download_path: str = ".", output_name: str | None = None, everything: bool = False
) -> None:
    client = session.client()
    with terminal.Progress("Downloading") as progress:
        folder = client.jobs.download(
            name,
            download_path=download_path,
            output_name=output_name,
            all=everything,
            progress=progress,
        )
    if progress.had_any:
        terminal.note(f"Downloaded into {folder.absolute()}")
    else:
        job = client.jobs.get(name)
        why = f"the output {output_name!r} of job {name} is empty." if output_name else None
        terminal.note(f"There is nothing to download: {why or _no_files(job)}")


def _no_files(job: Job) -> str:
    steps = [step["job"] for step in job.get("steps") or [] if step.get("job")]
    of_a_step = f" of its own. A step's: lazur job download -n {steps[0]} --all" if steps else "."
    return f"job {job.name} left no files{of_a_step}"


def cancel(name: str) -> None:
    job = session.client().jobs.cancel(name)
    terminal.note(f"Job {job.name} is {job.status}.")


def archive(name: str) -> None:
    session.client().jobs.archive(name)


def restore(name: str) -> None:
    session.client().jobs.restore(name)


def update(
    name: str,
    sets: Any = None,
    display_name: str | None = None,
    description: str | None = None,
    tags: Any = None,
) -> Any:
    jobs = session.client().jobs
    flags = {"display_name": display_name, "description": description, "tags": specs.pairs(tags)}
    current = jobs.get(name).to_dict() if sets else {}
    return jobs.update(name, **specs.changes(sets, current, **flags)).to_dict()


def show_services(name: str, node_index: int = 0) -> Any:
    services = session.client().jobs.show_services(name, node_index)
    return {key: service.to_dict() for key, service in services.items()}


def validate(file: str, sets: Any = None) -> Any:
    answer = session.client().jobs.validate(specs.source(file, sets))
    specs.warn(answer.to_dict())
    return {"result": "Succeeded", **answer.to_dict()}


def explain(name: str) -> Any:
    job = session.client().jobs.get(name).to_dict()
    if session.current.is_read_by_machine:
        kept = ("name", "status", "waiting_for", "phases", "error", "duration", "warnings")
        return {key: job.get(key) for key in kept}
    print(waterfall.explain(job, terminal.width(100), sys.stdout))
    return None


def _follow(client: Any, name: str, *, logs: bool = False) -> Job:
    """The log goes to stdout, unless the result goes there."""
    watch = JobWatch(client, quiet=session.current.only_errors)
    out = sys.stderr if session.current.is_read_by_machine else sys.stdout
    try:
        job = client.jobs.stream(
            name, out=out, on_change=watch, logs=logs, style=partial(paint_state, out)
        )
    except KeyboardInterrupt:
        terminal.note(
            f"\nJob {name} goes on. Watch it again with `lazur job stream -n {name}`, "
            f"end it with `lazur job cancel -n {name}`."
        )
        raise
    watch.close(job)
    return job


def _open(job: Job) -> None:
    if not job.studio_url:
        raise CLIError("The server gave no address for the job's page.")
    url = session.client().sign_in_url(job.studio_url)
    if not webbrowser.open(url):
        terminal.note(f"No browser was found here. The job's page: {job.studio_url}")


def _save(job: Job, path: str) -> None:
    from pathlib import Path  # noqa: PLC0415 - as PyYAML, only for --save-as

    import yaml  # noqa: PLC0415

    Path(path).write_text(
        yaml.safe_dump(job.to_dict(), sort_keys=False, allow_unicode=True), "utf-8"
    )
