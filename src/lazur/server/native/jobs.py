"""Jobs."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response, StreamingResponse

from lazur.server.deps import Call, Listing, Object, action
from lazur.services.jobs import jobs, planning, replays
from lazur.services.results import mini_batch_figures, mini_batches

routes = APIRouter(prefix="/api/v1/workspaces/{workspace}/jobs", tags=["jobs"])

_FILTERS = (
    "status",
    "experiment_name",
    "type",
    "archived",
    "parent",
    "steps",
    "created_by",
    "tag",
    "name_contains",
)


@routes.get("", **action("workspaces/jobs/read"))
def find(call: Call, workspace: str, listing: Listing) -> Response:
    """Jobs, newest first. Filters: `status` (several with commas), `experiment_name`, `type`,
    `created_by`,
    `archived` (`false`, `true`, `all`), `parent`, `tag` (`key=value`, repeatable),
    `name_contains`. Steps of jobs are left out, but for those of the `parent` that is asked for;
    `steps=true` has them all."""
    return call.read(lambda context: jobs.find(context, workspace, listing.query(*_FILTERS)))


@routes.post("", status_code=201, **action("workspaces/jobs/write"))
def create(call: Call, workspace: str, spec: Object) -> Response:
    """Submit a job. The body is the job's YAML as JSON, local paths replaced by uploaded trees."""
    return call.create(lambda context: jobs.submit(context, workspace, spec), spec)


@routes.post("/validate", **action("workspaces/jobs/write"))
def validate(call: Call, workspace: str, spec: Object) -> Response:
    """Check a job as submitting would, and do nothing."""
    return call.read(lambda context: jobs.validate(context, workspace, spec))


@routes.post("/plan", **action("workspaces/jobs/write"))
def plan(call: Call, workspace: str, asked: Object) -> Response:
    """What submitting the `job` would do: `steps`, each with what it `will` do (`run`, `reuse`,
    `maybe`, `skip`, `decide`) and `why`; and `environments`. Content that was not uploaded yet is
    no obstacle: `trees` are its manifests, each as a text."""
    job, trees = asked.get("job"), asked.get("trees", [])
    return call.read(lambda context: planning.plan(context, workspace, job, trees))


@routes.get("/{name}", **action("workspaces/jobs/read"))
def show(call: Call, workspace: str, name: str) -> Response:
    """The job. Of a parallel one with its `progress`."""
    return call.read(
        lambda context: mini_batches.with_progress(
            context, workspace, jobs.get(context, workspace, name)
        )
    )


@routes.get("/{name}/mini-batches", **action("workspaces/jobs/read"))
def find_mini_batches(call: Call, workspace: str, name: str, listing: Listing) -> Response:
    """The mini-batches of a parallel job that have ended, each with its key, time, tries, metrics
    and log. Filters: `status` (`done`, `failed`, `retrying`) and `contains`, some text of the key
    or the error; `order_by` a field, `metrics.<name>` or `key.<name>`, with `-` in front
    downwards. `total` is how many they are."""
    query = listing.query("status", "contains")
    return call.read(lambda context: mini_batches.find(context, workspace, name, query))


@routes.get("/{name}/mini-batches.csv", **action("workspaces/jobs/read"))
def find_figures(
    call: Call, workspace: str, name: str, listing: Listing, max_results: int | None = None
) -> Response:
    """All of them as one CSV, with a column for each part of the key and each metric. Filters and
    `order_by` as of the list."""
    query = listing.query("status", "contains")
    with call.site.context(call.who, write=False) as context:
        pieces = mini_batch_figures.text(context, workspace, name, query, max_results)
    headers = {"Content-Disposition": "attachment; filename=mini-batches.csv"}
    return StreamingResponse(pieces, media_type="text/csv", headers=headers)


@routes.get("/{name}/trials", **action("workspaces/jobs/read"))
def find_trials(call: Call, workspace: str, name: str) -> Response:
    """The trials of a sweep in the order in which they began: their values, the primary metric's
    last one as `score`, and which is the `best`. `stopped_at` is the interval at which the
    sweep's policy stopped one."""
    return call.read(lambda context: jobs.trials(context, workspace, name))


@routes.post("/{name}/extend", status_code=201, **action("workspaces/jobs/write"))
def extend(call: Call, workspace: str, name: str, limits: Object) -> Response:
    """Submit a sweep that goes on with one that is over: its trials that ended well are taken
    over, and more are run. The body has what changes of its `limits`, such as
    `max_total_trials`."""
    return call.create(lambda context: jobs.extend(context, workspace, name, limits), limits)


@routes.patch("/{name}", **action("workspaces/jobs/write"))
def update(call: Call, workspace: str, name: str, changes: Object) -> Response:
    """Change `display_name`, `description`, `tags`, `properties`, `experiment_name` or
    `archived`."""
    return call.write(
        lambda context: jobs.update(context, workspace, name, changes, call.if_match)
    )


@routes.post("/{name}/cancel", status_code=202, **action("workspaces/jobs/cancel/action"))
def cancel(call: Call, workspace: str, name: str) -> Response:
    return call.write(lambda context: jobs.cancel(context, workspace, name), status=202)


@routes.post("/{name}/retry", status_code=201, **action("workspaces/jobs/write"))
def retry(call: Call, workspace: str, name: str) -> Response:
    """Submit a job that is over once more. Of one with steps, those that had ended well are not
    done again."""
    return call.create(lambda context: jobs.retry(context, workspace, name), {"retry": name})


@routes.get("/{name}/replay", **action("workspaces/jobs/write"))
def replay(call: Call, workspace: str, name: str) -> Response:
    """What a job ran, to be run once more by hand on the server's machine. No secrets are in
    it."""
    return call.read(lambda context: replays.show(context, workspace, name))


@routes.get("/{name}/history", **action("workspaces/jobs/read"))
def history(call: Call, workspace: str, name: str) -> Response:
    """Everything that happened to the job, oldest first."""
    return call.read(lambda context: {"value": jobs.history(context, workspace, name)})
