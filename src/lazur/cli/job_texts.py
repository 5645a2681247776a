"""Help of `lazur job`: by example."""

from __future__ import annotations

from typing import Any

HELP: dict[str, dict[str, Any]] = {
    "job create": {
        "short-summary": "Submit a job.",
        "long-summary": (
            "Prints the job as JSON. With --stream it prints the job's log instead, as it is"
            " written, and the exit "
            "code is 1 if the job fails; with --stream and -o or --query the log goes to "
            "stderr and the job as it "
            "ended to stdout."
        ),
        "examples": [
            {"name": "Run a job and watch it", "text": "lazur job create -f job.yml --stream"},
            {
                "name": "Keep its name, for later",
                "text": "name=$(lazur job create -f job.yml --query name -o tsv)",
            },
            {
                "name": "Change the spec on the way",
                "text": (
                    "lazur job create -f job.yml --set inputs.lr=0.1 --set "
                    "resources.instance_count=2"
                ),
            },
            {"name": "Open its page", "text": "lazur job create -f job.yml --web"},
            {
                "name": "See first what would run, and what was done before",
                "text": "lazur job create -f pipeline.yml --plan",
            },
            {
                "name": "Watch a pipeline, with the log of each step",
                "text": "lazur job create -f pipeline.yml --stream --logs",
            },
        ],
    },
    "job replay": {
        "short-summary": "Run a job or step once more, here, with its exact inputs and code.",
        "long-summary": (
            "In the foreground, in a fresh folder, on the server's machine. What it writes stays"
            " there: its outputs below outputs/, what it logs to MLflow below mlruns/. Nothing of"
            " the job itself changes."
        ),
        "examples": [
            {"name": "A step that failed", "text": "lazur job replay -n NAME --step train"},
            {"name": "Under a debugger", "text": "lazur job replay -n NAME --debugger"},
            {
                "name": "A shell in its folder, with its variables",
                "text": "lazur job replay -n NAME --shell",
            },
            {
                "name": "With other data",
                "text": "lazur job replay -n NAME --input data=./few_rows.csv",
            },
        ],
    },
    "job show": {
        "short-summary": "Show a job.",
        "examples": [
            {"name": "Everything about it", "text": "lazur job show -n NAME"},
            {"name": "The steps of a pipeline", "text": "lazur job show -n NAME -o table"},
            {
                "name": "Its state, for a script",
                "text": "lazur job show -n NAME --query status -o tsv",
            },
            {
                "name": "The address of its page",
                "text": "lazur job show -n NAME --query services.Studio.endpoint",
            },
        ],
    },
    "job list": {
        "short-summary": "List jobs, the newest first.",
        "examples": [
            {"name": "What ran lately", "text": "lazur job list -o table"},
            {
                "name": "What failed in an experiment",
                "text": "lazur job list --status Failed --experiment-name mnist",
            },
            {"name": "Names only", "text": "lazur job list --query '[].name' -o tsv"},
            {"name": "With their steps below them", "text": "lazur job list --tree -o table"},
            {"name": "The steps of one", "text": "lazur job list -p NAME -o table"},
        ],
    },
    "job stream": {
        "short-summary": "Print a job's log until the job is over.",
        "long-summary": (
            "Of a job that is over, the whole. Of a pipeline, each change of a step, and with "
            "--logs the steps' logs too, each line with the step's name in front. The exit code "
            "is 1 if the job failed."
        ),
        "examples": [
            {"name": "Watch", "text": "lazur job stream -n NAME"},
            {"name": "With the log of each step", "text": "lazur job stream -n NAME --logs"},
        ],
    },
    "job download": {
        "short-summary": "Download a job's files once it is over.",
        "long-summary": "Logs and ./outputs go to artifacts/, named outputs to named-outputs/.",
        "examples": [
            {"name": "Logs and ./outputs", "text": "lazur job download -n NAME -p ./result"},
            {"name": "One named output", "text": "lazur job download -n NAME --output-name model"},
            {"name": "Everything", "text": "lazur job download -n NAME --all"},
        ],
    },
    "job cancel": {
        "short-summary": "End a job: its whole process tree, first asked, then made to.",
        "examples": [{"name": "Cancel", "text": "lazur job cancel -n NAME"}],
    },
    "job retry": {
        "short-summary": "Submit a job that is over once more.",
        "long-summary": (
            "A new job. Of a pipeline, steps that had ended well are not done again: it goes on "
            "from those that failed."
        ),
        "examples": [
            {"name": "Go on from where it failed", "text": "lazur job retry -n NAME --stream"}
        ],
    },
    "job graph": {
        "short-summary": "Draw the steps of a pipeline, with their states, for Markdown.",
        "examples": [
            {"name": "Of a job", "text": "lazur job graph -n NAME > steps.mmd"},
            {"name": "Of a file", "text": "lazur job graph -f pipeline.yml"},
        ],
    },
    "job archive": {
        "short-summary": "Hide a job from lists.",
        "examples": [{"name": "Archive", "text": "lazur job archive -n NAME"}],
    },
    "job restore": {
        "short-summary": "Show an archived job in lists again.",
        "examples": [{"name": "Restore", "text": "lazur job restore -n NAME"}],
    },
    "job update": {
        "short-summary": "Change a job's name for people, description, tags or experiment.",
        "examples": [
            {"name": "Tag it", "text": "lazur job update -n NAME --set tags.reviewed=yes"},
            {"name": "Name it", "text": "lazur job update -n NAME --display-name 'the good one'"},
        ],
    },
    "job show-services": {
        "short-summary": "Show the addresses that belong to a job.",
        "examples": [{"name": "Show", "text": "lazur job show-services -n NAME"}],
    },
    "job validate": {
        "short-summary": "Check a job's YAML without running it.",
        "examples": [{"name": "Check", "text": "lazur job validate -f job.yml"}],
    },
    "job explain": {
        "short-summary": "Show where a job's time went and why it failed, waits or is slow.",
        "examples": [
            {"name": "Explain", "text": "lazur job explain -n NAME"},
            {"name": "For a program", "text": "lazur job explain -n NAME -o json"},
        ],
    },
    "job mini-batches": {
        "short-summary": "List the mini-batches of a parallel job that have ended.",
        "long-summary": (
            "With their keys, their metrics, how long each took, and where what was printed lies"
            " of those that failed."
        ),
        "examples": [
            {"name": "All", "text": "lazur job mini-batches -n NAME -o table"},
            {
                "name": "What failed",
                "text": "lazur job mini-batches -n NAME --status failed -o table",
            },
            {
                "name": "The slowest",
                "text": "lazur job mini-batches -n NAME --slow -r 10 -o table",
            },
            {
                "name": "The worst models",
                "text": "lazur job mini-batches -n NAME --order-by=-metrics.rmse -r 10 -o table",
            },
            {
                "name": "The figures of all, for a spreadsheet",
                "text": "lazur job mini-batches -n NAME --csv figures.csv",
            },
        ],
    },
    "job trials": {
        "short-summary": "List the trials of a sweep, with their values and the primary metric.",
        "long-summary": (
            "The metric is its last value. A trial that the sweep's policy stopped says at which"
            " of its reports."
        ),
        "examples": [
            {"name": "All", "text": "lazur job trials -n NAME -o table"},
            {"name": "The best", "text": "lazur job trials -n NAME --best --query '[0].values'"},
            {
                "name": "The lowest first",
                "text": "lazur job trials -n NAME --order-by score -o table",
            },
        ],
    },
    "job extend": {
        "short-summary": "Go on with a sweep that is over: more trials, or more time.",
        "long-summary": (
            "A new job, whose first trials are those of the sweep before: those that ended well"
            " are not run again, the others are, with the same values."
        ),
        "examples": [
            {
                "name": "Forty trials in all",
                "text": "lazur job extend -n NAME --max-total-trials 40",
            }
        ],
    },
    "job tensorboard": {
        "short-summary": "Print the address of TensorBoard on what jobs wrote, and are writing.",
        "long-summary": (
            "Shown are the event files in the jobs' outputs, logs and artifacts, each job under"
            " its name. The address stays good: TensorBoard runs while somebody looks."
        ),
        "examples": [
            {"name": "Look at a job", "text": "lazur job tensorboard NAME --web"},
            {"name": "Compare two", "text": "lazur job tensorboard NAME OTHER"},
        ],
    },
}
