"""jobs/pipelines-with-components/pipeline_with_pipeline_component: pipelines within pipelines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.conftest import Person
from tests.published.conftest import Examples, steps
from tests.published.taxi import needs_order, only, r2

pytestmark = [pytest.mark.published, pytest.mark.slow]

ROOM = "jobs/pipelines-with-components/pipeline_with_pipeline_component"
BRANCHES = ("train_and_evaluate_model1", "train_and_evaluate_model2")
COMPARED = ["Model #1", "Evaluation #1", "Model #2", "Evaluation #2", "Best model path"]


def leaves(person: Person, name: str, within: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Steps that are no pipelines themselves, by their path."""
    for step, job in steps(person, name).items():
        if job["type"] == "pipeline":
            yield from leaves(person, job["job"], f"{within}{step}.")
        else:
            yield f"{within}{step}", job


class TestNested:
    def test_one_component_trains_twice_and_the_models_are_compared(
        self, examples: Examples
    ) -> None:
        person = examples.at(f"{ROOM}/pipeline_with_train_eval_pipeline_component")
        name = person.run("pipeline.yml")
        ran = dict(leaves(person, name))
        parts = ("train_job", "score_job", "evaluate_job")
        expected = {"compare", *(f"{branch}.{part}" for branch in BRANCHES for part in parts)}
        assert {step: job["status"] for step, job in ran.items()} == dict.fromkeys(
            expected, "Completed"
        )
        for branch, rate in zip(BRANCHES, ("0.1", "0.01"), strict=True):
            log = person.log(ran[f"{branch}.train_job"]["job"])
            assert f"Learning rate: {rate}\n" in log
            assert "Max epocs: 20\n" in log
            assert "Learning rate: time-based\n" in log
        results = examples.results_of(person, name)
        compared = {path: file.read_text() for path, file in results.items()}
        assert sorted(compared) == [
            "named-outputs/pipeline_job_best_model/model",
            "named-outputs/pipeline_job_best_result/result",
        ]
        for text in compared.values():
            assert [line.partition(":")[0] for line in text.splitlines()] == COMPARED
        models = {self.scored(examples, person, ran, branch) for branch in BRANCHES}
        assert len(models) == 2

    def scored(self, examples: Examples, person: Person, ran: dict[str, Any], branch: str) -> str:
        """The model of a branch, which is what it has scored."""
        trained = examples.results_of(person, ran[f"{branch}.train_job"]["job"])
        scored = examples.results_of(person, ran[f"{branch}.score_job"]["job"])
        model = trained["named-outputs/model_output/model.txt"].read_text()
        assert model in scored["named-outputs/score_output/score.txt"].read_text()
        return model

    def test_data_and_training_are_pipelines_of_their_own(
        self, examples: Examples, published_home: Path
    ) -> None:
        """It gives its `data_pipeline` an input that this has not, as Azure's client lets it."""
        person = examples.at(f"{ROOM}/nyc_taxi_data_regression_with_pipeline_component")
        needs_order(published_home.parent / "nested")
        name = person.run("pipeline.yml")
        assert {step: job["status"] for step, job in leaves(person, name)} == {
            "data_pipeline.prep_job": "Completed",
            "data_pipeline.transform_job": "Completed",
            "train_pipeline.train_job": "Completed",
            "train_pipeline.predict_job": "Completed",
            "train_pipeline.score_job": "Completed",
        }
        results = examples.results_of(person, name)
        assert "named-outputs/pipeline_job_trained_model/MLmodel" in results
        assert 0.7 < r2(only(results, "score.txt").read_text()) < 1
