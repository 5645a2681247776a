"""`azureml.pipeline.core`: for whoever submits, but for the runs of a pipeline."""

from ..._lazur.absent import absent
from .run import PipelineRun as PipelineRun
from .run import StepRun as StepRun

__getattr__ = absent("azureml.pipeline.core")
