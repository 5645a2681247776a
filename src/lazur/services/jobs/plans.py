"""From a job's row to the plan of its next attempt."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from lazur.engine.plan import Demand, Distribution, Input, Output, Plan, Private, Source
from lazur.errors import LazurError
from lazur.services.assets import injections
from lazur.services.base.home import DATASTORES
from lazur.services.base.site import Site
from lazur.services.content import far, remotes
from lazur.services.jobs import job_runs as tracking
from lazur.services.people import tokens
from lazur.store.jobs import JobRow


class EnvironmentGone(LazurError):
    """The environment was built once, and is not on the disk any more."""


def make(site: Site, row: JobRow) -> Plan:
    with site.context(synced=False) as context:
        token = tokens.job_token(context, row.workspace, row.name)
    return _plan(site, row, token)


def repeatable(site: Site, row: JobRow) -> Plan:
    """The same for somebody who runs it once more by hand: it may do nothing in the job's name,
    and tells nobody."""
    plan = _plan(site, row, "")
    kept = {k: v for k, v in plan.variables.items() if not k.startswith(_OF_THE_JOB)}
    return replace(plan, variables=kept, hints=None, carrier=None)


_OF_THE_JOB = ("LAZUR_TOKEN", "LAZUR_SERVER", "LAZUR_JOB", "MLFLOW_")


def _plan(site: Site, row: JobRow, token: str) -> Plan:
    resolved: dict[str, Any] = row.resolved
    artifacts = site.home.artifacts(row.workspace, row.run_id)
    return Plan(
        job=row.name,
        workspace=row.workspace,
        attempt=row.attempt,
        folder=str(site.home.attempt(row.workspace, row.name, row.attempt)),
        artifacts=str(artifacts),
        command=resolved["command"],
        values=resolved["values"],
        inputs=[_input(given) for given in resolved["inputs"]],
        outputs=[
            Output(
                o["name"],
                o["mode"],
                o["type"] == "uri_file",
                o["destination"],
                o.get("remote", False),
            )
            for o in resolved["outputs"]
        ],
        code=Source(**resolved["code"]) if resolved["code"] else None,
        environment=_environment(site, row),
        variables={
            **_context(site, row, token),
            **tracking.variables(site, row, token, resolved["variables"]),
            **resolved["variables"],
        },
        distribution=Distribution(**resolved["distribution"])
        if resolved["distribution"]
        else None,
        nodes=resolved["nodes"],
        demand=Demand(row.cpus, row.memory, row.gpus),
        gpu_ids=row.gpu_ids,
        timeout=resolved["timeout"],
        blobs=str(site.home.blobs),
        cache=str(site.home.cache),
        hints=str(site.home.run),
        word=f"{row.workspace}/{row.name}/{row.id}",
        carrier=remotes.carrier(site) if remotes.uris(row) else None,
    )


def private(site: Site, row: JobRow) -> Private:
    """What goes to the supervisor alone. Opened for each attempt anew; may block, as vaults do."""
    variables, masked = injections.opened(site, row)
    return Private(remotes.opened(site, row, remotes.uris(row)), variables, masked)


def _environment(site: Site, row: JobRow) -> str | None:
    if row.build_key is None:
        return None
    built = site.builder.find(row.build_key)
    if built is None:
        raise EnvironmentGone("The environment is not there any more.")
    return built.prefix


def _context(site: Site, row: JobRow, token: str) -> dict[str, str]:
    """What every job is told about where and what it is. Names are Azure's."""
    return {
        "AZUREML_RUN_ID": row.name,
        "AZUREML_ROOT_RUN_ID": row.name,
        "AZUREML_EXPERIMENT_NAME": row.experiment_name,
        "AZUREML_ARM_PROJECT_NAME": row.experiment_name,
        "AZUREML_ARM_WORKSPACE_NAME": row.workspace,
        "AZUREML_ARM_RESOURCEGROUP": "lazur",
        "AZUREML_ARM_SUBSCRIPTION": "00000000-0000-0000-0000-000000000000",
        "AZUREML_COMPUTE_TARGET": row.compute_name,
        "LAZUR_SERVER": site.url(),
        "LAZUR_WORKSPACE": row.workspace,
        "LAZUR_JOB": row.name,
        "LAZUR_TOKEN": token,
        "LAZUR_DATASTORES": json.dumps(_datastores(site, row)),
        **_trust(site),
    }


def _datastores(site: Site, row: JobRow) -> dict[str, str]:
    """What `azureml://datastores/…` in an MLTable file means where the job runs. Of those that are
    not here a job asks the server for files."""
    names = list(DATASTORES)
    if site.storage is not None:
        with site.context(write=False) as context:
            names = [name for name in names if far.is_here(context, row.workspace_id, name)]
    return {name: str(site.home.datastore(row.workspace, name)) for name in names}


def _trust(site: Site) -> dict[str, str]:
    """Whose signature the server's certificate has, where that is our own."""
    is_secure = site.url().startswith("https:")
    return {"LAZUR_SERVER_CERT_PATH": str(site.home.authority)} if is_secure else {}


def _input(given: dict[str, Any]) -> Input:
    values: dict[str, Any] = {**given, "source": Source(**given["source"])}
    return Input(**values)
