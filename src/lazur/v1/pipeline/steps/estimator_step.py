"""`azureml.pipeline.steps.estimator_step`."""

from lazur.v1.pipeline.steps.scripts import EstimatorStep

__all__ = ["EstimatorStep"]
