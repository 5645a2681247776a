"""Help of `lazur role …`."""

from __future__ import annotations

from typing import Any

HELP: dict[str, dict[str, Any]] = {
    "role assignment": {"type": "group", "short-summary": "Who has which role where."},
    "role definition": {"type": "group", "short-summary": "What roles allow."},
    "role assignment create": {
        "short-summary": "Give somebody a role in a workspace, a registry, or on the server.",
        "long-summary": "It holds within a second. Roles add up. Nobody gives what they have not.",
        "examples": [
            {
                "name": "In the workspace in use",
                "text": "lazur role assignment create --assignee bea --role Contributor",
            },
            {
                "name": "A group, in another workspace",
                "text": "lazur role assignment create --assignee vision"
                " --role 'AzureML Data Scientist' --scope research",
            },
            {
                "name": "On the whole server",
                "text": "lazur role assignment create --assignee tom --role Owner --scope /",
            },
        ],
    },
    "role assignment list": {
        "short-summary": "List who has which role.",
        "examples": [
            {"name": "In the workspace in use", "text": "lazur role assignment list -o table"},
            {
                "name": "Everything that somebody may, through no group",
                "text": "lazur role assignment list --all --assignee bea -o table",
            },
            {
                "name": "Who owns the server",
                "text": "lazur role assignment list --scope / --role Owner",
            },
        ],
    },
    "role assignment delete": {
        "short-summary": "Take a role away. It acts within a second.",
        "examples": [
            {
                "name": "In the workspace in use",
                "text": "lazur role assignment delete --assignee bea --role Contributor",
            },
            {
                "name": "All that somebody has on the whole server",
                "text": "lazur role assignment delete --assignee tom --scope / --yes",
            },
        ],
    },
    "role definition create": {
        "short-summary": "Make a role of your own, from Azure's JSON.",
        "long-summary": (
            "Name, Description, Actions and NotActions. AssignableScopes are kept; here every"
            " role can be given everywhere."
        ),
        "examples": [
            {
                "name": "From a file",
                "text": "lazur role definition create --role-definition @submitter.json",
            },
            {
                "name": "In one line",
                "text": "lazur role definition create --role-definition"
                ' \'{"Name": "Job reader", "Actions": ["workspaces/jobs/read"]}\'',
            },
        ],
    },
    "role definition update": {
        "short-summary": "Replace what a role of your own allows, for all who have it.",
        "examples": [
            {
                "name": "From a file",
                "text": "lazur role definition update --role-definition @submitter.json",
            }
        ],
    },
    "role definition list": {
        "short-summary": "List roles with what they allow.",
        "examples": [
            {"name": "Names", "text": "lazur role definition list --query [].name -o tsv"},
            {
                "name": "What you have made",
                "text": "lazur role definition list --custom-role-only -o table",
            },
        ],
    },
    "role definition show": {
        "short-summary": "Show what a role allows.",
        "examples": [{"name": "Show", "text": "lazur role definition show -n Contributor"}],
    },
    "role definition delete": {
        "short-summary": "Delete a role of your own that nobody has any more.",
        "examples": [{"name": "Delete", "text": "lazur role definition delete -n 'Job reader'"}],
    },
}
