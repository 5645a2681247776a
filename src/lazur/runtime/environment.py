"""The variables of the user's processes: an allow-list of the node's, the plan's, and Azure's."""

from __future__ import annotations

import os

from lazur.runtime.attempt import Attempt
from lazur.runtime.plan import Plan, Unprepared
from lazur.runtime.values import Values

_ALLOWED = frozenset(
    (
        "PATH HOME USER LOGNAME SHELL LANG LANGUAGE TZ TMPDIR TERM LD_LIBRARY_PATH "
        "DYLD_LIBRARY_PATH JAVA_HOME CUDA_HOME SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE "
        "CURL_CA_BUNDLE HTTP_PROXY HTTPS_PROXY NO_PROXY ALL_PROXY http_proxy https_proxy "
        "no_proxy all_proxy"
    ).split()
)
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def base_variables(attempt: Attempt, values: Values) -> dict[str, str]:
    """What every process of the job has in common."""
    plan = attempt.plan
    found = {k: v for k, v in os.environ.items() if k in _ALLOWED or k.startswith("LC_")}
    found.setdefault("PATH", _PATH)
    found["PYTHONUNBUFFERED"] = "1"
    found.update(values.variables)
    found["AZUREML_OUTPUT_DIRECTORY"] = attempt.artifacts + "/outputs"
    found["AZUREML_LOGDIRECTORY_PATH"] = attempt.artifacts + "/logs"
    found["AZUREML_CR_EXECUTION_WORKING_DIR_PATH"] = attempt.wd
    found["LAZUR_RUNTIME"] = os.path.dirname(os.path.abspath(__file__))
    if plan.private.masked:
        found["LAZUR_MASKED"] = "1"
    if not plan.gpu_ids and not plan.gpus and os.path.exists("/proc/driver/nvidia"):
        found["CUDA_VISIBLE_DEVICES"] = ""
    found.update(plan.variables)
    found.update(plan.private.variables)
    found["LAZUR_ATTEMPT"] = plan.key
    found["PWD"] = attempt.wd
    if plan.environment:
        _enter(plan.environment, attempt.folder, found)
    return found


def node_variables(plan: Plan, node: int) -> dict[str, str]:
    rank = str(node)
    return {"AZUREML_CR_NODE_RANK": rank, "NODE_RANK": rank, **gpu_variables(plan, node)}


def gpu_variables(plan: Plan, node: int) -> dict[str, str]:
    """Each node has its share. Within a node all processes see all of it: they choose by
    LOCAL_RANK."""
    if not plan.gpu_ids:
        return {}
    share = max(1, len(plan.gpu_ids) // plan.nodes)
    mine = plan.gpu_ids[node * share : (node + 1) * share]
    return {"CUDA_VISIBLE_DEVICES": ",".join(map(str, mine))}


def _enter(prefix: str, folder: str, variables: dict[str, str]) -> None:
    if not os.path.exists(prefix + "/bin/python"):
        raise Unprepared("the environment in %s is no longer there: run the job again" % prefix)
    variables["PATH"] = prefix + "/bin:" + variables["PATH"]
    variables["VIRTUAL_ENV"] = prefix
    _install_aside(prefix, folder + "/packages", variables)
    variables.pop("CONDA_PREFIX", None)
    variables.pop("PYTHONHOME", None)


def _install_aside(prefix: str, aside: str, variables: dict[str, str]) -> None:
    """The environment is shared by all who use it: what `pip install` brings in a job's command
    belongs to the job, and is found before the environment's own."""
    library = prefix + "/lib"
    found = os.listdir(library) if os.path.isdir(library) else []
    versions = [name for name in found if name.startswith("python3")]
    if not versions:
        return
    packages = "%s/lib/%s/site-packages" % (aside, versions[0])
    given = variables.get("PYTHONPATH")
    variables["PIP_PREFIX"] = aside
    variables["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    variables["PATH"] = aside + "/bin:" + variables["PATH"]
    variables["PYTHONPATH"] = given + ":" + packages if given else packages
