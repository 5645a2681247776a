from __future__ import annotations

import pytest

from lazur.errors import NotFound
from lazur.kinds.assets import curated
from lazur.kinds.assets.curated.shelf import ALIASES


class TestGet:
    def test_latest_is_the_default(self) -> None:
        spec = curated.get("sklearn-1.5")
        assert spec["version"] == curated.labels("sklearn-1.5")["latest"]
        assert spec["description"]
        assert spec["tags"]["Python"] == "3.10"

    @pytest.mark.parametrize(
        "old, new",
        [
            ("AzureML-sklearn-1.5", "sklearn-1.5"),
            ("AzureML-lightgbm-3.3", "lightgbm-3.3"),
            ("AzureML-tensorflow-2.16-cuda12", "tensorflow-2.16-cuda12"),
            ("AzureML-acpt-pytorch-2.8-cuda12.6", "acpt-pytorch-2.8-cuda12.6"),
            ("AzureML-minimal-py311-inference", "minimal-py311-inference"),
            ("AzureML-sklearn-1.0-ubuntu20.04-py38-cpu", "sklearn-1.0"),
            ("AzureML-sklearn-0.24-ubuntu18.04-py37-cpu", "sklearn-0.24"),
            ("AzureML-lightgbm-3.2-ubuntu18.04-py37-cpu", "lightgbm-3.3"),
            ("AzureML-tensorflow-2.16-cuda11", "tensorflow-2.16-cuda12"),
            ("AzureML-tensorflow-2.4-ubuntu18.04-py37-cuda11-gpu", "tensorflow-2.4"),
            ("AzureML-tensorflow-2.7-ubuntu20.04-py38-cuda11-gpu", "tensorflow-2.7"),
            ("AzureML-tensorflow-2.12-cuda11", "tensorflow-2.12-cuda11"),
            ("acpt-pytorch-2.8", "acpt-pytorch-2.8-cuda12.6"),
        ],
    )
    def test_old_names_give_the_environment_under_its_new_one(self, old: str, new: str) -> None:
        assert curated.get(old)["name"] == new

    @pytest.mark.parametrize(
        "name, answer",
        [
            ("AzureML-sklearn-1.5", False),
            ("AzureML-sklearn-0.24-ubuntu18.04-py37-cpu", False),
            ("AzureML-acpt-pytorch-2.8-cuda12.6", False),
            ("AzureML-tensorflow-2.4-ubuntu18.04-py37-cuda11-gpu", False),
            ("AzureML-lightgbm-3.2-ubuntu18.04-py37-cpu", True),
            ("tensorflow-2.16-cuda11", True),
        ],
    )
    def test_a_name_of_another_is_told_from_an_old_form_of_it(
        self, name: str, answer: bool
    ) -> None:
        assert curated.is_alias(name) is answer

    def test_what_it_gives_can_be_changed_without_harm(self) -> None:
        curated.get("sklearn-1.5")["conda_file"]["dependencies"].clear()
        assert curated.get("sklearn-1.5")["conda_file"]["dependencies"]

    @pytest.mark.parametrize(
        "name", ["model-evaluation", "responsibleai-tabular", "AzureML-AutoML"]
    )
    def test_what_is_not_shipped_is_said_clearly(self, name: str) -> None:
        with pytest.raises(NotFound, match="not shipped") as caught:
            curated.get(name)
        assert caught.value.hint

    def test_a_slip_of_the_pen_is_corrected(self) -> None:
        with pytest.raises(NotFound) as caught:
            curated.get("sklern-1.5")
        assert "sklearn-1.5" in str(caught.value.hint)

    def test_an_unknown_version_lists_those_there_are(self) -> None:
        with pytest.raises(NotFound, match="no version 99") as caught:
            curated.get("sklearn-1.5", "99")
        assert "labels/latest" in str(caught.value.hint)

    def test_a_count_of_builds_is_served_by_what_there_is(self) -> None:
        assert curated.serving("sklearn-1.5", "29") == curated.get("sklearn-1.5")
        assert curated.serving("sklearn-1.5", "1") == curated.get("sklearn-1.5", "1")
        assert curated.serving("sklearn-1.5") == curated.get("sklearn-1.5")
        for version in ("1.2", "latest", "²"):
            with pytest.raises(NotFound):
                curated.serving("sklearn-1.5", version)

    @pytest.mark.parametrize(
        "old, new",
        [
            ("AzureML-pytorch-1.10-ubuntu18.04-py38-cuda11-gpu", "acpt-pytorch-2.8-cuda12.6"),
            ("AzureML-acpt-pytorch-1.13-py38-cuda11.7-gpu", "acpt-pytorch-2.8-cuda12.6"),
            ("AzureML-xgboost-0.9-ubuntu18.04-py37-cpu-inference", "lightgbm-3.3"),
        ],
    )
    def test_another_version_of_a_library_is_named_and_not_taken(self, old: str, new: str) -> None:
        with pytest.raises(NotFound) as caught:
            curated.get(old)
        hint = str(caught.value.hint)
        assert hint.startswith(f"It has: {new}. ")
        assert f"azureml://registries/azureml/environments/{new}/labels/latest" in hint
        assert "lazur environment create" in hint

    @pytest.mark.parametrize(
        "asked, has, nearest",
        [
            ("sklearn-0.22", "sklearn-0.24, sklearn-1.0, ", "sklearn-0.24"),
            ("AzureML-sklearn", "sklearn-0.24, ", "sklearn-1.5"),
            ("AzureML-TensorFlow-2.3-CPU", "tensorflow-2.4, tensorflow-2.7, ", "tensorflow-2.4"),
            ("AzureML-tensorflow-2.8-cuda11", "tensorflow-2.4, ", "tensorflow-2.7"),
            ("AzureML-TensorFlow2.5-Cuda11-OpenMpi4.1.0-py36", "tensorflow-2.4", "tensorflow-2.4"),
            ("AzureML-minimal-py312-cpu-inference", "minimal-py311", "minimal-py312-inference"),
            ("tensorflow-2.14-cuda12", "tensorflow-2.4, ", "tensorflow-2.16-cuda12"),
        ],
    )
    def test_of_several_the_nearest_version_is_the_one_to_write(
        self, asked: str, has: str, nearest: str
    ) -> None:
        with pytest.raises(NotFound) as caught:
            curated.get(asked)
        hint = str(caught.value.hint)
        assert hint.startswith(f"It has: {has}")
        assert f"environments/{nearest}/labels/latest" in hint

    def test_of_what_resembles_none_all_are_named(self) -> None:
        with pytest.raises(NotFound) as caught:
            curated.get("AzureML-Tutorial")
        assert caught.value.hint == f"It has: {', '.join(curated.names())}."

    def test_every_alias_leads_somewhere(self) -> None:
        for alias in ALIASES:
            assert curated.canonical(alias) in curated.names()
