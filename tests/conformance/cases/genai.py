"""What of `mlflow.genai` needs no model of anybody's."""

from __future__ import annotations

from typing import Any

import mlflow
from mlflow.genai.scorers import Guidelines

from tests.conformance.scene import Scene


def scorers(scene: Scene) -> None:
    genai = scene.mlflow.genai
    experiment = scene.mlflow.set_experiment(scene.name).experiment_id
    judge = genai.make_judge("polite", "Is {{ outputs }} polite?", model="openai:/gpt-4o-mini")
    with scene.judged():
        judge.register(experiment_id=experiment)
    with scene.judged():
        Guidelines(name="kind", guidelines="Be kind.").register(experiment_id=experiment)
    with scene.judged():
        genai.list_scorers(experiment_id=experiment)
    for name in ("polite", "kind", "absent"):
        with scene.judged():
            genai.get_scorer(name=name, experiment_id=experiment)
        with scene.judged():
            genai.delete_scorer(name=name, experiment_id=experiment, version="all")
    with scene.judged():
        genai.list_scorers(experiment_id=experiment)


def evaluation(scene: Scene) -> None:
    """By a scorer that is a plain function."""
    genai = scene.mlflow.genai
    scene.mlflow.set_experiment(scene.name)

    @genai.scorer
    def same(outputs: str, expectations: dict[str, str]) -> bool:
        return outputs == expectations["answer"]

    rows = [
        {"inputs": {"q": "one"}, "outputs": "1", "expectations": {"answer": "1"}},
        {"inputs": {"q": "two"}, "outputs": "3", "expectations": {"answer": "2"}},
    ]
    with scene.unheard():
        found = genai.evaluate(data=rows, scorers=[same])
    scene.note("metrics", found.metrics)
    with scene.unheard():
        traces: Any = mlflow.search_traces(return_type="list")
    scene.note("assessed", sorted(str(t.info.assessments[0].value) for t in traces))


def versions_by_git(scene: Scene) -> None:
    """Outside a repository there is nothing to tell."""
    genai = scene.mlflow.genai
    scene.mlflow.set_experiment(scene.name)
    with scene.judged():
        genai.enable_git_model_versioning()
    genai.disable_git_model_versioning()
