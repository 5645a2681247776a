"""jobs/parallel: tables cut by size and by keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.journeys.conftest import Person
from tests.published.conftest import Examples, steps
from tests.published.taxi import rows

pytestmark = [pytest.mark.published, pytest.mark.slow]

IRIS = "jobs/parallel/2a_iris_batch_prediction"
DIGITS = "jobs/parallel/3a_mnist_batch_identification"
SALES = "jobs/parallel/1a_oj_sales_prediction"
CUT = 10 * 1024
"""`mini_batch_size` of the iris."""


def mini_batches(person: Person, name: str) -> list[dict[str, Any]]:
    found = person.ok("job", "mini-batches", "-n", name)
    assert {batch["status"] for batch in found} == {"done"}
    return found


class TestIris:
    def test_each_row_is_predicted_once(self, examples: Examples) -> None:
        person = examples.at(IRIS)
        (table,) = (examples.cli / IRIS / "neural-iris-mltable").glob("*.csv")
        given = rows(table)
        (step,) = steps(person, person.run("pipeline.yml")).values()
        assert step["status"] == "Completed"
        batches = mini_batches(person, step["job"])
        assert sum(batch["items"] for batch in batches) == len(given)
        assert len(batches) >= table.stat().st_size // (2 * CUT)
        results = examples.results_of(person, step["job"])
        lines = results["named-outputs/job_output_file/aggregated_returns.csv"].read_text()
        made = [line.split(" ") for line in lines.splitlines()]
        first = [[float(value) for value in list(row.values())[:4]] for row in given]
        assert sorted([float(value) for value in row[:4]] for row in made) == sorted(first)
        kinds = {row[4] for row in made}
        assert {len(row) for row in made} == {5}
        assert 1 < len(kinds) <= 3


class TestSales:
    @pytest.mark.parametrize("file", ["pipeline.yml", "pipeline_with_parallel_component.yml"])
    def test_each_store_and_brand_gets_a_model(self, examples: Examples, file: str) -> None:
        person = examples.at(SALES)
        # The README of these examples wants a cluster of four; the second file takes three.
        person.ok("compute", "update", "-n", "cpu-cluster", "--max-instances", "4")
        given = rows(examples.cli / SALES / "oj_sales_data" / "oj_sales_data.csv")
        ran = steps(person, person.run(file))
        assert {step: job["status"] for step, job in ran.items()} == {
            "partition_job": "Completed",
            "parallel_train": "Completed",
        }
        name = ran["parallel_train"]["job"]
        # As the partition's folders are called.
        keys = {(row["Store"], row["Brand"].replace(".", "_")) for row in given}
        batches = mini_batches(person, name)
        assert {(batch["key"]["Store"], batch["key"]["Brand"]) for batch in batches} == keys
        assert len(batches) == len(keys)
        assert sum(batch["items"] for batch in batches) == len(given)
        results = examples.results_of(person, name)
        models = {path for path in results if path.startswith("named-outputs/")}
        assert models == {
            f"named-outputs/model_folder/{store}/{brand}/my_model.pkl" for store, brand in keys
        }


class TestDigits:
    @pytest.mark.parametrize("file", ["pipeline.yml", "pipeline-with-parallel-component.yml"])
    def test_each_picture_is_told_in_batches_of_five(self, examples: Examples, file: str) -> None:
        """Python 3.7 and TensorFlow 1, on pictures that its first step fetches."""
        person = examples.at(DIGITS)
        ran = steps(person, person.run(file))
        made = examples.results_of(person, ran["prepare_data"]["job"])
        pictures = {Path(path).name for path in made if path.startswith("named-outputs/")}
        batches = mini_batches(person, ran["predict_digits_mnist"]["job"])
        assert sorted({batch["items"] for batch in batches[:-1]}) == [5]
        assert sum(batch["items"] for batch in batches) == len(pictures)
        results = examples.results_of(person, ran["predict_digits_mnist"]["job"])
        lines = results["named-outputs/job_output_file/aggregated_returns.csv"].read_text()
        told = dict(line.split(": ") for line in lines.splitlines())
        assert set(told) == pictures
        assert set(told.values()) <= set("0123456789")
