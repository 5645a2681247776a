"""Sweeps: that of jobs/basics, and that of LightGBM on the flowers of iris."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sklearn.datasets import load_iris

from tests.journeys.conftest import Person
from tests.published.conftest import Examples

pytestmark = [pytest.mark.published, pytest.mark.slow]

COLUMNS = "sepal_length,sepal_width,petal_length,petal_width,species"


@pytest.fixture
def iris(tmp_path: Path) -> Path:
    """What the example reads from the network."""
    flowers: Any = load_iris()
    lines = [
        ",".join([*(f"{value:.1f}" for value in row), flowers.target_names[kind]])
        for row, kind in zip(flowers.data, flowers.target, strict=True)
    ]
    file = tmp_path / "iris.csv"
    file.write_text("\n".join([COLUMNS, *lines, ""]))
    return file


class TestSweeps:
    def test_the_trial_with_the_smallest_metric_is_the_best(self, examples: Examples) -> None:
        person = examples.at("jobs/basics")
        name = person.run("hello-sweep.yml")
        trials = ended(person, name, 4)
        for trial in trials:
            assert trial["values"]["B"] in ("hello", "world", "hello_world")
            assert 0.1 <= trial["values"]["C"] <= 1.0
            said = person.log(trial["name"]).splitlines()
            assert said[0] == "A: 0.5"
            assert said[1] == f"B: {trial['values']['B']}"
            assert float(said[2].removeprefix("C: ")) == pytest.approx(trial["values"]["C"])
        best_is_smallest(person, name, trials)

    def test_the_last_value_of_a_metric_of_many_rounds_counts(
        self, examples: Examples, iris: Path
    ) -> None:
        person = examples.at("jobs/single-step/lightgbm/iris")
        few = ("limits.max_total_trials=4", "limits.max_concurrent_trials=2")
        given = (f"inputs.iris_csv.path={iris}", *few)
        name = person.run("job-sweep.yml", "--set", *given)
        trials = ended(person, name, 4)
        for trial in trials:
            assert trial["values"]["boosting"] in ("gbdt", "dart")
            assert 0.01 <= trial["values"]["learning_rate"] <= 0.9
            # 16 rounds of boosting; all flowers alike would be 1.0986, the logarithm of 3.
            assert 0 < trial["score"] < 1.0986
            metrics = person.ok("run", "show", "-n", trial["name"], "-o", "json")["metrics"]
            assert metrics["test-multi_logloss"] == pytest.approx(trial["score"])
        best_is_smallest(person, name, trials)


def ended(person: Person, name: str, count: int) -> list[dict[str, Any]]:
    trials = person.ok("job", "trials", "-n", name)
    assert [trial["status"] for trial in trials] == ["Completed"] * count
    return trials


def best_is_smallest(person: Person, name: str, trials: list[dict[str, Any]]) -> None:
    best = min(trials, key=lambda trial: trial["score"])
    assert [trial["name"] for trial in trials if trial["best"]] == [best["name"]]
    properties = person.ok("job", "show", "-n", name)["properties"]
    assert properties["best_child_run_id"] == best["name"]
    assert float(properties["score"]) == pytest.approx(best["score"])
