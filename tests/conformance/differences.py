"""Where our server differs from upstream's on purpose, and what the suite does not ask, each with
its reason. Nothing else may differ: docs/mlflow.md shows these lists and is compared."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

_OURS = r"\"error_code\": \"(?P=code)\", \"message\": \"(?P=text)\", \"error\": \{[^\n]*\}\}"
_THEIRS = (
    r"\"error_code\": ?\"(?P<code>\w+)\", ?\"message\": ?\"(?P<text>[^\n]*?)\""
    r"(?:, ?\"sqlstate\": ?\"\w+\", ?\"error_class\": ?\"\w+\")?\}"
)


@dataclass(frozen=True)
class Difference:
    """`findings`: patterns of what it explains, as `case: finding`, see `suite.findings`."""

    what: str
    why: str
    findings: tuple[re.Pattern[str], ...]

    def explains(self, finding: str) -> bool:
        return any(pattern.search(finding) for pattern in self.findings)


def _difference(what: str, why: str, *patterns: str) -> Difference:
    return Difference(what, why, tuple(re.compile(pattern, re.DOTALL) for pattern in patterns))


DIFFERENCES = (
    _difference(
        "MLflow's own workspaces (`mlflow.create_workspace` and the like) are refused with "
        "`NOT_IMPLEMENTED`, and `server-info` says that there are none.",
        "Workspaces are Lazur's: people get rights in them, and each has an address of its own.",
        r"^fluent\.workspaces: (?:exchanges: \w+ /api/3\.0/mlflow/workspaces|rows: )",
        r"^fluent\.workspaces: steps: \w+\.(?:list|get|create|update|delete)_workspaces? ",
        r"^fluent\.workspaces: steps: \w+\.(?:list|get|create|update|delete)_workspaces?→",
        r"GET /(?:ajax-)?api/3\.0/mlflow/server-info\S*\n.*\"workspaces_enabled\": false",
    ),
    _difference(
        "Replies that a browser could render (HTML, SVG, and what names no type) carry "
        "`Content-Disposition: attachment`; only upstream's own pages do not.",
        "A file that somebody uploaded must not run in the browser of somebody else.",
        r"\n@@[^\n]*(?:\n [^\n]*)*\n\+attachment(?:\n [^\n]*)*\Z",
    ),
    _difference(
        "MLflow's first page loads one small script of Lazur's first.",
        "MLflow's assistant runs commands on the server and is not served; the script hides it.",
        r"exchanges: GET /(?:\?[^\n]*)?\n.*\n\+<!doctype html><html lang=\"en\"><head>"
        r"<script src=\"/static/mlflow\.js\"></script>",
    ),
    _difference(
        "Errors about files have a further field `error`, and no `sqlstate` and `error_class`; "
        "status, `error_code` and `message` are the same.",
        "Files are served by Lazur, whose errors have one form everywhere.",
        rf"\n-\{{{_THEIRS}\n\+\{{{_OURS}\Z",
        rf"^artifacts\.files: .*Response text: \{{{_THEIRS}\n\+[^\n]*{_OURS}\Z",
    ),
    _difference(
        "A folder that is downloaded as if it were a file is refused as an error of MLflow, with "
        "`error_code` and `message`; upstream says `detail`.",
        "MLflow's client can read it then.",
        r"^artifacts\.raw: .*\"detail\":\"Artifact path refers to a directory",
    ),
    _difference(
        "Addresses with an encoded slash (`%2f`), an empty part or a dot part are refused with "
        "400. Names of MCP servers may hold an encoded slash.",
        "What one layer reads as a slash and another does not is how protections are walked "
        "around. MLflow's client sends none.",
        r"^(?:artifacts\.raw|pages\.interface): .*\n\+400 .*holds an empty or dot segment",
    ),
    _difference(
        "Where the database refuses something, its own words (the statement and its values) are "
        "left out of `message`.",
        "They name tables and hold what others may have written.",
        r"\n-(?P<said>\{\"error_code\": \"\w+\", \"message\": \"[^\n]*?) Error: "
        r"\((?:sqlite3|psycopg)\.[^\n]*?\"(?P<rest>, \"sqlstate\"[^\n]*\})"
        r"\n\+(?P=said)\"(?P=rest)\Z",
        r"\n-(?P<step>[^\n]*?) Error: \((?:sqlite3|psycopg)\.[^\n]*(?:\n-[^\n]*)*"
        r"\n\+(?P=step)\Z",
    ),
    _difference(
        "Uploads in parts are refused with 501 whatever they ask for; upstream looks at the "
        "body first.",
        "Files lie on the server's disk, where parts bring nothing; clients send them whole.",
        r"^probes\.\w+: exchanges: POST /(?:ajax-)?api/2\.0/mlflow-artifacts/mpu/.*\n\+501 ",
    ),
)

_DATABRICKS = "Asks Databricks, not the tracking server."
_MODEL = "Asks a language model, of which the suite has none."
_LOCAL = "Changes or prints something on the client's side only."
FUNCTIONS = {
    "mlflow.doctor": _LOCAL,
    "mlflow.genai.create_labeling_session": _DATABRICKS,
    "mlflow.genai.delete_labeling_session": _DATABRICKS,
    "mlflow.genai.get_labeling_session": _DATABRICKS,
    "mlflow.genai.get_labeling_sessions": _DATABRICKS,
    "mlflow.genai.get_review_app": _DATABRICKS,
    "mlflow.genai.optimize_prompt": _MODEL,
    "mlflow.genai.optimize_prompts": _MODEL,
    "mlflow.genai.test_agent": _MODEL,
    "mlflow.genai.to_predict_fn": _DATABRICKS,
    "mlflow.import_checkpoints": _DATABRICKS,
    "mlflow.login": _DATABRICKS,
    "mlflow.test": _LOCAL,
    "mlflow.tracing.disable_notebook_display": _LOCAL,
    "mlflow.tracing.enable_notebook_display": _LOCAL,
    "mlflow.tracing.set_databricks_monitoring_sql_warehouse_id": _DATABRICKS,
    "mlflow.tracing.set_experiment_trace_location": _DATABRICKS,
    "mlflow.tracing.unset_experiment_trace_location": _DATABRICKS,
}
"""Public functions of the client that no case calls."""

_NOT_SERVED = "Not served: MLflow's assistant runs commands on the server."
_DEMO = "Not served: it keeps MLflow's only process busy for a minute and may fail half-way."
_OBJECTS = "Only with artifacts in an object store; refused alike otherwise."
_JOBS = "Upstream's jobs, which ask a language model; what is absent is asked for."
_THEIR_TRACES = "Databricks' own; 404 alike."
_BEHIND = "Answered by a language model; its refusals are compared."
_FIXED = "Leads to a provider on the internet; its refusals are compared."
ROUTES = {
    "* 3.0/mlflow/assistant/*": _NOT_SERVED,
    "GET /build/*": "Not served: no part of the API.",
    "POST 3.0/mlflow/demo/*": _DEMO,
    "* 3.0/jobs/*": _JOBS,
    "* 3.0/mlflow/jobs/*": _JOBS,
    "* 3.0/mlflow/prompt-optimization/*": _JOBS,
    "POST 3.0/mlflow/*/invoke": _JOBS,
    "POST /gateway/gemini/*": _FIXED,
    "POST /gateway/typesafe/*": _FIXED,
    "PUT 3.0/mlflow/scorers/online-config": _BEHIND,
    "POST 2.0/mlflow-artifacts/mpu/*": _OBJECTS,
    "GET 2.0/mlflow-artifacts/presigned/*": _OBJECTS,
    "POST 2.0/mlflow/artifacts/presigned-*": _OBJECTS,
    "GET 2.0/mlflow/get-online-trace-details": _THEIR_TRACES,
    "GET 2.0/mlflow/unified-traces": _THEIR_TRACES,
    "POST 2.0mlflow/experiments/search-datasets": "Misspelled by upstream; 404 alike.",
    "GET /graphql": "Upstream fails with 500 here, alike.",
}
"""Routes that upstream answers with an error at best in this suite. They are asked all the same
where they are served."""


def explained(finding: str) -> Difference | None:
    return next((d for d in DIFFERENCES if d.explains(finding)), None)


def uncovered_functions(there: Iterable[str], called: Iterable[str]) -> set[str]:
    return set(there) - set(called) - FUNCTIONS.keys()


def uncovered_routes(there: Iterable[str], answered: Iterable[str]) -> set[str]:
    missing = set(there) - set(answered)
    return missing - {route for pattern in ROUTES for route in excepted(missing, pattern)}


def excepted(routes: Iterable[str], pattern: str) -> list[str]:
    return [route for route in routes if fnmatchcase(route, pattern)]
