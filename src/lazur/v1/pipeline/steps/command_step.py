"""`azureml.pipeline.steps.command_step`."""

from lazur.v1.pipeline.steps.scripts import CommandStep

__all__ = ["CommandStep"]
