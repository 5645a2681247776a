"""`azureml.data.dataset_consumption_config`."""

from __future__ import annotations

from typing import Any

from lazur.v1.core.places import Consumed
from lazur.v1.pipeline.core.graph import ParameterData, PipelineParameter


class DatasetConsumptionConfig:
    """Data and the name that a script knows them by; the data may be a pipeline's parameter."""

    def __new__(
        cls, name: str, dataset: Any, mode: str = "direct", path_on_compute: str | None = None
    ) -> Any:
        if isinstance(dataset, PipelineParameter):
            return ParameterData(name, dataset)
        made: Consumed = dataset.as_named_input(name)
        return made.as_download() if mode == "download" else made
