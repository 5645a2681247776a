"""How values are chosen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lazur.v1.told import ignored


class HyperParameterSampling:
    algorithm = "random"

    def __init__(self, parameter_space: Mapping[str, Any], properties: Any = None) -> None:
        ignored(type(self).__name__, {"properties": properties})
        self.parameter_space = dict(parameter_space)


class RandomParameterSampling(HyperParameterSampling):
    """Each by chance."""


class GridParameterSampling(HyperParameterSampling):
    algorithm = "grid"


class BayesianParameterSampling(HyperParameterSampling):
    algorithm = "bayesian"
