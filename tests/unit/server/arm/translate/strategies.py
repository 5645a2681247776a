"""Jobs as YAML has them, of everything that Azure's wire has words for, too."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from lazur.server.arm.address import Place
from lazur.server.arm.ids import Ids

IDS = Ids(Place("0000", "lazur", "default"))
names = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True).filter(
    lambda name: name not in {"default", "type", "value"}
)
words = st.text("abc xyz0123-_.:/äß", min_size=1, max_size=12)
digests = st.text("0123456789abcdef", min_size=64, max_size=64)
texts = st.dictionaries(names, words, max_size=3)
seconds = st.integers(1, 1_000_000)
numbers = st.integers(1, 50)
trees = digests.map(lambda digest: f"tree:{digest}")
assets = st.one_of(
    st.builds(lambda name, n: f"azureml:{name}:{n}", names, numbers),
    st.builds(lambda name: f"azureml:{name}@latest", names),
)
shared = st.builds(
    lambda room, name, n: f"azureml://registries/{room}/environments/{name}/versions/{n}",
    names,
    names,
    numbers,
)
places = st.one_of(
    st.builds(lambda store, path: f"azureml://datastores/{store}/paths/{path}", names, names),
    st.builds(lambda job, name: f"azureml://jobs/{job}/outputs/{name}", names, names),
    st.builds(lambda name: f"https://example.org/{name}.csv", names),
)
computes = names.map(lambda name: f"azureml:{name}")


def some(**optional: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=optional)


kinds = st.sampled_from("uri_file uri_folder mltable custom_model mlflow_model".split())
input_modes = st.sampled_from("ro_mount rw_mount download direct eval_mount eval_download".split())
paths = st.fixed_dictionaries(
    {"type": kinds, "path": assets | places}, optional={"mode": input_modes}
)
inputs = st.dictionaries(names, words | paths, min_size=1, max_size=3)
outputs = st.dictionaries(
    names,
    st.fixed_dictionaries(
        {"type": kinds},
        optional={
            "mode": st.sampled_from(["rw_mount", "upload", "direct"]),
            "path": places,
            "name": names,
            "version": numbers.map(str),
        },
    ),
    min_size=1,
    max_size=3,
)
resources = st.fixed_dictionaries(
    {"instance_count": numbers},
    optional={
        "instance_type": words,
        "properties": st.dictionaries(names, words, min_size=1, max_size=2),
        "shm_size": st.just("2g"),
        "docker_args": words | st.lists(words, min_size=1, max_size=2),
        "locations": st.lists(words, min_size=1, max_size=2),
        "max_instance_count": numbers,
    },
)
distributions = st.one_of(
    st.builds(lambda n: {"type": "pytorch", "process_count_per_instance": n}, numbers),
    st.builds(lambda n: {"type": "mpi", "process_count_per_instance": n}, numbers),
    st.builds(
        lambda n: {"type": "tensorflow", "worker_count": n, "parameter_server_count": 1}, numbers
    ),
    st.just({"type": "ray", "port": 1, "include_dashboard": True}),
)
queues = st.fixed_dictionaries(
    {"priority": st.sampled_from(["low", "medium", "high"])},
    optional={"job_tier": st.sampled_from(["spot", "basic", "standard", "premium"])},
)
identities = st.one_of(
    st.just({"type": "user_identity"}),
    st.just({"type": "aml_token"}),
    st.builds(
        lambda word: {"type": "managed_identity", "client_id": word, "msi_resource_id": word},
        words,
    ),
)
services = st.dictionaries(
    names,
    st.fixed_dictionaries(
        {"type": st.sampled_from("jupyter_lab ssh tensor_board vs_code custom".split())},
        optional={
            "port": numbers,
            "nodes": st.just("all"),
            "log_dir": words,
            "ssh_public_keys": words,
            "properties": st.dictionaries(names, words, min_size=1, max_size=2),
        },
    ),
    min_size=1,
    max_size=2,
)
how = {
    "resources": resources,
    "limits": seconds.map(lambda n: {"timeout": n}),
    "distribution": distributions,
    "queue_settings": queues,
    "identity": identities,
    "services": services,
}
notes = {
    "display_name": words,
    "description": words,
    "experiment_name": words,
    "tags": st.dictionaries(names, words, min_size=1, max_size=3),
    "properties": st.dictionaries(names, words, min_size=1, max_size=3),
}
variables = st.dictionaries(names, words, min_size=1, max_size=2)
run = {"code": trees | assets, "environment_variables": variables}
commands = st.fixed_dictionaries(
    {
        "type": st.just("command"),
        "name": names,
        "command": words,
        "environment": assets | shared,
    },
    optional={**run, **how, **notes, "inputs": inputs, "outputs": outputs, "compute": computes},
)
floats = st.floats(0.5, 9, allow_nan=False)
plain_laws = st.one_of(
    st.builds(lambda n: {"type": "randint", "upper": n}, numbers),
    st.builds(
        lambda word, low: {"type": word, "min_value": low, "max_value": low + 1},
        st.sampled_from(["uniform", "loguniform"]),
        floats,
    ),
    st.builds(
        lambda word, low: {"type": word, "min_value": low, "max_value": low + 1, "q": 1},
        st.sampled_from(["quniform", "qloguniform"]),
        floats,
    ),
    st.builds(
        lambda word, mu: {"type": word, "mu": mu, "sigma": 1},
        st.sampled_from(["normal", "lognormal"]),
        floats,
    ),
    st.builds(
        lambda word, mu: {"type": word, "mu": mu, "sigma": 1, "q": 2},
        st.sampled_from(["qnormal", "qlognormal"]),
        floats,
    ),
)
choices = st.builds(
    lambda values: {"type": "choice", "values": values},
    st.lists(words | numbers | st.dictionaries(names, plain_laws | words), min_size=1, max_size=3),
)
laws = plain_laws | choices
policies = st.one_of(
    st.just({"type": "bandit", "slack_factor": 0.1, "evaluation_interval": 2}),
    st.just({"type": "median_stopping", "delay_evaluation": 3}),
    st.just({"type": "truncation_selection", "truncation_percentage": 20}),
)
objectives = st.builds(
    lambda goal, metric: {"goal": goal, "primary_metric": metric},
    st.sampled_from(["minimize", "maximize"]),
    words,
)
sweep_limits = st.fixed_dictionaries(
    {"max_total_trials": numbers},
    optional={"timeout": seconds, "trial_timeout": seconds, "max_concurrent_trials": numbers},
)
samplings = st.one_of(
    st.sampled_from(["random", "grid", "bayesian"]),
    st.just({"type": "random", "seed": 7, "rule": "sobol", "logbase": 10}),
)
sweeps = st.fixed_dictionaries(
    {
        "type": st.just("sweep"),
        "name": names,
        "trial": st.fixed_dictionaries(
            {"command": words, "environment": assets},
            optional={**run, "distribution": distributions},
        ),
        "search_space": st.dictionaries(names, laws, min_size=1, max_size=3),
        "objective": objectives,
        "limits": sweep_limits,
        "sampling_algorithm": samplings,
    },
    optional={
        **notes,
        "early_termination": policies,
        "inputs": inputs,
        "outputs": outputs,
        "compute": computes,
        "resources": resources,
        "queue_settings": queues,
        "identity": identities,
    },
)
bound = names.map(lambda name: f"${{{{parent.inputs.{name}}}}}")
node_inputs = st.dictionaries(
    names,
    st.one_of(
        words,
        bound,
        paths,
        st.builds(lambda text, mode: {"path": text, "mode": mode}, bound, input_modes),
    ),
    min_size=1,
    max_size=3,
)
promoted = names.map(lambda name: f"${{{{parent.outputs.{name}}}}}")
node_outputs = st.dictionaries(
    names,
    st.one_of(
        promoted,
        st.builds(
            lambda text, name: {"path": text, "mode": "upload", "name": name}, promoted, names
        ),
        st.fixed_dictionaries({"type": kinds}, optional={"mode": st.just("upload")}),
    ),
    min_size=1,
    max_size=2,
)
ports = {"inputs": node_inputs, "outputs": node_outputs, "comment": words, "compute": computes}
steps = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("command"), "component": assets},
        optional={**ports, **how, "environment_variables": variables, "display_name": words},
    ),
    st.fixed_dictionaries({"type": st.just("pipeline"), "component": assets}, optional=ports),
    st.fixed_dictionaries(
        {"type": st.just("parallel"), "component": assets},
        optional={
            **ports,
            "mini_batch_size": words,
            "partition_keys": st.lists(words, min_size=1, max_size=2),
            "retry_settings": st.just({"max_retries": 2, "timeout": 60}),
            "error_threshold": numbers,
            "resources": st.just({"instance_count": 2}),
        },
    ),
    st.fixed_dictionaries(
        {
            "type": st.just("sweep"),
            "trial": assets,
            "search_space": st.dictionaries(names, laws, min_size=1, max_size=2),
            "objective": objectives,
            "limits": sweep_limits,
        },
        optional={**ports, "early_termination": policies, "sampling_algorithm": st.just("grid")},
    ),
    st.just(
        {
            "type": "if_else",
            "condition": "${{parent.jobs.a.outputs.ok}}",
            "true_block": "${{parent.jobs.b}}",
        }
    ),
    st.just({"type": "parallel_for", "body": "${{parent.jobs.a}}", "items": '[{"x": 1}]'}),
    st.just(
        {
            "type": "do_while",
            "body": "${{parent.jobs.a}}",
            "condition": "${{parent.jobs.a.outputs.ok}}",
            "mapping": {"out": ["${{parent.jobs.a.inputs.x}}"]},
            "limits": {"max_iteration_count": 3},
        }
    ),
)
pipelines = st.fixed_dictionaries(
    {"type": st.just("pipeline"), "name": names},
    optional={
        **notes,
        "jobs": st.dictionaries(names, steps, min_size=1, max_size=3),
        "inputs": inputs,
        "outputs": outputs,
        "identity": identities,
        "settings": some(
            default_compute=computes,
            default_datastore=computes,
            force_rerun=st.booleans(),
            continue_on_step_failure=st.booleans(),
        ).filter(bool),
    },
)
