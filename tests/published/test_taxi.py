"""The taxi fares: five steps that clean, join, train, predict and score. With steps inline, with
components, and as one step alone."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.conftest import Person
from tests.published.conftest import Examples, steps
from tests.published.taxi import RAW, needs_order, only, r2, rows

pytestmark = [pytest.mark.published, pytest.mark.slow]

INLINE = "jobs/pipelines/nyc-taxi"
COMPONENTS = "jobs/pipelines-with-components/nyc_taxi_data_regression"
STEPS = ("prep_job", "transform_job", "train_job", "predict_job", "score_job")


def completed(person: Person, name: str) -> dict[str, Any]:
    """Its steps, all of which have run to their end."""
    found = steps(person, name)
    assert {step: job["status"] for step, job in found.items()} == dict.fromkeys(
        STEPS, "Completed"
    )
    return found


class TestTaxi:
    def test_steps_inline(self, examples: Examples, published_home: Path) -> None:
        person = examples.at(INLINE)
        needs_order(published_home.parent / "inline")
        raw = sum(len(rows(examples.cli / INLINE / "data" / name)) for name in RAW)
        made = completed(person, person.run("pipeline.yml"))
        results = {step: examples.results_of(person, job["job"]) for step, job in made.items()}
        clean = rows(only(results["transform_job"], "transformed_data.csv"))
        assert raw / 2 < len(clean) < raw
        assert all(float(row["distance"]) > 0 and float(row["cost"]) > 0 for row in clean)
        held_back = rows(only(results["train_job"], "test_data.csv"))
        assert len(held_back) == math.ceil(0.3 * len(clean))
        predicted = rows(only(results["predict_job"], "predictions.csv"))
        costs = [float(row["cost"]) for row in held_back]
        assert [float(row["actual_cost"]) for row in predicted] == costs
        assert 0.7 < r2(only(results["score_job"], "score.txt").read_text()) < 1
        run = person.ok("run", "show", "-n", made["train_job"]["job"], "-o", "json")
        assert 0.7 < run["metrics"]["training_r2_score"] < 1

    def test_components(self, examples: Examples, published_home: Path) -> None:
        person = examples.at(COMPONENTS)
        needs_order(published_home.parent / "components")
        name = person.run("pipeline.yml")
        completed(person, name)
        results = examples.results_of(person, name)
        assert "mlflow.sklearn" in only(results, "MLmodel").read_text()
        assert all(row["predicted_cost"] for row in rows(only(results, "predictions.csv")))
        assert 0.7 < r2(only(results, "score.txt").read_text()) < 1


class TestTraining:
    def test_alone(self, examples: Examples) -> None:
        person = examples.at(COMPONENTS)
        given = examples.at(f"{COMPONENTS}/data_transformed").folder
        (data,) = (rows(path) for path in given.iterdir() if path.is_file())
        (step,) = steps(person, person.run("single-job-pipeline.yml")).values()
        assert step["status"] == "Completed"
        results = examples.results_of(person, step["job"])
        assert len(rows(only(results, "test_data.csv"))) == math.ceil(0.2 * len(data))
        assert "named-outputs/model_output/MLmodel" in results
