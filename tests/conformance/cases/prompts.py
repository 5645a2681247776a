"""Prompts, which are registered models of a kind of their own."""

from __future__ import annotations

import mlflow

from tests.conformance.scene import Scene


def life(scene: Scene) -> None:
    client = scene.client
    name = scene.name
    client.create_prompt(name, description="greets", tags={"a": "1"})
    client.create_prompt_version(name, "Hello {{who}}", description="first", tags={"v": "1"})
    client.create_prompt_version(
        name, [{"role": "user", "content": "Hi {{who}}"}], model_config={"temperature": 0.5}
    )
    client.get_prompt(name)
    client.get_prompt("absent")
    client.get_prompt_version(name, "1")
    client.get_prompt_version(name, 2)
    with scene.judged():
        client.get_prompt_version(name, 9)
    client.set_prompt_tag(name, "b", "2")
    client.delete_prompt_tag(name, "a")
    client.set_prompt_version_tag(name, "1", "w", "3")
    client.delete_prompt_version_tag(name, "1", "v")
    client.set_prompt_alias(name, "production", 1)
    client.get_prompt_version_by_alias(name, "production")
    client.load_prompt(f"prompts:/{name}@production")
    client.load_prompt(name, version=2)
    client.load_prompt("absent", allow_missing=True)
    client.parse_prompt_uri(f"prompts:/{name}/1")
    client.delete_prompt_alias(name, "production")
    with scene.judged():
        client.get_prompt_version_by_alias(name, "production")
    with scene.judged():
        client.delete_prompt(name)
    for version in ("1", "2"):
        with scene.judged():
            client.delete_prompt_version(name, version)
    with scene.judged():
        client.delete_prompt(name)
    client.get_prompt(name)


def search(scene: Scene) -> None:
    client = scene.client
    for number in range(5):
        client.register_prompt(
            f"{scene.name}-{number}", f"prompt {number}", tags={"n": str(number % 2)}
        )
    client.register_prompt(f"{scene.name}-0", "again")
    ours = f"name LIKE '{scene.name}-%'"
    client.search_prompts(ours)
    client.search_prompts(f"{ours} AND tags.n = '1'")
    token = None
    for _ in range(3):
        page = client.search_prompts(ours, max_results=2, page_token=token)
        token = page.token
    with scene.judged():
        client.search_prompts("nothing = 'x'")
    with scene.judged():
        client.search_prompt_versions(f"{scene.name}-0")
    scene.mlflow.search_prompts(ours)
    scene.mlflow.genai.search_prompts(ours)


def links(scene: Scene) -> None:
    """Of runs, models and traces to the prompts that they used."""
    client = scene.client
    experiment = scene.experiment()
    run = scene.run(experiment)
    model = client.create_logged_model(experiment, name="m", source_run_id=run)
    prompt = client.register_prompt(scene.name, "Hello {{who}}", commit_message="first")
    client.link_prompt_version_to_run(run, prompt)
    client.link_prompt_version_to_model(scene.name, "1", model.model_id)
    client.get_logged_model(model.model_id)
    client.get_run(run)
    with scene.judged():
        client.list_logged_prompts(run)
    root = client.start_trace("t", experiment_id=experiment)
    client.end_trace(root.trace_id)
    client.link_prompt_versions_to_trace([prompt], root.trace_id)
    client.get_trace(root.trace_id)
    with scene.judged():
        client.detach_prompt_from_run(run, f"prompts:/{scene.name}/1")
    client.get_run(run)


def fluent(scene: Scene) -> None:
    for part, offered in (("plain", scene.mlflow), ("genai", scene.mlflow.genai)):
        name = f"{scene.name}-{part}"
        offered.register_prompt(name, "Hello {{who}}", commit_message="first", tags={"a": "1"})
        offered.register_prompt(
            name, "Hi {{who}}", response_format={"type": "object", "properties": {}}
        )
        offered.set_prompt_alias(name, "best", 2)
        offered.load_prompt(f"prompts:/{name}@best")
        offered.load_prompt(name, version=1, cache_ttl_seconds=0)
        offered.delete_prompt_alias(name, "best")
    genai = scene.mlflow.genai
    name = f"{scene.name}-genai"
    genai.set_prompt_tag(name, "k", "v")
    genai.get_prompt_tags(name)
    genai.delete_prompt_tag(name, "k")
    genai.set_prompt_version_tag(name, 1, "k", "v")
    genai.delete_prompt_version_tag(name, 1, "k")
    genai.set_prompt_model_config(name, 1, {"model_name": "m", "temperature": 0.1})
    genai.load_prompt(name, version=1, cache_ttl_seconds=0)
    genai.delete_prompt_model_config(name, 1)
    with mlflow.start_run(run_name="a run"):
        genai.load_prompt(name, version=1)


def refusals(scene: Scene) -> None:
    client = scene.client
    for name in ("", "a/b", "a b", "é", "x" * 300):
        with scene.judged():
            client.register_prompt(name, "text")
    client.register_prompt(scene.name, "text")
    with scene.judged():
        client.create_prompt(scene.name)
    with scene.judged():
        client.create_prompt_version("absent", "text")
    with scene.judged():
        client.load_prompt("prompts:/absent/1")
    with scene.judged():
        client.set_prompt_alias(scene.name, "latest", 1)
    with scene.judged():
        client.set_prompt_alias(scene.name, "a", 9)
    client.create_registered_model(f"{scene.name}-model")
    with scene.judged():
        client.register_prompt(f"{scene.name}-model", "text")
    with scene.judged():
        client.create_registered_model(scene.name)
    with scene.judged():
        client.get_registered_model(scene.name)
