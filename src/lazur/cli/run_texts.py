"""Help of `lazur run`: by example."""

from __future__ import annotations

from typing import Any

HELP: dict[str, dict[str, Any]] = {
    "run list": {
        "short-summary": "List runs, the newest first, with their metrics and params.",
        "long-summary": (
            "Filters and orders are MLflow's. What they mention becomes a column; --metrics and "
            "--params choose others. -o json gives everything."
        ),
        "examples": [
            {"name": "The best first", "text": "lazur run list --order-by 'metrics.auc DESC'"},
            {
                "name": "Good ones with a certain parameter",
                "text": "lazur run list --filter \"metrics.auc > 0.9 and params.lr = '0.1'\"",
            },
            {"name": "What is in the trash", "text": "lazur run list --deleted"},
        ],
    },
    "run show": {
        "short-summary": "Show a run, by its id or by its job's name.",
        "examples": [
            {"name": "Show", "text": "lazur run show NAME"},
            {"name": "One figure", "text": "lazur run show NAME --query metrics.auc -o tsv"},
        ],
    },
    "run compare": {
        "short-summary": "Show what differs between runs.",
        "long-summary": (
            "Params, metrics, tags, data, environment, code and phases; only what differs, "
            "seen from the first run."
        ),
        "examples": [
            {"name": "Two runs", "text": "lazur run compare A B"},
            {"name": "With the changed lines of code", "text": "lazur run compare A B --diff"},
            {"name": "What is the same, too", "text": "lazur run compare A B C --all"},
        ],
    },
    "run metrics": {
        "short-summary": "Show a run's metrics as they went.",
        "examples": [
            {"name": "All, in short", "text": "lazur run metrics NAME"},
            {"name": "One, as a curve", "text": "lazur run metrics NAME --metric loss"},
            {
                "name": "Every point of it",
                "text": "lazur run metrics NAME --metric loss -o tsv > loss.tsv",
            },
        ],
    },
    "run delete": {
        "short-summary": "Put runs into the trash. `run restore` takes them out again.",
        "long-summary": "A job is archived with its run. What still runs is cancelled first.",
        "examples": [
            {"name": "Two runs", "text": "lazur run delete A B"},
            {
                "name": "All of an experiment",
                "text": "lazur run delete --experiment-name tries --yes",
            },
        ],
    },
    "run restore": {
        "short-summary": "Take runs out of the trash.",
        "examples": [{"name": "Restore", "text": "lazur run restore A B"}],
    },
    "run purge": {
        "short-summary": "Free the rows and files of runs in the trash, for ever.",
        "long-summary": (
            "Without names: everything that is in the trash. What a registered model or an asset "
            "still needs is kept, and what needs it is named."
        ),
        "examples": [
            {"name": "How much would it be", "text": "lazur run purge --dry-run"},
            {
                "name": "What has lain there for a month",
                "text": "lazur run purge --deleted-before 30d --yes",
            },
            {"name": "Certain runs", "text": "lazur run purge A B"},
        ],
    },
    "run export": {
        "short-summary": "Write runs into one file.",
        "long-summary": (
            "With their child runs, artifacts, logged models and code. Not in it: traces, and "
            "named outputs of jobs."
        ),
        "examples": [
            {"name": "Two runs", "text": "lazur run export A B -f runs.zip"},
            {
                "name": "A sweep without its trials",
                "text": "lazur run export A --no-children -f runs.zip",
            },
        ],
    },
    "run import": {
        "short-summary": "Bring in runs that were exported, here or elsewhere.",
        "long-summary": "They get new ids. Importing a file again finds what is there.",
        "examples": [
            {"name": "Import", "text": "lazur run import runs.zip"},
            {
                "name": "Into another experiment",
                "text": "lazur run import runs.zip --experiment-name theirs",
            },
        ],
    },
}
