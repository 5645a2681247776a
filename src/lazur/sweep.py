"""`from lazur.sweep import Uniform`, as `from azure.ai.ml.sweep import Uniform`."""

from __future__ import annotations

from lazur.sdk.search_space import (
    BanditPolicy,
    BayesianSamplingAlgorithm,
    Choice,
    GridSamplingAlgorithm,
    LogNormal,
    LogUniform,
    MedianStoppingPolicy,
    Normal,
    Objective,
    QLogNormal,
    QLogUniform,
    QNormal,
    QUniform,
    Randint,
    RandomSamplingAlgorithm,
    SamplingAlgorithm,
    SweepJobLimits,
    TruncationSelectionPolicy,
    Uniform,
)
from lazur.sdk.sweeps import SweepJob

__all__ = [
    "SweepJob",
    "SweepJobLimits",
    "Choice",
    "Normal",
    "LogNormal",
    "QNormal",
    "QLogNormal",
    "Randint",
    "Uniform",
    "QUniform",
    "LogUniform",
    "QLogUniform",
    "BanditPolicy",
    "MedianStoppingPolicy",
    "TruncationSelectionPolicy",
    "SamplingAlgorithm",
    "RandomSamplingAlgorithm",
    "GridSamplingAlgorithm",
    "BayesianSamplingAlgorithm",
    "Objective",
]
