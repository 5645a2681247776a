"""What of `mlflow.genai` needs no model of anybody's."""

from __future__ import annotations

from typing import Any

import mlflow
from mlflow.genai.scorers import Guidelines

from tests.conformance.scene import Scene

_SCORER = '{"name": "polite", "mlflow_version": "3.0.0", "serialization_version": 1}'


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


def sampled(scene: Scene) -> None:
    """Which scorers look at traces as they come."""
    experiment = scene.experiment()
    asked = {"experiment_id": experiment, "name": "polite", "serialized_scorer": _SCORER}
    path = "3.0/mlflow/scorers"
    made = scene.api("POST", f"{path}/register", asked).get("scorer_id")
    scene.api("GET", f"{path}/versions", {"experiment_id": experiment, "name": "polite"})
    rate = {"experiment_id": experiment, "name": "polite", "sample_rate": 0.5}
    scene.api("PUT", f"{path}/online-config", rate)
    scene.api("PUT", f"{path}/online-config", {**rate, "sample_rate": 2})
    scene.api("GET", f"{path}/online-configs", {"scorer_ids": made})


def ensemble(scene: Scene) -> None:
    """Of scorers; it is put together by the client and asks nobody."""
    parts = [Guidelines(name="kind", guidelines="Be kind."), Guidelines(name="b", guidelines="B.")]
    offered = scene.mlflow.genai.make_scorer_ensemble
    scene.note("name", offered(name="both", scorers=parts, ensemble_fn="agg_all").name)


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
