"""Every route of upstream's, and the right that it takes. What does not stand here has no answer.

A route of MLflow's newer than this table is found by `tests/server/mlflow/test_access.py`, which
asks the installed MLflow for its routes.

Rights are Azure's actions below `workspaces/`. `*` is one part of a path, `**` any number. Paths
below `/api/` and `/ajax-api/` stand without that; others begin with `/`. Searches are reads,
whatever their method. What can make the server talk to other hosts (webhooks, the gateway's
endpoints and secrets) takes the owner's `workspaces/write`, and so does reading what shows more
than names; using an endpoint is an action of its own. `evaluations` are upstream's jobs, which
call models at somebody's cost.
"""

from __future__ import annotations

TABLE = """
read                             GET        /
gateway/score/action             POST       /gateway/*/mlflow/invocations
gateway/score/action             POST       /gateway/anthropic/v1/messages
gateway/score/action             POST       /gateway/gemini/v1beta/models/*:generateContent
gateway/score/action             POST       /gateway/gemini/v1beta/models/*:streamGenerateContent
gateway/score/action             POST       /gateway/mlflow/v1/chat/completions
gateway/read                     GET        /gateway/mlflow/v1/models
gateway/score/action             POST       /gateway/openai/v1/chat/completions
gateway/score/action             POST       /gateway/openai/v1/embeddings
gateway/score/action             POST       /gateway/openai/v1/responses
gateway/score/action             POST       /gateway/openai/v1/responses/compact
gateway/score/action             POST       /gateway/proxy/*/**
gateway/score/action             POST       /gateway/typesafe/v1/systemone
experiments/runs/read            GET        /get-artifact
experiments/runs/read            GET,POST   /graphql
read                             GET        /health
models/versions/read             GET        /model-versions/get-artifact
read                             GET        /static-files/**
experiments/traces/write         POST       /v1/traces
read                             GET        /version
experiments/runs/read            GET        2.0/mlflow-artifacts/artifacts
experiments/runs/delete          DELETE     2.0/mlflow-artifacts/artifacts/**
experiments/runs/read            GET        2.0/mlflow-artifacts/artifacts/**
experiments/runs/write           PUT        2.0/mlflow-artifacts/artifacts/**
experiments/runs/write           POST       2.0/mlflow-artifacts/mpu/abort/**
experiments/runs/write           POST       2.0/mlflow-artifacts/mpu/complete/**
experiments/runs/write           POST       2.0/mlflow-artifacts/mpu/create/**
experiments/runs/read            GET        2.0/mlflow-artifacts/presigned/**
experiments/runs/read            GET        2.0/mlflow/artifacts/list
experiments/runs/read            POST       2.0/mlflow/artifacts/presigned-download-url
experiments/runs/write           POST       2.0/mlflow/artifacts/presigned-upload-url
experiments/write                POST       2.0/mlflow/experiments/create
experiments/delete               POST       2.0/mlflow/experiments/delete
experiments/write                POST       2.0/mlflow/experiments/delete-experiment-tag
experiments/read                 GET        2.0/mlflow/experiments/get
experiments/read                 GET        2.0/mlflow/experiments/get-by-name
experiments/write                POST       2.0/mlflow/experiments/restore
experiments/read                 GET,POST   2.0/mlflow/experiments/search
experiments/read                 POST       2.0/mlflow/experiments/search-datasets
experiments/write                POST       2.0/mlflow/experiments/set-experiment-tag
experiments/write                POST       2.0/mlflow/experiments/update
gateway/score/action             GET,POST   2.0/mlflow/gateway-proxy
experiments/traces/read          GET        2.0/mlflow/get-online-trace-details
experiments/traces/read          GET        2.0/mlflow/get-trace-artifact
experiments/models/write         POST       2.0/mlflow/logged-models
experiments/models/delete        DELETE     2.0/mlflow/logged-models/*
experiments/models/read          GET        2.0/mlflow/logged-models/*
experiments/models/write         PATCH      2.0/mlflow/logged-models/*
experiments/models/read          GET        2.0/mlflow/logged-models/*/artifacts/directories
experiments/models/read          GET        2.0/mlflow/logged-models/*/artifacts/files
experiments/models/write         POST       2.0/mlflow/logged-models/*/params
experiments/models/write         PATCH      2.0/mlflow/logged-models/*/tags
experiments/models/write         DELETE     2.0/mlflow/logged-models/*/tags/*
experiments/models/read          POST       2.0/mlflow/logged-models/search
experiments/runs/read            GET        2.0/mlflow/metrics/get-history
experiments/runs/read            GET        2.0/mlflow/metrics/get-history-bulk
experiments/runs/read            GET        2.0/mlflow/metrics/get-history-bulk-interval
models/versions/write            POST       2.0/mlflow/model-versions/create
models/versions/delete           DELETE     2.0/mlflow/model-versions/delete
models/versions/write            DELETE     2.0/mlflow/model-versions/delete-tag
models/versions/read             GET        2.0/mlflow/model-versions/get
models/versions/read             GET        2.0/mlflow/model-versions/get-download-uri
models/versions/read             GET        2.0/mlflow/model-versions/search
models/versions/write            POST       2.0/mlflow/model-versions/set-tag
models/versions/write            POST       2.0/mlflow/model-versions/transition-stage
models/versions/write            PATCH      2.0/mlflow/model-versions/update
models/read                      GET        2.0/mlflow/registered-models/alias
models/write                     DELETE,POST 2.0/mlflow/registered-models/alias
models/write                     POST       2.0/mlflow/registered-models/create
models/delete                    DELETE     2.0/mlflow/registered-models/delete
models/write                     DELETE     2.0/mlflow/registered-models/delete-tag
models/read                      GET        2.0/mlflow/registered-models/get
models/read                      GET,POST   2.0/mlflow/registered-models/get-latest-versions
models/write                     POST       2.0/mlflow/registered-models/rename
models/read                      GET        2.0/mlflow/registered-models/search
models/write                     POST       2.0/mlflow/registered-models/set-tag
models/write                     PATCH      2.0/mlflow/registered-models/update
experiments/runs/write           POST       2.0/mlflow/runs/create
experiments/runs/write           POST       2.0/mlflow/runs/create-promptlab-run
experiments/runs/delete          POST       2.0/mlflow/runs/delete
experiments/runs/write           POST       2.0/mlflow/runs/delete-tag
experiments/runs/read            GET        2.0/mlflow/runs/get
experiments/runs/write           POST       2.0/mlflow/runs/log-batch
experiments/runs/write           POST       2.0/mlflow/runs/log-inputs
experiments/runs/write           POST       2.0/mlflow/runs/log-metric
experiments/runs/write           POST       2.0/mlflow/runs/log-model
experiments/runs/write           POST       2.0/mlflow/runs/log-parameter
experiments/runs/write           POST       2.0/mlflow/runs/outputs
experiments/runs/write           POST       2.0/mlflow/runs/restore
experiments/runs/read            POST       2.0/mlflow/runs/search
experiments/runs/write           POST       2.0/mlflow/runs/set-tag
experiments/runs/write           POST       2.0/mlflow/runs/update
experiments/traces/read          GET        2.0/mlflow/traces
experiments/traces/write         POST       2.0/mlflow/traces
experiments/traces/write         PATCH      2.0/mlflow/traces/*
experiments/traces/read          GET        2.0/mlflow/traces/*/info
experiments/traces/write         DELETE,PATCH 2.0/mlflow/traces/*/tags
experiments/traces/delete        POST       2.0/mlflow/traces/delete-traces
experiments/traces/write         POST       2.0/mlflow/traces/link-prompts
experiments/traces/write         POST       2.0/mlflow/traces/link-to-run
experiments/traces/read          GET        2.0/mlflow/unified-traces
experiments/runs/write           POST       2.0/mlflow/upload-artifact
write                            GET,POST   2.0/mlflow/webhooks
write                            DELETE,GET,PATCH 2.0/mlflow/webhooks/*
write                            POST       2.0/mlflow/webhooks/*/test
experiments/read                 POST       2.0mlflow/experiments/search-datasets
evaluations/action               POST       3.0/jobs/
evaluations/read                 GET        3.0/jobs/*
evaluations/action               PATCH      3.0/jobs/cancel/*
evaluations/read                 POST       3.0/jobs/search
experiments/datasets/delete      DELETE     3.0/mlflow/datasets/*
experiments/datasets/read        GET        3.0/mlflow/datasets/*
experiments/datasets/write       POST       3.0/mlflow/datasets/*/add-experiments
experiments/datasets/read        GET        3.0/mlflow/datasets/*/experiment-ids
experiments/datasets/read        GET        3.0/mlflow/datasets/*/records
experiments/datasets/write       DELETE,POST 3.0/mlflow/datasets/*/records
experiments/datasets/write       POST       3.0/mlflow/datasets/*/remove-experiments
experiments/datasets/write       PATCH      3.0/mlflow/datasets/*/tags
experiments/datasets/write       DELETE     3.0/mlflow/datasets/*/tags/*
experiments/datasets/write       POST       3.0/mlflow/datasets/create
experiments/datasets/read        GET,POST   3.0/mlflow/datasets/search
write                            POST       3.0/mlflow/gateway/budgets/create
write                            DELETE     3.0/mlflow/gateway/budgets/delete
gateway/read                     GET        3.0/mlflow/gateway/budgets/get
gateway/read                     GET        3.0/mlflow/gateway/budgets/list
write                            POST       3.0/mlflow/gateway/budgets/update
gateway/read                     GET        3.0/mlflow/gateway/budgets/windows
write                            POST       3.0/mlflow/gateway/endpoints/bindings/create
write                            DELETE     3.0/mlflow/gateway/endpoints/bindings/delete
gateway/read                     GET        3.0/mlflow/gateway/endpoints/bindings/list
write                            POST       3.0/mlflow/gateway/endpoints/create
write                            DELETE     3.0/mlflow/gateway/endpoints/delete
write                            DELETE     3.0/mlflow/gateway/endpoints/delete-tag
gateway/read                     GET        3.0/mlflow/gateway/endpoints/get
gateway/read                     GET        3.0/mlflow/gateway/endpoints/list
write                            POST       3.0/mlflow/gateway/endpoints/models/attach
write                            POST       3.0/mlflow/gateway/endpoints/models/detach
write                            POST       3.0/mlflow/gateway/endpoints/set-tag
write                            POST       3.0/mlflow/gateway/endpoints/update
write                            POST       3.0/mlflow/gateway/guardrails/add-to-endpoint
write                            POST       3.0/mlflow/gateway/guardrails/create
write                            DELETE     3.0/mlflow/gateway/guardrails/delete
gateway/read                     GET        3.0/mlflow/gateway/guardrails/get
gateway/read                     GET        3.0/mlflow/gateway/guardrails/list
gateway/read                     GET        3.0/mlflow/gateway/guardrails/list-for-endpoint
write                            DELETE     3.0/mlflow/gateway/guardrails/remove-from-endpoint
write                            PATCH      3.0/mlflow/gateway/guardrails/update-config
write                            POST       3.0/mlflow/gateway/model-definitions/create
write                            DELETE     3.0/mlflow/gateway/model-definitions/delete
gateway/read                     GET        3.0/mlflow/gateway/model-definitions/get
gateway/read                     GET        3.0/mlflow/gateway/model-definitions/list
write                            POST       3.0/mlflow/gateway/model-definitions/update
gateway/read                     GET        3.0/mlflow/gateway/provider-config
gateway/read                     GET        3.0/mlflow/gateway/secrets/config
write                            POST       3.0/mlflow/gateway/secrets/create
write                            DELETE     3.0/mlflow/gateway/secrets/delete
write                            GET        3.0/mlflow/gateway/secrets/get
write                            GET        3.0/mlflow/gateway/secrets/list
write                            POST       3.0/mlflow/gateway/secrets/update
gateway/read                     GET        3.0/mlflow/gateway/supported-models
gateway/read                     GET        3.0/mlflow/gateway/supported-providers
evaluations/action               POST       3.0/mlflow/genai/evaluate/invoke
experiments/traces/read          GET        3.0/mlflow/get-trace-artifact
experiments/issues/write         POST       3.0/mlflow/issues
experiments/issues/read          GET        3.0/mlflow/issues/*
experiments/issues/write         PATCH      3.0/mlflow/issues/*
evaluations/action               POST       3.0/mlflow/issues/invoke
experiments/issues/read          POST       3.0/mlflow/issues/search
evaluations/read                 GET        3.0/mlflow/jobs/*
evaluations/action               PATCH      3.0/mlflow/jobs/cancel/*
experiments/labelschemas/write   POST       3.0/mlflow/label-schemas/create
experiments/labelschemas/delete  DELETE     3.0/mlflow/label-schemas/delete
experiments/labelschemas/read    GET        3.0/mlflow/label-schemas/get
experiments/labelschemas/read    GET        3.0/mlflow/label-schemas/get-by-name
experiments/labelschemas/read    GET        3.0/mlflow/label-schemas/list
experiments/labelschemas/write   PATCH      3.0/mlflow/label-schemas/update
mcpservers/read                  GET        3.0/mlflow/mcp-servers
mcpservers/write                 POST       3.0/mlflow/mcp-servers
mcpservers/delete                DELETE     3.0/mlflow/mcp-servers/**
mcpservers/read                  GET        3.0/mlflow/mcp-servers/**
mcpservers/write                 PATCH,POST 3.0/mlflow/mcp-servers/**
evaluations/action               POST       3.0/mlflow/prompt-optimization/jobs
evaluations/action               DELETE     3.0/mlflow/prompt-optimization/jobs/*
evaluations/read                 GET        3.0/mlflow/prompt-optimization/jobs/*
evaluations/action               POST       3.0/mlflow/prompt-optimization/jobs/*/cancel
evaluations/read                 GET,POST   3.0/mlflow/prompt-optimization/jobs/search
experiments/reviewqueues/write   POST       3.0/mlflow/review-queues/create
experiments/reviewqueues/delete  POST       3.0/mlflow/review-queues/delete
experiments/reviewqueues/read    GET        3.0/mlflow/review-queues/get
experiments/reviewqueues/read    GET        3.0/mlflow/review-queues/get-by-name
experiments/reviewqueues/write   POST       3.0/mlflow/review-queues/get-or-create-user
experiments/reviewqueues/write   POST       3.0/mlflow/review-queues/items/add
experiments/reviewqueues/read    GET        3.0/mlflow/review-queues/items/list
experiments/reviewqueues/write   POST       3.0/mlflow/review-queues/items/remove
experiments/reviewqueues/write   POST       3.0/mlflow/review-queues/items/set-status
experiments/reviewqueues/read    GET        3.0/mlflow/review-queues/list
experiments/reviewqueues/write   POST       3.0/mlflow/review-queues/update
evaluations/action               POST       3.0/mlflow/scorer/invoke
experiments/scorers/delete       DELETE     3.0/mlflow/scorers/delete
experiments/scorers/read         GET        3.0/mlflow/scorers/get
experiments/scorers/read         GET        3.0/mlflow/scorers/list
evaluations/action               PUT        3.0/mlflow/scorers/online-config
experiments/scorers/read         GET        3.0/mlflow/scorers/online-configs
experiments/scorers/write        POST       3.0/mlflow/scorers/register
experiments/scorers/read         GET        3.0/mlflow/scorers/versions
read                             GET        3.0/mlflow/server-info
experiments/traces/write         POST       3.0/mlflow/traces
experiments/traces/read          GET        3.0/mlflow/traces/*
experiments/traces/write         POST       3.0/mlflow/traces/*/assessments
experiments/traces/read          GET        3.0/mlflow/traces/*/assessments/*
experiments/traces/write         DELETE,PATCH 3.0/mlflow/traces/*/assessments/*
experiments/traces/write         DELETE,PATCH 3.0/mlflow/traces/*/tags
experiments/traces/read          GET        3.0/mlflow/traces/batchGet
experiments/traces/read          POST       3.0/mlflow/traces/batchGetInfos
experiments/traces/read          POST       3.0/mlflow/traces/calculate-filter-correlation
experiments/traces/delete        POST       3.0/mlflow/traces/delete-traces
experiments/traces/read          GET        3.0/mlflow/traces/get
experiments/traces/read          POST       3.0/mlflow/traces/metrics
experiments/traces/read          POST       3.0/mlflow/traces/search
read                             GET,POST   3.0/mlflow/ui-telemetry
"""

AZURE = """
experiments/runs/write           PATCH      /experimentids/*/runs/*
"""
"""What clients of Azure ask for below a tracking URI, and upstream does not know."""

NOT_SERVED = {
    "3.0/mlflow/workspaces": "Workspaces are Lazur's own: `lazur workspace create` makes one, and "
    "`lazur mlflow-uri --workspace NAME` prints the address that leads to it.",
    "3.0/mlflow/assistant": "MLflow's assistant runs commands on the server, so it is not served.",
    "3.0/mlflow/demo": "MLflow's demo keeps its only process busy for a minute and may fail "
    "half-way, so it is not served.",
    "/build": "This is not part of MLflow's API.",
}
"""Upstream's routes that are left out, by how their paths begin, and what is said instead."""
