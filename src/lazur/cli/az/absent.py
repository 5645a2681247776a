"""What Azure's command line has and this one has not, said by name before anything is parsed: its
options are not known here."""

from __future__ import annotations

from lazur.cli.failures import ERROR, PARSER

_ML = {
    "batch-deployment": "Batch endpoints are",
    "batch-endpoint": "Batch endpoints are",
    "capability-host": "Capability hosts are",
    "deployment-template": "Deployment templates are",
    "feature-set": "Feature stores are",
    "feature-store": "Feature stores are",
    "feature-store-entity": "Feature stores are",
    "index": "Indexes are",
    "marketplace-subscription": "Marketplace subscriptions are",
    "online-deployment": "Online endpoints are",
    "online-endpoint": "Online endpoints are",
    "serverless-endpoint": "Serverless endpoints are",
}
_VERBS = {
    "compute attach": "Attached computes are",
    "compute connect-ssh": "Connecting to computes by SSH is",
    "compute detach": "Attached computes are",
    "compute enable-sso": "Single sign-on of compute instances is",
    "compute list-nodes": "Listing a compute's nodes is",
    "compute list-sizes": "Sizes of virtual machines are",
    "compute list-usage": "Azure's usage limits are",
    "compute resize": "Resizing a compute is",
    "data list-materialization-status": "Materialization is",
    "data mount": "Mounting is",
    "datastore mount": "Mounting is",
    "job connect-ssh": "Connecting to jobs by SSH is",
    "model package": "Model packages are",
    "workspace diagnose": "Diagnosing a workspace is",
    "workspace list-keys": "Keys of a workspace's storage are",
    "workspace outbound-rule": "Managed networks are",
    "workspace provision-network": "Managed networks are",
    "workspace sync-keys": "Keys of a workspace's storage are",
}


def told(words: list[str], known: set[str], ml: set[str]) -> tuple[str, int] | None:
    """What to say of the command that begins with these words, and the exit code. `known` are the
    groups and commands there are, `ml` those of `az ml`."""
    first, second = (*words, "", "")[:2]
    if first and first not in known:
        there = ", ".join(sorted(known))
        return f"'{first}' is not in Lazur's az: it has {there}.", PARSER
    if first != "ml" or not second:
        return None
    what = _ML.get(second) or _VERBS.get(" ".join(words[1:3]))
    if what:
        return f"'az {' '.join(words[:3])}' is not in Lazur's az: {what} not there yet.", ERROR
    if second not in ml:
        there = ", ".join(sorted(ml))
        return f"'{second}' is not in Lazur's az ml: it has {there}.", PARSER
    return None
