"""The example of many models, as its page says: trained, registered, used."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.journeys.conftest import Person

EXAMPLE = Path(__file__).parents[2] / "examples" / "many_models"

pytestmark = [pytest.mark.slow, pytest.mark.network]


@pytest.fixture
def project(person: Person) -> Person:
    """Four shops with five products each."""
    shutil.copytree(EXAMPLE, person.folder, dirs_exist_ok=True)
    make = [sys.executable, "make_data.py", "4", "5"]
    subprocess.run(make, cwd=person.folder, check=True)
    return person


class TestExample:
    def test_a_model_for_each_series_is_trained_registered_and_used(self, project: Person) -> None:
        name = project.run("pipeline.yml")
        models = project.ok("model", "list", "--tag", "made_by=many_models")
        names = {f"sales-{shop}-p{product}" for shop in range(1, 5) for product in range(1, 6)}
        assert {model["name"] for model in models} == names
        found = project.ok("model", "show", "-n", "sales-3-p2")
        assert found["tags"] == {"Shop": "3", "Product": "p2", "made_by": "many_models"}
        assert found["job_name"] == f"{name}_train"
        assert float(found["properties"]["metrics.rmse"]) > 0
        assert project.ok("model", "show", "-n", "many-series")["type"] == "custom_model"
        self._check_forecasts(project.download(name))

    def test_again_is_once(self, project: Person) -> None:
        first = project.run("pipeline.yml")
        before = project.ok("model", "show", "-n", "sales-1-p1")["version"]
        again = project.run("pipeline.yml")
        assert project.ok("model", "show", "-n", "sales-1-p1")["version"] == before
        log = project.log(f"{again}_register")
        assert "20 models: 0 new, 20 as they were" in log
        assert first != again

    def _check_forecasts(self, files: dict[str, str]) -> None:
        text = next(text for path, text in files.items() if "forecasts" in path)
        rows = list(csv.DictReader(text.splitlines()))
        assert len(rows) == 4 * 5 * 4
        assert {(row["Shop"], row["Product"]) for row in rows} == {
            (str(shop), f"p{product}") for shop in range(1, 5) for product in range(1, 6)
        }
        assert all(float(row["Sold"]) == float(row["Sold"]) for row in rows)
