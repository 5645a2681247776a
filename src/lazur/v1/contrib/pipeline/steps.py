"""`azureml.contrib.pipeline.steps`: where parallel steps began."""

from lazur.v1.pipeline.steps import ParallelRunConfig, ParallelRunStep

__all__ = ["ParallelRunConfig", "ParallelRunStep"]
