"""`azureml.pipeline.steps.mpi_step`."""

from lazur.v1.pipeline.steps.scripts import MpiStep

__all__ = ["MpiStep"]
